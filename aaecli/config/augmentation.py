"""The section [augmentation]: how training images are changed."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aaecli.config.docstrings import attributes
from aaecli.config.parsing import build_options, convert, require, require_table, table_of
from aaecli.config.registries import AUGMENTATION_SETS, AUGMENTATIONS
from aaecli.errors import AaeError, did_you_mean

for _name, _table in {
    # Those of the preset `default`, where they were measured.
    "strokes": {
        "rotation": 15.0,
        "scale": 0.1,
        "shear": 0.2,
        "shift": 2.0,
        "elastic": 0.6,
        "stroke_width": 0.5,
        "fraction": 0.75,
    },
    # As `strokes`, for other hands and pens: a 1 with a flag, thick and thin pens, faint ones.
    "digits": {
        "flags": 0.5,
        "rotation": 15.0,
        "scale": 0.1,
        "shear": 0.2,
        "shift": 2.0,
        "elastic": 0.6,
        "stroke_width": 0.7,
        "brightness": 0.2,
        "fraction": 0.75,
    },
    "natural": {
        "rotation": 6.0,
        "scale": 0.15,
        "shear": 0.05,
        "shift": 2.0,
        "cutout": 6,
        "horizontal_flip": True,
        "fraction": 0.75,
    },
    "none": {},
}.items():
    AUGMENTATION_SETS.add(_name, _table, module=__name__)


@dataclass(frozen=True)
class Augmentation:
    """How the images are changed that the encoder learns from.

    In TOML it is a table of bounds, ``[augmentation] rotation = 12``, or the name of a set: ``augmentation = "none"``.

    Attributes:
        bounds: The options of each change of ``AUGMENTATIONS``, by its name; those left out change nothing.
        fraction: Fraction of a step's images that are augmented. Warping also blurs: an encoder that never sees an
            image as it is classifies such images worse, and their styles do not match the prior.
    """

    bounds: Mapping[str, Any] = field(default_factory=dict)
    fraction: float = 1.0

    def __post_init__(self) -> None:
        whole = {name: self.bounds.get(name) or AUGMENTATIONS.options(name)() for name in AUGMENTATIONS}
        for name in self.bounds:
            AUGMENTATIONS.entry(name)
        require(0 <= self.fraction <= 1, "augmentation.fraction", "from 0 to 1", self.fraction)
        object.__setattr__(self, "bounds", whole)

    @property
    def acting(self) -> list[str]:
        """Names of the changes that come about, in order."""
        return [name for name, options in self.bounds.items() if options != type(options)()]

    def augmented_fraction(self) -> float:
        """Share of a step's images that come out changed: ``fraction``, or 0 where no change is asked for."""
        return self.fraction if self.acting else 0.0

    def scaled(self, factor: float) -> Self:
        """Give the same changes with ``scale`` and ``elastic`` multiplied."""
        warp = self.bounds["warp"]
        warp = dataclasses.replace(warp, scale=warp.scale * factor, elastic=warp.elastic * factor)
        return dataclasses.replace(self, bounds={**self.bounds, "warp": warp})

    @classmethod
    def of_set(cls, name: object) -> Self:
        """Give one of ``AUGMENTATION_SETS``.

        Raises:
            AaeError: There is none of that name, or it has a key or a value that the section does not take.
        """
        return cls.from_table(AUGMENTATION_SETS[str(name)])

    @classmethod
    def from_table(cls, table: Mapping[str, Any] | str, prefix: str = "augmentation.") -> Self:
        """Build the section from a table, or from the name of a set.

        Raises:
            AaeError: A key or a set is unknown, or a value has the wrong type or range.
        """
        if isinstance(table, str):
            return cls.of_set(table)
        require_table(table, prefix)
        owners = _owners()
        of_entry: dict[str, dict[str, Any]] = {name: {} for name in AUGMENTATIONS}
        own: dict[str, float] = {}
        for key, value in table.items():
            if key == "fraction":
                own[key] = convert(value, float, prefix + key)
            elif key in owners:
                of_entry[owners[key]][key] = value
            else:
                raise AaeError(f"There is no setting '{prefix}{key}'.", did_you_mean(str(key), [*owners, "fraction"]))
        bounds: dict[str, Any] = {
            name: build_options(AUGMENTATIONS.options(name), part, prefix) for name, part in of_entry.items()
        }
        return cls(bounds, **own)

    def to_table(self) -> dict[str, Any]:
        """Give the section as one plain table: the inverse of ``from_table``."""
        tables = [table_of(options) for options in self.bounds.values()]
        return {key: value for table in tables for key, value in table.items()} | {"fraction": self.fraction}

    def texts(self) -> dict[str, str]:
        """Say what each key means."""
        texts = [attributes(type(options)) for options in self.bounds.values()]
        own = {"fraction": attributes(type(self))["fraction"]}
        return {key: text for entry in texts for key, text in entry.items()} | own


def _owners() -> dict[str, str]:
    """Name the change that each key of the section is an option of."""
    owners: dict[str, str] = {"fraction": ""}
    for name in AUGMENTATIONS:
        for option in dataclasses.fields(AUGMENTATIONS.options(name)):
            if option.name in owners:
                raise AaeError(
                    f"The augmentation '{name}' breaks its contract: augmentation.{option.name} is another's.",
                    "Give its option another name.",
                )
            owners[option.name] = name
    del owners["fraction"]
    return owners
