"""Test-time augmentation inside ``encoder.onnx``: copies are read of those images alone that need them.

The counterpart of ``Encoder.forward``, as a graph of plain operators: the copies of the images whose first answer is
not sure go through the same weights once more, and the mean takes the place of that answer. torch's exporter cannot
trace such a graph for every encoder that plugs in, and quantisation could not calibrate on a batch of none: so the
graph of one look is made first, and this comes last.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
import onnx

from aaecli.export.added_nodes import LABEL, AddedNodes, Unsure, free_label, nodes_behind, other_names
from aaecli.models.networks import Encoder, without_test_time_augmentation
from aaecli.models.test_time_augmentation import NUM_COPIES

_ONCE, _COPIES = "once/", "copies/"


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
        confidence: Copies are read where the largest probability is at most this; of all images where it is 1.
        temperature: What the logits of the mean are divided by.

    Returns:
        The same encoder, both numbers in its metadata. The weights are shared; ``style`` stays the image's own.
    """
    found = onnx.ModelProto()
    found.CopyFrom(model)
    graph = found.graph
    free_label(graph, _ONCE + LABEL)
    reading = nodes_behind(graph.node, _ONCE + LABEL)
    added = AddedNodes(graph, _COPIES)
    unsure = added.unsure(_ONCE + LABEL, confidence) if confidence < 1 else None
    _lay_out_copies(added, graph, unsure, shift)
    graph.node.extend(_repeated(reading))
    _add_mean(added, graph, unsure, temperature)
    said = json.dumps({"shift": shift, "confidence": confidence})
    found.metadata_props.add(key="aaecli.test_time_augmentation", value=said)
    return found


def _lay_out_copies(added: AddedNodes, graph: onnx.GraphProto, unsure: Unsure | None, shift: int) -> None:
    """Gather the images whose answer is not sure, (U, C, H, W), and lay their copies out, (4 U, C, H, W)."""
    height, width = (size.dim_value for size in graph.input[0].type.tensor_type.shape.dim[2:])
    far = 2 * shift
    original = added.node("Gather", ["image", unsure.number], f"{_COPIES}original") if unsure else "image"
    pads, sides = added.integers(0, 0, shift, shift, 0, 0, shift, shift), added.integers(2, 3)
    padded = added.node("Pad", [original, pads], f"{_COPIES}padded", mode="constant")
    corners = {"right": (shift, 0), "left": (shift, far), "down": (0, shift), "up": (far, shift)}
    cuts = [
        added.node(
            "Slice",
            [padded, added.integers(top, left), added.integers(top + height, left + width), sides],
            f"{_COPIES}moved_{name}",
        )
        for name, (top, left) in corners.items()
    ]
    added.node("Concat", cuts, f"{_COPIES}image", axis=0)


def _repeated(reading: list[onnx.NodeProto]) -> list[onnx.NodeProto]:
    """Read the copies by the same operators and weights."""
    other = {name: _COPIES + name for node in reading for name in node.output}
    other |= {"image": f"{_COPIES}image", _ONCE + LABEL: _COPIES + LABEL}
    repeated = []
    for node in reading:
        copy = onnx.NodeProto()
        copy.CopyFrom(node)
        copy.name = _COPIES + node.name
        other_names(copy.input, other)
        other_names(copy.output, other)
        repeated.append(copy)
    return repeated


def _add_mean(added: AddedNodes, graph: onnx.GraphProto, unsure: Unsure | None, temperature: float) -> None:
    """Put the mean over an image and its copies where the image's own answer stood, and apply the temperature."""
    num_classes = next(port for port in graph.output if port.name == LABEL).type.tensor_type.shape.dim[1].dim_value
    share = added.constant("share", np.array(1 / (1 + NUM_COPIES), np.float32))
    own = _ONCE + LABEL
    if unsure:
        own = added.node("Gather", [own, unsure.number], f"{_ONCE}of_unsure")  # (U, K)
    shape = added.integers(NUM_COPIES, -1, num_classes)
    by_side = added.node("Reshape", [_COPIES + LABEL, shape], f"{_COPIES}by_side", allowzero=1)  # (4, U, K)
    total = added.node("ReduceSum", [by_side, added.integers(0)], f"{_COPIES}sum", keepdims=0)
    with_own = added.node("Add", [own, total], f"{_COPIES}with_own")
    combined = LABEL if temperature == 1 else f"{_COPIES}combined"
    mean = added.node("Mul", [with_own, share], f"{_COPIES}mean" if unsure else combined)
    if unsure:
        added.put_back(_ONCE + LABEL, unsure, mean, combined)
    if temperature != 1:
        # The logits of probabilities are their logarithms.
        divisor = added.constant("temperature", np.array(temperature, np.float32))
        logits = added.node("Log", [combined], f"{_COPIES}logits")
        tempered = added.node("Div", [logits, divisor], f"{_COPIES}tempered")
        added.node("Softmax", [tempered], LABEL, axis=1)
