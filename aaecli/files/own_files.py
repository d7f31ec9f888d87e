"""Recognise files that aaecli wrote: each kind has the program's name near its beginning."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

from aaecli.errors import AaeError
from aaecli.files.opening import open_regular, read_text

NAME = "aaecli"
"""What pictures carry: PNG as the text ``Software``, GIF as a comment, SVG as its creator."""
KEPT = "what the model saw"
"""What a PNG of ``classify --save-input`` has as its comment."""
Recognise = Callable[[Path], bool]
"""A function that returns whether aaecli wrote a file."""

_HEAD_BYTES = 4096
_MAX_TEXT = 2**20


def is_picture(path: Path) -> bool:
    """Return whether aaecli wrote a PNG, GIF or SVG."""
    head = _head(path)
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return b"tEXtSoftware\0aaecli" in head
    if head.startswith((b"GIF87a", b"GIF89a")):
        # A comment: the block's label, its length, the text.
        return b"\x21\xfe\x06aaecli" in head
    return head.startswith(b"<?xml") and b"<dc:title>aaecli</dc:title>" in head


def is_kept_input(path: Path) -> bool:
    """Return whether ``classify --save-input`` wrote a PNG."""
    return is_picture(path) and b"tEXtComment\0" + KEPT.encode() in _head(path)


def is_report(path: Path) -> bool:
    """Return whether a page is a report of aaecli."""
    return b'<meta name="generator" content="aaecli">' in _head(path)


def is_onnx(path: Path) -> bool:
    """Return whether a file is an ONNX model whose producer is aaecli."""
    # Protobuf writes fields by number: ir_version, then producer_name, whose key is 0x12, with its length.
    return b"\x12\x06aaecli" in _head(path)[:64]


def is_checkpoint(path: Path) -> bool:
    """Return whether a file is a checkpoint of aaecli: its pickle comes first and begins with the format's name."""
    head = _head(path)
    return head.startswith(b"PK\x03\x04") and b"/data.pkl" in head and b"aaecli" in head


def sealed(text: str) -> str:
    """Return a Markdown text with a checksum comment at its end, which is valid until somebody edits the text."""
    return f"{text}\n{_seal(text)}\n"


def is_sealed(path: Path) -> bool:
    """Return whether a Markdown file is unchanged since ``sealed`` made it."""
    try:
        text, _, seal = read_text(path, _MAX_TEXT).rstrip("\n").rpartition("\n")
    except AaeError:
        return False
    return seal == _seal(text)


def _seal(text: str) -> str:
    return f"<!-- aaecli {hashlib.sha256(text.encode()).hexdigest()[:16]} -->"


def _head(path: Path) -> bytes:
    """Read the beginning of a file; nothing of one that cannot be read or is no regular file."""
    try:
        with open_regular(path) as file:
            return file.read(_HEAD_BYTES)
    except (AaeError, OSError):
        return b""
