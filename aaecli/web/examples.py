"""Images that the model has encoded, for the style map and for what resembles a picture."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from aaecli.serve.album import encode_image
from aaecli.serve.session import to_float
from aaecli.web.engine import Engine
from aaecli.web.wire import Dot, Neighbour

_CHUNK = 16
"""Images that are encoded at once: few, since requests wait behind them."""
_NUM_NEAREST = 6

Load = Callable[[], tuple[NDArray[np.uint8], list[str]]]
"""Gives images (N, H, W) or (N, H, W, 3) and the name of the class of each."""


@dataclass
class Examples:
    """Images and what the model made of them, once it has.

    Attributes:
        image: uint8 (N, H, W) or (N, H, W, 3).
        label: Name of the class of each.
        style: float32 (N, Z); those behind ``num_ready`` are not filled in yet.
        num_ready: How many are encoded.
    """

    image: NDArray[np.uint8] = field(default_factory=lambda: np.empty((0, 0, 0), np.uint8))
    label: list[str] = field(default_factory=list)
    style: NDArray[np.float32] = field(default_factory=lambda: np.empty((0, 0), np.float32))
    num_ready: int = 0
    is_complete: bool = False

    def __post_init__(self) -> None:
        self._wanted = asyncio.Event()

    def want(self) -> None:
        """Have them loaded and encoded, if they are not."""
        self._wanted.set()

    async def fill(self, engine: Engine, load: Load | None) -> None:
        """Once they are wanted, load and encode them, a few at a time and behind whatever else is asked.

        They cost seconds, and a server that only programs ask shows them to nobody.
        """
        encoder = engine.first.encoder
        if load is not None and encoder.has_style:
            await self._wanted.wait()
            image, label = await asyncio.to_thread(load)
            style = np.zeros((len(image), encoder.metadata.style_dim), np.float32)
            self.image, self.label, self.style = image, label, style
            for start in range(0, len(image), _CHUNK):
                chunk = to_float(image[start : start + _CHUNK])
                chunk = chunk[:, None] if chunk.ndim == 3 else np.ascontiguousarray(chunk.transpose(0, 3, 1, 2))
                found = (await engine.encode(chunk))[1]
                if found is not None:
                    self.style[start : start + _CHUNK] = found
                self.num_ready = min(len(image), start + _CHUNK)
        self.is_complete = True

    def png(self, index: int) -> bytes:
        """Give one as a PNG.

        Raises:
            IndexError: There is none of that number.
        """
        if not 0 <= index < len(self.image):
            raise IndexError
        return encode_image(self.image[index])

    def nearest(self, style: NDArray[np.float32], std: float) -> list[Neighbour]:
        """Find those whose styles (Z,) are nearest to one, the nearest first."""
        ready = self.style[: self.num_ready]
        if len(ready) == 0:
            return []
        distance = np.linalg.norm(ready - style, axis=1) / std
        order = np.argsort(distance, kind="stable")[:_NUM_NEAREST].tolist()
        return [Neighbour(index, self.label[index], round(float(distance[index]), 4)) for index in order]

    def dots(self) -> list[Dot]:
        """Give all that are encoded."""
        rounded = self.style[: self.num_ready].round(4).tolist()
        return [Dot(index, self.label[index], style) for index, style in enumerate(rounded)]
