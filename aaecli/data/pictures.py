"""Finding picture files and decoding them, whatever they are, without trusting any of them."""

from __future__ import annotations

import glob
import io
import os
import stat
import sys
import threading
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from aaecli.errors import AaeError

MAX_BYTES = 64 * 2**20
"""Largest picture file that is read."""
MAX_PIXELS = 50_000_000
"""Most pixels that are decoded: a photo of 50 megapixels. A JPEG may have MAX_SHRINK² times as many."""
WORKING_SIZE = 1024
"""Longer side, in pixels, that a picture is reduced to before anything looks at it."""

STDIN = "-"
FORMATS = ("PNG", "JPEG", "MPO", "GIF", "WEBP", "TIFF", "BMP", "PPM", "AVIF", "ICO")
"""The decoders of Pillow that are used; the others guard their memory less well, or start other programs."""
SUFFIXES = frozenset(
    ".png .apng .jpg .jpeg .jpe .jfif .mpo .gif .webp .tif .tiff .bmp .dib .ppm .pgm .pbm .pnm .avif .ico".split()
)
"""Names that count as pictures in a folder; a file named outright is tried whatever its name."""

_HUGE = 8_000_000
_ONE_HUGE_AT_A_TIME = threading.Lock()
# Its own limit is checked at other places than ours and raises or warns depending on the size; ours is stricter.
Image.MAX_IMAGE_PIXELS = None
# What a damaged file makes Pillow's decoders raise.
_DECODER_ERRORS = (
    UnidentifiedImageError, OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError,
    EOFError, ArithmeticError, MemoryError, NotImplementedError, RuntimeError, AssertionError, BufferError, LookupError,
)  # fmt: skip


def find(names: Iterable[str], *, recursive: bool = False) -> Iterator[str | AaeError]:
    """List the pictures that file names, folders and patterns stand for, in order.

    Args:
        names: Files, folders (their pictures by name), patterns with ``*``, ``?`` or ``[``, or ``-`` for stdin.
        recursive: Look into the folders of folders too; ``**`` in a pattern does so in any case.

    Yields:
        Paths (or ``-``); an error in the place of a name that stands for nothing.
    """
    for name in names:
        if name == STDIN or not (os.path.isdir(name) or (glob.has_magic(name) and not os.path.lexists(name))):
            yield name
        elif os.path.isdir(name):
            yield from _in_folder(name, recursive)
        else:
            matches = sorted(path for path in glob.iglob(name, recursive=True) if not os.path.isdir(path))
            if not matches:
                yield AaeError(f"No file matches {name}.", "Check the pattern; quote it so that the shell leaves it alone.")
            yield from matches


def _in_folder(folder: str, recursive: bool) -> Iterator[str | AaeError]:
    found = False
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        yield AaeError(f"Cannot read the folder {folder}: {error.strerror}.", "Check its permissions.")
        return
    for entry in entries:
        # Links to folders are not followed: they can lead in circles.
        if recursive and entry.is_dir(follow_symlinks=False):
            for inner in _in_folder(entry.path, recursive=True):
                if not isinstance(inner, AaeError) or not inner.message.endswith("holds no pictures."):
                    found = True
                    yield inner
        elif os.path.splitext(entry.name)[1].lower() in SUFFIXES and not entry.is_dir():
            found = True
            yield entry.path
    if not found:
        hint = "" if recursive else "Use --recursive to look into the folders inside it."
        yield AaeError(f"The folder {folder} holds no pictures.", hint)


def read_bytes(name: str) -> bytes:
    """Read a picture file whole, or stdin where the name is ``-``.

    Raises:
        AaeError: It cannot be read, is no regular file, is empty, or is larger than ``MAX_BYTES``.
    """
    try:
        if name == STDIN:
            data = sys.stdin.buffer.read(MAX_BYTES + 1)
        else:
            with open(name, "rb", buffering=0, opener=_open_without_waiting) as file:
                mode = os.fstat(file.fileno()).st_mode
                if not stat.S_ISREG(mode):
                    raise AaeError(f"{name} is not a file.", "Name a picture, a folder of pictures, or - for stdin.")
                data = file.read(MAX_BYTES + 1)
    except OSError as error:
        hints = {
            FileNotFoundError: "Check the spelling and the folder you are in.",
            PermissionError: "Check the file's permissions.",
            IsADirectoryError: "Name the pictures in it.",
        }
        reason = error.strerror or "it cannot be opened"
        raise AaeError(f"Cannot read {name}: {reason}.", hints.get(type(error), "")) from error
    except ValueError as error:
        raise AaeError(f"Cannot read {name!r}: {error}.", "Check the name.") from error
    if not data:
        raise AaeError(f"{_shown(name)} is empty.", "Copy the file again." if name != STDIN else "Pipe a picture into it.")
    if len(data) > MAX_BYTES:
        raise AaeError(f"{_shown(name)} is larger than {MAX_BYTES // 2**20} MiB.", "Save it smaller.")
    return data


def _open_without_waiting(name: str, flags: int) -> int:
    # Opening a named pipe would otherwise wait for somebody to write into it.
    return os.open(name, flags | getattr(os, "O_NONBLOCK", 0))


def decode(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a picture as it would be seen: upright, its first frame, transparent parts as white paper.

    Args:
        data: The bytes of the file.
        name: What to call it in an error.

    Returns:
        uint8 (H, W) where it has no colour, else (H, W, 3); the longer side is at most about ``WORKING_SIZE``.

    Raises:
        AaeError: It is no picture that can be decoded, is damaged, or is too large.
    """
    try:
        with warnings.catch_warnings() if threading.current_thread() is threading.main_thread() else _nothing():
            image = Image.open(io.BytesIO(data), formats=FORMATS)
            if image.mode == "L" and image.size[0] * image.size[1] <= 4096 and image.format == "PNG" and not image.info:
                return np.frombuffer(image.tobytes(), np.uint8).reshape(image.size[::-1])
            _check_size(image, name)
            if image.size[0] * image.size[1] < _HUGE:
                return _upright(image)
            with _ONE_HUGE_AT_A_TIME:
                return _upright(image)
    except _DECODER_ERRORS as error:
        raise AaeError(*_explain(data, name, error)) from error
