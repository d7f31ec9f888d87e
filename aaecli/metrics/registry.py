"""Metrics: what one is, which there are, and where each is shown, which follows from what it gives.

A metric is a function of numpy arrays::

    from aaecli.metrics.registry import METRICS, metric

    @METRICS.register("top_2_accuracy")
    @metric("top-2 accuracy", is_fraction=True)
    def top_2_accuracy(label_prob, label):
        '''Fraction of images whose class is among the two that are most probable.'''
        return float((label_prob.argsort(1)[:, -2:] == label[:, None]).any(1).mean())

A number is a line of ``aaecli eval``, a key of its ``--json``, a part of the model card and ``test_<name>`` in a run's
summary.json; an array (K,) is a column of the table by class; an array (K, K) is a table of classes by classes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aaecli.plugins import Entry, Registry

Output = Literal["report", "model_card", "summary"]
"""What ``aaecli eval`` prints, the model card, and a run's summary.json. ``--json`` has every metric."""


class Estimate(NamedTuple):
    """A number with its 95 % interval."""

    value: float
    low: float
    high: float


Result = float | Estimate | NDArray[Any]


@dataclass(frozen=True)
class Metric:
    """A metric.

    Attributes:
        compute: Takes probabilities (N, K), whose rows sum to 1, and true classes (N,), N ≥ 1.
        title: What a reader is shown; the heading of the column where it gives a value for each class.
        is_fraction: Whether its numbers are fractions, shown in percent.
        note: What is added in parentheses.
        outputs: Where a number is shown besides ``--json``.
        of: ``class``, or ``cluster`` for one that takes the probabilities of clusters (N, C); it is left out for models
            that find none.
    """

    compute: Callable[[NDArray[np.floating[Any]], NDArray[np.int64]], Result]
    title: str
    is_fraction: bool = False
    note: str = ""
    outputs: frozenset[Output] = frozenset({"report", "model_card", "summary"})
    of: Literal["class", "cluster"] = "class"

    def shown(self, value: float | None) -> str:
        """Spell one of its numbers."""
        if value is None:
            return "–"
        if isinstance(value, int):
            return f"{value:,}"
        return f"{value:.2%}" if self.is_fraction else f"{value:.4f}"


def metric(
    title: str,
    *,
    is_fraction: bool = False,
    note: str = "",
    outputs: tuple[Output, ...] = ("report", "model_card", "summary"),
    of: Literal["class", "cluster"] = "class",
) -> Callable[[Callable[..., Result]], Metric]:
    """Give a decorator that makes a metric of a function; the arguments are those of ``Metric``."""

    def make(compute: Callable[..., Result]) -> Metric:
        return Metric(compute, title, is_fraction, note, frozenset(outputs), of)

    return make


def _check(name: str, entry: Entry[Metric]) -> None:
    if not isinstance(entry.value, Metric):
        raise ValueError("it is no Metric: decorate the function with @metric(title) as well")
    if not name.isidentifier():
        raise ValueError("its name is a key of JSON: letters, digits and '_'")
    if name in _TAKEN or name.endswith(("_interval", "_uncalibrated")):
        raise ValueError("its name is that of another key of the report")


_TAKEN = {
    "model", "dataset", "images", "classes", "folds", "trained_on", "note", "reconstruction_error", "class",
    "temperature", "num_temperature_images",
}  # fmt: skip
METRICS: Registry[Metric] = Registry(
    "metric",
    "aaecli.metrics",
    {
        "accuracy": "aaecli.metrics.accuracy",
        "error": "aaecli.metrics.accuracy",
        "expected_calibration_error": "aaecli.metrics.calibration",
        "cluster_purity": "aaecli.metrics.cluster_purity",
        "precision": "aaecli.metrics.by_class",
        "recall": "aaecli.metrics.by_class",
        "f1": "aaecli.metrics.by_class",
        "num_images": "aaecli.metrics.by_class",
        "confusion": "aaecli.metrics.confusion",
    },
    _check,
)
"""The metrics, in the order in which they are shown."""
