"""Finding picture files and decoding them, whatever they are, without trusting any of them."""

from __future__ import annotations

import errno
import glob
import io
import os
import re
import stat
import sys
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from importlib import import_module
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from aaecli.errors import AaeError

MAX_BYTES = 64 * 2**20
"""Largest picture file that is read."""
MAX_PIXELS = 50_000_000
"""Most pixels that are decoded: a photo of 50 megapixels."""
MAX_JPEG_PIXELS = 4 * MAX_PIXELS
"""The same for a JPEG, which shrinks while it is decoded."""
WORKING_SIZE = 1024
"""Longer side, in pixels, that a picture is reduced to before anything looks at it."""

STDIN = "-"
_FORMATS = {
    "PNG": (re.compile(rb"\x89PNG\r\n\x1a\n"), "PngImagePlugin", "PngImageFile"),
    "JPEG": (re.compile(rb"\xff\xd8\xff"), "JpegImagePlugin", "jpeg_factory"),
    "GIF": (re.compile(rb"GIF8[79]a"), "GifImagePlugin", "GifImageFile"),
    "WebP": (re.compile(rb"RIFF....WEBP", re.DOTALL), "WebPImagePlugin", "WebPImageFile"),
    "TIFF": (re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+"), "TiffImagePlugin", "TiffImageFile"),
    "BMP": (re.compile(rb"BM"), "BmpImagePlugin", "BmpImageFile"),
    "PNM": (re.compile(rb"P[1-7]\s"), "PpmImagePlugin", "PpmImageFile"),
    "AVIF": (re.compile(rb"....ftypavi[fs]", re.DOTALL), "AvifImagePlugin", "AvifImageFile"),
}
"""First bytes, and Pillow's decoder for them, the only one that is imported. Pillow's other formats are left alone:
some guard their memory less well, some start other programs."""
SUFFIXES = frozenset(
    [
        ".png",
        ".apng",
        ".jpg",
        ".jpeg",
        ".jpe",
        ".jfif",
        ".mpo",
        ".gif",
        ".webp",
        ".tif",
        ".tiff",
        ".bmp",
        ".dib",
        ".ppm",
        ".pgm",
        ".pbm",
        ".pnm",
        ".avif",
        ".ico",
    ]
)
"""Names that count as pictures in a folder; a file named outright is tried whatever its name."""

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
        if name == STDIN:
            yield name
        elif Path(name).is_dir():
            yield from _in_folder(name, recursive)
        elif not any(letter in name for letter in "*?[") or Path(name).exists():
            yield name
        else:
            # Path.glob takes no absolute pattern.
            matches = sorted(path for path in glob.glob(name, recursive=True) if not Path(path).is_dir())  # noqa: PTH207
            if not matches:
                yield AaeError(
                    f"No file matches {name}.", "Check the pattern; quote it so that the shell leaves it alone."
                )
            yield from matches


def names_from(name: str) -> Iterator[str | AaeError]:
    """Read names of pictures from a file or, for ``-``, from stdin: one a line, or parted by NUL (``find -print0``).

    Raises:
        AaeError: The list cannot be read.
    """
    try:
        with open(name, "rb") if name != STDIN else nullcontext(sys.stdin.buffer) as file:  # noqa: PTH123
            for line in file:
                # An empty line, or the end of the last one, names nothing.
                yield from (os.fsdecode(part) for part in line.rstrip(b"\r\n").split(b"\0") if part)
    except OSError as error:
        raise AaeError(f"Cannot read the list {name}: {error.strerror}.", "--files-from takes a file or -.") from error


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
        elif entry.name[entry.name.rfind(".") :].lower() in SUFFIXES and not entry.is_dir():
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
        data = sys.stdin.buffer.read(MAX_BYTES + 1) if name == STDIN else _read_regular(name)
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
        raise AaeError(
            f"{_shown(name)} is empty.", "Copy the file again." if name != STDIN else "Pipe a picture into it."
        )
    if len(data) > MAX_BYTES:
        raise AaeError(f"{_shown(name)} is larger than {MAX_BYTES // 2**20} MiB.", "Save it smaller.")
    return data


def _read_regular(name: str) -> bytes:
    """Read a regular file through bare descriptors: for small pictures, file objects cost more than reading."""
    # Opening a named pipe would otherwise wait for somebody to write into it.
    descriptor = os.open(name, os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0))
    try:
        status = os.fstat(descriptor)
        if stat.S_ISDIR(status.st_mode):
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not stat.S_ISREG(status.st_mode):
            raise AaeError(f"{name} is not a file.", "Name a picture, a folder of pictures, or - for stdin.")
        size = min(status.st_size, MAX_BYTES + 1)
        data = os.read(descriptor, size)
        while len(data) < size and (more := os.read(descriptor, size - len(data))):
            data += more
        return data
    finally:
        os.close(descriptor)


def decode(data: bytes, name: str) -> NDArray[np.uint8]:
    """Decode a picture as it would be seen: upright, its first frame, transparent parts as white paper.

    Args:
        data: The bytes of the file.
        name: What to call it in an error.

    Pillow may warn of faults in a file that it can read all the same.

    Returns:
        uint8 (H, W) where it has no colour, else (H, W, 3); the longer side is at most about ``WORKING_SIZE``.

    Raises:
        AaeError: It is no picture that can be decoded, is damaged, or is too large.
    """
    try:
        image = _open(data)
        _check_size(image, name)
        if image.mode == "L" and max(image.size) <= WORKING_SIZE:
            plain = np.frombuffer(image.tobytes(), np.uint8).reshape(image.size[::-1])
            # What is known about the picture beyond its pixels may turn it or make parts transparent.
            if not image.info:
                return plain
        return _upright(image)
    except _DECODER_ERRORS as error:
        raise AaeError(*_explain(data, name, error)) from error


def _open(data: bytes) -> Image.Image:
    """Read the header with the decoder that the first bytes ask for; the file's name says nothing."""
    for pattern, module, name in _FORMATS.values():
        if pattern.match(data):
            image: Image.Image = getattr(import_module(f"PIL.{module}"), name)(io.BytesIO(data))
            return image
    raise UnidentifiedImageError


def _check_size(image: Image.Image, name: str) -> None:
    """Reject by the header, before anything is decoded; let a JPEG shrink itself while it is decoded."""
    width, height = image.size
    hint = "Crop or shrink it."
    if width * height > MAX_JPEG_PIXELS:
        raise AaeError(f"{_shown(name)} claims {width:,} × {height:,} pixels, which is too large.", hint)
    image.draft(None, (WORKING_SIZE, WORKING_SIZE))
    if image.size[0] * image.size[1] > MAX_PIXELS:
        raise AaeError(f"{_shown(name)} claims {width:,} × {height:,} pixels, which is too large.", hint)


def _upright(image: Image.Image) -> NDArray[np.uint8]:
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        image = _eight_bits(image)
    elif mode in ("P", "PA") or (mode != "L" and image.has_transparency_data) or "transparency" in image.info:
        image = image.convert("RGBA")
    elif mode in ("1", "CMYK", "YCbCr", "LAB", "HSV", "RGBX"):
        image = image.convert("L" if mode == "1" else "RGB")
    longer = max(image.size)
    if longer >= 2 * WORKING_SIZE and image.mode != "P":
        image = image.reduce(longer // WORKING_SIZE)
    if image.mode in ("LA", "La", "RGBA", "RGBa"):
        image = _on_paper(image)
    ImageOps.exif_transpose(image, in_place=True)
    pixels = np.asarray(image)
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    return np.ascontiguousarray(pixels)


def _eight_bits(image: Image.Image) -> Image.Image:
    """Bring 16-bit, 32-bit and float pixels to 0 … 255, by the range of their type or, without one, by their own."""
    wide = np.asarray(image).astype(np.float32)
    wide = np.nan_to_num(wide, nan=0.0, posinf=0.0, neginf=0.0)
    low, high = float(wide.min()), float(wide.max())
    if image.mode.startswith("I;16") or (image.mode == "I" and low >= 0 and 255 < high <= 65535):
        low, high = 0.0, 65535.0
    elif low >= 0 and high <= 1 and image.mode == "F":
        low, high = 0.0, 1.0
    elif low >= 0 and high <= 255:
        low, high = 0.0, 255.0
    narrow = Image.fromarray(np.rint((wide - low) * (255 / max(high - low, 1e-6))).astype(np.uint8))
    narrow.info = image.info
    return narrow


def _on_paper(image: Image.Image) -> Image.Image:
    """Lay a picture with transparent parts on white; on black where all that it shows is nearly white."""
    image = image.convert("RGBA")
    ink = np.asarray(image.convert("RGB").convert("L"))
    alpha = np.asarray(image.getchannel("A"))
    # A white drawing on nothing would vanish on white paper.
    paper = 0 if alpha.min() < 255 and alpha.max() > 0 and ink[alpha > 0].min() >= 200 else 255
    paper_image = Image.new("RGBA", image.size, (paper, paper, paper, 255))
    paper_image.alpha_composite(image)
    flat = paper_image.convert("RGB")
    flat.info = image.info
    return flat


def _explain(data: bytes, name: str, error: Exception) -> tuple[str, str]:
    shown = _shown(name)
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"heim", b"mif1", b"msf1"):
        return f"{shown} is a HEIC photo, which Pillow does not decode.", "Save or share it as JPEG."
    if isinstance(error, Image.DecompressionBombError | MemoryError):
        return f"{shown} claims more pixels than are decoded.", "Crop or shrink it."
    if isinstance(error, UnidentifiedImageError):
        return f"{shown} is not a picture.", f"Known formats: {', '.join(_FORMATS)}."
    return f"{shown} is damaged or cut short.", "Copy or save the file again."


def _shown(name: str) -> str:
    return "The picture on stdin" if name == STDIN else name
