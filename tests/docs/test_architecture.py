"""docs/architecture.md names files and functions that are there, and shows the imports as they are."""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import xml.etree.ElementTree as ET

import pytest

from tests.docs.pages import PAGES, ROOT, read
from tests.test_rooms import MAY_IMPORT

TEXT = read(PAGES["docs/architecture.md"])
ROWS = re.findall(r"^\| (.+?) \| `(.+?)` \| `(.+?)` \|$", TEXT, re.MULTILINE)


@pytest.fixture(scope="module")
def rooms():
    spec = importlib.util.spec_from_file_location("rooms", ROOT / "docs" / "programs" / "rooms.py")
    module = importlib.util.module_from_spec(spec)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(sys.modules, "rooms", module)
        spec.loader.exec_module(module)
        yield module


def names(source):
    """Give every name that a module defines or uses."""
    for node in ast.walk(ast.parse(source)):
        yield getattr(node, "name", None) or getattr(node, "id", None) or getattr(node, "attr", None)


@pytest.mark.parametrize(("what", "path", "name"), ROWS, ids=[row[0] for row in ROWS])
def test_what_a_row_names_is_there(what, path, name):
    text = (ROOT / path).read_text(encoding="utf-8")
    assert name in (names(text) if path.endswith(".py") else text.splitlines())


def test_there_are_rows_for_what_is_asked_most():
    asked = ("EMA", "Wilson", "HTML report", "parity", "resum", "decodes", "augmentation", "loss", "preset", "encoder")
    assert [word for word in asked if not any(word in what for what, _, _ in ROWS)] == []


@pytest.mark.parametrize("path", re.findall(r"^\| .+ \| `(tests/.+?)` \|$", TEXT, re.MULTILINE))
def test_each_rule_has_its_test(path):
    assert (ROOT / path).exists()


def test_the_picture_shows_the_imports_of_today(rooms):
    picture = (ROOT / "docs" / "images" / "rooms.svg").read_text(encoding="utf-8")
    assert picture == rooms.picture(), "run `python benchmarks/write_docs.py`"
    drawn = {text.text for text in ET.fromstring(picture).iter("{http://www.w3.org/2000/svg}text")}  # noqa: S314
    assert MAY_IMPORT.keys() - {"__main__", "__init__"} - rooms._EVERYWHERE <= drawn


def test_the_table_and_the_rule_agree(rooms):
    for room, others in rooms.imports().items():
        assert others & MAY_IMPORT.keys() <= MAY_IMPORT[room]
