"""Take the picture of the page of ``aaecli serve`` for README and site; needs Chromium and the packages of the tests.

python docs/programs/page.py           # writes docs/figures/serve.png
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from docs.programs import released
from tests.web.browser import chromium, draw, watch
from tests.web.strokes import drawing
from tests.web.test_server import running

PICTURE = Path(__file__).parents[1] / "figures" / "serve.png"
SIZE = (1180, 1000)


def take(browser, url: str) -> Image.Image:
    """Write a seven on the page, and take its picture once everything is shown."""
    watched = watch(browser, url, viewport={"width": SIZE[0], "height": SIZE[1]}, color_scheme="light")
    page = watched.page
    # The dots of the map are all there when the button that shows one of them has come and the list is complete.
    ready = "fetch('/api/v1/examples').then((answer) => answer.json()).then((found) => found.ready)"
    page.wait_for_function(ready, polling=200)
    page.reload()
    page.wait_for_selector("#example:not([hidden])")
    draw(page, drawing(7, 1))
    for panel in ("#answer-card", "#map-row", "#drawn-box"):
        page.wait_for_selector(f"{panel}:not([aria-busy=true])")
    page.mouse.move(0, 0)
    picture = Image.open(io.BytesIO(page.screenshot(animations="disabled"))).convert("RGB")
    page.context.close()
    return picture


def main() -> None:
    """Start a server with the released model, and write the picture in few colours."""
    with running(None, "--model", "exports/pretrained", "--quiet", "--no-browser") as (_, said), chromium() as browser:
        released.save(take(browser, said["url"]).quantize(128), PICTURE)


if __name__ == "__main__":
    main()
