"""A roll in the plane (the paper, figure 4)."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from aaecli.priors.style_prior import STYLE_PRIORS, StylePrior

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

_TURNS = 2
_RADIUS = 3.0
_THICKNESS = 0.06


class SwissRoll(StylePrior):
    """A spiral in the plane, evenly dense along its length."""

    style_dim = 2

    def draw(self, normal: Any, uniform: Callable[[], Any], std: float, library: Any) -> Any:
        """Lay even noise along the spiral and normal noise beside it."""
        turn = library.sqrt(uniform())  # (N,)
        angle = 2 * math.pi * _TURNS * turn
        spiral = library.stack([_RADIUS * turn * library.cos(angle), _RADIUS * turn * library.sin(angle)], 1)
        return spiral + _THICKNESS * normal

    def deviation(self, std: float) -> float:
        """Give that of the spiral, whatever was set."""
        return math.sqrt(_RADIUS**2 / 4 + _THICKNESS**2)

    def lattice(self, side: int, std: float) -> NDArray[np.float32]:
        """Walk along the roll, in reading order."""
        import numpy as np

        uniform = np.linspace(0, 1, side * side, endpoint=False)
        points: NDArray[np.float64] = self.draw(np.zeros((side * side, 2)), lambda: uniform, std, np)
        return points.reshape(side, side, 2).astype(np.float32)


STYLE_PRIORS.register("swiss-roll")(SwissRoll())
