"""A cascade in ``encoder.onnx``: a large encoder classifies again those images alone that a small one is not sure of.

The counterpart of ``aaecli.models.cascade``. Most images of most tasks are easy: they cost the small encoder, and the
accuracy is the large one's (Viola and Jones 2001 have the idea for faces).
"""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import onnx

from aaecli.checkpoint.file import Checkpoint, load_model
from aaecli.config.models import FAMILY
from aaecli.errors import AaeError
from aaecli.export.added_nodes import LABEL, AddedNodes, free_label, nodes_behind, other_names
from aaecli.models.cascade import Cascade

CONFIDENCE = 0.95
"""Largest probability up to which an image is classified again. Of MNIST's images, one in fifty."""
_FIRST, _SECOND = "first/", "second/"


def load(path: Path, larger: Path | None = None, confidence: float | None = None) -> Checkpoint:
    """Load a model, or two as a cascade.

    Args:
        path: The model, the small one of a cascade.
        larger: The large one; None for no cascade.
        confidence: As in ``Cascade``; None for ``CONFIDENCE``.

    Raises:
        AaeError: A file is none of a model, or the two do not go together.
    """
    model = load_model(path)
    if larger is None:
        return model
    return cascade(model, load_model(larger), CONFIDENCE if confidence is None else confidence, larger)


def cascade(first: Checkpoint, second: Checkpoint, confidence: float, path: Path) -> Checkpoint:
    """Give a model whose encoder is a ``Cascade``; everything else is the first one's.

    Its accuracy is not known until it is evaluated. Test-time augmentation of the second reads copies of all images
    that come to it: few are easy, and a choice within a choice is more than ``aaecli.graph`` follows.

    Args:
        first: The small model.
        second: The large model.
        confidence: As in ``Cascade``.
        path: File of the second, for the error.

    Raises:
        AaeError: The two do not classify the same images into the same classes, or the first gives no label.
    """
    for what, here, there in (
        ("classes", first.label_names, second.label_names),
        ("images", (first.image_shape, first.config.image), (second.image_shape, second.config.image)),
    ):
        if here != there:
            raise AaeError(
                f"{path} has other {what} than the first model: the two are no cascade.",
                "Train both on the same data with the same [image] settings.",
            )
    if not all(FAMILY[model.config.model].encodes_label for model in (first, second)):
        raise AaeError("A cascade needs two models that classify.", "Name models whose encoder gives a label.")
    summary = {key: value for key, value in first.summary.items() if not key.startswith("test_")}
    second.encoder.test_time_confidence = 1.0
    return dataclasses.replace(first, encoder=Cascade(first.encoder, second.encoder, confidence), summary=summary)


def join(first: onnx.ModelProto, second: onnx.ModelProto, confidence: float) -> onnx.ModelProto:
    """Join the graphs of two encoders.

    Args:
        first: ``image`` → ``label_prob`` and, where it has one, ``style``, from one look at each image.
        second: The same, complete; its style is left out.
        confidence: As in ``Cascade``.

    Returns:
        The first with the label of the second where it is not sure, the confidence in its metadata.
    """
    found = onnx.ModelProto()
    found.CopyFrom(first)
    graph = found.graph
    free_label(graph, _FIRST + LABEL)
    added = AddedNodes(graph, "cascade/")
    unsure = added.unsure(_FIRST + LABEL, confidence)
    added.node("Gather", ["image", unsure.number], f"{_SECOND}image")
    _add(graph, second)
    known = {entry.domain for entry in found.opset_import}
    found.opset_import.extend(entry for entry in second.opset_import if entry.domain not in known)
    added.put_back(_FIRST + LABEL, unsure, _SECOND + LABEL, LABEL)
    found.metadata_props.add(key="aaecli.cascade", value=json.dumps({"confidence": confidence}))
    return found


def _add(graph: onnx.GraphProto, second: onnx.ModelProto) -> None:
    """Add what an encoder's label is computed by, each name with a prefix."""
    reading = [node for node in second.graph.node if not node.input] + nodes_behind(second.graph.node, LABEL)
    used = {name for node in reading for name in node.input}
    for tensor in second.graph.initializer:
        if tensor.name in used:
            graph.initializer.append(tensor)
            graph.initializer[-1].name = _SECOND + tensor.name
    for node in reading:
        graph.node.append(node)
        copy = graph.node[-1]
        copy.name = _SECOND + node.name
        for names in (copy.input, copy.output):
            other_names(names, {name: _SECOND + name for name in names if name})
