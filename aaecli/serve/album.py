"""What was drawn as the bytes of files: one picture, an animation, or single pictures."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aaecli.data.encode import encode_picture
from aaecli.serve.generate import Sheet

GAP = 2
"""Pixels between two images of a sheet."""
FRAME_MS = 80
_LOOKED_AT = 112
"""Side in pixels that an image is drawn with at least: four times MNIST's."""
_CAPTION_WIDTH, _CAPTION_HEIGHT = 28, 18


def tile(images: NDArray[np.uint8], gap: int = GAP) -> NDArray[np.uint8]:
    """Lay images out in one: uint8 (R, C, H, W) to (R·(H + gap) − gap, C·(W + gap) − gap), colour last in both."""
    rows, columns, height, width, *colour = images.shape
    padded = np.zeros((rows, columns, height + gap, width + gap, *colour), np.uint8)
    padded[:, :, :height, :width] = images
    whole = padded.swapaxes(1, 2).reshape(rows * (height + gap), columns * (width + gap), *colour)
    return whole[: whole.shape[0] - gap or None, : whole.shape[1] - gap or None]


def default_scale(height: int, width: int) -> int:
    """Give the side in pixels at which each pixel of an image is drawn, so that the image can be looked at."""
    return max(1, -(-_LOOKED_AT // max(height, width)))


def png(sheet: Sheet, scale: int = 1) -> bytes:
    """Encode a sheet as one PNG, each pixel ``scale`` times as wide and high; captions stand around the images."""
    image = Image.fromarray(_enlarge(tile(sheet.images), scale))
    captions_fit = bool(sheet.row_captions) and scale * min(sheet.images.shape[2:4]) > _CAPTION_WIDTH
    return encode_picture(_captioned(image, sheet, scale) if captions_fit else image)


def encode_image(image: NDArray[np.uint8], comment: str = "") -> bytes:
    """Encode one image as it is, as a PNG with a comment."""
    return encode_picture(Image.fromarray(image), comment=comment)


def gif(sheet: Sheet, scale: int = 1) -> bytes:
    """Encode a sheet as an endless GIF that walks to its end and back; ``Sheet.frames`` says what a frame is."""
    rows, columns = sheet.images.shape[:2]
    if sheet.frames == "row":
        parts = [sheet.images[row : row + 1] for row in range(rows)]
    elif sheet.frames == "column":
        parts = [sheet.images[:, column : column + 1] for column in range(columns)]
    else:
        parts = [sheet.images[row : row + 1, c : c + 1] for row in range(rows) for c in range(len(sheet.names[row]))]
    frames = [Image.fromarray(_enlarge(tile(part), scale)) for part in parts]
    frames += frames[-2:0:-1]
    return encode_picture(frames[0], "GIF", save_all=True, append_images=frames[1:], duration=FRAME_MS, loop=0)


def singles(sheet: Sheet, scale: int = 1) -> Iterator[tuple[str, bytes]]:
    """Encode each image as a PNG of its own: its name, with the suffix, and the bytes."""
    for row, names in enumerate(sheet.names):
        for column, name in enumerate(names):
            yield f"{name}.png", encode_image(_enlarge(sheet.images[row, column], scale))


def _captioned(image: Image.Image, sheet: Sheet, scale: int) -> Image.Image:
    # It brings fonts, which a server has no use for.
    from PIL import ImageDraw

    height, width = sheet.images.shape[2:4]
    whole = Image.new(image.mode, (image.width + _CAPTION_WIDTH, image.height + _CAPTION_HEIGHT))
    whole.paste(image, (_CAPTION_WIDTH, _CAPTION_HEIGHT))
    pen, light = ImageDraw.Draw(whole), "white"
    for row, text in enumerate(sheet.row_captions):
        middle = _CAPTION_HEIGHT + scale * (row * (height + GAP) + height / 2)
        pen.text((_CAPTION_WIDTH / 2, middle), text, light, anchor="mm")
    for column, text in enumerate(sheet.column_captions):
        middle = _CAPTION_WIDTH + scale * (column * (width + GAP) + width / 2)
        pen.text((middle, _CAPTION_HEIGHT / 2), text, light, anchor="mm")
    return whole


def _enlarge(image: NDArray[np.uint8], scale: int) -> NDArray[np.uint8]:
    return image if scale == 1 else image.repeat(scale, 0).repeat(scale, 1)
