"""How well label and style are matched to their priors."""

from __future__ import annotations

import numpy as np

from aaecli.evaluation.analysis import Analysis
from aaecli.metrics.energy_distance import energy_distance

_NUM_COMPARED = 1000
"""Codes and draws of the prior that are compared: enough to tell a deviation of 0.9 from 1."""
_NULL_DRAWS = 20


def distribution_metrics(analysis: Analysis) -> dict[str, float]:
    """Measure how far label and style are from their priors.

    Returns:
        ``style_energy_distance`` of a thousand encoded images to as many draws of the prior, and beside it
        ``prior_energy_distance``, the largest of twenty such distances between draws of the prior; ``style_mean`` and
        ``style_std``; ``label_total_variation`` of how often each value of y is the likeliest, in [0, 1], and
        ``label_confidence``, the mean of its probability. What the model lacks is left out.
    """
    prediction, metrics = analysis.prediction, {}
    if prediction.style is not None:
        style = prediction.style
        chosen = style[np.random.default_rng(0).permutation(len(style))[:_NUM_COMPARED]]
        count = len(chosen)
        draws = [analysis.prior(count, seed) for seed in range(1, 2 * _NULL_DRAWS + 2)]
        between_draws = [energy_distance(*pair) for pair in zip(draws[1::2], draws[2::2], strict=True)]
        metrics["style_energy_distance"] = energy_distance(chosen, draws[0])
        metrics["prior_energy_distance"] = max(between_draws)
        metrics["style_mean"], metrics["style_std"] = float(np.abs(style.mean(0)).max()), float(style.std(0).mean())
    if prediction.label_prob is not None:
        num_values = prediction.label_prob.shape[1]
        share = np.bincount(prediction.label_prob.argmax(1), minlength=num_values) / len(prediction.label_prob)
        metrics["label_total_variation"] = float(np.abs(share - analysis.model.label_frequency).sum() / 2)
        metrics["label_confidence"] = float(prediction.label_prob.max(1).mean())
    return metrics
