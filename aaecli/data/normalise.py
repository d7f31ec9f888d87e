"""Turning any picture of a digit into what the model saw: MNIST's own procedure, after ink and paper are told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aaecli.data.ink import Float, extract, is_dark_on_light, to_grey
from aaecli.data.ruling import remove_lines
from aaecli.data.strokes import choose, thicken, width_of

BOX = 20 / 28
"""Side of the box that the strokes are scaled into, as a share of the image (LeCun et al. 1998: 20 of 28 pixels)."""
BLANK = "blank"

_ANALYSIS = 400
"""Longer side, in pixels, at which ink is told from paper."""
_DETAIL = 100
"""Longer side of the cropped digit while the width of its strokes is put right."""
_THINNEST, _THICKEST = 0.075, 0.22
"""Width of a stroke as a share of the digit's size; MNIST's lie between."""


@dataclass(frozen=True)
class Normalised:
    """A picture as the model sees it.

    Attributes:
        image: uint8 (H, W), light on black.
        oddities: What makes it unlike a picture of one digit; empty for most.
    """

    image: NDArray[np.uint8]
    oddities: tuple[str, ...] = ()


def normalise(
    pixels: NDArray[np.uint8], shape: tuple[int, int] = (28, 28), *, invert: bool | None = None
) -> Normalised:
    """Find the digit in a picture and bring it into the form of the training images.

    Args:
        pixels: uint8 (H, W) or (H, W, 3).
        shape: Height and width of the model's images.
        invert: True: it is dark on light; False: light on dark; None: find out.

    Returns:
        The image. A picture of that shape that already looks like a training image passes through bit for bit.
    """
    if (same := pass_through(pixels, shape, invert=invert)) is not None:
        return Normalised(same)
    grey = _shrink(to_grey(pixels), _ANALYSIS)
    dark_ink = is_dark_on_light(grey) if invert is None else invert
    ink = extract(grey, dark_ink=dark_ink)
    if ink is None:
        return Normalised(np.zeros(shape, np.uint8), (BLANK,))
    ink = remove_lines(ink)
    chosen, oddities = choose(ink)
    if not chosen.any():
        return Normalised(np.zeros(shape, np.uint8), (BLANK,))
    return Normalised(place(_cut(ink, chosen), shape), oddities)


def pass_through(
    pixels: NDArray[np.uint8], shape: tuple[int, int], *, invert: bool | None = None
) -> NDArray[np.uint8] | None:
    """Give a picture that already is as the model's images are, turned light on black; None for any other."""
    if pixels.shape != shape:
        return None
    border = np.concatenate((pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]))
    dark_on_light = bool(np.median(border) > 127) if invert is None else invert
    image = 255 - pixels if dark_on_light else pixels
    if np.median(255 - border if dark_on_light else border) > 8 or image.max() < 128:
        return None
    strong = image > 48
    rows, columns = np.flatnonzero(strong.any(1)), np.flatnonzero(strong.any(0))
    extent = max((rows[-1] - rows[0] + 1) / shape[0], (columns[-1] - columns[0] + 1) / shape[1])
    # Data sets other than digits fill the frame. A digit drawn small or off its centre is treated like any other picture.
    fills = not dark_on_light and extent >= 0.8
    off_centre = max(abs(centre - _middle(size)) for centre, size in zip(_centre_of_mass(image), shape, strict=True))
    if not fills and (extent < (0.6 if dark_on_light else 0.45) or off_centre > 0.06 * max(shape)):
        return None
    return image


def place(ink: Float, shape: tuple[int, int]) -> NDArray[np.uint8]:
    """Scale strokes into the box, aspect ratio kept, and put their centre of mass in the middle.

    Args:
        ink: (h, w) in [0, 1], cut to the strokes.
        shape: Height and width of the model's images.

    Returns:
        uint8 of that shape.
    """
    box = BOX * min(shape)
    scale = box / max(ink.shape)
    size = (max(1, round(ink.shape[0] * scale)), max(1, round(ink.shape[1] * scale)))
    small = _resize(ink, size)
    # The three brightest pixels: one alone may be a speck.
    peak = float(np.sort(small, axis=None)[-min(3, small.size)])
    small = np.clip(small / max(peak, 1e-6), 0, 1)
    top, left = (
        min(max(round(_middle(whole) - centre), 0), whole - part)
        for whole, part, centre in zip(shape, size, _centre_of_mass(small), strict=True)
    )
    image = np.zeros(shape, np.uint8)
    image[top : top + size[0], left : left + size[1]] = np.rint(small * 255)
    return image


def _middle(size: int) -> float:
    """Where MNIST's centres of mass are: around pixel 14 of 28 (counted from 0), half a pixel beyond the true middle."""
    return size / 2


def _centre_of_mass(image: NDArray[np.uint8] | Float) -> tuple[float, float]:
    """Row and column of the centre of mass, counted in pixels from 0."""
    weight = image.astype(np.float64)
    total = max(float(weight.sum()), 1e-9)
    row = float(weight.sum(1) @ np.arange(image.shape[0])) / total
    return row, float(weight.sum(0) @ np.arange(image.shape[1])) / total


def _cut(ink: Float, chosen: NDArray[np.bool_]) -> Float:
    """Cut out the chosen strokes with their soft edges, and bring very thin or thick ones to a usual width."""
    # Two pixels of soft edge belong to a stroke; what else is near it does not.
    soft = thicken(chosen.astype(np.float32), 2)[3:-3, 3:-3] > 0
    strokes = np.where(soft, ink, 0).astype(np.float32)
    solid = strokes > 0.15
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    cut = strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    size = max(cut.shape)
    width = width_of(cut > 0.5) / size
    if _THINNEST <= width <= _THICKEST:
        return cut
    scale = _DETAIL / size
    detail = _resize(cut, (max(1, round(cut.shape[0] * scale)), max(1, round(cut.shape[1] * scale))))
    wanted = _THINNEST if width < _THINNEST else _THICKEST
    radius = round((wanted - width) * _DETAIL / 2)
    return thicken(detail, radius) if radius else cut


def _shrink(grey: Float, longest: int) -> Float:
    height, width = grey.shape
    scale = longest / max(height, width)
    return grey if scale >= 1 else _resize(grey, (max(1, round(height * scale)), max(1, round(width * scale))))


def _resize(values: Float, size: tuple[int, int]) -> Float:
    """Resample to (height, width): by area where it shrinks, smoothly where it grows."""
    if values.shape == size:
        return values
    grows = size[0] > values.shape[0]
    how = Image.Resampling.BICUBIC if grows else Image.Resampling.BOX
    return np.clip(np.asarray(Image.fromarray(values).resize(size[::-1], how)), 0, values.max())
