"""What README and docs say of the program, held to the program."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from aaecli.data.decoding import decoders
from tests.test_suggestions import parse

ROOT = Path(__file__).parents[2]
TEXTS = ["README.md", *(f"docs/{path.name}" for path in sorted((ROOT / "docs").glob("*.md")))]


@pytest.mark.parametrize("name", ["README.md", "docs/your-own-images.md"])
def test_the_formats_named_are_those_that_are_read(name):
    text = (ROOT / name).read_text(encoding="utf-8").replace("\n", " ")
    (listed,) = re.findall(r"PNG, JPEG, [\w, ]+?(?= will do|\. )", text)
    assert set(re.split(r", | or | and ", listed)) == set(decoders._FORMATS)


def commands(text):
    """Give the commands that stand on lines of their own, in pipes and between backticks."""
    lines = [re.sub(r"\s{2,}.*", "", line) for line in re.findall(r"^    (?:\$ )?(.*\baaecli .*)$", text, re.MULTILINE)]
    parts = [part for line in lines for part in re.split(r"\s*(?:\||&&|>)\s*", line)]
    inline = re.findall(r"`(aaecli [^`]+)`", re.sub(r"\n(?=\S)", " ", text))
    return [part.strip() for part in (*parts, *inline) if part.strip().startswith("aaecli ")]


@pytest.mark.parametrize("name", TEXTS)
def test_each_command_is_one_that_the_program_takes(name):
    found = commands((ROOT / name).read_text(encoding="utf-8"))
    assert found
    for command in found:
        if command not in ("aaecli --install-completion",):
            parse(re.sub(r"\[.*\]|…", "", command).replace("WHAT", "all").replace(" RUN", " x"))


@pytest.mark.parametrize("name", TEXTS)
def test_nothing_is_installed_from_an_index_that_does_not_have_it(name):
    assert not re.search(r"pip install [^`\n#]*\baaecli\b", (ROOT / name).read_text(encoding="utf-8"))
