"""Where the pictures of the suite come from: Debian's packages and scikit-learn's samples.

A Debian package is taken from where it is installed, else fetched by ``apt-get download`` and unpacked into a cache
folder: neither needs root. Nothing else is downloaded.
"""

from __future__ import annotations

import subprocess
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFont

from aaecli.files.cache import cache_folder

FASHION = "dataset-fashion-mnist"
FONTS = ("fonts-dejavu-core", "fonts-dejavu-extra", "fonts-liberation", "fonts-freefont-ttf")
THEMES = {
    "oxygen": "oxygen-icon-theme",
    "gnome": "gnome-icon-theme",
    "Tango": "tango-icon-theme",
    "Faenza": "faenza-icon-theme",
    "Moka": "moka-icon-theme",
    "mate": "mate-icon-theme",
    "nuoveXT2": "lxde-icon-theme",
    "elementary-xfce": "elementary-xfce-icon-theme",
    "Obsidian": "obsidian-icon-theme",
    "Paper": "paper-icon-theme",
}
"""Icon themes that hold PNG files, with the package of each. No two are by the same artists."""


@cache
def unpacked(package: str) -> Path:
    """Give a folder that holds the ``usr/share`` of a Debian package, which is downloaded where it is not there yet.

    Raises:
        SystemExit: The package cannot be had.
    """
    folder = cache_folder() / "suite" / package
    if not folder.is_dir():
        parts = folder.with_name(f"{package}.partial")
        parts.mkdir(parents=True, exist_ok=True)
        try:
            subprocess.run(["apt-get", "download", package], cwd=parts, check=True, capture_output=True)  # noqa: S607
            (archive,) = parts.glob("*.deb")
            subprocess.run(["dpkg-deb", "-x", archive, parts], check=True, capture_output=True)  # noqa: S607
        except (OSError, subprocess.CalledProcessError) as error:
            raise SystemExit(
                f"Cannot get the Debian package {package}: {error}. Try `apt-get update` first."
            ) from error
        archive.unlink()
        parts.rename(folder)
    return folder / "usr" / "share"


def fashion() -> Path:
    """Give the folder with the IDX files of Fashion-MNIST."""
    return unpacked(FASHION) / "datasets" / "fashion-mnist"


def fonts() -> list[Path]:
    """List the outline fonts of ``FONTS`` that have Latin letters, in order of name."""
    found = sorted(path for package in FONTS for path in unpacked(package).rglob("*.ttf"))
    return [path for path in found if _has_letters(path)]


def _has_letters(path: Path) -> bool:
    """See that a font draws letters and figures, each in a shape of its own: a symbol font draws one box for all."""
    font = ImageFont.truetype(str(path), 20)
    shapes = {bytes(font.getmask(letter)) for letter in "ABXabx0123"}
    return len(shapes) == 10


@cache
def icons(name: str) -> dict[str, NDArray[np.uint8]]:
    """Give the icon of a name in each theme that has it, as RGBA (S, S, 4), the largest up to 128 pixels."""
    found = {}
    for theme, package in THEMES.items():
        folder = unpacked(package) / "icons" / theme
        pictures = [_opened(path) for path in sorted(folder.rglob(f"{name}.png"))]
        sizes = [picture for picture in pictures if picture is not None and 32 <= picture.width <= 128]
        if sizes:
            found[theme] = np.asarray(max(sizes, key=lambda picture: picture.width))
    return found


def _opened(path: Path) -> Image.Image | None:
    # Themes link names to files that other packages bring.
    if not path.is_file():
        return None
    picture = Image.open(path).convert("RGBA")
    return picture if picture.width == picture.height else None


@cache
def photographs() -> list[NDArray[np.uint8]]:
    """Give scikit-learn's two sample photographs, (427, 640, 3) each."""
    from sklearn.datasets import load_sample_images

    return [np.asarray(image) for image in load_sample_images().images]
