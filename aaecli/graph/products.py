"""Operators that multiply matrices, convolve, or look at a window of an image."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from aaecli.graph.tensor import INT32, INT64, Call, Tensor, hold

# What a library's slowest way costs beside its quickest, that of large matrices of float32.
_GROUPED = 16
_WHOLE_NUMBERS = 4
_COPIED = 16


def matmul(call: Call) -> list[Tensor]:
    """Multiply matrices, or stacks of them, as numpy does."""
    a, b = call[0].shape, call[1].shape
    hold(len(a) > 0 and len(b) > 0)
    left, right = (1, *a) if len(a) == 1 else a, (*b, 1) if len(b) == 1 else b
    hold(left[-1] == right[-2])
    stack = np.broadcast_shapes(left[:-2], right[:-2])
    call.work = math.prod(stack) * left[-2] * left[-1] * right[-1]
    shape = (*stack, *(left[-2:-1] if len(a) > 1 else ()), *(right[-1:] if len(b) > 1 else ()))
    return [Tensor(call[0].type, shape)]


def matmul_integer(call: Call) -> list[Tensor]:
    """Multiply matrices of whole numbers."""
    (found,) = matmul(call)
    call.work *= _WHOLE_NUMBERS
    return [Tensor(INT32, found.shape)]


def gemm(call: Call) -> list[Tensor]:
    """Multiply two matrices, and add a third."""
    hold(len(call[0].shape) == len(call[1].shape) == 2)
    rows, inner = call[0].shape[:: -1 if call.get("transA", 0) else 1]
    height, columns = call[1].shape[:: -1 if call.get("transB", 0) else 1]
    hold(inner == height)
    if call.has(2):
        hold(np.broadcast_shapes(call[2].shape, (rows, columns)) == (rows, columns))
    call.work = rows * inner * columns
    return [Tensor(call[0].type, (rows, columns))]


def conv(call: Call) -> list[Tensor]:
    """Convolve images (N, C, H, W) with kernels (M, C / groups, h, w)."""
    image, kernel = call[0].shape, call[1].shape
    window = _Window(call, image, kernel[2:])
    group = call.get("group", 1)
    hold(len(kernel) == len(image) and group > 0 and image[1] == kernel[1] * group and kernel[0] % group == 0)
    sizes = window.shrunk(image[2:])
    each = kernel[1] * math.prod(kernel[2:])
    call.work = image[0] * kernel[0] * math.prod(sizes) * each * (_GROUPED if group > 1 else 1)
    _lay_out(call, each * math.prod(sizes) * group)
    return [Tensor(call[0].type, (image[0], kernel[0], *sizes))]


def conv_integer(call: Call) -> list[Tensor]:
    """Convolve images of whole numbers."""
    (found,) = conv(call)
    call.work *= _WHOLE_NUMBERS
    return [Tensor(INT32, found.shape)]


def conv_transpose(call: Call) -> list[Tensor]:
    """Spread images (N, C, H, W) by kernels (C, M / groups, h, w)."""
    image, kernel = call[0].shape, call[1].shape
    window = _Window(call, image, kernel[2:])
    group = call.get("group", 1)
    hold(len(kernel) == len(image) and group > 0 and image[1] == kernel[0] and kernel[0] % group == 0)
    sizes = window.grown(image[2:], call.get("output_padding", (0,) * len(window.kernel)))
    each = kernel[1] * math.prod(kernel[2:])
    call.work = image[0] * kernel[0] * math.prod(image[2:]) * each * (_GROUPED if group > 1 else 1)
    _lay_out(call, each * math.prod(image[2:]) * group)
    return [Tensor(call[0].type, (image[0], kernel[1] * group, *sizes))]


def _lay_out(call: Call, num: int) -> None:
    """Count what it takes to lay the patches of each image side by side, as the columns of a matrix."""
    call.workspace = num
    call.work += call[0].shape[0] * num * _COPIED


def pool(call: Call) -> list[Tensor]:
    """Give the largest number of each window, or its mean."""
    image, kernel = call[0].shape, tuple(call.get("kernel_shape", ()))
    sizes = _Window(call, image, kernel).shrunk(image[2:], round_up=bool(call.get("ceil_mode", 0)))
    shape = (*image[:2], *sizes)
    call.work = math.prod(shape) * math.prod(kernel) * _GROUPED
    return [Tensor(call[0].type, shape), Tensor(INT64, shape)][: call.num_outputs]


def pool_all(call: Call) -> list[Tensor]:
    """Give one number for each channel."""
    shape = call[0].shape
    return [Tensor(call[0].type, (*shape[:2], *(1 for _ in shape[2:])))]


class _Window:
    """How a kernel moves over an image: its size, steps, margins and gaps."""

    def __init__(self, call: Call, image: Sequence[int], kernel: Sequence[int]) -> None:
        num = len(kernel)
        ones = (1,) * num
        self.kernel = tuple(kernel)
        self.strides: tuple[int, ...] = call.get("strides", ones)
        self.dilations: tuple[int, ...] = call.get("dilations", ones)
        pads: tuple[int, ...] = call.get("pads", (0,) * 2 * num)
        hold(call.get("auto_pad", "NOTSET") == "NOTSET" and tuple(call.get("kernel_shape", kernel)) == self.kernel)
        hold(len(image) == num + 2 and num > 0)
        hold(len(self.strides) == len(self.dilations) == num and len(pads) == 2 * num and min(pads) >= 0)
        hold(min(*self.strides, *self.dilations, *self.kernel) > 0)
        self.pads = [pads[axis] + pads[axis + num] for axis in range(num)]
        self.spans = [(size - 1) * gap + 1 for size, gap in zip(self.kernel, self.dilations, strict=True)]

    def shrunk(self, sizes: Sequence[int], *, round_up: bool = False) -> list[int]:
        found = []
        for size, pad, span, stride in zip(sizes, self.pads, self.spans, self.strides, strict=True):
            room = size + pad - span
            hold(room >= 0)
            found.append((-(-room // stride) if round_up else room // stride) + 1)
        return found

    def grown(self, sizes: Sequence[int], extra: Sequence[int]) -> list[int]:
        rows = zip(sizes, self.pads, self.spans, self.strides, extra, strict=True)
        found = [stride * (size - 1) + more + span - pad for size, pad, span, stride, more in rows]
        hold(min(*found, *extra) >= 0)
        return found
