"""Pillow's decoders, each only for files that begin as its format does: from bytes to pixels, in this process."""

from __future__ import annotations

import io
import re
import struct
import sys
import zlib
from importlib import import_module
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from aaecli.data.decoding.bit_depth import join_halves, to_eight_bits
from aaecli.data.decoding.decoding_cost import may_be_decoded, may_be_opened
from aaecli.data.naming.files import shown
from aaecli.errors import AaeError

MAX_PIXELS = 40_000_000
"""Most pixels that are decoded: 200 MB in memory at most, with the copies 600."""
MAX_JPEG_PIXELS = 4 * MAX_PIXELS
"""The same for a JPEG, which shrinks while it is decoded."""
WORKING_SIZE = 1024
"""Longer side, in pixels, that a picture is reduced to before anything looks at it."""

_FORMATS = {
    "PNG": (re.compile(rb"\x89PNG\r\n\x1a\n"), "PngImagePlugin", "PngImageFile"),
    "JPEG": (re.compile(rb"\xff\xd8\xff"), "JpegImagePlugin", "jpeg_factory"),
    "GIF": (re.compile(rb"GIF8[79]a"), "GifImagePlugin", "GifImageFile"),
    "WebP": (re.compile(rb"RIFF....WEBP", re.DOTALL), "WebPImagePlugin", "WebPImageFile"),
    "TIFF": (re.compile(rb"II\*\0|MM\0\*|II\+\0|MM\0\+"), "TiffImagePlugin", "TiffImageFile"),
    "BMP": (re.compile(rb"BM"), "BmpImagePlugin", "BmpImageFile"),
    "PNM": (re.compile(rb"P[1-7]\s"), "PpmImagePlugin", "PpmImageFile"),
    "AVIF": (re.compile(rb"....ftypavi[fs]", re.DOTALL), "AvifImagePlugin", "AvifImageFile"),
    "JPEG 2000": (
        re.compile(rb"\xff\x4f\xff\x51|\x00\x00\x00\x0cjP  \r\n\x87\n"),
        "Jpeg2KImagePlugin",
        "Jpeg2KImageFile",
    ),
    "ICO": (re.compile(rb"\x00\x00\x01\x00"), "IcoImagePlugin", "IcoImageFile"),
}
"""First bytes, and Pillow's decoder for them, the only one that is imported. Pillow's other formats are left alone:
some start other programs, some have no first bytes to be known by."""
_OF_PAGES = frozenset(["PNG", "GIF", "WebP", "TIFF", "AVIF"])
"""Formats of which one file may hold several pictures. What else an ICO or a JPEG holds is the same, smaller."""

DECODER_ERRORS = (
    UnidentifiedImageError, Image.DecompressionBombError, OSError, SyntaxError, ValueError, TypeError,
    AttributeError, EOFError, ArithmeticError, MemoryError, NotImplementedError, RuntimeError, AssertionError,
    BufferError, LookupError, StopIteration, ImportError, struct.error, zlib.error,
)  # fmt: skip
"""What a damaged file makes Pillow's decoders raise."""


class Picture(NamedTuple):
    """A picture as it would be seen: upright, transparent parts as white paper.

    Attributes:
        pixels: uint8 (H, W) where it has no colour, else (H, W, 3); the longer side is at most about ``WORKING_SIZE``.
        num_pages: Pages or frames in the file, of which this is the first.
    """

    pixels: NDArray[np.uint8]
    num_pages: int


def decode_quickly(data: bytes, name: str) -> Picture | None:
    """Decode a picture that is sure to take little time and memory.

    Args:
        data: The bytes of the file.
        name: What to call it in an error.

    Returns:
        The picture; None where decoding it could keep this process busy.

    Raises:
        AaeError: It is no picture that can be decoded, is damaged, or is too large.
    """
    try:
        kind = _kind_of(data)
        if may_be_opened(kind, data):
            image = _open(data, kind)
            if may_be_decoded(kind, data, _check_size(image, name)):
                return _read(image, data, kind)
    except DECODER_ERRORS as error:
        raise AaeError(*_explain(data, name, error)) from error
    return None


def decode_here(data: bytes, name: str) -> Picture:
    """Decode a picture, however long it takes.

    Raises:
        AaeError: It is no picture that can be decoded, is damaged, or is too large.
    """
    try:
        kind = _kind_of(data)
        image = _open(data, kind)
        _check_size(image, name)
        return _read(image, data, kind)
    except DECODER_ERRORS as error:
        raise AaeError(*_explain(data, name, error)) from error


def _kind_of(data: bytes) -> str:
    """Tell the format by the first bytes; the file's name says nothing."""
    for kind, (pattern, _, _) in _FORMATS.items():
        if pattern.match(data):
            return kind
    raise UnidentifiedImageError


def _open(data: bytes, kind: str) -> Image.Image:
    """Read the header with the decoder of that format."""
    _, module, name = _FORMATS[kind]
    image: Image.Image = getattr(import_module(f"PIL.{module}"), name)(io.BytesIO(data))
    return image


def _read(image: Image.Image, data: bytes, kind: str) -> Picture:
    num_pages = getattr(image, "n_frames", 1) if kind in _OF_PAGES else 1
    if image.mode == "L" and max(image.size) <= WORKING_SIZE:
        plain = np.frombuffer(image.tobytes(), np.uint8).reshape(image.size[::-1])
        # What is known about the picture beyond its pixels may turn it or make parts transparent.
        if not image.info:
            return Picture(plain, num_pages)
    if image.mode in ("RGB", "RGBA") and (other := _other_half(image, data, kind)) is not None:
        image = join_halves(image, other)
    return Picture(upright(image), num_pages)


def _other_half(image: Image.Image, data: bytes, kind: str) -> Image.Image | None:
    """Decode the lower eight bits of a picture of sixteen bits a colour, of which Pillow keeps the upper eight."""
    tiles = getattr(image, "tile", [])
    first = [tile[3] if isinstance(tile[3], str) else (tile[3] or ("",))[0] for tile in tiles]
    if not first or not all(isinstance(mode, str) and mode[-4:-1] == ";16" for mode in first):
        return None
    other = _open(data, kind)
    # Read in the wrong order of bytes, the lower ones are the upper.
    order = {"B": "L", "L": "B", "N": "B" if sys.byteorder == "little" else "L"}
    for index, (tile, mode) in enumerate(zip(tiles, first, strict=True)):
        swapped = mode[:-1] + order[mode[-1]]
        other.tile[index] = (*tile[:3], swapped if isinstance(tile[3], str) else (swapped, *tile[3][1:]))  # type: ignore[attr-defined]
    return other


def _check_size(image: Image.Image, name: str) -> tuple[int, int]:
    """Reject by the header, before anything is decoded; let a JPEG shrink itself while it is decoded.

    Returns:
        Width and height of what is in the file.
    """
    width, height = image.size
    hint = "Crop or shrink it."
    if width * height > MAX_JPEG_PIXELS:
        raise AaeError(f"{shown(name)} claims {width:,} × {height:,} pixels, which is too large.", hint)
    image.draft(None, (WORKING_SIZE, WORKING_SIZE))
    if image.size[0] * image.size[1] > MAX_PIXELS:
        raise AaeError(f"{shown(name)} claims {width:,} × {height:,} pixels, which is too large.", hint)
    return width, height


def upright(image: Image.Image) -> NDArray[np.uint8]:
    """Give the pixels of an open picture as it would be seen; it may be turned in place. See ``Picture``."""
    mode = image.mode
    if mode.startswith("I") or mode == "F":
        image = to_eight_bits(image, 2 * WORKING_SIZE)
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
    return without_idle_colour(np.asarray(image))


def without_idle_colour(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give pixels (H, W) where all channels of (H, W, 3) are alike; the others as they are."""
    if pixels.ndim == 3 and (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]
    return np.ascontiguousarray(pixels)


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
    title = shown(name)
    if data[4:8] == b"ftyp" and data[8:12] in (b"heic", b"heix", b"heim", b"mif1", b"msf1"):
        return f"{title} is a HEIC photo, which Pillow does not decode.", "Save or share it as JPEG."
    if isinstance(error, Image.DecompressionBombError | MemoryError):
        return f"{title} claims more pixels than are decoded.", "Crop or shrink it."
    if isinstance(error, ImportError):
        kind = _kind_of(data)
        return f"{title} is in {kind}, which this Pillow does not read.", "`python -m pip install --upgrade pillow`."
    if isinstance(error, UnidentifiedImageError):
        return f"{title} is not a picture.", f"Known formats: {', '.join(_FORMATS)}."
    return f"{title} is damaged or cut short.", "Copy or save the file again."
