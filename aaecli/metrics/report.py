"""All metrics of a classifier's answers as one report: numbers, a table by class, tables of classes by classes."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.errors import AaeError
from aaecli.metrics.calibration import expected_calibration_error
from aaecli.metrics.registry import METRICS, Estimate, Metric, Output
from aaecli.metrics.temperature import with_temperature

CALIBRATION_ERROR = "expected_calibration_error"
UNCALIBRATED = f"{CALIBRATION_ERROR}_uncalibrated"


def evaluate(
    label_prob: NDArray[np.floating[Any]],
    label: NDArray[np.int64],
    classes: tuple[str, ...],
    cluster_prob: NDArray[np.floating[Any]] | None = None,
) -> dict[str, Any]:
    """Compare predictions with true labels by every metric.

    Args:
        label_prob: (N, K), rows sum to 1.
        label: (N,).
        classes: Names of the K classes.
        cluster_prob: (N, C), the probabilities of clusters, of a model that finds any.

    Returns:
        ``num_images``; each metric that gives a number by its name, and its 95 % interval by ``<name>_interval``;
        ``classes``: a list with ``class`` and each metric that gives a value for each class; each metric that gives a
        table. Numbers that are not finite are None.

    Raises:
        AaeError: A metric gives something else.
    """
    numbers: dict[str, Any] = {"num_images": len(label)}
    rows: list[dict[str, Any]] = [{"class": name} for name in classes]
    tables: dict[str, Any] = {}
    for name, entry in METRICS.items():
        prob = label_prob if entry.of == "class" else cluster_prob
        if prob is None:
            continue
        result = entry.compute(prob, label)
        if isinstance(result, Estimate):
            numbers |= {name: _plain(result.value), f"{name}_interval": [_plain(result.low), _plain(result.high)]}
            continue
        values = np.asarray(result)
        if values.dtype.kind not in "iufb" or values.shape not in ((), (len(classes),), (len(classes),) * 2):
            raise AaeError(
                f"The metric '{name}' gives {type(result).__name__} of shape {values.shape}.",
                "A metric gives a number, an Estimate, a number for each class (K,) or a table (K, K).",
            )
        if values.ndim == 0:
            numbers[name] = _plain(values.item())
        elif values.ndim == 1:
            for row, value in zip(rows, values.tolist(), strict=True):
                row[name] = _plain(value)
        else:
            tables[name] = [[_plain(value) for value in line] for line in values.tolist()]
    return numbers | {"classes": rows} | tables


def calibration(
    label_prob: NDArray[np.floating[Any]], label: NDArray[np.int64], temperature: float
) -> dict[str, float]:
    """Give the temperature of a classifier, and its expected calibration error without it.

    Args:
        label_prob: (N, K), probabilities with the temperature; rows sum to 1.
        label: (N,).
        temperature: What the logits were divided by.
    """
    before = label_prob if temperature == 1 else with_temperature(label_prob, 1 / temperature)
    return {"temperature": temperature, UNCALIBRATED: expected_calibration_error(before, label)}


def calibration_note(report: Mapping[str, Any], name: str) -> str:
    """Say beside the expected calibration error, of the metrics ``name``, what it was without the temperature."""
    temperature = report.get("temperature", 1.0)
    if name != CALIBRATION_ERROR or temperature == 1:
        return ""
    fitted_here = ", which was fitted on these images" if report.get("images") == "holdout" else ""
    return f"{report[UNCALIBRATED]:.4f} before temperature {temperature:.2f}{fitted_here}"


def shown_numbers(report: Mapping[str, Any], output: Output) -> Iterator[tuple[str, Metric]]:
    """Give name and metric of each number of a report that is shown in an output, in order."""
    for name, entry in METRICS.items():
        if output in entry.outputs and isinstance(report.get(name), int | float) and name != "num_images":
            yield name, entry


def columns(report: Mapping[str, Any]) -> list[tuple[str, Metric]]:
    """Give name and metric of each column of the table by class, in order."""
    rows = report["classes"]
    return [(name, METRICS[name]) for name in (rows[0] if rows else {}) if name != "class"]


def tables(report: Mapping[str, Any]) -> list[tuple[str, Metric]]:
    """Give name and metric of each table of classes by classes, in order."""
    return [(name, entry) for name, entry in METRICS.items() if isinstance(report.get(name), list)]


def for_summary(report: Mapping[str, Any]) -> dict[str, Any]:
    """Give what a run's summary holds of a report: numbers, and their intervals."""
    found: dict[str, Any] = {}
    for name, _ in shown_numbers(report, "summary"):
        found |= {key: report[key] for key in (name, f"{name}_interval", f"{name}_uncalibrated") if key in report}
    return found


def _plain(value: Any) -> float | int | None:
    return value if isinstance(value, int) or math.isfinite(value) else None
