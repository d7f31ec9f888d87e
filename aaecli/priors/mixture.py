"""A mixture of ten Gaussians in the plane (the paper, figure 2)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aaecli.priors.style_prior import STYLE_PRIORS, StylePrior, quantiles

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

NUM_PETALS = 10
_PETAL = (1.5, 0.5, 0.1)
"""Of each Gaussian: distance of its mean from the origin, deviation along that line and across it."""


class Mixture(StylePrior):
    """Ten Gaussians in the plane, long and thin, like the petals of a flower."""

    style_dim = 2

    def draw(self, normal: Any, uniform: Callable[[], Any], std: float, library: Any) -> Any:
        """Lay the noise along and across a petal that is drawn for each style."""
        distance, along, across = _PETAL
        angle = library.floor(uniform() * NUM_PETALS) * (2 * math.pi / NUM_PETALS)  # (N,)
        radial, tangential = distance + along * normal[:, 0], across * normal[:, 1]
        cos, sin = library.cos(angle), library.sin(angle)
        return library.stack([radial * cos - tangential * sin, radial * sin + tangential * cos], 1)

    def deviation(self, std: float) -> float:
        """Give that of ten petals, whatever was set."""
        return math.sqrt(sum(part**2 for part in _PETAL) / 2)

    def lattice(self, side: int, std: float) -> NDArray[np.float32]:
        """Walk through a petal a row, from its near end to its far one."""
        import numpy as np

        normal = np.stack([np.tile(quantiles(side), NUM_PETALS), np.zeros(NUM_PETALS * side)], 1)
        uniform = np.repeat((np.arange(NUM_PETALS) + 0.5) / NUM_PETALS, side)
        points: NDArray[np.float64] = self.draw(normal, lambda: uniform, std, np)
        return points.reshape(NUM_PETALS, side, 2).astype(np.float32)


STYLE_PRIORS.register("mixture")(Mixture())
