"""What plugs in on the side of the model: a registry each, with the packaged entries by name and module.

The modules stand in higher rooms and are imported when an entry is first asked for. They import no torch before they
compute, since settings are read long before a device is needed; a file of somebody else's may do as it likes.
"""

from __future__ import annotations

import dataclasses
import typing
from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Protocol

from aaecli.config.docstrings import attributes
from aaecli.config.models import Model
from aaecli.config.parsing import is_convertible
from aaecli.plugins import Entry, Registry

Phase = Literal["reconstruction", "discrimination", "regularisation", "classification"]
"""The article's updates of a step, each with its own optimiser."""


class TermSettings(Protocol):
    """What settings have to know of a loss term; ``aaecli.training.terms.term.LossTerm`` is the whole contract."""

    default_weight: ClassVar[float | None]
    phase: ClassVar[Phase | None]
    parts: ClassVar[tuple[str, ...]]
    panel: ClassVar[str]
    uses: ClassVar[tuple[str, ...]]

    @classmethod
    def inert(cls, traits: Model, config: Any) -> str:
        """Say why the term cannot act beside the other settings; empty where it can."""

    @classmethod
    def inert_options(cls, options: Any) -> Mapping[str, str]:
        """Name the options that have no effect beside the others, each with the reason."""


def _check_options(name: str, entry: Entry[Any]) -> None:
    """See that the options of an entry can be read from TOML, printed and explained."""
    options = entry.options
    if not (dataclasses.is_dataclass(options) and options.__dataclass_params__.frozen):  # type: ignore[attr-defined]
        raise ValueError("its options are no frozen dataclass")
    texts, hints = attributes(options), typing.get_type_hints(options)
    for field in dataclasses.fields(options):
        if field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING:
            raise ValueError(f"its option '{field.name}' has no default")
        if not is_convertible(hints[field.name]):
            raise ValueError(f"its option '{field.name}' is of a type that TOML has not")
        if field.name not in texts:
            raise ValueError(f"its option '{field.name}' is not described under 'Attributes:'")


def _check_term(name: str, entry: Entry[Any]) -> None:
    _check_options(name, entry)
    for needed in ("default_weight", "phase", "parts", "panel", "uses", "inert", "inert_options", "__call__"):
        if not hasattr(entry.value, needed):
            raise ValueError(f"it has no '{needed}': derive it from aaecli.training.terms.term.LossTerm")
    if getattr(entry.value, "__abstractmethods__", None):
        raise ValueError("it has no '__call__'")
    weight = entry.value.default_weight
    if weight is not None and not (isinstance(weight, float | int) and weight >= 0):
        raise ValueError("its default_weight is no number from 0 on")
    if not (entry.value.__doc__ or "").strip():
        raise ValueError("it has no docstring, which explains its weight in the settings")


_TERMS = ("classification", "reconstruction", "discrimination", "regularisation")
_BEYOND_THE_ARTICLE = ("mutual_information", "consistency", "generation")


def _check_network(name: str, entry: Entry[Any]) -> None:
    _check_options(name, entry)
    if not callable(entry.value):
        raise ValueError("it cannot be called to make a network")


ENCODERS: Registry[Any] = Registry(
    "encoder",
    "aaecli.encoders",
    {name: f"aaecli.models.encoders.{name}" for name in ("mlp", "convolutional", "pictures")},
    _check_network,
)
"""What makes the body of the encoder: called with image shape and options, as ``models.bodies.EncoderBody`` says."""

DECODERS: Registry[Any] = Registry(
    "decoder",
    "aaecli.decoders",
    {name: f"aaecli.models.decoders.{name}" for name in ("mlp", "convolutional")},
    _check_network,
)
"""What makes the decoder: called with the number of inputs, image shape and options; ``models.bodies.DecoderBody``."""


def _check_augmentation(name: str, entry: Entry[Any]) -> None:
    _check_options(name, entry)
    if not dataclasses.fields(entry.options):
        raise ValueError("it has no options, by which it could be asked for")
    if not callable(entry.value):
        raise ValueError("it cannot be called with images and options")


AUGMENTATIONS: Registry[Any] = Registry(
    "augmentation",
    "aaecli.augmentations",
    {
        name: f"aaecli.training.augmentations.{name}"
        for name in ("flags", "warp", "stroke_width", "ground", "colours", "light", "random_erasing", "cutout")
    },
    _check_augmentation,
)
"""What changes training images, in this order: called with images (B, C, H, W) in [0, 1] and options, it gives images
of the same shape. Its options are keys of [augmentation]; with their defaults it is not called."""


def _check_set(name: str, entry: Entry[Mapping[str, Any]]) -> None:
    if not isinstance(entry.value, Mapping) or not all(isinstance(key, str) for key in entry.value):
        raise ValueError("it is no table of keys of [augmentation]")


AUGMENTATION_SETS: Registry[Mapping[str, Any]] = Registry(
    "augmentation set",
    "aaecli.augmentation_sets",
    dict.fromkeys(("strokes", "digits", "natural", "none"), "aaecli.config.augmentation"),
    _check_set,
)
"""Named tables for [augmentation]: what ``--augment`` takes, and ``augmentation = "NAME"`` in a file of settings."""

LOSS_TERMS: Registry[type[TermSettings]] = Registry(
    "loss term",
    "aaecli.loss_terms",
    # In this order a joint step adds them up.
    {name: f"aaecli.training.terms.{name}" for name in (*_TERMS, *_BEYOND_THE_ARTICLE)},
    _check_term,
)
"""The terms of the step, each a class derived from ``LossTerm``."""
