"""Pictures as a program has them: paths, bytes, open files, Pillow's images and arrays."""

from __future__ import annotations

import os
from typing import Any, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFile

from aaecli.data.decoding.decoders import DECODER_ERRORS, MAX_PIXELS, Picture, upright
from aaecli.data.decoding.pictures import decode
from aaecli.data.naming.files import MAX_BYTES
from aaecli.errors import AaeError
from aaecli.files import opening


class BinaryFile(Protocol):
    """An open file, as far as it is needed here."""

    def read(self, size: int = -1, /) -> bytes:
        """Read at most so many bytes."""


PictureLike: TypeAlias = str | os.PathLike[str] | bytes | BinaryFile | Image.Image | NDArray[Any]
"""One picture: the path of a file, the bytes of a file, a file opened for reading bytes, a Pillow image, or an array
(H, W) or (H, W, 3) of uint8, or of floats in [0, 1]."""


def name_of(source: object, number: int) -> str:
    """Name a picture: its path, or ``picture 3`` where it has none, counted from 0."""
    return os.fsdecode(source) if isinstance(source, str | os.PathLike) else f"picture {number}"


def read_picture(source: PictureLike, name: str) -> Picture:
    """Decode a picture, as ``aaecli classify`` decodes its file.

    Args:
        source: The picture. A path is a path: no pattern, no ``~``, and ``-`` is a file of that name. An image that
            Pillow has opened but not yet decoded is read from its file, so that it comes out as its path would.
        name: What to call it in an error.

    Raises:
        AaeError: It cannot be read, is no picture, is damaged, too large, empty, or an array of a wrong shape or range.
        TypeError: It is none of these kinds.
    """
    if isinstance(source, Image.Image):
        return _of_image(source, name)
    if isinstance(source, np.ndarray):
        return _of_image(Image.fromarray(_checked(source, name)), name)
    if isinstance(source, str | os.PathLike):
        data = opening.read_bytes(os.fspath(source), MAX_BYTES)
    elif isinstance(source, bytes | bytearray | memoryview):
        data = bytes(source)
    elif callable(getattr(source, "read", None)):
        data = source.read(MAX_BYTES + 1)
        if not isinstance(data, bytes):
            raise TypeError(f"{name} is a file of text: open it with mode 'rb'.")
    else:
        raise TypeError(
            f"{name} is of the type {type(source).__name__}: a picture is a path, bytes, a file opened in mode 'rb', "
            "a PIL.Image.Image or a numpy array."
        )
    if not data:
        raise AaeError(f"{opening.shown(name)} is empty.", "A file that was read already is at its end: seek(0).")
    if len(data) > MAX_BYTES:
        raise AaeError(f"{opening.shown(name)} is larger than {MAX_BYTES // 2**20} MiB.", "Save it smaller.")
    return decode(data, name)


def to_bytes(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    """Give the pixels of an array as uint8; floats are rounded to the nearest of 256 values.

    Raises:
        AaeError: A float is not in [0, 1].
        TypeError: The array is of another type.
    """
    if values.dtype == np.uint8:
        return values
    if values.dtype.kind != "f":
        raise TypeError(f"{name} is an array of {values.dtype}: give uint8, or floats in [0, 1].")
    # A comparison with what is no number is false.
    if values.size and not (values.min() >= 0 and values.max() <= 1):
        raise AaeError(
            f"{name} has values from {values.min():.4g} to {values.max():.4g}; floats are pixels in [0, 1].",
            "Scale them, or give uint8.",
        )
    return np.asarray(np.rint(values * values.dtype.type(255)), np.uint8)


def _checked(values: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if values.ndim not in (2, 3) or (values.ndim == 3 and values.shape[2] != 3) or not values.size:
        raise AaeError(
            f"{name} is an array of shape {values.shape}; a picture is (height, width) or (height, width, 3).",
            "Several pictures go to `predict`, `predict_proba`, `encode` or `stream`.",
        )
    return np.ascontiguousarray(to_bytes(values, name))


def _of_image(image: Image.Image, name: str) -> Picture:
    try:
        data = _undecoded(image)
        if data is not None:
            return decode(data, name)
        width, height = image.size
        if width * height > MAX_PIXELS or not width * height:
            raise AaeError(f"{name} has {width:,} × {height:,} pixels.", f"1 to {MAX_PIXELS:,} are read.")
        # A copy: the picture is the caller's, and may be turned upright in place.
        return Picture(upright(image.copy()), 1)
    except DECODER_ERRORS as error:
        raise AaeError(f"{name} cannot be decoded: {error}.", "Open and load it anew.") from error


def _undecoded(image: Image.Image) -> bytes | None:
    """Give the file of an image that Pillow has opened and not decoded; None where its pixels are all there is."""
    # Whoever has gone to another frame of a file means that one.
    if not isinstance(image, ImageFile.ImageFile) or not image.tile or image.fp is None or image.tell() != 0:
        return None
    position = image.fp.tell()
    image.fp.seek(0)
    data: bytes = image.fp.read(MAX_BYTES + 1)
    image.fp.seek(position)
    return data if len(data) <= MAX_BYTES else None
