"""A network of torch as an ONNX graph: tidied, checked, from one look at each image."""

from __future__ import annotations

import contextlib
import functools
import os
import tempfile
from collections.abc import Iterator

import onnx
import torch
from torch import Tensor, nn

from aaecli.errors import AaeError
from aaecli.export.silence import silenced
from aaecli.models.networks import Encoder

OPSET = 20


class DeployedEncoder(nn.Module):
    """image → label_prob and style, as far as the model has them: the softmax is part of the graph."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Encode images (B, C, H, W) in [0, 1]."""
        encoding = self.encoder(image)
        return tuple(part for part in (encoding.label(), encoding.style) if part is not None)


class DeployedDecoder(nn.Module):
    """label and style, as far as the decoder reads them → image."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, *latent: Tensor) -> tuple[Tensor, ...]:
        """Draw images (B, C, H, W) from codes (B, K) and (B, Z)."""
        return (self.decoder(torch.cat(latent, 1)),)


def translate(module: nn.Module, example: tuple[Tensor, ...], inputs: list[str], outputs: list[str]) -> onnx.ModelProto:
    """Translate a module; whatever the number of images, the graph is the same.

    Args:
        module: In evaluation mode.
        example: Its inputs, of two images.
        inputs: Their names.
        outputs: Names of what it gives.

    Raises:
        AaeError: torch cannot translate it.
    """
    batch = torch.export.Dim("batch", min=1)
    with silenced(), _leaving_no_cache():
        program = torch.onnx.export(
            module,
            example,
            dynamo=True,
            opset_version=OPSET,
            input_names=inputs,
            output_names=outputs,
            # What a module takes as *args counts as one argument.
            dynamic_shapes=(tuple({0: batch} for _ in example),) if inputs != ["image"] else ({0: batch},),
            external_data=False,
            verbose=False,
        )
    if program is None:
        raise AaeError("torch could not translate the model to ONNX.", "Run again with --debug and report it.")
    model = program.model_proto
    onnx.checker.check_model(model, full_check=True)
    _tidy(model)
    return model


def _tidy(model: onnx.ModelProto) -> None:
    """Take out what only the exporter knows: paths of this machine's source files, and shapes from before folding.

    Some of those shapes are wrong once weights are folded, which other tools stumble over.
    """
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    for entry in (*model.graph.node, *model.graph.initializer, *model.graph.input, *model.graph.output):
        del entry.metadata_props[:]
        entry.doc_string = ""


@contextlib.contextmanager
def operators_read_once() -> Iterator[None]:
    """Have torch parse the sources of its operators once for both files: of each it is most of the translation."""
    try:
        from torch.onnx._internal.exporter._registration import ONNXRegistry
    except ImportError:  # a torch that keeps them elsewhere translates as well, only more slowly
        yield
        return
    name = "from_torchlib"
    own = vars(ONNXRegistry)[name]
    setattr(ONNXRegistry, name, staticmethod(functools.cache(getattr(ONNXRegistry, name))))
    try:
        yield
    finally:
        setattr(ONNXRegistry, name, own)


@contextlib.contextmanager
def _leaving_no_cache() -> Iterator[None]:
    """Give torch's compiler, which the exporter starts, a folder that goes: its own would stay among passing files."""
    name = "TORCHINDUCTOR_CACHE_DIR"
    if name in os.environ:
        yield
        return
    with tempfile.TemporaryDirectory() as folder:
        os.environ[name] = folder
        try:
            yield
        finally:
            del os.environ[name]
