"""What plugs in, out of the registries: groups of entry points, contracts and packaged entries."""

from __future__ import annotations

from typing import Any

from aaecli.config.preset import PRESETS
from aaecli.config.registries import AUGMENTATION_SETS, AUGMENTATIONS, DECODERS, ENCODERS, LOSS_TERMS
from aaecli.data.readers.registry import READERS
from aaecli.metrics.registry import METRICS
from aaecli.plugins import Registry
from aaecli.priors.style_prior import STYLE_PRIORS

POINTS: tuple[tuple[Registry[Any], str], ...] = (
    (ENCODERS, "`aaecli.models.bodies.EncoderBody`"),
    (DECODERS, "`aaecli.models.bodies.DecoderBody`"),
    (STYLE_PRIORS, "`aaecli.priors.style_prior.StylePrior`"),
    (LOSS_TERMS, "`aaecli.training.terms.term.LossTerm`"),
    (AUGMENTATIONS, "called with images and options"),
    (AUGMENTATION_SETS, "a table of keys of `[augmentation]`"),
    (READERS, "`aaecli.data.readers.registry.Reader`"),
    (METRICS, "`aaecli.metrics.registry.metric`"),
    (PRESETS, "the `Path` of a TOML file"),
)
"""Each registry with its contract."""


def plug_ins() -> str:
    """Write a table of what plugs in, a line a registry."""
    rows = []
    for registry, contract in POINTS:
        names = ", ".join(f"`{name}`" for name in registry.packaged)
        rows.append(f"| {registry.kind} | `{registry.group}` | {contract} | {names} |")
    head = ["| what | group of entry points | contract | packaged |", "|---|---|---|---|"]
    return "\n".join([*head, *rows])
