"""From any picture of a digit to the input of the model: MNIST's own procedure, after ink is separated from paper."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aaecli.data.preprocessing.ink import Float, extract, is_dark_on_light, to_grey
from aaecli.data.preprocessing.ruling import remove_lines
from aaecli.data.preprocessing.sheet import find_sheet
from aaecli.data.preprocessing.strokes import choose, thicken, width_of

BOX = 20 / 28
"""Side of the box that the strokes are scaled into, as a share of the image (LeCun et al. 1998: 20 of 28 pixels)."""
BLANK = "blank: there is nothing in the picture"

_ANALYSIS = 400
"""Longer side, in pixels, at which ink is separated from paper."""
_DETAIL = 100
"""Longer side of the cropped digit while the width of its strokes is corrected."""
_WIDTHS = (0.08, 0.21)
"""Widths of a stroke as shares of the digit's size; nearly all of MNIST's lie between."""
_STROKE_WIDTH = (0.10, 0.18)
"""Target width for thinner and thicker strokes; the median of MNIST's is 0.126."""


@dataclass(frozen=True)
class Normalised:
    """A picture as the input of the model.

    Attributes:
        image: uint8 (H, W), light on black; as the picture was, or (H, W, 3), where it was only resized.
        oddities: What makes it unlike a picture of one digit; empty for most.
    """

    image: NDArray[np.uint8]
    warnings: tuple[str, ...] = ()


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
    if pixels.shape == shape:
        image, as_it_is = pass_through(pixels[None], invert=invert)
        if as_it_is[0]:
            return Normalised(image[0])
    grey = _shrink(to_grey(pixels), _ANALYSIS)
    if invert is None and (sheet := find_sheet(grey)) is not None:
        found = _read(sheet, shape, is_dark_on_light(sheet))
        # A bar of a 1 is a rectangle as well, but nothing is written on it.
        if BLANK not in found.warnings:
            return found
    return _read(grey, shape, is_dark_on_light(grey) if invert is None else invert)


def _read(grey: Float, shape: tuple[int, int], dark_ink: bool) -> Normalised:
    ink = extract(grey, dark_ink=dark_ink)
    if ink is None:
        return Normalised(np.zeros(shape, np.uint8), (BLANK,))
    ink = remove_lines(ink)
    chosen, warnings = choose(ink)
    if not chosen.any():
        return Normalised(np.zeros(shape, np.uint8), (BLANK,))
    return Normalised(centre_on_canvas(_cut(ink, chosen), shape), warnings)


def pass_through(
    pixels: NDArray[np.uint8], *, invert: bool | None = None
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Find the pictures that already are as the training images are.

    Args:
        pixels: uint8 (N, H, W), of the size of the model's images.
        invert: See ``normalise``.

    Returns:
        The pictures turned light on black (N, H, W), bit for bit; and which of them may be taken as they are (N,).
    """
    num, height, width = pixels.shape
    ring = np.concatenate((pixels[:, 0], pixels[:, -1], pixels[:, :, 0], pixels[:, :, -1]), axis=1)
    dark_on_light = (ring > 127).sum(1) * 2 > ring.shape[1] if invert is None else np.full(num, invert)
    # 255 − v is v with all its bits flipped.
    flip = np.where(dark_on_light, 255, 0).astype(np.uint8)
    image, ring = pixels ^ flip[:, None, None], ring ^ flip[:, None]
    strong: NDArray[np.bool_] = image > 48
    has_black_rim = (ring > 8).sum(1) * 2 < ring.shape[1]
    has_ink = image.max((1, 2)) >= 128
    extent = np.maximum(_extent(strong, 2) / height, _extent(strong, 1) / width)
    weight = image.astype(np.float32)
    total = np.maximum(weight.sum((1, 2)), 1)
    row = weight.sum(2) @ np.arange(height, dtype=np.float32) / total
    column = weight.sum(1) @ np.arange(width, dtype=np.float32) / total
    off_centre = np.maximum(np.abs(row - _middle(height)), np.abs(column - _middle(width)))
    # Data sets other than digits fill the frame. A digit drawn small or off its centre is normalised like any other.
    fills = ~dark_on_light & (extent >= 0.8)
    is_centred = (extent >= np.where(dark_on_light, 0.6, 0.45)) & (off_centre <= 0.06 * max(height, width))
    return image, has_black_rim & has_ink & (fills | is_centred)


def _extent(strong: NDArray[np.bool_], across: int) -> NDArray[np.int64]:
    """Length from the first to the last line of each image with a True in it: (N, H, W) to (N,)."""
    occupied = np.asarray(strong.any(across))
    first = occupied.argmax(1)
    last = occupied.shape[1] - occupied[:, ::-1].argmax(1)
    return np.where(occupied.any(1), last - first, 0)


def centre_on_canvas(ink: Float, shape: tuple[int, int]) -> NDArray[np.uint8]:
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
    """Where MNIST's centres of mass are: around pixel 14 of 28 (from 0), half a pixel beyond the true middle."""
    return size / 2


def _centre_of_mass(image: NDArray[np.uint8] | Float) -> tuple[float, float]:
    """Row and column of the centre of mass, counted in pixels from 0."""
    weight = image.astype(np.float64)
    total = max(float(weight.sum()), 1e-9)
    row = float(weight.sum(1) @ np.arange(image.shape[0])) / total
    return row, float(weight.sum(0) @ np.arange(image.shape[1])) / total


def _cut(ink: Float, chosen: NDArray[np.bool_]) -> Float:
    """Cut out the chosen strokes with their soft edges, and correct the width of very thin or thick ones."""
    # Two pixels of soft edge belong to a stroke; what else is near it does not.
    soft = thicken(chosen.astype(np.float32), 2)[3:-3, 3:-3] > 0
    strokes = np.where(soft, ink, 0).astype(np.float32)
    # Half of a soft edge is where the pen ended.
    solid = strokes > 0.45
    if not solid.any():
        # Faint all over: what `choose` took for ink.
        solid = chosen
    rows, columns = np.flatnonzero(solid.any(1)), np.flatnonzero(solid.any(0))
    cut = strokes[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    size = max(cut.shape)
    width = width_of(cut > 0.5) / size
    if _WIDTHS[0] <= width <= _WIDTHS[1]:
        return cut
    scale = _DETAIL / size
    detail = _resize(cut, (max(1, round(cut.shape[0] * scale)), max(1, round(cut.shape[1] * scale))))
    wanted = _STROKE_WIDTH[0] if width < _WIDTHS[0] else _STROKE_WIDTH[1]
    radius = round((wanted - width) * _DETAIL / 2)
    return thicken(detail, radius) if radius else cut


def _shrink(grey: Float, longest: int) -> Float:
    height, width = grey.shape
    scale = longest / max(height, width)
    return grey if scale >= 1 else _resize(grey, (max(1, round(height * scale)), max(1, round(width * scale))))


def _resize(values: Float, size: tuple[int, int]) -> Float:
    """Resample to (height, width): averaged where it shrinks, smooth where it grows."""
    if values.shape == size:
        return values
    grows = size[0] > values.shape[0]
    how = Image.Resampling.BICUBIC if grows else Image.Resampling.BILINEAR
    resized: Float = np.asarray(Image.fromarray(values).resize(size[::-1], how))
    return np.asarray(np.clip(resized, 0, values.max()), np.float32)
