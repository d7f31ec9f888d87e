"""What README and docs say of the program, held to the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aaecli.data import pictures

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["README.md", "docs/your-own-images.md"])
def test_the_formats_named_are_those_that_are_read(name):
    text = (ROOT / name).read_text(encoding="utf-8").replace("\n", " ")
    (listed,) = re.findall(r"PNG, JPEG, [\w, ]+?(?= will do|\. )", text)
    assert set(re.split(r", | or | and ", listed)) == set(pictures._FORMATS)
