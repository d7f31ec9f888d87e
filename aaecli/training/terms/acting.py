"""Which loss terms a training computes, the columns of metrics.csv that they fill, and where these are plotted."""

from __future__ import annotations

from typing import cast

from aaecli.config.effective import acting_terms
from aaecli.config.registries import LOSS_TERMS, TermSettings
from aaecli.config.schema import Config
from aaecli.training.terms.term import LossTerm


def make_terms(config: Config) -> dict[str, LossTerm]:
    """Make the terms that act beside the settings, by name, in the order of the registry."""
    options = config.objective.options
    kinds = {name: cast(type[LossTerm], LOSS_TERMS[name]) for name in acting_terms(config)}
    return {name: kind(options.get(name, LOSS_TERMS.options(name)())) for name, kind in kinds.items()}


def columns(name: str, term: LossTerm | type[TermSettings]) -> list[str]:
    """Name the losses of a term, as columns of metrics.csv."""
    return [f"{part}_{name}" for part in term.parts] or [name]


def panels() -> dict[str, str]:
    """Give the title of the panel in which the figure ``curves`` shows each loss, by column of metrics.csv."""
    return {column: term.panel for name, term in LOSS_TERMS.items() for column in columns(name, term)}
