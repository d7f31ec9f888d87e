"""What the pictures of a folder are brought to where the user does not say: found by decoding some of them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from aaecli.config.automatic import DARK, WRITING
from aaecli.config.image import MAX_SIZE, MIN_SIZE, Image
from aaecli.data.decoding.pictures import decode
from aaecli.data.naming.files import read_bytes
from aaecli.data.readers.image_folder.folder import Listing, list_folder
from aaecli.data.readers.image_folder.tar import sources_of
from aaecli.errors import AaeError

_SAMPLE = 60
"""Pictures that are decoded."""
_COLOURED = 0.1
"""Fraction of coloured pictures from which on colour is kept."""
_TINT = 24
"""Difference between the channels of a pixel, of 255, from which on it has a colour: scans of ink stay below."""
_LARGEST_STROKES = 28
"""Side to which strokes are brought: MNIST's."""


def find_form(folder: Path, listing: Listing | None = None, *, strokes: bool = False) -> Image:
    """Find side, channels and normalising that suit the pictures of a folder, by the training ones alone.

    Pictures of up to 64 pixels are cut out already and stay as they are. Of larger ones, those in colour are made 64
    pixels, and grey ones, scans and photos of writing, are normalised.

    Args:
        folder: The folder.
        listing: What it holds, where that is known already.
        strokes: Normalise small grey pictures too, where they look like strokes: for settings that were chosen on
            MNIST.

    Raises:
        AaeError: The folder cannot be read.
    """
    names = (listing or list_folder(folder)).train
    chosen = [names[index] for index in np.linspace(0, len(names) - 1, min(_SAMPLE, len(names))).astype(int).tolist()]
    sides, coloured, ground = [], [], []
    for name, source in zip(chosen, sources_of(folder, chosen), strict=True):
        try:
            if isinstance(source, AaeError):
                raise source
            pixels = decode(read_bytes(source) if isinstance(source, str) else source.data, name).pixels
        except AaeError:
            continue  # whatever loads the folder names it
        sides.append(max(pixels.shape[:2]))
        coloured.append(pixels.ndim == 3 and float((np.ptp(pixels, axis=2) > _TINT).mean()) > 0.01)
        ground.append(max(float((pixels <= DARK).mean()), float((pixels >= 255 - DARK).mean())))
    side = int(np.median(sides)) if sides else Image.size
    channels = 3 if sides and np.mean(coloured) >= _COLOURED else 1
    if channels == 1 and (side > MAX_SIZE or (strokes and ground and np.mean(ground) > WRITING)):
        return Image(_LARGEST_STROKES, 1, "strokes")
    return Image(min(max(side, MIN_SIZE), MAX_SIZE), channels, "none")
