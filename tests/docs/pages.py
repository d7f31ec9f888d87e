"""The pages of the documentation, taken apart: fenced blocks with their markers, headings, links, prose."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCS = tuple(sorted((ROOT / "docs").glob("*.md")))
PAGES = {str(path.relative_to(ROOT)): path for path in (ROOT / "README.md", *DOCS)}
"""README and docs, by their paths in the repository."""
OTHERS = {name: ROOT / name for name in ("CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")}

_FENCE = re.compile(r"^```(\w*|\{[\w-]+\})(?: [^\n]*)?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_MARKER = re.compile(r"<!-- (not run|slow): (.+?) -->")
_WRITTEN = re.compile(r"<!-- results: ([\w -]+) -->\n.*?<!-- /results -->", re.DOTALL)


@dataclass(frozen=True)
class Block:
    """A fenced block.

    Attributes:
        page: Path of its page.
        line: Line of its first fence.
        language: What stands behind the fence.
        text: What is in it.
        marker: ``not run``, ``slow`` or nothing.
        reason: What the marker says.
    """

    page: str
    line: int
    language: str
    text: str
    marker: str = ""
    reason: str = ""


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def blocks(name: str) -> list[Block]:
    """Give the fenced blocks of a page in order."""
    text, found = read((PAGES | OTHERS)[name]), []
    end = 0
    for fence in _FENCE.finditer(text):
        # A marker stands in the line above, or above the marker of a written table.
        before = [line for line in text[end : fence.start()].rstrip("\n").split("\n") if line][-2:]
        markers = [_MARKER.fullmatch(line) for line in before if line.startswith("<!-- ")]
        marker = next((marker for marker in reversed(markers) if marker), None)
        is_next = bool(before) and before[-1].startswith("<!-- ")
        line = text.count("\n", 0, fence.start()) + 1
        named = (marker[1], marker[2]) if marker and is_next else ("", "")
        if fence[1] == "{code-cell}":
            named = ("slow", "the notebook also runs whenever the site is built")
        found.append(Block(name, line, fence[1], fence[2], *named))
        end = fence.end()
    return found


def without_code(text: str) -> str:
    """Give a text without its fenced blocks, and without what stands above the heading of a notebook."""
    return _FENCE.sub("", re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL))


def prose(text: str) -> str:
    """Give what people wrote: no code, no links' targets, nothing that a program writes."""
    text = _WRITTEN.sub("", without_code(text))
    text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
    return re.sub(r"`[^`\n]*`", "`…`", re.sub(r"\]\([^)]*\)", "]", text))


def anchors(text: str) -> set[str]:
    """Give the anchors of a page's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", without_code(text), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}
