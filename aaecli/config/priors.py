"""The distributions that the style z may be held to. A new one is a function and its entry in ``STYLE_PRIORS``.

Each turns even and normal noise into draws, in numpy or torch alike: training draws on its device, and the exported
model draws from the same prior without torch. Even noise on a lattice instead walks through the prior in order.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NUM_PETALS = 10
_PETAL = (1.5, 0.5, 0.1)
"""Of each Gaussian of the mixture: distance of its mean from the origin, deviation along that line and across it."""
_TURNS = 2
_RADIUS = 3.0
_THICKNESS = 0.06


@dataclass(frozen=True)
class StylePrior:
    """A distribution over styles.

    Attributes:
        draw: Takes normal noise (N, Z), what gives even noise in [0, 1) (N,) if called, the deviation that was set, and
            the library of both (``numpy`` or ``torch``); gives styles (N, Z).
        deviation: Takes the deviation that was set and gives that of the draws: the root of their mean square.
        style_dim: The number of dimensions Z that it has; None for any.
    """

    draw: Callable[[Any, Any, float, Any], Any]
    deviation: Callable[[float], float]
    style_dim: int | None


def gaussian(normal: Any, uniform: Any, std: float, library: Any) -> Any:
    """N(0, std² I): the article's, with a deviation of 5, and the paper's, with one of 1."""
    return std * normal


def mixture(normal: Any, uniform: Any, std: float, library: Any) -> Any:
    """Ten Gaussians in the plane, long and thin, like the petals of a flower (the paper, figure 2)."""
    distance, along, across = _PETAL
    angle = library.floor(uniform() * NUM_PETALS) * (2 * math.pi / NUM_PETALS)  # (N,)
    radial, tangential = distance + along * normal[:, 0], across * normal[:, 1]
    cos, sin = library.cos(angle), library.sin(angle)
    return library.stack([radial * cos - tangential * sin, radial * sin + tangential * cos], 1)


def swiss_roll(normal: Any, uniform: Any, std: float, library: Any) -> Any:
    """A spiral in the plane, evenly dense along its length (the paper, figure 4)."""
    turn = library.sqrt(uniform())  # (N,)
    angle = 2 * math.pi * _TURNS * turn
    spiral = library.stack([_RADIUS * turn * library.cos(angle), _RADIUS * turn * library.sin(angle)], 1)
    return spiral + _THICKNESS * normal


STYLE_PRIORS = {
    "gaussian": StylePrior(gaussian, lambda std: std, None),
    "mixture": StylePrior(mixture, lambda std: math.sqrt(sum(part**2 for part in _PETAL) / 2), 2),
    "swiss-roll": StylePrior(swiss_roll, lambda std: math.sqrt(_RADIUS**2 / 4 + _THICKNESS**2), 2),
}


def draw_styles(name: str, count: int, style_dim: int, std: float, rng: np.random.Generator) -> NDArray[np.float32]:
    """Draw styles (count, style_dim) without torch.

    Args:
        name: A key of ``STYLE_PRIORS``.
        count: Number of draws.
        style_dim: Number of dimensions Z.
        std: Deviation of the Gaussian; the others have their own.
        rng: Where the noise comes from.
    """
    import numpy as np

    normal = rng.standard_normal((count, style_dim))
    drawn: NDArray[np.float32] = STYLE_PRIORS[name].draw(normal, lambda: rng.random(count), std, np).astype(np.float32)
    return drawn
