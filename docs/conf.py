"""The site: Sphinx and Furo over the Markdown of this folder, which GitHub shows as it is.

``nox -s docs`` builds it without a network. A new page is one file, and one row of a table in index.md.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
# Where readers find the source. Without it, links to files outside this folder become plain text.
SOURCE_URL = os.environ.get("AAECLI_SOURCE_URL", "")
sys.path.insert(0, str(ROOT))

import aaecli  # noqa: E402

project = "aaecli"
author = "The aaecli authors"
project_copyright = author
version = release = aaecli.__version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon", "sphinx_copybutton"]
exclude_patterns = ["programs"]
root_doc = "index"
language = "en"
smartquotes = False  # they turn --resume into a dash and a word
nitpicky = True
# Types of Python and numpy have no page here, and no other site is fetched.
nitpick_ignore_regex = [(r"py:.*", r"(?!aaecli\b).*")]

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 4
# The notebook runs while the site is built: nothing that it shows is kept in the repository.
nb_execution_mode = "cache"
nb_execution_cache_path = str(ROOT / "build" / "notebook-cache")
nb_execution_raise_on_error = True
nb_execution_timeout = 600
nb_merge_streams = True

autodoc_member_order = "bysource"
autodoc_typehints = "description"
autodoc_typehints_description_target = "documented"
autodoc_typehints_format = "short"
autodoc_class_signature = "mixed"
autodoc_preserve_defaults = True
napoleon_use_ivar = True
# What has a name of its own in the text is called by it.
autodoc_type_aliases = {
    name: name for name in ("Pictures", "PictureLike", "Label", "Point", "Callback", "NDArray", "ArrayLike")
}

html_theme = "furo"
html_title = f"aaecli {version}"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sourcelink = False
html_show_sphinx = False
html_copy_source = False
templates_path: list[str] = []
copybutton_exclude = ".linenos, .gp, .go"

_LINK = re.compile(r"(?<!!)\[(?P<text>[^][]*)\]\((?P<path>(?!\w+:|#)[^)#\s]+)(?P<anchor>#[^)\s]*)?\)")
_WHOLE = re.compile(r"\[[^][]*\]\((?P<path>\.\./[\w-]+\.md)\)\s*")
_ROW = re.compile(r"^\| \[(?P<title>[^][]*)\]\((?P<page>[\w-]+)\.md\) \|")


def pages_of(text: str) -> Iterator[tuple[str, list[str]]]:
    """Give each heading of the front page with what the table below it lists: ``Title <page>``."""
    for part in re.split(r"^## ", text, flags=re.MULTILINE)[1:]:
        heading, _, body = part.partition("\n")
        rows = filter(None, map(_ROW.match, body.splitlines()))
        if pages := [f"{row['title']} <{row['page']}>" for row in rows]:
            yield heading.strip(), pages


def shown_files() -> dict[Path, str]:
    """Give the files of the repository that a page shows, with the page: its text is one link to the file."""
    found = {}
    for page in DOCS.glob("*.md"):
        if whole := _WHOLE.fullmatch(page.read_text(encoding="utf-8")):
            found[(DOCS / whole["path"]).resolve()] = page.stem
    return found


def relinked(text: str, folder: Path) -> str:
    """Lead the links of a Markdown text, which are relative to a folder, to pages of the site or to the source."""
    shown = shown_files() | {ROOT / "README.md": root_doc}

    def link(found: re.Match[str]) -> str:
        target, anchor = (folder / found["path"]).resolve(), found["anchor"] or ""
        if target in shown:
            return f"[{found['text']}]({shown[target]}.md{anchor})"
        if target.is_relative_to(DOCS) and target.is_file():
            return f"[{found['text']}]({target.relative_to(DOCS).as_posix()}{anchor})"
        if SOURCE_URL:
            return f"[{found['text']}]({SOURCE_URL.rstrip('/')}/{target.relative_to(ROOT).as_posix()}{anchor})"
        return found["text"]

    return _LINK.sub(link, text)


def prepare(app: Any, page: str, source: list[str]) -> None:
    """Turn the Markdown that GitHub shows into that of the site."""
    text, folder = source[0], DOCS
    if whole := _WHOLE.fullmatch(text):
        path = (DOCS / whole["path"]).resolve()
        app.env.note_dependency(str(path))
        text, folder = path.read_text(encoding="utf-8"), path.parent
    trees = ""
    if page == root_doc:
        for caption, pages in pages_of(text):
            trees += "\n".join(["", "```{toctree}", ":hidden:", f":caption: {caption}", "", *pages, "```", ""])
    source[0] = relinked(text, folder) + trees


def reword(app: Any, tree: nodes.document) -> None:
    """Call the attributes of a class by their name, and put dashes where Sphinx relies on ``smartquotes`` for them."""
    for text in list(tree.findall(nodes.Text)):
        if text == " -- ":
            text.parent.replace(text, nodes.Text(" – "))
        elif text == "Variables" and isinstance(text.parent, nodes.field_name):
            text.parent.replace(text, nodes.Text("Attributes"))


def write_notebooks(app: Any, failure: Exception | None) -> None:
    """Put each notebook beside its page as .ipynb, without outputs, to download."""
    import jupytext

    for path in DOCS.glob("*.md"):
        text = path.read_text(encoding="utf-8")
        if failure is None and text.startswith("---\njupytext:"):
            jupytext.write(jupytext.reads(text, fmt="md:myst"), Path(app.outdir, f"{path.stem}.ipynb"))


def setup(app: Any) -> dict[str, bool]:
    """Connect the steps to the build."""
    app.connect("source-read", prepare)
    app.connect("doctree-read", reword)
    app.connect("build-finished", write_notebooks)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
