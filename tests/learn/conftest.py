"""Small settings under which the whole of `learn` runs in moments."""

from __future__ import annotations

from typing import Any

import pytest

from aaecli.config import Config
from aaecli.settings import resolve

SMALL = {
    "labels": 20,
    "device": "cpu",
    "precision": "fp32",
    "network": {
        "hidden": [32, 24],
        "decoder_hidden": [24, 32],
        "channels": [4, 6],
        "features": 16,
        "discriminator_hidden": [16],
        "style_dim": 3,
    },
    "schedule": {
        "steps": 6,
        "batch_size": 16,
        "labelled_batch_size": 8,
        "decoder_batch_size": 12,
        "generated_batch_size": 8,
    },
}


@pytest.fixture
def small_config():
    """Give a function that shrinks a preset: ``small_config("default", model="baseline", seed=1)``."""

    def make(preset: str = "default", **flags: Any) -> Config:
        return resolve(preset=preset, flags=SMALL | flags)

    return make
