"""What is known of a value of a graph before it runs: its type, its shape and, of a few integers, their values."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.graph.model import TYPES

FLOAT, UINT8, INT8, INT32, INT64, BOOL, HALF = 1, 2, 3, 6, 7, 9, 10
MAX_KNOWN = 1024
"""Most numbers of a value that is followed; what computes shapes has a few."""


@dataclass(frozen=True)
class Tensor:
    """A value of a graph.

    Attributes:
        type: A key of ``aaecli.graph.model.TYPES``.
        shape: Its dimensions, for one size of the batch.
        value: Its numbers, where they are integers and known.
        follows_batch: Those numbers depend on the size of the batch.
        shorter: Which images were chosen decides how many there are of it. Shape and value are then the largest
            that they can be: no operator here gives more for less, and those that would are refused.
        below: All its numbers are indices from 0 to one less than this; None where they need not be.
    """

    type: int
    shape: tuple[int, ...]
    value: NDArray[Any] | None = None
    follows_batch: bool = False
    shorter: bool = False
    below: int | None = None

    @property
    def size(self) -> int:
        """How many numbers it holds."""
        return math.prod(self.shape)

    @property
    def num_bytes(self) -> int:
        """Memory that they take."""
        return self.size * np.dtype(TYPES[self.type]).itemsize

    def integers(self) -> list[int]:
        """Give its numbers.

        Raises:
            ValueError: They are not known before the graph runs.
        """
        if self.shorter:
            raise ValueError("they depend on the image")
        return self.largest_integers()

    def largest_integers(self) -> list[int]:
        """Give its numbers, or the largest that they can be where the image decides.

        Raises:
            ValueError: They are not known before the graph runs.
        """
        if self.value is None:
            raise ValueError("they are computed from the image")
        return [int(entry) for entry in self.value.reshape(-1)]


@dataclass
class Call:
    """One operator at work.

    Attributes:
        inputs: What it reads; None for an input that is left out.
        attributes: Its settings.
        num_outputs: How many values it gives.
        work: Multiplications and additions, besides reading and writing each number once.
        workspace: Numbers that it needs room for while it works.
        by_batch: A value that it reads depends on the size of the batch.
        shorter: What it reads may be shorter than its shape says.
    """

    inputs: Sequence[Tensor | None]
    attributes: Mapping[str, Any]
    num_outputs: int
    work: int = 0
    workspace: int = 0
    by_batch: bool = field(init=False)
    shorter: bool = field(init=False)

    def __post_init__(self) -> None:
        self.shorter = any(entry.shorter for entry in self.inputs if entry is not None)
        self.by_batch = any(entry.follows_batch for entry in self.inputs if entry is not None)

    def __getitem__(self, index: int) -> Tensor:
        found = self.inputs[index]
        if found is None:
            raise ValueError("an input is missing")
        return found

    def has(self, index: int) -> bool:
        """Tell whether an input that may be left out is there."""
        return index < len(self.inputs) and self.inputs[index] is not None

    def given(self) -> list[Tensor]:
        """Give the inputs that are there."""
        return [entry for entry in self.inputs if entry is not None]

    def get(self, name: str, default: Any) -> Any:
        """Give a setting."""
        return self.attributes.get(name, default)

    def axis(self, rank: int, default: int, name: str = "axis") -> int:
        """Give an axis, counted from the front.

        Raises:
            ValueError: There is none of that number.
        """
        return from_front(self.get(name, default), rank)

    def known(self, compute: Callable[..., NDArray[Any]]) -> NDArray[Any] | None:
        """Compute the value from those of all inputs, where they are known."""
        values = [entry.value for entry in self.given()]
        if any(value is None for value in values):
            return None
        found = np.asarray(compute(*values))
        return found if found.size <= MAX_KNOWN else None


Rule = Callable[[Call], list[Tensor]]


def from_front(axis: int, rank: int) -> int:
    """Count an axis from the front.

    Raises:
        ValueError: There is none of that number.
    """
    if not -rank <= axis < rank:
        raise ValueError("there is no such axis")
    return axis % rank


def hold(holds: bool) -> None:
    """Refuse what does not hold.

    Raises:
        ValueError: It does not.
    """
    if not holds:
        raise ValueError("its sizes contradict each other")
