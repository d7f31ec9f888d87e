"""From a checkpoint to two ONNX files that need no torch, checked against it before they take their names."""

from __future__ import annotations

import contextlib
import functools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import onnx
from torch import nn

from aaecli import __version__
from aaecli.checkpoint.file import Checkpoint
from aaecli.config.models import FAMILY
from aaecli.errors import AaeError
from aaecli.export.parity import check_parity, encoders_near_limit, parity_inputs, style_deviation, style_scale
from aaecli.export.parts import parts_of, translated
from aaecli.export.reduced_precision import ReducedPrecision, reduce_part
from aaecli.export.translation import DeployedEncoder, operators_read_once
from aaecli.files.outputs import Outputs
from aaecli.files.own_files import is_onnx
from aaecli.graph.work import MAX_MODEL_BYTES, check_model
from aaecli.text import as_text

SCHEMA = "1"


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
    parts = parts_of(checkpoint)
    outputs = outputs or Outputs()
    for part in parts:
        outputs.claim(folder / f"{part.name}.onnx", is_onnx)
    report: dict[str, Any] = {}
    encoder = b""
    with contextlib.ExitStack() as files, operators_read_once():
        for part in parts:
            name, path = part.name, folder / f"{part.name}.onnx"
            _check_size(part.module, path)
            progress(f"{name}: translating")
            build = translated(part, checkpoint, functools.partial(_describe, part=name, checkpoint=checkpoint))
            body = _checked(build(lambda graph: graph).SerializeToString(), path)
            temporary = files.enter_context(outputs.replacing(path))
            temporary.write_bytes(body)
            progress(f"{name}: comparing with torch")
            scale = {"style": style_scale(checkpoint)}
            right = [part.module]
            if name == "encoder":
                encoder = body
                right = [DeployedEncoder(near) for near in encoders_near_limit(checkpoint.encoder)]
            difference = check_parity(temporary, right, parity_inputs(name, checkpoint), scale)
            report[name] = {"path": str(path), "difference": difference}
            if reduced is not None:
                progress(f"{name}: {reduced.precision}")
                body, cost = reduce_part(build, body, encoder, name, checkpoint, reduced, path)
                temporary.write_bytes(_checked(body, path))
                report[name] |= {"precision": reduced.precision, "cost": cost}
            report[name]["bytes"] = len(body)
    return report


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
