"""A real Chromium, and hands for it: mouse, finger and pen."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from tests.web.strokes import Points

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
HOW_TO_GET = "apt-get install chromium"


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@dataclass
class Watched:
    """A page, and what should not happen on it.

    Attributes:
        page: It.
        faults: Requests to another host, errors, and what the content security policy refused.
    """

    page: Page
    faults: list[str] = field(default_factory=list)


def watch(browser: Browser, url: str, **options: object) -> Watched:
    """Open a page; requests to other hosts are refused."""
    page = browser.new_context(**options).new_page()
    watched = Watched(page)
    own = urlsplit(url).netloc

    def pass_or_refuse(route) -> None:
        parts = urlsplit(route.request.url)
        if parts.netloc != own and parts.scheme not in ("data", "blob"):
            watched.faults.append(f"request to {route.request.url}")
            route.abort()
        else:
            route.continue_()

    page.route("**/*", pass_or_refuse)
    page.on("pageerror", lambda error: watched.faults.append(str(error)))
    page.on("console", lambda said: watched.faults.append(said.text) if said.type in ("error", "warning") else None)
    page.goto(url)
    return watched


def draw(page: Page, strokes: list[Points], how: str = "mouse") -> None:
    """Draw on the paper with mouse, touch or pen."""
    box = page.locator("#paper").bounding_box()
    assert box is not None
    client = page.context.new_cdp_session(page)
    for stroke in strokes:
        points = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in stroke]
        for number, (x, y) in enumerate(points):
            if how == "touch":
                kind = "touchMove" if number else "touchStart"
                client.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y}]})
                continue
            kind = "mouseMoved" if number else "mousePressed"
            more = {"pointerType": how, "button": "left", "buttons": 1, "force": 0.5, "clickCount": 1}
            client.send("Input.dispatchMouseEvent", {"type": kind, "x": x, "y": y, **more})
        if how == "touch":
            client.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
        else:
            last = {"x": points[-1][0], "y": points[-1][1], "pointerType": how, "button": "left", "clickCount": 1}
            client.send("Input.dispatchMouseEvent", {"type": "mouseReleased", **last})
    client.detach()
