"""Pictures made by a program: glyphs and icons on grounds, and textures."""

from __future__ import annotations

import colorsys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import sources
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter, ImageFont


@dataclass(frozen=True)
class Scene:
    """How a thing is shown.

    Attributes:
        side: Height and width of the picture in pixels.
        photo: Half of the grounds are cut out of photographs.
        neighbours: Other glyphs reach in from left and right.
        grey: One channel instead of three.
        fill: Least and largest share of the side that the thing takes.
    """

    side: int
    photo: bool
    neighbours: bool
    grey: bool = False
    fill: tuple[float, float] = (0.65, 0.95)


_OVER = 2
"""Pictures are drawn so many times as large, and then made smaller: that smooths every edge."""


def colour(rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a colour (3,) in [0, 255], evenly in hue, mostly neither pale nor dark."""
    rgb = colorsys.hsv_to_rgb(rng.random(), rng.beta(1.5, 1.5), rng.beta(2, 1.2))
    return 255 * np.asarray(rgb)


def luminance(rgb: NDArray[np.float64]) -> float:
    """Give how light a colour (3,) looks, in [0, 255]."""
    return float(rgb @ (0.299, 0.587, 0.114))


def grounds(side: int, scene: Scene, rng: np.random.Generator) -> NDArray[np.float64]:
    """Draw a ground (side, side, 3): plain, a gradient, stripes of two colours, or cut out of a photograph."""
    kind = rng.random()
    if scene.photo and kind < 0.5:
        photo = sources.photographs()[rng.integers(2)]
        size = int(rng.integers(40, 200))
        top, left = rng.integers(photo.shape[0] - size), rng.integers(photo.shape[1] - size)
        cut = Image.fromarray(photo[top : top + size, left : left + size]).resize(
            (side, side), Image.Resampling.BILINEAR
        )
        return np.asarray(cut, np.float64)
    first, second = colour(rng), colour(rng)
    if kind < 0.75:
        return np.broadcast_to(first, (side, side, 3)).copy()
    angle = rng.random() * 2 * np.pi
    y, x = np.mgrid[0:side, 0:side] / side
    ramp = x * np.cos(angle) + y * np.sin(angle)
    waves = np.sin(ramp * rng.uniform(10, 40)) / 2 + 0.5
    even = (ramp - ramp.min()) / (np.ptp(ramp) + 1e-9)
    ramp = waves if kind > 0.9 else even
    return first + ramp[..., None] * (second - first)


def glyph(letter: str, font: Path, scene: Scene, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a letter in a font: (S, S, 3), or (S, S) where the scene is grey."""
    side = scene.side * _OVER
    ground = grounds(side, scene, rng)
    ink = colour(rng)
    while abs(luminance(ink) - luminance(ground.mean((0, 1)))) < 60:
        ink = 255 * rng.random(3)
    height = rng.uniform(*scene.fill) * side
    mask = _letter(letter, font, height, side, (side / 2, side / 2), rng)
    if scene.neighbours:
        for direction in (-1, 1):
            if rng.random() < 0.6:
                other = "0123456789"[rng.integers(10)]
                beside = (side / 2 + direction * height * rng.uniform(0.6, 0.75), side / 2)
                mask = np.maximum(mask, _letter(other, font, height, side, beside, rng))
    picture = ground + mask[..., None] * (ink - ground)
    return _finished(picture, scene, rng)


def _letter(
    letter: str, font: Path, height: float, side: int, centre: tuple[float, float], rng: np.random.Generator
) -> NDArray[np.float64]:
    loaded = _font(font, max(6, round(height * 1.35)))
    image = Image.new("L", (side, side))
    left, top, right, bottom = loaded.getbbox(letter)
    x, y = centre[0] - (left + right) / 2, centre[1] - (top + bottom) / 2
    ImageDraw.Draw(image).text((x, y), letter, 255, font=loaded)
    return np.asarray(_tilted(image, rng, 10, 0.06), np.float64) / 255


@lru_cache(4096)
def _font(path: Path, size: int) -> ImageFont.FreeTypeFont:
    return ImageFont.truetype(str(path), size)


def place(icon: NDArray[np.uint8], scene: Scene, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Show an icon (S, S, 4) on a ground, sometimes mirrored or in other colours."""
    side = scene.side * _OVER
    ground = grounds(side, scene, rng)
    size = round(rng.uniform(*scene.fill) * side)
    scaled = Image.fromarray(icon).resize((size, size), Image.Resampling.BICUBIC)
    if rng.random() < 0.5:
        scaled = scaled.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    canvas = Image.new("RGBA", (side, side))
    free = side - size
    canvas.paste(scaled, (int(rng.integers(free + 1)), int(rng.integers(free + 1))))
    drawn = np.asarray(_tilted(canvas, rng, 12, 0.0), np.float64)
    rgb, alpha = drawn[..., :3], drawn[..., 3:] / 255
    if rng.random() < 0.3:
        rgb = rgb[..., rng.permutation(3)]
    return _finished(ground + alpha * (rgb - ground), scene, rng)


def fruit(shape: str, hue: float, scene: Scene, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a fruit with a stalk on a ground: ``round``, ``cone`` or ``long``, of about a hue in [0, 1]."""
    side = scene.side * _OVER
    ground = grounds(side, scene, rng)
    canvas = Image.new("RGBA", (side, side))
    drawing = ImageDraw.Draw(canvas)
    radius = rng.uniform(*scene.fill) * side / 2
    x, y = side / 2 + 0.7 * (side / 2 - radius) * rng.uniform(-1, 1, 2)
    skin = colorsys.hsv_to_rgb((hue + rng.normal(0, 0.02)) % 1, rng.uniform(0.6, 1), rng.uniform(0.6, 0.95))
    fill = (*(round(255 * value) for value in skin), 255)
    tall = radius * rng.uniform(0.85, 1.1)
    if shape == "round":
        drawing.ellipse((x - radius, y - tall, x + radius, y + tall), fill)
    elif shape == "cone":
        drawing.polygon([(x, y - tall), (x + radius, y + 0.8 * tall), (x - radius, y + 0.8 * tall)], fill)
    else:
        drawing.rounded_rectangle((x - radius, y - 0.4 * tall, x + radius, y + 0.4 * tall), 0.3 * radius, fill)
    drawing.rectangle(
        (x - 0.08 * radius, y - tall - 0.2 * radius, x + 0.08 * radius, y - 0.6 * tall), (70, 50, 20, 255)
    )
    drawn = np.asarray(_tilted(canvas, rng, 10, 0.0), np.float64)
    rgb, alpha = drawn[..., :3], drawn[..., 3:] / 255
    return _finished(ground + alpha * (rgb - ground), scene, rng)


def _tilted(image: Image.Image, rng: np.random.Generator, degrees: float, shift: float) -> Image.Image:
    dx, dy = rng.uniform(-shift, shift, 2) * image.width
    return image.rotate(rng.uniform(-degrees, degrees), Image.Resampling.BILINEAR, translate=(round(dx), round(dy)))


def _finished(picture: NDArray[np.float64], scene: Scene, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Blur a little, bring to size, add the noise of a camera."""
    image = Image.fromarray(picture.clip(0, 255).astype(np.uint8))
    image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0, 1.2)))
    image = image.resize((scene.side, scene.side), Image.Resampling.BOX)
    if scene.grey:
        image = image.convert("L")
    values = np.asarray(image, np.float64)
    return (values + rng.normal(0, rng.uniform(0, 8), values.shape)).clip(0, 255).astype(np.uint8)


def texture(kind: str, side: int, rng: np.random.Generator) -> NDArray[np.uint8]:
    """Draw a texture (side, side, 3) in two colours, turned by any angle, of any scale."""
    angle, period = rng.random() * np.pi, rng.uniform(5, 12)
    y, x = np.mgrid[0:side, 0:side] + rng.uniform(0, 50, (2, 1, 1))
    u, v = (x * np.cos(angle) + y * np.sin(angle)) / period, (y * np.cos(angle) - x * np.sin(angle)) / period
    if kind == "stripes":
        level = np.sin(2 * np.pi * u)
    elif kind == "checks":
        level = np.sin(np.pi * u) * np.sin(np.pi * v) * 2
    elif kind == "dots":
        level = 0.35 - np.hypot(u % 1 - 0.5, v % 1 - 0.5)
    elif kind == "waves":
        level = np.sin(2 * np.pi * (u + 0.3 * np.sin(2 * np.pi * v / 1.5)))
    elif kind == "bricks":
        row = np.floor(v * 1.5)
        level = np.minimum(np.abs((u + row / 2) % 1 - 0.5) - 0.12, np.abs(v * 1.5 % 1 - 0.5) - 0.15)
    elif kind == "rings":
        centre = rng.uniform(-0.5, 1.5, 2) * side / period
        level = np.sin(2 * np.pi * np.hypot(u - u.min() - centre[0], v - v.min() - centre[1]))
    elif kind == "weave":
        over = (np.floor(u) + np.floor(v)) % 2
        level = np.where(over, np.sin(2 * np.pi * u * 2), np.sin(2 * np.pi * v * 2))
    else:
        coarse = Image.fromarray(rng.normal(size=(side // 3, side // 3)).astype(np.float32))
        level = np.asarray(coarse.resize((side, side), Image.Resampling.BICUBIC), np.float64)
    soft = 1 / (1 + np.exp(-level * rng.uniform(4, 12)))
    first, second = colour(rng), colour(rng)
    while np.abs(first - second).max() < 70:
        second = colour(rng)
    light = 1 + 0.3 * rng.uniform(-1, 1) * (np.mgrid[0:side, 0:side][0] / side - 0.5)
    picture = (first + soft[..., None] * (second - first)) * light[..., None]
    return (picture + rng.normal(0, rng.uniform(2, 14), picture.shape)).clip(0, 255).astype(np.uint8)
