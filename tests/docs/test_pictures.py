"""The pictures of README and site are of the model that is released."""

from __future__ import annotations

from pathlib import Path

import pytest
from PIL import Image

from docs.programs import released

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize(
    ("picture", "program"),
    [("images/terminal.svg", "terminal"), ("figures/serve.png", "page"), ("generated.png", "generated")],
)
def test_a_picture_is_of_the_released_model(picture, program):
    path = DOCS / picture
    if path.suffix == ".svg":
        said = path.read_text(encoding="utf-8")
    else:
        with Image.open(path) as image:
            said = image.info.get("Comment", "")
    assert released.mark() in said, f"python docs/programs/{program}.py makes it anew"
