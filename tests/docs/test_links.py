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


def test_each_page_is_in_a_table_of_the_front_page():
    # The site takes its navigation from these tables: a new page is a file and a row.
    listed = re.findall(r"^\| \[[^]]+\]\(([\w-]+)\.md\) \|", read(PAGES["docs/index.md"]), re.MULTILINE)
    assert len(listed) == len(set(listed))
    assert {f"docs/{name}.md" for name in listed} == {name for name in PAGES if name.startswith("docs/")} - {
        "docs/index.md"
    }


def test_the_readme_is_a_front_page_and_leads_to_the_others():
    text = read(PAGES["README.md"])
    assert len(text.splitlines()) <= 150
    assert {"docs/index.md", "docs/quickstart.md", "docs/api.md"} <= set(re.findall(r"\]\((docs/[\w-]+\.md)", text))


@pytest.mark.parametrize(
    ("heading", "anchor"), [("## What was *said*?", "what-was-said"), ("### labels.csv", "labelscsv")]
)
def test_an_anchor_is_githubs(heading, anchor):
    assert anchors(heading) == {anchor}
