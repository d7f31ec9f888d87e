"""From the names of picture files to the input of the model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aaecli.data.decoding.decoders import Picture
from aaecli.data.decoding.pictures import decode
from aaecli.data.decoding.pillow_warnings import without_pillow_warnings
from aaecli.data.naming.files import read_bytes
from aaecli.data.preprocessing.normalise import BLANK, Normalised, normalise, pass_through
from aaecli.errors import AaeError


class Encoded(NamedTuple):
    """A picture file that is in memory: what a request carried.

    Attributes:
        name: What to call it.
        data: Its bytes.
    """

    name: str
    data: bytes


@dataclass(frozen=True)
class Batch:
    """Some pictures in order, those that could be read and those that could not.

    Attributes:
        names: Name of each picture.
        outcomes: For each, warnings about it, or why it could not be read.
        num_pages: For each, the pages or frames in its file, of which the first is read; 0 where none could be.
        images: uint8 (G, H, W) or, in colour, (G, H, W, 3): the model's input for the G that could be read,
            in the same order.
    """

    names: list[str]
    outcomes: list[tuple[str, ...] | AaeError]
    num_pages: list[int]
    images: NDArray[np.uint8]


@dataclass(frozen=True)
class Recipe:
    """How a picture becomes the model's input.

    Attributes:
        shape: Height and width of the model's images.
        invert: True: the pictures are dark on light; False: light on dark; None: found for each.
        normalise: Find, crop, scale and centre the strokes; otherwise the picture is only resized.
        channels: 1, or 3 for colour, which only goes without ``normalise``: ink has none.
    """

    shape: tuple[int, int] = (28, 28)
    invert: bool | None = None
    normalise: bool = True
    channels: int = 1

    @property
    def stored_shape(self) -> tuple[int, ...]:
        """Shape of one image as it is stored: (H, W) or (H, W, 3)."""
        return self.shape if self.channels == 1 else (*self.shape, self.channels)


def prepare(name: str, recipe: Recipe) -> Normalised:
    """Read one picture file as the input of the model.

    Raises:
        AaeError: It cannot be read.
    """
    batch = prepare_chunk([name], recipe)
    outcome = batch.outcomes[0]
    if isinstance(outcome, AaeError):
        raise outcome
    return Normalised(batch.images[0], outcome)


def prepare_chunk(sources: Sequence[str | Encoded | AaeError], recipe: Recipe) -> Batch:
    """Prepare a few pictures together.

    Args:
        sources: Names of files, files in memory, or errors that take the place of one.
        recipe: How.
    """
    names = [source if isinstance(source, str) else getattr(source, "name", "") for source in sources]
    with without_pillow_warnings():
        decoded = [_decode(source) for source in sources]
    return prepare_pixels(names, decoded, recipe)


def prepare_pixels(names: list[str], pictures: Sequence[Picture | AaeError], recipe: Recipe) -> Batch:
    """Turn decoded pictures into inputs of the model.

    Args:
        names: Name of each.
        pictures: Their pixels, or errors that take the place of one.
        recipe: How.
    """
    done: dict[int, NDArray[np.uint8]] = {}
    # Nearly all pictures of a large folder may be as the model wants them, and it is quick to look at all at once.
    fitting = [
        (index, picture.pixels)
        for index, picture in enumerate(pictures)
        if not isinstance(picture, AaeError) and picture.pixels.shape == recipe.stored_shape
    ]
    if fitting:
        same, as_it_is = _as_they_are(np.stack([pixels for _, pixels in fitting]), recipe)
        done = {fitting[row][0]: same[row] for row in np.flatnonzero(as_it_is).tolist()}
    outcomes: list[tuple[str, ...] | AaeError] = []
    images = []
    for index, picture in enumerate(pictures):
        if isinstance(picture, AaeError):
            outcomes.append(picture)
        elif (image := done.get(index)) is not None:
            outcomes.append(())
            images.append(image)
        else:
            pixels = picture.pixels
            seen = normalise(pixels, recipe.shape, invert=recipe.invert) if recipe.normalise else None
            seen = seen or _resize_only(pixels, recipe)
            outcomes.append(seen.warnings)
            images.append(seen.image)
    num_pages = [0 if isinstance(picture, AaeError) else picture.num_pages for picture in pictures]
    return Batch(
        names, outcomes, num_pages, np.stack(images) if images else np.empty((0, *recipe.stored_shape), np.uint8)
    )


def _as_they_are(images: NDArray[np.uint8], recipe: Recipe) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Give pictures (N, *stored_shape) as the model wants them, and which of them (N,) need nothing else."""
    if recipe.normalise:
        return pass_through(images, invert=recipe.invert)
    pixels = images.reshape(len(images), -1)
    return 255 - images if recipe.invert else images, pixels.min(1) < pixels.max(1)


def _decode(source: str | Encoded | AaeError) -> Picture | AaeError:
    if isinstance(source, AaeError):
        return source
    try:
        if isinstance(source, Encoded):
            return decode(source.data, source.name)
        return decode(read_bytes(source), source)
    except AaeError as error:
        return error


def _resize_only(pixels: NDArray[np.uint8], recipe: Recipe) -> Normalised:
    picture = Image.fromarray(pixels).convert("L" if recipe.channels == 1 else "RGB")
    size = recipe.shape[::-1]
    if picture.size != size:
        shrinks = picture.size[0] >= size[0] and picture.size[1] >= size[1]
        picture = picture.resize(size, Image.Resampling.BOX if shrinks else Image.Resampling.BICUBIC)
    image = np.asarray(picture)
    # One even tone: whatever the pictures are of, it is not here.
    return Normalised(255 - image if recipe.invert else image, (BLANK,) if np.ptp(image) == 0 else ())
