"""The operators that a graph may hold, with the settings that each may have: what is not here is refused.

They cover what torch's exporter makes of fully connected, convolutional and attention layers, and what
onnxruntime's quantisation to 8 bits (QDQ, static or dynamic) and conversion to half precision add. None repeats or
chooses parts of a graph, or draws numbers. One chooses images, ``NonZero``: how many is not known before the graph
runs, but there are never more than it chooses from, so time and memory are bounded by those of all images.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aaecli.graph import layout, pointwise, products
from aaecli.graph.model import Weight
from aaecli.graph.tensor import BOOL, Rule


@dataclass(frozen=True)
class Operator:
    """What is known of an operator.

    Attributes:
        rule: Gives its outputs' types and shapes.
        settings: Type of each setting that it may have.
        inputs: The fewest and the most inputs that it may have; those beyond the fewest may be left out.
        is_product: What it multiplies outweighs what it reads.
        moves: It computes nothing.
        restores: Its output has the shape of its first input, however few images were chosen for the others.
    """

    rule: Rule
    settings: dict[str, type]
    inputs: tuple[int, int] = (1, 1)
    is_product: bool = False
    moves: bool = False
    restores: bool = False


MANY = 64
"""Most inputs of an operator that takes any number; none of these may be left out."""
_AXIS: dict[str, type] = {"axis": int}
_WINDOW: dict[str, type] = {"auto_pad": str, "pads": tuple, "strides": tuple, "dilations": tuple, "kernel_shape": tuple}
_CONV = _WINDOW | {"group": int}
_POOL = _WINDOW | {"ceil_mode": int}
_REDUCE: dict[str, type] = {"axes": tuple, "keepdims": int, "noop_with_empty_axes": int}
_GEMM: dict[str, type] = {"alpha": float, "beta": float, "transA": int, "transB": int}
_NORM: dict[str, type] = {"epsilon": float, "momentum": float, "training_mode": int, "axis": int, "stash_type": int}
_QUANT: dict[str, type] = {"axis": int, "saturate": int}
_CONSTANT: dict[str, type] = {
    "value": Weight, "value_float": float, "value_int": int, "value_floats": tuple, "value_ints": tuple,
}  # fmt: skip
_PLAIN = (
    "Relu", "Sigmoid", "Tanh", "Erf", "Exp", "Log", "Sqrt", "Reciprocal", "Neg", "Abs", "Floor", "Ceil", "Round",
    "Sign", "Softplus", "Softsign", "HardSwish", "Mish", "Sin", "Cos", "Not",
)  # fmt: skip
_ALPHA: dict[str, type] = {"alpha": float}
_WITH_SETTINGS: dict[str, dict[str, type]] = {
    "LeakyRelu": _ALPHA,
    "Elu": _ALPHA,
    "Celu": _ALPHA,
    "ThresholdedRelu": _ALPHA,
    "Selu": {"alpha": float, "gamma": float},
    "HardSigmoid": {"alpha": float, "beta": float},
    "Gelu": {"approximate": str},
    "Softmax": _AXIS,
    "LogSoftmax": _AXIS,
}
_REDUCTIONS = (
    "ReduceMean", "ReduceSum", "ReduceMax", "ReduceMin", "ReduceProd", "ReduceL1", "ReduceL2", "ReduceLogSum",
    "ReduceLogSumExp", "ReduceSumSquare",
)  # fmt: skip

OPERATORS: dict[str, Operator] = {
    **{name: Operator(pointwise.same, {}) for name in _PLAIN},
    **{name: Operator(pointwise.same, settings) for name, settings in _WITH_SETTINGS.items()},
    **{name: Operator(pointwise.reduce, _REDUCE, (1, 2)) for name in _REDUCTIONS},
    **{name: Operator(pointwise.broadcast(), {}, (1, MANY)) for name in ("Min", "Max", "Mean", "Sum")},
    **{name: Operator(pointwise.broadcast(), {}, (2, 2)) for name in ("Pow", "PRelu")},
    "Where": Operator(pointwise.broadcast(), {}, (3, 3)),
    "Clip": Operator(pointwise.same, {}, (1, 3)),
    **{
        name: Operator(pointwise.broadcast(None, BOOL), {}, (2, 2))
        for name in ("Equal", "Less", "LessOrEqual", "Greater", "GreaterOrEqual", "And", "Or")
    },
    "Add": Operator(pointwise.broadcast(np.add), {}, (2, 2)),
    "Sub": Operator(pointwise.broadcast(np.subtract), {}, (2, 2)),
    "Mul": Operator(pointwise.broadcast(np.multiply), {}, (2, 2)),
    "Div": Operator(pointwise.broadcast(pointwise.divide), {}, (2, 2)),
    "Cast": Operator(pointwise.cast, {"to": int, "saturate": int}),
    "ArgMax": Operator(pointwise.argmax, {"axis": int, "keepdims": int, "select_last_index": int}),
    "BatchNormalization": Operator(pointwise.normalise_channels, _NORM, (5, 5)),
    "InstanceNormalization": Operator(pointwise.normalise_channels, _NORM, (3, 3)),
    "LayerNormalization": Operator(pointwise.normalise_layer, _NORM, (2, 3)),
    "QuantizeLinear": Operator(pointwise.quantise, _QUANT, (2, 3)),
    "DequantizeLinear": Operator(pointwise.dequantise, _AXIS, (2, 3)),
    "DynamicQuantizeLinear": Operator(pointwise.quantise_by_itself, {}),
    "MatMul": Operator(products.matmul, {}, (2, 2), is_product=True),
    "MatMulInteger": Operator(products.matmul_integer, {}, (2, 4), is_product=True),
    "Gemm": Operator(products.gemm, _GEMM, (2, 3), is_product=True),
    "Conv": Operator(products.conv, _CONV, (2, 3), is_product=True),
    "ConvInteger": Operator(products.conv_integer, _CONV, (2, 4), is_product=True),
    "ConvTranspose": Operator(products.conv_transpose, _CONV | {"output_padding": tuple}, (2, 3), is_product=True),
    "MaxPool": Operator(products.pool, _POOL | {"storage_order": int}),
    "AveragePool": Operator(products.pool, _POOL | {"count_include_pad": int}),
    "GlobalAveragePool": Operator(products.pool_all, {}),
    "GlobalMaxPool": Operator(products.pool_all, {}),
    "Identity": Operator(pointwise.identity, {}, moves=True),
    "Constant": Operator(layout.constant, _CONSTANT, (0, 0), moves=True),
    "Shape": Operator(layout.shape, {"start": int, "end": int}, moves=True),
    "Reshape": Operator(layout.reshape, {"allowzero": int}, (2, 2), moves=True),
    "Flatten": Operator(layout.flatten, _AXIS, moves=True),
    "Transpose": Operator(layout.transpose, {"perm": tuple}, moves=True),
    "Squeeze": Operator(layout.squeeze, {}, (1, 2), moves=True),
    "Unsqueeze": Operator(layout.unsqueeze, {}, (2, 2), moves=True),
    "Concat": Operator(layout.concat, _AXIS, (1, MANY), moves=True),
    "Split": Operator(layout.split, {"axis": int, "num_outputs": int}, (1, 2), moves=True),
    "Slice": Operator(layout.cut, {}, (3, 5), moves=True),
    "Gather": Operator(layout.gather, _AXIS, (2, 2)),
    "NonZero": Operator(layout.non_zero, {}),
    "ScatterND": Operator(layout.scatter, {}, (3, 3), restores=True),
    "Pad": Operator(layout.pad, {"mode": str}, (2, 4), moves=True),
    "Expand": Operator(layout.expand, {}, (2, 2), moves=True),
    "DepthToSpace": Operator(layout.depth_to_space, {"blocksize": int, "mode": str}, moves=True),
    "SpaceToDepth": Operator(layout.space_to_depth, {"blocksize": int}, moves=True),
}
