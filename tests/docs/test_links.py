"""Every link inside the repository leads to a file and a heading that are there."""

from __future__ import annotations

import re

import pytest

from tests.docs.pages import OTHERS, PAGES, anchors, read, without_code

ALL = PAGES | OTHERS


@pytest.mark.parametrize("name", ALL)
def test_each_link_leads_somewhere(name):
    path = ALL[name]
    for target, anchor in re.findall(r"\]\(([^)#\s]*)(#[^)\s]+)?\)", without_code(read(path))):
        if "://" in target:
            continue
        there = (path.parent / target).resolve() if target else path
        assert there.exists(), target
        if anchor:
            assert anchor[1:] in anchors(read(there)), f"{target}{anchor}"


def test_each_page_is_linked_from_the_readme():
    linked = set(re.findall(r"\]\((docs/\w[\w-]*\.md)", read(PAGES["README.md"])))
    assert linked == {name for name in PAGES if name.startswith("docs/")}


def test_the_table_of_contents_lists_every_heading():
    text = read(PAGES["README.md"])
    headings = re.findall(r"^## (.+)$", without_code(text), re.MULTILINE)
    listed = re.findall(r"^- \[(.+?)\]\(#", text, re.MULTILINE)
    assert listed == [heading for heading in headings if heading != "Contents"]


def test_the_readme_is_a_front_page():
    assert len(read(PAGES["README.md"]).splitlines()) <= 200


@pytest.mark.parametrize(
    ("heading", "anchor"), [("## What was *said*?", "what-was-said"), ("### labels.csv", "labelscsv")]
)
def test_an_anchor_is_githubs(heading, anchor):
    assert anchors(heading) == {anchor}
