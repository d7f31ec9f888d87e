"""Nodes added to an exported encoder: which images it is not sure of, and other answers for these alone.

Those images are gathered and their answers scattered back. Where none is left, the operators between work on a batch of
none, which costs next to nothing; so nothing is chosen by an ``If``, and whatever runs ONNX answers alike.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableSequence
from typing import Any, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import helper, numpy_helper

LABEL = "label_prob"
"""Output of an encoder."""


class Unsure(NamedTuple):
    """Images that an encoder is not sure of, as names of tensors in a graph.

    Attributes:
        row: Their numbers in the batch, int64 (1, U).
        number: The same, (U,).
    """

    row: str
    number: str


class AddedNodes:
    """Adds nodes to a graph, each named after its output.

    Args:
        graph: The graph.
        prefix: What the names of constants begin with.
    """

    def __init__(self, graph: onnx.GraphProto, prefix: str) -> None:
        self._graph, self._prefix = graph, prefix
        self._constants: set[str] = set()

    def node(self, operator: str, inputs: list[str], output: str, **settings: Any) -> str:
        """Add a node with one output, and give the output's name."""
        self._graph.node.append(helper.make_node(operator, inputs, [output], f"{output}_node", **settings))
        return output

    def integers(self, *values: int) -> str:
        """Give the name of a constant int64 (N,)."""
        return self.constant("_".join(map(str, values)), np.array(values, np.int64))

    def constant(self, name: str, value: NDArray[Any]) -> str:
        """Give the name of a constant, which is added where it is not there yet."""
        full = f"{self._prefix}{name}"
        if full not in self._constants:
            self._constants.add(full)
            self._graph.initializer.append(numpy_helper.from_array(value, full))
        return full

    def unsure(self, label_prob: str, confidence: float) -> Unsure:
        """Find the images whose largest probability in ``label_prob`` (B, K) is at most ``confidence``."""
        folder = label_prob.removesuffix(LABEL)
        limit = self.constant("confidence", np.array(confidence, np.float32))
        largest = self.node("ReduceMax", [label_prob, self.integers(1)], f"{folder}largest", keepdims=0)  # (B,)
        is_unsure = self.node("LessOrEqual", [largest, limit], f"{folder}is_unsure")
        row = self.node("NonZero", [is_unsure], f"{folder}unsure_row")
        return Unsure(row, self.node("Squeeze", [row, self.integers(0)], f"{folder}unsure"))

    def put_back(self, label_prob: str, unsure: Unsure, answers: str, output: str) -> str:
        """Put ``answers`` (U, K) where those of the unsure images stand in ``label_prob`` (B, K)."""
        column = self.node("Transpose", [unsure.row], f"{unsure.number}_column", perm=(1, 0))  # (U, 1)
        return self.node("ScatterND", [label_prob, column, answers], output)


def other_names(names: MutableSequence[str], other: Mapping[str, str]) -> None:
    """Replace names of tensors where they have another."""
    for index, name in enumerate(names):
        names[index] = other.get(name, name)


def free_label(graph: onnx.GraphProto, other: str) -> None:
    """Give ``label_prob`` another name within a graph, so that what is added can take its own."""
    for node in graph.node:
        other_names(node.input, {LABEL: other})
        other_names(node.output, {LABEL: other})


def nodes_behind(nodes: Iterable[onnx.NodeProto], output: str) -> list[onnx.NodeProto]:
    """Give the nodes that an output depends on, without those that take no input: constants.

    The nodes may be in any order: the conversion to float16 puts casts behind what reads them.
    """
    listed = list(nodes)
    makers = {name: index for index, node in enumerate(listed) for name in node.output if node.input}
    wanted, found = [output], set()
    while wanted:
        index = makers.get(wanted.pop())
        if index is not None and index not in found:
            found.add(index)
            wanted.extend(listed[index].input)
    return [listed[index] for index in sorted(found)]
