"""Images on one sheet, each with its number, to be looked at beside a list."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from aaecli.data.encode import encode_picture

_SIDE = 84
"""Longer side in pixels of an image on the sheet, so that 28 × 28 becomes exactly three times as large."""
_MARGIN, _CAPTION = 6, 14
_COLUMNS = 10


def encode_contact_sheet(image: NDArray[np.uint8]) -> bytes:
    """Give images as a PNG, ten in a row, numbered from 1.

    Args:
        image: uint8 (N, H, W) or (N, H, W, 3).
    """
    num, height, width = image.shape[:3]
    scale = max(1, _SIDE // max(height, width))
    columns = min(_COLUMNS, num)
    cell = (width * scale + _MARGIN, height * scale + _CAPTION + _MARGIN)
    sheet = Image.new("RGB", (columns * cell[0] + _MARGIN, -(-num // columns) * cell[1] + _MARGIN), (90, 90, 90))
    pen = ImageDraw.Draw(sheet)
    for number in range(num):
        left, top = _MARGIN + number % columns * cell[0], _MARGIN + number // columns * cell[1]
        pen.text((left, top), str(number + 1), fill=(255, 255, 255))
        picture = Image.fromarray(image[number]).resize((width * scale, height * scale), Image.Resampling.NEAREST)
        sheet.paste(picture.convert("RGB"), (left, top + _CAPTION))
    return encode_picture(sheet)
