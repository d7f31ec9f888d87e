"""The report: one file, nothing from the network, and nothing of a name that a browser would run."""

from __future__ import annotations

import base64
import re
from html.parser import HTMLParser

from aaecli.figures.html_report import Plate, html_report


class Page(HTMLParser):
    """Collects the tags of a page and where their attributes point."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.links, self.open = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.links += [value for name, value in attrs if name in ("src", "href")]


def test_everything_is_in_the_page():
    png = b"\x89PNG not really"
    page = html_report("run-001", {"model": "aae", "seed": "0"}, [Plate("samples", "Drawn.", png)], "seed = 0\n")
    parsed = Page(page)
    assert parsed.links == ["data:image/png;base64," + base64.b64encode(png).decode()]
    assert "script" not in parsed.tags
    assert re.findall(r"url\(|@import|https?://", page) == []
    for part in ("run-001", "<th>model</th><td>aae</td>", "<h2>Samples</h2>", "Drawn.", "seed = 0"):
        assert part in page


def test_names_are_text_and_not_markup():
    page = html_report("<script>x</script>", {"<b>": "&"}, [Plate("a<i>", '"quoted"', b"")], "<script>")
    assert "script" not in Page(page).tags
    assert "&lt;script&gt;x" in page
