"""The two files of an export: which networks go into them, and how their graphs are put together."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import onnx
import torch
from torch import Tensor, nn

from aaecli.checkpoint.file import Checkpoint
from aaecli.config.models import FAMILY
from aaecli.export.cascade import join
from aaecli.export.test_time_augmentation import augmenting, looking_once
from aaecli.export.translation import DeployedDecoder, DeployedEncoder, translate
from aaecli.models.cascade import Cascade
from aaecli.models.networks import without_test_time_augmentation

Change = Callable[[onnx.ModelProto], onnx.ModelProto]
Build = Callable[[Change], onnx.ModelProto]
"""Puts a file together from translated graphs, of which each is changed first: to another precision, or not at all."""


class Part(NamedTuple):
    """What becomes a file.

    Attributes:
        name: ``encoder`` or ``decoder``.
        module: In evaluation mode.
        example: Inputs of two images.
        inputs: Their names.
        outputs: Names of what the module gives.
    """

    name: str
    module: nn.Module
    example: tuple[Tensor, ...]
    inputs: list[str]
    outputs: list[str]

    def graph(self, module: nn.Module | None = None) -> onnx.ModelProto:
        """Translate the module, or another one with its inputs and outputs."""
        return translate((module or self.module).eval(), self.example, self.inputs, self.outputs)


def parts_of(checkpoint: Checkpoint) -> list[Part]:
    """Give the encoder and, where the model draws, the decoder."""
    traits, style_dim = FAMILY[checkpoint.config.model], checkpoint.config.network.style_dim
    image = torch.rand(2, *checkpoint.image_shape)
    outputs = ["label_prob"] * traits.encodes_label + ["style"] * traits.encodes_style
    parts = [Part("encoder", DeployedEncoder(checkpoint.encoder), (image,), ["image"], outputs)]
    if checkpoint.decoder is not None:
        code = {"label": torch.rand(2, len(checkpoint.label_names)).softmax(1), "style": torch.randn(2, style_dim)}
        if traits.decoder_label == "none":
            del code["label"]
        parts.append(Part("decoder", DeployedDecoder(checkpoint.decoder), tuple(code.values()), list(code), ["image"]))
    return parts


def translated(part: Part, checkpoint: Checkpoint, describe: Callable[[onnx.ModelProto], None]) -> Build:
    """Translate a part.

    Args:
        part: The part.
        checkpoint: Its model.
        describe: Writes metadata into a graph, which the file keeps.

    Returns:
        What puts the file together. Test-time augmentation and cascades come last: how many images they read, no graph
        knows, so they cannot be calibrated.
    """
    encoder = checkpoint.encoder
    if part.name == "encoder" and isinstance(encoder, Cascade):
        with without_test_time_augmentation(encoder.first):
            first = part.graph(DeployedEncoder(encoder.first))
        with looking_once(encoder.second):
            second = part.graph(DeployedEncoder(encoder.second))
        describe(first)
        complete, confidence = augmenting(encoder.second), encoder.confidence
        return lambda change: join(change(first), complete(change(second)), confidence)
    with looking_once(encoder):
        graph = part.graph()
    describe(graph)
    complete = augmenting(encoder if part.name == "encoder" else None)
    return lambda change: complete(change(graph))
