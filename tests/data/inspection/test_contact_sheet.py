"""Numbered images on one sheet: each whole, in its place, and as large as it goes."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from aaecli.data.inspection.contact_sheet import encode_contact_sheet

PAPER = (90, 90, 90)


def sheet_of(image: np.ndarray) -> np.ndarray:
    with Image.open(io.BytesIO(encode_contact_sheet(image))) as picture:
        assert (picture.format, picture.mode) == ("PNG", "RGB")
        return np.array(picture)


@pytest.mark.parametrize(
    ("shape", "scale"), [((28, 28), 3), ((20, 12), 4), ((12, 20), 4), ((100, 30), 1), ((5, 7, 3), 12)]
)
@pytest.mark.parametrize("num", [1, 7, 10, 23])
def test_each_image_stands_under_its_number(shape: tuple[int, ...], scale: int, num: int) -> None:
    image = np.random.default_rng(0).integers(0, 256, (num, *shape)).astype(np.uint8)
    sheet = sheet_of(image)
    height, width = shape[0] * scale, shape[1] * scale
    columns, rows = min(num, 10), -(-num // 10)
    assert sheet.shape == (6 + rows * (height + 20), 6 + columns * (width + 6), 3)
    for number in range(num):
        top, left = 6 + number // 10 * (height + 20), 6 + number % 10 * (width + 6)
        large = np.kron(image[number], np.ones((scale, scale) if len(shape) == 2 else (scale, scale, 1), np.uint8))
        part = sheet[top + 14 : top + 14 + height, left : left + width]
        np.testing.assert_array_equal(part, large if len(shape) == 3 else np.repeat(large[..., None], 3, 2))
        caption = Image.new("RGB", (14, 14), PAPER)
        ImageDraw.Draw(caption).text((0, 0), str(number + 1), fill=(255, 255, 255))
        np.testing.assert_array_equal(sheet[top : top + 14, left : left + 14], caption)
        sheet[top : top + 14 + height, left : left + max(width, 14)] = PAPER
    assert (sheet == PAPER).all(), "nothing else"
