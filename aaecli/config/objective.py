"""The section [objective]: the weight of each loss term, and the options that a term has of its own."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from aaecli.config.parsing import build_options, convert, require, require_table, table_of
from aaecli.config.registries import LOSS_TERMS
from aaecli.errors import AaeError, did_you_mean
from aaecli.plugins import NoOptions, summary

_SUFFIX = "_options"


def _weights() -> dict[str, float]:
    """Give the default weight of every term that has a weight, in order."""
    return {name: term.default_weight for name, term in LOSS_TERMS.items() if term.default_weight is not None}


@dataclass(frozen=True)
class Objective:
    """The weight of each term of the step; a term of weight 0 is not computed.

    In TOML a weight is ``[objective] consistency = 2.0``, an option ``[objective.consistency_options] …``.

    Attributes:
        weights: By the name of the term, in the order of the registry; those left out have their defaults.
        options: By the name of the term, for each term that has options of its own; likewise.
    """

    weights: Mapping[str, float] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        weights = {name: self.weights.get(name, weight) for name, weight in _weights().items()}
        kinds = {name: LOSS_TERMS.options(name) for name in LOSS_TERMS}
        options = {name: self.options.get(name) or kind() for name, kind in kinds.items() if kind is not NoOptions}
        for name in (*self.weights, *self.options):
            LOSS_TERMS.entry(name)
        for name, weight in weights.items():
            require(weight >= 0, f"objective.{name}", "0 or more", weight)
        object.__setattr__(self, "weights", weights)
        object.__setattr__(self, "options", options)

    def changed(self, **weights: float) -> Self:
        """Give the same with other weights."""
        return dataclasses.replace(self, weights={**self.weights, **weights})

    @classmethod
    def from_table(cls, table: Mapping[str, Any], prefix: str = "objective.") -> Self:
        """Build the section from a table.

        Raises:
            AaeError: A key is unknown, or a value has the wrong type or range.
        """
        require_table(table, prefix)
        known = cls()
        weights: dict[str, float] = {}
        options: dict[str, Any] = {}
        names = {f"{name}{_SUFFIX}": name for name in known.options}
        for key, value in table.items():
            if key in known.weights:
                weights[key] = convert(value, float, prefix + key)
            elif key in names:
                options[names[key]] = build_options(LOSS_TERMS.options(names[key]), value, f"{prefix}{key}.")
            else:
                raise AaeError(
                    f"There is no setting '{prefix}{key}'.", did_you_mean(str(key), [*known.weights, *names])
                )
        return cls(weights, options)

    def to_table(self) -> dict[str, Any]:
        """Give the section as nested plain tables: the inverse of ``from_table``."""
        return {**self.weights, **{f"{name}{_SUFFIX}": table_of(value) for name, value in self.options.items()}}

    def sections(self) -> dict[str, Any]:
        """Give the options by the names of their tables."""
        return {f"{name}{_SUFFIX}": value for name, value in self.options.items()}

    def texts(self) -> dict[str, str]:
        """Say what each key means, as the docstrings of the terms do."""
        texts = {name: summary(LOSS_TERMS[name]) for name in self.weights}
        return texts | {f"{name}{_SUFFIX}": summary(LOSS_TERMS.options(name)) for name in self.options}
