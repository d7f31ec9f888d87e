"""Faint strokes and Pillow's warnings: what arrays and threads brought to light."""

from __future__ import annotations

import warnings

import numpy as np

from aaecli.data.decoding.pillow_warnings import without_pillow_warnings
from aaecli.data.preprocessing.normalise import normalise


def test_strokes_that_are_faint_all_over_are_read() -> None:
    faint = np.zeros((20, 20), np.float32)
    faint[5:15, 9:11] = 1
    for strength in range(1, 60):
        image = (200 - strength * faint + np.arange(20) / 4).astype(np.uint8)
        assert normalise(image).image.shape == (28, 28)


def test_a_picture_without_one_strong_stroke_is_read() -> None:
    # Of the pieces that are chosen here, no pixel is strong: there is no stroke whose width could be measured.
    image = np.random.default_rng(34).integers(0, 20, (19, 2)).astype(np.uint8)
    assert normalise(image).image.shape == (28, 28)


def test_overlapping_blocks_put_the_filters_back() -> None:
    before = list(warnings.filters)
    first, second = without_pillow_warnings(), without_pillow_warnings()
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    warnings.warn("unheard", stacklevel=1)
    second.__exit__(None, None, None)
    assert warnings.filters == before
