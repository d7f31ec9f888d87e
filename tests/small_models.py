"""Small settings under which any training runs in moments."""

from __future__ import annotations

from typing import Any

from aaecli.config.effective import inert
from aaecli.config.resolve import resolve
from aaecli.config.schema import Config

SMALL = {
    "labels": 20,
    "device": "cpu",
    "precision": "fp32",
    "network": {
        "decoder_options": {"hidden": [24, 32]},
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
SMALL_ENCODERS = {"mlp": {"hidden": [32, 24]}, "convolutional": {"channels": [4, 6], "features": 16}}


def shrunk(preset: str, **flags: Any) -> Config:
    """Shrink a preset by all of ``SMALL`` that acts beside what is asked for; a table that is asked for goes before."""
    config = resolve(preset=preset, flags=flags)
    vain = inert(config)
    wanted = {key: value for key, value in (SMALL | flags).items() if key != "labels" or config.labels != 0}
    if "network" not in flags:
        wanted["network"] = wanted["network"] | {"encoder_options": SMALL_ENCODERS[config.network.encoder]}
    for name in ("network", "schedule"):
        if name not in flags:
            wanted[name] = {
                key: value
                for key, value in wanted[name].items()
                if not any(f"{setting}.".startswith(f"{name}.{key}.") for setting in vain)
            }
    return resolve(preset=preset, flags=wanted)
