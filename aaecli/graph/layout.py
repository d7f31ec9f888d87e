"""Operators that move numbers and compute none: shapes, slices, joins."""

from __future__ import annotations

import math

import numpy as np

from aaecli.graph.model import Weight
from aaecli.graph.tensor import BOOL, FLOAT, INT64, MAX_KNOWN, Call, Tensor, from_front, hold


def constant(call: Call) -> list[Tensor]:
    """Give what stands in the settings."""
    hold(len(call.attributes) == 1)
    ((name, value),) = call.attributes.items()
    if isinstance(value, Weight):
        return [of_weight(value)]
    array = np.array(value, np.float32 if "float" in name else np.int64)
    return [Tensor(FLOAT, array.shape) if "float" in name else Tensor(INT64, array.shape, array)]


def of_weight(weight: Weight) -> Tensor:
    """Give what is known of a weight."""
    array = weight.array()
    follow = array.dtype.kind in "iub" and array.size <= MAX_KNOWN
    return Tensor(weight.type, weight.shape, array if follow else None)


def shape(call: Call) -> list[Tensor]:
    """Give the dimensions of the input."""
    rank = len(call[0].shape)
    start, end = call.get("start", 0), call.get("end", rank)
    value = np.array(call[0].shape[slice(start, end)], np.int64)
    # Which of them stem from the batch is not followed: any of them may.
    return [Tensor(INT64, value.shape, value, follows_batch=True)]


def reshape(call: Call) -> list[Tensor]:
    """Give the same numbers in other dimensions."""
    first, wanted = call[0], call[1].largest_integers()
    # Of no image, a size of 0 would mean that of the input, and -1 more than it does of many.
    hold(not call[1].shorter or (call.get("allowzero", 0) == 1 and -1 not in wanted))
    if not call.get("allowzero", 0):
        wanted = [first.shape[axis_number] if size == 0 else size for axis_number, size in enumerate(wanted)]
    hold(wanted.count(-1) <= 1 and min(wanted, default=0) >= -1)
    known = math.prod(size for size in wanted if size != -1)
    if -1 in wanted:
        hold(known > 0 and first.size % known == 0)
        wanted[wanted.index(-1)] = first.size // known
    hold(math.prod(wanted) == first.size)
    return [_moved(call, tuple(wanted))]


def flatten(call: Call) -> list[Tensor]:
    """Give a matrix: the axes before one, and those from it on."""
    sizes = call[0].shape
    axis = call.get("axis", 1)
    hold(-len(sizes) <= axis <= len(sizes))
    axis = axis + len(sizes) if axis < 0 else axis
    return [_moved(call, (math.prod(sizes[:axis]), math.prod(sizes[axis:])))]


def transpose(call: Call) -> list[Tensor]:
    """Give the same numbers with the axes in another order."""
    sizes = call[0].shape
    order = call.get("perm", tuple(reversed(range(len(sizes)))))
    hold(sorted(order) == list(range(len(sizes))))
    return [Tensor(call[0].type, tuple(sizes[axis] for axis in order), below=call[0].below)]


def squeeze(call: Call) -> list[Tensor]:
    """Leave out axes of size 1."""
    sizes = call[0].shape
    named = call[1].integers() if call.has(1) else [axis for axis, size in enumerate(sizes) if size == 1]
    axes = [from_front(axis, len(sizes)) for axis in named]
    hold(all(sizes[axis] == 1 for axis in axes))
    return [_moved(call, tuple(size for axis, size in enumerate(sizes) if axis not in axes))]


def unsqueeze(call: Call) -> list[Tensor]:
    """Put in axes of size 1."""
    named = call[1].integers()
    rank = len(call[0].shape) + len(named)
    axes = {from_front(axis, rank) for axis in named}
    hold(len(axes) == len(named))
    rest = iter(call[0].shape)
    return [_moved(call, tuple(1 if axis in axes else next(rest) for axis in range(rank)))]


def concat(call: Call) -> list[Tensor]:
    """Join along an axis."""
    given = call.given()
    sizes = list(given[0].shape)
    axis = call.axis(len(sizes), 0)
    for other in given[1:]:
        hold(len(other.shape) == len(sizes))
        hold([*other.shape[:axis], *other.shape[axis + 1 :]] == sizes[:axis] + sizes[axis + 1 :])
    sizes[axis] = sum(entry.shape[axis] for entry in given)
    value = call.known(lambda *values: np.concatenate(values, axis))
    return [Tensor(given[0].type, tuple(sizes), value, call.by_batch)]


def split(call: Call) -> list[Tensor]:
    """Cut along an axis, into pieces of given sizes or of one size."""
    sizes, num = call[0].shape, call.num_outputs
    axis = call.axis(len(sizes), 0)
    if call.has(1):
        pieces = call[1].integers()
    else:
        hold(call.get("num_outputs", num) == num)
        # The last piece takes the rest, which grows where an axis gets shorter.
        hold(not call.shorter or sizes[axis] % num == 0)
        each = -(-sizes[axis] // num)
        pieces = [each] * (num - 1) + [sizes[axis] - each * (num - 1)]
    hold(len(pieces) == num and min(pieces) >= 0 and sum(pieces) == sizes[axis])
    return [Tensor(call[0].type, (*sizes[:axis], piece, *sizes[axis + 1 :])) for piece in pieces]


def cut(call: Call) -> list[Tensor]:
    """Give a part along each of some axes, every so many places."""
    sizes = list(call[0].shape)
    starts, ends = call[1].integers(), call[2].integers()
    axes = call[3].integers() if call.has(3) else list(range(len(starts)))
    steps = call[4].integers() if call.has(4) else [1] * len(starts)
    axis_numbers = [from_front(axis, len(sizes)) for axis in axes]
    hold(len(set(axis_numbers)) == len(axis_numbers) and 0 not in steps)
    cuts = [slice(None)] * len(sizes)
    for axis, start, end, step in zip(axis_numbers, starts, ends, steps, strict=True):
        hold(_grows_with_axis(start, end, step, sizes[axis]))
        cuts[axis] = slice(start, end, step)
        sizes[axis] = len(range(*cuts[axis].indices(sizes[axis])))
    value = call[0].value
    return [Tensor(call[0].type, tuple(sizes), None if value is None else value[tuple(cuts)], call.by_batch)]


def _grows_with_axis(start: int, end: int, step: int, size: int) -> bool:
    """Tell whether a cut of a longer axis is never shorter: not from a place near the end to one near the start."""
    if step > 0:
        return not (start < 0 <= end < size)
    return not (-size <= end < 0 <= start)


def gather(call: Call) -> list[Tensor]:
    """Pick along an axis."""
    sizes = call[0].shape
    axis = call.axis(len(sizes), 0)
    value = None if call[1].shorter else call.known(lambda data, axis_numbers: np.take(data, axis_numbers, axis))
    return [Tensor(call[0].type, (*sizes[:axis], *call[1].shape, *sizes[axis + 1 :]), value, call.by_batch)]


def non_zero(call: Call) -> list[Tensor]:
    """Give the indices (1, U) at which a list (N,) is true: at most N, each less than N."""
    (num,) = call[0].shape
    hold(call[0].type == BOOL)
    return [Tensor(INT64, (1, num), shorter=True, below=num)]


def scatter(call: Call) -> list[Tensor]:
    """Replace rows of the first input, at the indices that a ``NonZero`` chose: none of them is outside of it."""
    data, index, update = call[0], call[1], call[2]
    hold(index.below is not None and index.below <= data.shape[0] and not data.shorter)
    hold(len(index.shape) == 2 and index.shape[1] == 1 and update.type == data.type)
    hold(update.shape == (index.shape[0], *data.shape[1:]))
    return [Tensor(data.type, data.shape)]


def pad(call: Call) -> list[Tensor]:
    """Give a margin to some axes, or take it away."""
    sizes, pads = list(call[0].shape), call[1].integers()
    axes = call[3].integers() if call.has(3) else list(range(len(sizes)))
    hold(len(pads) == 2 * len(axes) and call.get("mode", "constant") in ("constant", "reflect", "edge"))
    for axis, before, after in zip(axes, pads[: len(axes)], pads[len(axes) :], strict=True):
        sizes[from_front(axis, len(sizes))] += before + after
    hold(min(sizes, default=0) >= 0)
    return [Tensor(call[0].type, tuple(sizes))]


def expand(call: Call) -> list[Tensor]:
    """Repeat along axes of size 1."""
    sizes = np.broadcast_shapes(call[0].shape, tuple(call[1].largest_integers()))
    return [Tensor(call[0].type, sizes)]


def depth_to_space(call: Call) -> list[Tensor]:
    """Lay channels side by side."""
    num, channels, height, width = call[0].shape
    side = call.get("blocksize", 0)
    hold(side > 0 and channels % side**2 == 0)
    return [Tensor(call[0].type, (num, channels // side**2, height * side, width * side))]


def space_to_depth(call: Call) -> list[Tensor]:
    """Lay what is side by side in channels."""
    num, channels, height, width = call[0].shape
    side = call.get("blocksize", 0)
    hold(side > 0 and height % side == 0 and width % side == 0)
    return [Tensor(call[0].type, (num, channels * side**2, height // side, width // side))]


def _moved(call: Call, sizes: tuple[int, ...]) -> Tensor:
    value = call[0].value
    return Tensor(call[0].type, sizes, None if value is None else value.reshape(sizes), call.by_batch)
