"""Pictures as text: two pixels a character where they fit, four where they do not, letters where there is no colour."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_QUADRANTS = " ▘▝▀▖▌▞▛▗▚▐▜▄▙▟█"
"""Indexed by which of upper left, upper right, lower left, lower right are set, as bits 1, 2, 4 and 8."""
_LETTERS = " .:-=+*#%@"
_RESET = "\x1b[0m"


def draw(image: NDArray[np.uint8], columns: int, *, colour: bool, blocks: bool = True) -> list[str]:
    """Convert a picture to text of at most so many columns.

    Args:
        image: uint8 (H, W) or (H, W, 3).
        columns: Width of the terminal in characters.
        colour: Escape sequences for 24 shades of grey, or for 24-bit colour, may be used.
        blocks: The terminal's encoding has block characters.

    Returns:
        Lines of text. A character is as wide as half its height, so the proportions hold.
    """
    height, width = image.shape[:2]
    if image.ndim == 3:
        if colour and blocks:
            wide = min(width, columns)
            return _colour_blocks(_resize(image, max(2, round(height * wide / width)), wide))
        image = _luma(image)
    if not (colour and blocks):
        return _letters(_resize(image, max(1, height * min(width, columns) // width // 2), min(width, columns)))
    if width <= columns:
        return _half_blocks(image)
    wide = min(width, 2 * columns)
    return _quadrants(_resize(image, max(2, round(height * wide / width)), wide))


def _half_blocks(image: NDArray[np.uint8]) -> list[str]:
    shade = _shade(_even(image))
    return [
        "".join(f"\x1b[38;5;{upper};48;5;{lower}m▀" for upper, lower in zip(*rows, strict=True)) + _RESET
        for rows in zip(shade[::2], shade[1::2], strict=True)
    ]


def _colour_blocks(image: NDArray[np.uint8]) -> list[str]:
    rows = np.pad(image, ((0, image.shape[0] % 2), (0, 0), (0, 0))).tolist()
    return [
        "".join(f"\x1b[38;2;{r};{g};{b};48;2;{R};{G};{B}m▀" for (r, g, b), (R, G, B) in zip(*pair, strict=True))
        + _RESET
        for pair in zip(rows[::2], rows[1::2], strict=True)
    ]


def _luma(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    from PIL import Image

    return np.asarray(Image.fromarray(image).convert("L"))


def _quadrants(image: NDArray[np.uint8]) -> list[str]:
    """Give each character the two greys that its four pixels are nearest to: above and below their mean."""
    image = _even(_even(image).T).T
    height, width = image.shape
    cell = image.reshape(height // 2, 2, width // 2, 2).swapaxes(1, 2).reshape(height // 2, width // 2, 4).astype(float)
    # A difference that the ramp of greys cannot show is left to neither side.
    light = (cell > cell.mean(2, keepdims=True)) & (np.ptp(cell, 2, keepdims=True) > 255 / 24)
    glyph = light @ np.array([1, 2, 4, 8])
    num_light = light.sum(2)
    front = _shade((cell * light).sum(2) / np.maximum(num_light, 1))
    back = _shade((cell * ~light).sum(2) / np.maximum(4 - num_light, 1))
    return [
        "".join(
            f"\x1b[38;5;{fore};48;5;{behind}m{_QUADRANTS[index]}"
            for fore, behind, index in zip(front[row], back[row], glyph[row], strict=True)
        )
        + _RESET
        for row in range(height // 2)
    ]


def _letters(image: NDArray[np.uint8]) -> list[str]:
    glyphs = image.astype(int) * len(_LETTERS) // 256
    return ["".join(_LETTERS[index] for index in row).rstrip() for row in glyphs]


def _shade(image: NDArray[np.floating] | NDArray[np.uint8]) -> NDArray[np.int64]:
    """Numbers of the terminal's grey ramp: 232 is nearly black, 255 nearly white; 16 is black."""
    ramp = np.rint(np.asarray(image, np.float64) / 255 * 24).astype(np.int64)
    return np.where(ramp == 0, 16, 231 + ramp)


def _even(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.pad(image, ((0, image.shape[0] % 2), (0, 0)))


def _resize(image: NDArray[np.uint8], height: int, width: int) -> NDArray[np.uint8]:
    if image.shape[:2] == (height, width):
        return image
    from PIL import Image

    return np.asarray(Image.fromarray(image).resize((width, height), Image.Resampling.BOX))
