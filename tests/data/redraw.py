"""MNIST digits redrawn as people would send them, for the tests of the picture path."""

from __future__ import annotations

import io
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Ink = NDArray[np.float32]
Redraw = Callable[[NDArray[np.uint8], np.random.Generator], bytes]

_RESAMPLING = (Image.Resampling.NEAREST, Image.Resampling.BILINEAR, Image.Resampling.BICUBIC)


def encode(pixels: NDArray, suffix: str = "PNG", **options: object) -> bytes:
    """Spell pixels of 0 … 255 as the bytes of a file."""
    buffer = io.BytesIO()
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(buffer, suffix, **options)
    return buffer.getvalue()


def enlarged(digit: NDArray[np.uint8], rng: np.random.Generator, low: float = 5, high: float = 20) -> Ink:
    """A digit 5 to 20 times larger, somewhere on a larger sheet; 1 is ink."""
    side = round(28 * rng.uniform(low, high))
    large = Image.fromarray(digit).resize((side, side), _RESAMPLING[rng.integers(len(_RESAMPLING))])
    sheet = np.zeros([round(side * rng.uniform(1, 1.5)) for _ in range(2)], np.float32)
    top, left = (int(rng.integers(0, length - side + 1)) for length in sheet.shape)
    sheet[top : top + side, left : left + side] = np.asarray(large, np.float32) / 255
    return sheet


def uneven_light(shape: tuple[int, ...], rng: np.random.Generator) -> Ink:
    y, x = np.mgrid[: shape[0], : shape[1]].astype(np.float32)
    angle = rng.uniform(0, 2 * np.pi)
    slope = np.cos(angle) * x / shape[1] + np.sin(angle) * y / shape[0]
    slope = (slope - slope.min()) / (slope.max() - slope.min())
    return 1 - rng.uniform(0.2, 0.6) * slope


def dark_on_white(digit, rng):
    return encode(255 * (1 - enlarged(digit, rng)))


def light_on_dark(digit, rng):
    return encode(30 + 200 * enlarged(digit, rng))


def with_alpha(digit, rng):
    ink = enlarged(digit, rng)
    pixels = np.zeros((*ink.shape, 4))
    pixels[..., :3] = rng.integers(0, 90, 3)
    pixels[..., 3] = 255 * ink
    return encode(pixels)


def turned_by_exif(digit, rng):
    """Stored turned or mirrored; the EXIF tag tells how to turn it back."""
    back = {
        2: Image.Transpose.FLIP_LEFT_RIGHT,
        3: Image.Transpose.ROTATE_180,
        4: Image.Transpose.FLIP_TOP_BOTTOM,
        5: Image.Transpose.TRANSPOSE,
        6: Image.Transpose.ROTATE_90,
        7: Image.Transpose.TRANSVERSE,
        8: Image.Transpose.ROTATE_270,
    }
    orientation = int(rng.integers(2, 9))
    upright = Image.fromarray((255 * (1 - enlarged(digit, rng))).astype(np.uint8))
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encode(np.asarray(upright.transpose(back[orientation])), "JPEG", quality=90, exif=exif)


def photo(digit, rng):
    """Ink on paper with grain, in uneven light, as a JPEG."""
    ink = enlarged(digit, rng)
    paper, pen = rng.uniform(190, 250), rng.uniform(10, 80)
    pixels = (paper + (pen - paper) * ink) * uneven_light(ink.shape, rng)
    return encode(pixels + rng.normal(0, rng.uniform(2, 10), ink.shape), "JPEG", quality=int(rng.integers(55, 95)))


def coloured_pen(digit, rng):
    ink = enlarged(digit, rng)[..., None]
    pens = ((20, 40, 200), (210, 20, 30), (20, 140, 50), (240, 150, 20), (250, 220, 40), (60, 180, 230))
    pixels = 245 + (np.array(pens[rng.integers(len(pens))]) - 245) * ink
    return encode(pixels + rng.normal(0, 2, pixels.shape), "JPEG", quality=85)


def on_ruled_paper(digit, rng, *, grid: bool = False):
    ink = enlarged(digit, rng, 8)
    height, width = ink.shape
    y, x = np.mgrid[:height, :width]
    slope, spacing = rng.uniform(-0.05, 0.05), rng.uniform(0.15, 0.4) * height
    thickness = max(1, round(0.008 * height))
    lines = (y - slope * x + rng.uniform(0, spacing)) % spacing < thickness
    if grid:
        lines |= (x + slope * y + rng.uniform(0, spacing)) % spacing < thickness
    pixels = np.minimum(235 - rng.uniform(40, 120) * lines, 235 - 195 * ink)
    return encode(pixels + rng.normal(0, 3, ink.shape), "JPEG", quality=80)


def on_grid_paper(digit, rng):
    return on_ruled_paper(digit, rng, grid=True)


def in_the_edge_of_a_shadow(digit, rng):
    ink = enlarged(digit, rng, 8)
    height, width = ink.shape
    y, x = np.mgrid[:height, :width]
    angle = rng.uniform(0, 2 * np.pi)
    behind = np.cos(angle) * (x - width / 2) + np.sin(angle) * (y - height / 2) > rng.uniform(-0.2, 0.2) * width
    return encode((235 - 190 * ink) * (1 - 0.45 * behind) + rng.normal(0, 3, ink.shape), "JPEG", quality=85)


def small_in_a_large_photo(digit, rng):
    ink = enlarged(digit, rng, 3, 6)
    sheet = np.zeros([4 * length for length in ink.shape], np.float32)
    top, left = (int(rng.uniform(0.2, 0.5) * length) for length in sheet.shape)
    sheet[top : top + ink.shape[0], left : left + ink.shape[1]] = ink
    pixels = (230 - 190 * sheet) * uneven_light(sheet.shape, rng)
    return encode(pixels + rng.normal(0, 4, sheet.shape), "JPEG", quality=85)


def cropped_tightly(digit, rng):
    ink = enlarged(digit, rng)
    rows, columns = np.flatnonzero((ink > 0.3).any(1)), np.flatnonzero((ink > 0.3).any(0))
    margin = int(rng.integers(2, 12))
    cut = np.pad(ink[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1], margin)
    return encode(240 - 200 * cut)


def on_a_sheet_on_a_table(digit, rng):
    ink = np.pad(enlarged(digit, rng, 5, 8), 30)
    sheet = Image.fromarray((235 - 190 * ink).astype(np.uint8)).convert("LA")
    sheet = sheet.rotate(rng.uniform(-8, 8), expand=True, resample=Image.Resampling.BICUBIC)
    table = Image.new("LA", [round(1.3 * length) for length in sheet.size], (60, 255))
    table.alpha_composite(sheet, (sheet.size[0] // 8, sheet.size[1] // 6))
    pixels = np.asarray(table.convert("L")) * uneven_light(table.size[::-1], rng) ** 0.5
    return encode(pixels + rng.normal(0, 3, pixels.shape), "JPEG", quality=85)


REDRAWINGS: tuple[Redraw, ...] = (
    dark_on_white,
    light_on_dark,
    with_alpha,
    turned_by_exif,
    photo,
    coloured_pen,
    on_ruled_paper,
    on_grid_paper,
    in_the_edge_of_a_shadow,
    small_in_a_large_photo,
    cropped_tightly,
    on_a_sheet_on_a_table,
)
