"""Test-time augmentation inside ``encoder.onnx``: copies are read of those images alone that need them.

The counterpart of ``Encoder.forward``, as a graph of plain operators: the images whose first answer is not sure are
gathered, their copies go through the same weights once more, and the mean is scattered back. Where no image is left,
those operators work on a batch of none, which costs next to nothing; so nothing is chosen by an ``If``, and whatever
runs ONNX answers alike. torch's exporter cannot trace such a graph for every encoder that plugs in, and quantisation
could not calibrate on a batch of none: so the graph of one look is made first, and this comes last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, MutableSequence
from contextlib import contextmanager
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

from aaecli.models.networks import Encoder, without_test_time_augmentation
from aaecli.models.test_time_augmentation import NUM_COPIES

_ONCE, _COPIES = "once/", "copies/"
_LABEL = "label_prob"


@contextmanager
def looking_once(encoder: Encoder) -> Iterator[None]:
    """Have an encoder answer as its graph does before ``augmenting`` adds the rest: from one look at each image.

    The temperature comes after test-time augmentation, where there is any.
    """
    temperature = encoder.temperature
    encoder.temperature = 1.0 if encoder.test_time_shift else temperature
    try:
        with without_test_time_augmentation(encoder):
            yield
    finally:
        encoder.temperature = temperature


def augmenting(encoder: Encoder | None) -> Callable[[onnx.ModelProto], onnx.ModelProto]:
    """Give what adds an encoder's test-time augmentation to its graph; it adds nothing where there is none."""
    if encoder is None or not encoder.test_time_shift:
        return lambda model: model
    shift, confidence, temperature = encoder.test_time_shift, encoder.test_time_confidence, encoder.temperature
    return lambda model: add_test_time_augmentation(model, shift, confidence, temperature)


def add_test_time_augmentation(
    model: onnx.ModelProto, shift: int, confidence: float, temperature: float = 1.0
) -> onnx.ModelProto:
    """Give an encoder that reads copies of those images that one look does not read with confidence.

    Args:
        model: An encoder, ``image`` → ``label_prob`` and, where it has one, ``style``, that looks once; of any
            precision with inputs and outputs in float32.
        shift: How far the copies are moved, in pixels.
        confidence: Copies are read where the largest probability is at most this.
        temperature: What the logits of the mean are divided by.

    Returns:
        The same encoder, both numbers in its metadata. The weights are shared; ``style`` stays the image's own.
    """
    found = onnx.ModelProto()
    found.CopyFrom(model)
    graph = found.graph
    for node in graph.node:
        _rename(node.input, {_LABEL: _ONCE + _LABEL})
        _rename(node.output, {_LABEL: _ONCE + _LABEL})
    reading = _reading(graph, _ONCE + _LABEL)
    graph.node.extend(_choice(graph, shift, confidence))
    graph.node.extend(_repeated(reading))
    graph.node.extend(_mean(graph, temperature))
    said = json.dumps({"shift": shift, "confidence": confidence})
    found.metadata_props.add(key="aaecli.test_time_augmentation", value=said)
    return found


def _rename(names: MutableSequence[str], other: Mapping[str, str]) -> None:
    for index, name in enumerate(names):
        names[index] = other.get(name, name)


def _reading(graph: onnx.GraphProto, output: str) -> list[onnx.NodeProto]:
    """Give the nodes that an output depends on; not constants, which both looks may read.

    The nodes may be in any order: the conversion to float16 puts casts behind what reads them.
    """
    makers = {name: index for index, node in enumerate(graph.node) for name in node.output if node.input}
    wanted, found = [output], set()
    while wanted:
        index = makers.get(wanted.pop())
        if index is not None and index not in found:
            found.add(index)
            wanted.extend(graph.node[index].input)
    return [graph.node[index] for index in sorted(found)]


def _choice(graph: onnx.GraphProto, shift: int, confidence: float) -> list[onnx.NodeProto]:
    """Gather the images whose answer is not sure, (U, C, H, W), and lay their copies out, (4 U, C, H, W)."""
    height, width = (size.dim_value for size in graph.input[0].type.tensor_type.shape.dim[2:])
    far = 2 * shift
    first_axis, class_axis, sides = (_integers(graph, *axes) for axes in ((0,), (1,), (2, 3)))
    pads = _integers(graph, 0, 0, shift, shift, 0, 0, shift, shift)
    limit = _constant(graph, "confidence", np.array(confidence, np.float32))
    names = {"moved_right": (shift, 0), "moved_left": (shift, far), "moved_down": (0, shift), "moved_up": (far, shift)}
    cuts = [
        _node(
            "Slice",
            [f"{_COPIES}padded", _integers(graph, top, left), _integers(graph, top + height, left + width), sides],
            f"{_COPIES}{name}",
        )
        for name, (top, left) in names.items()
    ]
    return [
        _node("ReduceMax", [_ONCE + _LABEL, class_axis], f"{_ONCE}largest", keepdims=0),  # (B,)
        _node("LessOrEqual", [f"{_ONCE}largest", limit], f"{_ONCE}is_unsure"),
        _node("NonZero", [f"{_ONCE}is_unsure"], f"{_ONCE}unsure_row"),  # (1, U)
        _node("Squeeze", [f"{_ONCE}unsure_row", first_axis], f"{_ONCE}unsure"),  # (U,)
        _node("Gather", ["image", f"{_ONCE}unsure"], f"{_COPIES}original"),
        _node("Pad", [f"{_COPIES}original", pads], f"{_COPIES}padded", mode="constant"),
        *cuts,
        _node("Concat", [_COPIES + name for name in names], f"{_COPIES}image", axis=0),
    ]


def _repeated(reading: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Read the copies by the same operators and weights."""
    other = {name: _COPIES + name for node in reading for name in node.output}
    other |= {"image": f"{_COPIES}image", _ONCE + _LABEL: _COPIES + _LABEL}
    repeated = []
    for node in reading:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = _COPIES + node.name
        _rename(copy.input, other)
        _rename(copy.output, other)
        repeated.append(copy)
    return repeated


def _mean(graph: onnx.GraphProto, temperature: float) -> list[onnx.NodeProto]:
    """Put the mean over an image and its copies where the image's own answer stood, and apply the temperature."""
    num_classes = next(port for port in graph.output if port.name == _LABEL).type.tensor_type.shape.dim[1].dim_value
    first_axis, by_side = _integers(graph, 0), _integers(graph, NUM_COPIES, -1, num_classes)
    share = _constant(graph, "share", np.array(1 / (1 + NUM_COPIES), np.float32))
    mean = _LABEL if temperature == 1 else f"{_COPIES}scattered"
    return [
        _node("Gather", [_ONCE + _LABEL, f"{_ONCE}unsure"], f"{_ONCE}of_unsure"),  # (U, K)
        _node("Reshape", [_COPIES + _LABEL, by_side], f"{_COPIES}by_side", allowzero=1),  # (4, U, K)
        _node("ReduceSum", [f"{_COPIES}by_side", first_axis], f"{_COPIES}sum", keepdims=0),
        _node("Add", [f"{_ONCE}of_unsure", f"{_COPIES}sum"], f"{_COPIES}with_own"),
        _node("Mul", [f"{_COPIES}with_own", share], f"{_COPIES}mean"),
        _node("Transpose", [f"{_ONCE}unsure_row"], f"{_ONCE}unsure_column", perm=(1, 0)),  # (U, 1)
        _node("ScatterND", [_ONCE + _LABEL, f"{_ONCE}unsure_column", f"{_COPIES}mean"], mean),
        *([] if temperature == 1 else _tempered(graph, mean, temperature)),
    ]


def _tempered(graph: onnx.GraphProto, mean: str, temperature: float) -> list[onnx.NodeProto]:
    """Divide the logits of probabilities (B, K), which are their logarithms, by the temperature."""
    divisor = _constant(graph, "temperature", np.array(temperature, np.float32))
    return [
        _node("Log", [mean], f"{_COPIES}logits"),
        _node("Div", [f"{_COPIES}logits", divisor], f"{_COPIES}tempered"),
        _node("Softmax", [f"{_COPIES}tempered"], _LABEL, axis=1),
    ]


def _node(operator: str, inputs: list[str], output: str, **settings: Any) -> onnx.NodeProto:
    return helper.make_node(operator, inputs, [output], f"{output}_node", **settings)


def _integers(graph: onnx.GraphProto, *values: int) -> str:
    return _constant(graph, "_".join(map(str, values)), np.array(values, np.int64))


def _constant(graph: onnx.GraphProto, name: str, value: NDArray[Any]) -> str:
    """Give the name of a constant, which is added where it is not there yet."""
    full = f"{_COPIES}{name}"
    if full not in {entry.name for entry in graph.initializer}:
        graph.initializer.append(numpy_helper.from_array(value, full))
    return full
