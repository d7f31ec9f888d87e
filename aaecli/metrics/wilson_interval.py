"""The interval that is given beside an accuracy."""

from __future__ import annotations

import math


def wilson_interval(num_correct: int, num_total: int, z: float = 1.959964) -> tuple[float, float]:
    """Give the Wilson score interval of a proportion (Wilson 1927); 95 % with the default ``z``.

    Returns:
        Lower and upper bound in [0, 1].
    """
    share = num_correct / num_total
    denominator = 1 + z**2 / num_total
    centre = (share + z**2 / (2 * num_total)) / denominator
    half = z * math.sqrt(share * (1 - share) / num_total + z**2 / (4 * num_total**2)) / denominator
    # The interval holds the proportion; at 0 and 1 rounding would leave it out by the last digit.
    return max(0.0, min(share, centre - half)), min(1.0, max(share, centre + half))
