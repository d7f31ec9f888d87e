"""What a prior on the style is, and the registry of those that there are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import TYPE_CHECKING, Any, ClassVar

from aaecli.plugins import Entry, Registry

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

_REACH = 0.98
"""Share of the prior, along each axis, that a lattice covers."""


class StylePrior(ABC):
    """A distribution over styles: one definition for numpy and torch.

    Derive from it, and register an instance: ``STYLE_PRIORS.register("name")(Ring())``. Training draws on its device;
    the exported model draws from the same prior without torch. Nothing here is to be copied to the host.

    Attributes:
        style_dim: The number of dimensions Z that it has; None for any.
        uses_std: Whether ``prior.style_std`` acts on it.
    """

    style_dim: ClassVar[int | None] = None
    uses_std: ClassVar[bool] = False

    @abstractmethod
    def draw(self, normal: Any, uniform: Callable[[], Any], std: float, library: Any) -> Any:
        """Turn noise into styles.

        Args:
            normal: Normal noise (N, Z).
            uniform: Gives even noise in [0, 1) (N,) when it is called; once at most.
            std: The deviation that was set.
            library: The library of both arrays, ``numpy`` or ``torch``: what is called has one name in both.

        Returns:
            Styles (N, Z).
        """

    @abstractmethod
    def deviation(self, std: float) -> float:
        """Give the deviation of the draws, the root of their mean square, where ``std`` was set."""

    @abstractmethod
    def lattice(self, side: int, std: float) -> NDArray[np.float32]:
        """Walk through the prior in order, for a map of what it holds.

        Args:
            side: Points a row, and rows where the prior has no number of its own.
            std: The deviation that was set.

        Returns:
            Points of the plane (R, side, 2), from top to bottom and left to right.
        """

    def sample(self, count: int, style_dim: int, std: float, rng: np.random.Generator) -> NDArray[np.float32]:
        """Draw styles (count, style_dim) without torch.

        Args:
            count: Number of draws.
            style_dim: Number of dimensions Z.
            std: The deviation that was set.
            rng: Where the noise comes from.
        """
        import numpy as np

        normal = rng.standard_normal((count, style_dim))
        drawn: NDArray[np.float32] = self.draw(normal, lambda: rng.random(count), std, np).astype(np.float32)
        return drawn


def quantiles(side: int) -> NDArray[np.float64]:
    """Give quantiles of the normal distribution (side,), evenly spaced in probability, for a lattice."""
    # Only maps need them, and the module brings fractions and decimals with it.
    from statistics import NormalDist

    import numpy as np

    edge = (1 - _REACH) / 2
    return np.array([NormalDist().inv_cdf(share) for share in np.linspace(edge, 1 - edge, side)])


def _check(name: str, entry: Entry[StylePrior]) -> None:
    prior = entry.value
    for needed in ("draw", "deviation", "lattice", "sample"):
        if isinstance(prior, type) or not callable(getattr(prior, needed, None)):
            raise ValueError(f"it is no instance with '{needed}': derive it from aaecli.priors.style_prior.StylePrior")


STYLE_PRIORS: Registry[StylePrior] = Registry(
    "style prior",
    "aaecli.style_priors",
    {
        "gaussian": "aaecli.priors.gaussian",
        "mixture": "aaecli.priors.mixture",
        "swiss-roll": "aaecli.priors.swiss_roll",
    },
    _check,
)
"""The distributions that ``prior.style`` names, each an instance of ``StylePrior``."""
