"""From a checkpoint to two ONNX files that need no torch, checked against it before they take their names."""

from __future__ import annotations

import contextlib
import functools
import json
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import onnx
import torch
from torch import Tensor, nn

from aaecli import __version__
from aaecli.checkpoint.file import Checkpoint
from aaecli.config.models import FAMILY
from aaecli.errors import AaeError
from aaecli.export.parity import check_parity, encoders_near_limit, parity_inputs, style_deviation, style_scale
from aaecli.export.reduced_precision import ReducedPrecision, reduce_part
from aaecli.export.silence import silenced
from aaecli.export.test_time_augmentation import augmenting, looking_once
from aaecli.files.outputs import Outputs
from aaecli.files.own_files import is_onnx
from aaecli.graph.work import MAX_MODEL_BYTES, check_model
from aaecli.models.networks import Encoder
from aaecli.text import as_text

OPSET = 20
SCHEMA = "1"


class _DeployedEncoder(nn.Module):
    """image → label_prob and style, as far as the model has them: the softmax is part of the graph."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        encoding = self.encoder(image)
        return tuple(part for part in (encoding.label(), encoding.style) if part is not None)


class _DeployedDecoder(nn.Module):
    """label and style, as far as the decoder reads them → image."""

    def __init__(self, decoder: nn.Module) -> None:
        super().__init__()
        self.decoder = decoder

    def forward(self, *latent: Tensor) -> tuple[Tensor, ...]:
        return (self.decoder(torch.cat(latent, 1)),)


def export_onnx(
    checkpoint: Checkpoint,
    folder: Path,
    progress: Callable[[str], None],
    outputs: Outputs | None = None,
    reduced: ReducedPrecision | None = None,
) -> dict[str, Any]:
    """Write ``encoder.onnx`` and, where the model draws, ``decoder.onnx``.

    Both are made and checked in full before either takes its name, so a failed export leaves what was there.

    Args:
        checkpoint: A trained model, on the processor, in evaluation mode.
        folder: Where the files go.
        progress: Is told what is being done.
        outputs: What the command writes. Files of other programs are not replaced unless it says so.
        reduced: Reduced precision; float32 where None.

    Returns:
        For each part, ``path``, ``bytes`` and ``difference``, the largest one from torch in the parity check of the
        float32 file; in reduced precision ``precision`` and ``cost`` too, see ``quantisation.Cost``.

    Raises:
        AaeError: A file cannot be written, would be larger than is read or hold what is not read, differs from torch
            by more than 1e-5 or in a class, or loses more accuracy in reduced precision than asked for.
    """
    parts = _parts(checkpoint)
    outputs = outputs or Outputs()
    for part in parts:
        outputs.claim(folder / f"{part}.onnx", is_onnx)
    report: dict[str, Any] = {}
    encoder = b""
    with contextlib.ExitStack() as files, _operators_read_once():
        for part, (module, example, inputs, answers) in parts.items():
            path = folder / f"{part}.onnx"
            _check_size(module, path)
            progress(f"{part}: translating")
            with looking_once(checkpoint.encoder):
                model = _translate(module.eval(), example, inputs, answers)
            _tidy(model)
            _describe(model, part, checkpoint)
            complete = augmenting(checkpoint.encoder if part == "encoder" else None)
            body = _checked(complete(model).SerializeToString(), path)
            temporary = files.enter_context(outputs.replacing(path))
            temporary.write_bytes(body)
            progress(f"{part}: comparing with torch")
            scale = {"style": style_scale(checkpoint)}
            right = [module]
            if part == "encoder":
                right = [_DeployedEncoder(encoder) for encoder in encoders_near_limit(checkpoint.encoder)]
            difference = check_parity(temporary, right, parity_inputs(part, checkpoint), scale)
            report[part] = {"path": str(path), "difference": difference}
            encoder = body if part == "encoder" else encoder
            if reduced is not None:
                progress(f"{part}: {reduced.precision}")
                body, cost = reduce_part(model, complete, encoder, part, checkpoint, reduced, path)
                temporary.write_bytes(_checked(body, path))
                report[part] |= {"precision": reduced.precision, "cost": cost}
            report[part]["bytes"] = len(body)
    return report


_Part = tuple[nn.Module, tuple[Tensor, ...], list[str], list[str]]


def _parts(checkpoint: Checkpoint) -> dict[str, _Part]:
    """Give what becomes a file each: the module, example inputs, and the names of its inputs and outputs."""
    traits, style_dim = FAMILY[checkpoint.config.model], checkpoint.config.network.style_dim
    image = torch.rand(2, *checkpoint.image_shape)
    answers = ["label_prob"] * traits.encodes_label + ["style"] * traits.encodes_style
    parts: dict[str, _Part] = {"encoder": (_DeployedEncoder(checkpoint.encoder), (image,), ["image"], answers)}
    if checkpoint.decoder is not None:
        code = {"label": torch.rand(2, len(checkpoint.label_names)).softmax(1), "style": torch.randn(2, style_dim)}
        if traits.decoder_label == "none":
            del code["label"]
        parts["decoder"] = (_DeployedDecoder(checkpoint.decoder), tuple(code.values()), list(code), ["image"])
    return parts


def _check_size(module: nn.Module, path: Path) -> None:
    """Refuse a model whose weights alone make too large a file, before the minutes that translating it takes.

    Raises:
        AaeError: They do.
    """
    num_bytes = sum(4 * weight.numel() for weight in module.parameters())
    if num_bytes > MAX_MODEL_BYTES:
        raise AaeError(
            f"{path} would be of {num_bytes:,} bytes, and at most {MAX_MODEL_BYTES:,} are read.",
            "Nothing was written. Train with narrower layers ([network.encoder_options]) or smaller images.",
        )


def _checked(body: bytes, path: Path) -> bytes:
    """See that what is about to be written would be read.

    Raises:
        AaeError: It would be refused.
    """
    try:
        check_model(body)
    except ValueError as error:
        raise AaeError(
            f"{path} would be refused by `aaecli classify`: {error}.",
            "Nothing was written. Train with narrower layers or smaller images; an encoder of your own may need "
            "operators that aaecli/graph/operators.py does not list.",
        ) from error
    return body


def _tidy(model: onnx.ModelProto) -> None:
    """Take out what only the exporter knows: paths of this machine's source files, and shapes from before folding.

    Some of those shapes are wrong once weights are folded, which other tools stumble over.
    """
    del model.graph.value_info[:]
    del model.graph.metadata_props[:]
    for entry in (*model.graph.node, *model.graph.initializer, *model.graph.input, *model.graph.output):
        del entry.metadata_props[:]
        entry.doc_string = ""


def _translate(
    module: nn.Module, example: tuple[Tensor, ...], inputs: list[str], outputs: list[str]
) -> onnx.ModelProto:
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
    return model


@contextlib.contextmanager
def _operators_read_once() -> Iterator[None]:
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


def _describe(model: onnx.ModelProto, part: str, checkpoint: Checkpoint) -> None:
    """Write into the file all that a program without the checkpoint needs to know."""
    config, summary, traits = checkpoint.config, checkpoint.summary, FAMILY[checkpoint.config.model]
    channels, height, width = checkpoint.image_shape
    properties: dict[str, Any] = {
        "schema": SCHEMA,
        "part": part,
        "version": __version__,
        "model": config.model,
        "preset": config.preset,
        "labels": config.labels,
        "seed": config.seed,
        "classes": list(checkpoint.label_names) if traits.encodes_label or traits.decoder_label == "true" else [],
        "image": {
            "channels": channels,
            "height": height,
            "width": width,
            "normalise": "strokes" if config.image.has_strokes else "none",
            "transpose": config.image.transpose,
        },
        "test_accuracy": summary.get("test_accuracy", ""),
        "data": _data(config.data),
    }
    if part == "encoder" and traits.encodes_label:
        properties["temperature"] = checkpoint.encoder.temperature
    if checkpoint.decoder is not None:
        prior = {"name": config.prior.style, "std": style_deviation(checkpoint), "dim": config.network.style_dim}
        if checkpoint.label_prior is not None and properties["classes"]:
            properties["label_prior"] = list(checkpoint.label_prior)
        properties |= {"style_prior": prior, "novelty": summary.get("novelty", {})}
    onnx.helper.set_model_props(
        model,
        {
            f"aaecli.{key}": as_text(value) if isinstance(value, str) else _as_json(value)
            for key, value in properties.items()
        },
    )
    model.producer_name, model.producer_version = "aaecli", __version__
    model.doc_string = f"The {part} of an adversarial autoencoder ({config.model}), exported by aaecli."


def _data(folder: str) -> dict[str, Any]:
    """Say what a model was trained on, without a look at it: MNIST as it is embedded, or the name of a folder."""
    if not folder:
        return {"name": "MNIST", "embedded": True}
    return {"name": Path(folder).absolute().name or folder, "embedded": False}


def _as_json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if as_text(text) == text else json.dumps(value)
