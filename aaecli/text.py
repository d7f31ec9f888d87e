"""Escape names for output: a terminal, JSON, a CSV cell, rich, HTML, Markdown, a figure, a file name.

Names of classes, runs and files, and all metadata of a model, are untrusted. Such a name may contain escape sequences,
markup, a spreadsheet formula, TeX, or bytes that are no text. All output of names uses these functions.
"""

from __future__ import annotations

import codecs
import html
import json
import re
import unicodedata
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

LIMIT = 200
"""Characters of a name that are shown, unless the place says otherwise."""

# All but printable ASCII. Spelt as ranges up to the last character, it would take 5 ms of every start to compile.
_UNSAFE = re.compile(r"[^\x20-\x7e]")
_FORMULA = re.compile(r"'*[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_GUARDED = re.compile(r"'+[=+\-@\t\r\n\uff1d\uff0b\uff0d\uff20]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_NOT_IN_FILE_NAMES = re.compile(r'[/\\:*?"<>|\x00-\x1f]')
_DEVICE = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9¹²³])\s*(\.|$)", re.IGNORECASE)
_MARKDOWN = re.compile(r"([\\`*_{}\[\]()#+!|~$])")
_PLAIN = {
    "×": "x", "–": "-", "—": "-", "‑": "-", "−": "-", "…": "...", "·": ".", "•": "*", "≤": "<=", "≥": ">=", "±": "+-",
    "→": "->", "←": "<-", "‘": "'", "’": "'", "“": '"', "”": '"', "\u00a0": " ", "\u202f": " ", "█": "#", "▀": "#",
    "▌": "#", "▐": "#", "─": "-", "━": "-", "╸": "-", "╺": "-", "│": "|", "┃": "|", "╭": "+", "╮": "+", "╯": "+",
    "╰": "+", "┌": "+", "┐": "+", "┘": "+", "└": "+", "├": "+", "┤": "+", "┬": "+", "┴": "+", "┼": "+", "═": "=",
}  # fmt: skip
"""What the program's own punctuation and frames become in an encoding that lacks them."""


def for_terminal(text: object, limit: int | None = LIMIT) -> str:
    r"""Return one line without terminal control sequences.

    Control characters (line breaks, ESC and the C1 set among them), what turns or hides text (bidirectional marks, zero
    widths) and lone surrogates become escapes such as ``\x1b`` and ``\u202e``.

    Args:
        text: A name, or anything whose ``str`` is one.
        limit: Most characters; the middle of a longer text is left out. None for all of it.
    """
    shown = str(text)
    if limit is not None and len(shown) > 8 * limit:
        # Escaping ten megabytes, to show two hundred characters of them, would take seconds.
        shown = shown[: 4 * limit] + shown[-4 * limit :]
    if not shown.isprintable():
        shown = _UNSAFE.sub(_escaped, shown)
    if limit is None or len(shown) <= limit:
        return shown
    tail = (limit - 1) // 3
    return f"{shown[: limit - 1 - tail]}…{shown[len(shown) - tail :]}"


def as_text(name: str) -> str:
    r"""Give a name as text that every file of text takes: bytes that are no UTF-8 stand as ``\xff``."""
    return name.encode("utf-8", "surrogateescape" if _is_bytes(name) else "backslashreplace").decode(
        "utf-8", "backslashreplace"
    )


def _is_bytes(name: str) -> bool:
    try:
        name.encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:
        return False
    return True


def for_lines(text: str, limit: int | None = None) -> str:
    """Do the same for a text of several lines, and keep its line breaks."""
    return "\n".join(for_terminal(line, limit) for line in text.split("\n"))


def for_rich(text: object, style: str = "", limit: int | None = LIMIT) -> Text:
    """Give a rich text: no markup is ever read in it, where a plain string in a table might be."""
    from rich.text import Text

    return Text(for_terminal(text, limit), style)


def for_json(value: object, *, ascii_only: bool = False) -> str:
    r"""Encode a value as JSON on one line, exactly: what a terminal would obey stands as ``\uXXXX``."""
    if ascii_only:
        return json.dumps(value)
    line = _JSON.encode(value)
    return line if line.isprintable() else _UNSAFE.sub(_json_escaped, line)


def for_toml(document: str) -> str:
    r"""Make a TOML document harmless for a terminal and leave its values as they are: ``\uXXXX`` is TOML as well."""
    return "\n".join(line if line.isprintable() else _UNSAFE.sub(_toml_escaped, line) for line in document.split("\n"))


def for_csv(cell: object) -> str:
    """Return a CSV cell that no spreadsheet interprets as a formula.

    A text that begins like one (``= + - @``, a tab, a line break, their full-width forms) gets an apostrophe in front,
    as OWASP recommends; one that has apostrophes before such a beginning gets one more, so that `from_csv` can take it
    away. Numbers stay numbers, ``-1.5`` too. Control characters are escaped as for a terminal. None is an empty cell.
    """
    if cell is None:
        return ""
    text = for_terminal(cell, None)
    is_number = not isinstance(cell, str) or _NUMBER.fullmatch(text) is not None
    return f"'{text}" if not is_number and _FORMULA.match(text) else text


def from_csv(cell: str) -> str:
    """Take away the apostrophe that `for_csv` put in front."""
    return cell[1:] if _GUARDED.match(cell) else cell


def for_html(text: object, limit: int | None = LIMIT) -> str:
    """Escape a name for HTML, inside elements and quoted attributes."""
    return html.escape(for_terminal(text, limit))


def for_markdown(text: object, limit: int | None = LIMIT) -> str:
    """Escape a name for Markdown, in a table's cell too: no emphasis, link, HTML or code comes of it."""
    return html.escape(_MARKDOWN.sub(r"\\\1", for_terminal(text, limit)), quote=False)


def for_figure(text: object, limit: int = 60) -> str:
    """Return a text that matplotlib shows literally: a ``$`` begins no formula.

    A leading underscore, which would keep a name out of the legend, gets a space in front.
    """
    shown = for_terminal(text, limit).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def number_of(number: int, noun: str) -> str:
    """Give a number with its noun, which gets an ``s`` for its plural: ``1 picture``, ``2,000 pictures``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def for_file_name(text: object, limit: int = 100) -> str:
    """Give a name that every file system takes, Windows' too: no separators, no device, no hidden file, no option.

    Two names may become one, also by letter case alone: the writer keeps them apart.

    Args:
        text: A name.
        limit: Most bytes in UTF-8, at least 8, without a suffix that comes later.
    """
    name = unicodedata.normalize("NFC", str(text)[: 4 * limit])
    name = "".join(letter if letter.isprintable() else "_" for letter in _NOT_IN_FILE_NAMES.sub("_", name))
    name = name.encode("utf-8", "replace")[:limit].decode("utf-8", "ignore").strip(" ").rstrip(". ")
    if not name:
        return "unnamed"
    if name[0] in ".-~" or _DEVICE.match(name):
        name = "_" + name[: limit - 1]
    return name


def spell(error: UnicodeError) -> tuple[str, int]:
    """Spell what an encoding lacks: punctuation by its nearest ASCII, everything else as an escape.

    A codec's error handler, registered under `SPELL`.
    """
    if not isinstance(error, UnicodeEncodeError):
        raise error
    missing = error.object[error.start : error.end]
    return "".join(_PLAIN.get(letter) or letter.encode("unicode_escape").decode() for letter in missing), error.end


SPELL = "aaecli-spell"
"""Name of the error handler `spell`, for the streams."""
codecs.register_error(SPELL, spell)

# Made once: with ten thousand lines the making of an encoder would be half the time.
_JSON = json.JSONEncoder(ensure_ascii=False)


def _escaped(match: re.Match[str]) -> str:
    letter = match[0]
    # Spaces of other widths are letters as far as a terminal is concerned.
    if letter.isprintable() or unicodedata.category(letter) == "Zs":
        return letter
    return letter.encode("unicode_escape").decode()


def _toml_escaped(match: re.Match[str]) -> str:
    letter = match[0]
    return letter if letter.isprintable() else f"\\U{ord(letter):08x}"


def _json_escaped(match: re.Match[str]) -> str:
    letter = match[0]
    return letter if letter.isprintable() else json.dumps(letter)[1:-1]
