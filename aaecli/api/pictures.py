"""From pictures as a program has them to batches that a model reads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.data.decoding.decoders import Picture, without_idle_colour
from aaecli.data.decoding.open_pictures import PictureLike, name_of, read_picture, to_bytes
from aaecli.data.decoding.pillow_warnings import without_pillow_warnings
from aaecli.data.preprocessing.prepare import Batch, Recipe, prepare_pixels
from aaecli.errors import AaeError

CHUNK = 128
"""Pictures that a model reads at once, as in ``aaecli.data.workers``, so that both give the same answers to the bit."""


def batches(pictures: Iterable[PictureLike] | NDArray[Any], recipe: Recipe) -> Iterator[Batch]:
    """Prepare pictures in order, a batch at a time.

    Args:
        pictures: Any iterable of pictures, or one array (N, H, W) or (N, H, W, 3) of the recipe's size.
        recipe: How.

    Raises:
        AaeError: The array is of another shape, or of floats beyond [0, 1].
        TypeError: What is given is one picture, or a picture is of a type that is none.
    """
    if isinstance(pictures, np.ndarray):
        yield from _of_array(pictures, recipe)
        return
    if isinstance(pictures, str | bytes) or hasattr(pictures, "read") or not hasattr(pictures, "__iter__"):
        raise TypeError(
            f"Many pictures are a list or another iterable of them, or one array; this is a {type(pictures).__name__}."
        )
    pending = enumerate(pictures)
    while chunk := list(islice(pending, CHUNK)):
        names = [name_of(picture, number) for number, picture in chunk]
        with without_pillow_warnings():
            decoded = [_read(picture, name) for (_, picture), name in zip(chunk, names, strict=True)]
        yield prepare_pixels(names, decoded, recipe)


def _read(picture: PictureLike, name: str) -> Picture | AaeError:
    try:
        return read_picture(picture, name)
    except AaeError as error:
        return error


def _of_array(values: NDArray[Any], recipe: Recipe) -> Iterator[Batch]:
    shapes = (recipe.shape, (*recipe.shape, 3))
    if values.shape[1:] not in shapes or not values.ndim:
        height, width = recipe.shape
        raise AaeError(
            f"An array of many pictures is (N, {height}, {width}) or (N, {height}, {width}, 3) for this model; "
            f"this one is {values.shape}.",
            "One picture of any size is given by itself, pictures of several sizes as a list.",
        )
    pixels = to_bytes(values, "the array")
    for start in range(0, len(pixels), CHUNK):
        part = pixels[start : start + CHUNK]
        names = [f"picture {number}" for number in range(start, start + len(part))]
        yield prepare_pixels(names, [Picture(without_idle_colour(image), 1) for image in part], recipe)
