"""Writing what was drawn: one picture, an animation, or a folder of single pictures."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aaecli.errors import AaeError
from aaecli.paths import replacing
from aaecli.serve.generate import Sheet

GAP = 2
"""Pixels between two images of a sheet."""
FRAME_MS = 80


def tile(images: NDArray[np.uint8], gap: int = GAP) -> NDArray[np.uint8]:
    """Lay images out in one: uint8 (R, C, H, W) to (R·(H + gap) − gap, C·(W + gap) − gap), colour last in both."""
    rows, columns, height, width, *colour = images.shape
    padded = np.zeros((rows, columns, height + gap, width + gap, *colour), np.uint8)
    padded[:, :, :height, :width] = images
    whole = padded.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap), *colour)
    return whole[: whole.shape[0] - gap or None, : whole.shape[1] - gap or None]


def save_png(sheet: Sheet, path: Path, scale: int = 1) -> None:
    """Write a sheet as one PNG.

    Raises:
        AaeError: It cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(png(sheet, scale))


def png(sheet: Sheet, scale: int = 1) -> bytes:
    """Encode a sheet as one PNG, each pixel ``scale`` times as wide and high."""
    image = tile(sheet.images)
    buffer = io.BytesIO()
    Image.fromarray(_enlarge(image, scale)).save(buffer, "PNG")
    return buffer.getvalue()


def save_gif(sheet: Sheet, path: Path, scale: int = 1) -> None:
    """Write a sheet as an endless animation that walks to its end and back.

    Raises:
        AaeError: It cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(gif(sheet, scale))


def gif(sheet: Sheet, scale: int = 1) -> bytes:
    """Encode a sheet as a GIF; ``Sheet.frames`` says what a frame is."""
    rows, columns = sheet.images.shape[:2]
    if sheet.frames == "row":
        parts = [sheet.images[row : row + 1] for row in range(rows)]
    elif sheet.frames == "column":
        parts = [sheet.images[:, column : column + 1] for column in range(columns)]
    else:
        parts = [sheet.images[row : row + 1, c : c + 1] for row in range(rows) for c in range(len(sheet.names[row]))]
    frames = [Image.fromarray(_enlarge(tile(part), scale)) for part in parts]
    frames += frames[-2:0:-1]
    buffer = io.BytesIO()
    frames[0].save(buffer, "GIF", save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0)
    return buffer.getvalue()


def save_folder(sheet: Sheet, folder: Path, scale: int = 1) -> None:
    """Write each image as a PNG of its own, named by ``Sheet.names``.

    Raises:
        AaeError: The folder cannot be written.
    """
    for row, names in enumerate(sheet.names):
        for column, name in enumerate(names):
            save_image(_enlarge(sheet.images[row, column], scale), folder / f"{name}.png")


def save_image(image: NDArray[np.uint8], path: Path) -> None:
    """Write one image as a PNG, and make its folder where there is none.

    Raises:
        AaeError: It cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(image).save(path)
    except OSError as error:
        raise AaeError(
            f"Cannot write {path}: {error.strerror or error}.",
            "Check the folder's permissions and the free space on its disk.",
        ) from error


def _enlarge(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    return image if scale == 1 else image.repeat(scale, 0).repeat(scale, 1)
