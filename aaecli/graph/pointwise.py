"""Operators that work on each number, or on the numbers along an axis, and multiply no matrices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.graph.model import TYPES
from aaecli.graph.tensor import BOOL, FLOAT, INT8, INT32, INT64, UINT8, Call, Rule, Tensor, from_front, hold

_EXACT = 2**31


def same(call: Call) -> list[Tensor]:
    """Give what has the type and the shape of the first input: ReLU, softmax, …."""
    return [Tensor(call[0].type, call[0].shape)]


def identity(call: Call) -> list[Tensor]:
    """Give the input itself."""
    return [call[0]]


def cast(call: Call) -> list[Tensor]:
    """Give the same numbers in another type."""
    wanted = call.get("to", 0)
    hold(wanted in TYPES)
    value = call[0].value
    known = value.astype(TYPES[wanted]) if value is not None and wanted in (INT32, INT64, BOOL) else None
    return [Tensor(wanted, call[0].shape, known, call.by_batch)]


def broadcast(compute: Callable[..., NDArray[Any]] | None = None, result: int | None = None) -> Rule:
    """Make the rule of an operator whose inputs are stretched to one shape.

    Args:
        compute: What it does, where shapes are computed with it.
        result: Type of its output; that of its last input where None.
    """

    def rule(call: Call) -> list[Tensor]:
        shape = np.broadcast_shapes(*(entry.shape for entry in call.given()))
        # A shape that is computed from the batch could grow faster than it, and from the largest size a smaller one.
        is_free = call.by_batch or call.shorter
        value = call.known(compute) if compute and not is_free and _small(call) else None
        return [Tensor(result or call.given()[-1].type, shape, value)]

    return rule


def _small(call: Call) -> bool:
    """Tell whether the inputs are integers whose products are exact."""
    return all(
        entry.type == INT64 and entry.value is not None and (abs(entry.value) < _EXACT).all() for entry in call.given()
    )


def divide(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
    """Divide integers as ONNX does, towards zero."""
    hold(bool((b != 0).all()))
    found: NDArray[Any] = np.sign(a) * np.sign(b) * (abs(a) // abs(b))
    return found


def axes_of(call: Call) -> list[int]:
    """Give the axes of a reduction, from its second input or its settings; all where it names none."""
    rank = len(call[0].shape)
    named = call[1].integers() if call.has(1) else list(call.get("axes", ()))
    if not named:
        return [] if call.get("noop_with_empty_axes", 0) else list(range(rank))
    return [from_front(axis, rank) for axis in named]


def reduce(call: Call) -> list[Tensor]:
    """Give a sum, a mean or a largest number along axes."""
    return [Tensor(call[0].type, _without(call, axes_of(call)))]


def argmax(call: Call) -> list[Tensor]:
    """Give the place of the largest number along one axis."""
    return [Tensor(INT64, _without(call, [call.axis(len(call[0].shape), 0)]))]


def _without(call: Call, axes: list[int]) -> tuple[int, ...]:
    sizes = [1 if axis in axes else size for axis, size in enumerate(call[0].shape)]
    if call.get("keepdims", 1):
        return tuple(sizes)
    return tuple(size for axis, size in enumerate(sizes) if axis not in axes)


def normalise_channels(call: Call) -> list[Tensor]:
    """Give what has the shape of the input, which has numbers for each channel beside it; no statistics."""
    sizes = call[0].shape
    hold(call.num_outputs == 1 and call.get("training_mode", 0) == 0 and len(sizes) >= 2)
    hold(all(entry.shape == (sizes[1],) for entry in call.given()[1:]))
    return [Tensor(call[0].type, sizes)]


def normalise_layer(call: Call) -> list[Tensor]:
    """Give what has the shape of the input, which has numbers for each place of its last axes beside it."""
    sizes = call[0].shape
    axis = call.axis(len(sizes), -1)
    hold(all(np.broadcast_shapes(entry.shape, sizes[axis:]) == sizes[axis:] for entry in call.given()[1:]))
    return [Tensor(call[0].type, sizes)]


def quantise(call: Call) -> list[Tensor]:
    """Give whole numbers for real ones, of the type of the zero point."""
    _check_scale(call)
    return [Tensor(call[2].type if call.has(2) else UINT8, call[0].shape)]


def dequantise(call: Call) -> list[Tensor]:
    """Give real numbers for whole ones, of the type of the scale."""
    hold(call[0].type in (UINT8, INT8, INT32))
    _check_scale(call)
    return [Tensor(call[1].type, call[0].shape)]


def _check_scale(call: Call) -> None:
    """See that there is one scale and one zero point, or one for each place of an axis."""
    sizes = call[0].shape
    scale = call[1].shape
    # A scale of one number may stand in a list, whatever the axis.
    hold(scale in ((), (1,)) or scale == (sizes[call.axis(len(sizes), 1)],))
    hold(not call.has(2) or call[2].size == call[1].size)


def quantise_by_itself(call: Call) -> list[Tensor]:
    """Give whole numbers, and the scale and the zero point that were found for them."""
    return [Tensor(UINT8, call[0].shape), Tensor(FLOAT, ()), Tensor(UINT8, ())]
