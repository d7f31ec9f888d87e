"""The Gaussian prior: the article's, with a deviation of 5, and the paper's, with one of 1."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aaecli.priors.style_prior import STYLE_PRIORS, StylePrior, quantiles

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray


class Gaussian(StylePrior):
    """N(0, std² I), in any number of dimensions."""

    uses_std = True

    def draw(self, normal: Any, uniform: Callable[[], Any], std: float, library: Any) -> Any:
        """Scale the noise."""
        return std * normal

    def deviation(self, std: float) -> float:
        """Give that which was set."""
        return std

    def lattice(self, side: int, std: float) -> NDArray[np.float32]:
        """Walk along the quantiles of two axes."""
        import numpy as np

        quantile = quantiles(side)
        across, up = np.meshgrid(quantile, quantile[::-1])
        return (std * np.stack([across, up], -1)).astype(np.float32)


STYLE_PRIORS.register("gaussian")(Gaussian())
