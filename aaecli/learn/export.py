"""From a checkpoint to two ONNX files that need no torch, checked against it before they take their names."""

from __future__ import annotations

import contextlib
import io
import json
import logging
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from aaecli import __version__
from aaecli.data.dataset import load_dataset
from aaecli.errors import AaeError
from aaecli.family import FAMILY
from aaecli.learn.batch import to_float
from aaecli.learn.checkpoint import Checkpoint
from aaecli.outputs import Outputs
from aaecli.own_files import is_onnx
from aaecli.priors import STYLE_PRIORS
from aaecli.runtime import onnxruntime

OPSET = 20
SCHEMA = "1"
TOLERANCE = 1e-5
"""Of probabilities and pixels; of a style in deviations of its prior, or as a share of the largest style where that
lies far outside of the prior, as after a short training: float32 knows 50.0 less finely than 1.0."""
PARITY_BATCHES = (1, 2, 7, 64)


class _DeployedEncoder(nn.Module):
    """image → label_prob and style, as far as the model has them: the softmax is part of the graph."""

    def __init__(self, encoder: nn.Module) -> None:
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
    checkpoint: Checkpoint, folder: Path, progress: Callable[[str], None], outputs: Outputs | None = None
) -> dict[str, Any]:
    """Write ``encoder.onnx`` and, where the model draws, ``decoder.onnx``.

    Both are made and checked in full before either takes its name, so a failed export leaves what was there.

    Args:
        checkpoint: A trained model, on the processor, in evaluation mode.
        folder: Where the files go.
        progress: Is told what is being done.
        outputs: What the command writes. Files of other programs are not replaced unless it says so.

    Returns:
        For each part, ``path``, ``bytes`` and ``difference``, the largest one from torch in the parity check.

    Raises:
        AaeError: A file cannot be written, or differs from torch by more than 1e-5 or in a class.
    """
    row, style_dim = FAMILY[checkpoint.config.model], checkpoint.config.network.style_dim
    image = torch.rand(2, *checkpoint.image_shape)
    answers = ["label_prob"] * row.encodes_label + ["style"] * row.encodes_style
    parts: dict[str, tuple[nn.Module, tuple[Tensor, ...], list[str], list[str]]] = {
        "encoder": (_DeployedEncoder(checkpoint.encoder), (image,), ["image"], answers)
    }
    if checkpoint.decoder is not None:
        code = {"label": torch.rand(2, len(checkpoint.label_names)).softmax(1), "style": torch.randn(2, style_dim)}
        if row.decoder_label == "none":
            del code["label"]
        parts["decoder"] = (_DeployedDecoder(checkpoint.decoder), tuple(code.values()), list(code), ["image"])

    outputs = outputs or Outputs()
    for part in parts:
        outputs.claim(folder / f"{part}.onnx", is_onnx)
    report: dict[str, Any] = {}
    with contextlib.ExitStack() as files:
        for part, (module, example, inputs, answers) in parts.items():
            progress(f"{part}: translating")
            model = _translate(module.eval(), example, inputs, answers)
            _describe(model, part, checkpoint)
            path = folder / f"{part}.onnx"
            temporary = files.enter_context(outputs.replacing(path))
            temporary.write_bytes(model.SerializeToString())
            progress(f"{part}: comparing with torch")
            scale = {"style": _spread(checkpoint)}
            difference = _check_parity(temporary, module, _parity_inputs(part, checkpoint), scale)
            report[part] = {"path": str(path), "bytes": temporary.stat().st_size, "difference": difference}
    return report


def _translate(
    module: nn.Module, example: tuple[Tensor, ...], inputs: list[str], outputs: list[str]
) -> onnx.ModelProto:
    batch = torch.export.Dim("batch", min=1)
    with _silenced():
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
def _silenced() -> Iterator[None]:
    """Keep the exporter's chatter from both streams: stdout is for results."""
    chatter = io.StringIO()
    previous = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        with (
            warnings.catch_warnings(),
            contextlib.redirect_stdout(chatter),
            contextlib.redirect_stderr(chatter),
        ):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(previous)


def _describe(model: onnx.ModelProto, part: str, checkpoint: Checkpoint) -> None:
    """Write into the file all that a program without the checkpoint needs to know."""
    config, facts, row = checkpoint.config, checkpoint.facts, FAMILY[checkpoint.config.model]
    channels, height, width = checkpoint.image_shape
    properties: dict[str, Any] = {
        "schema": SCHEMA,
        "part": part,
        "version": __version__,
        "model": config.model,
        "preset": config.preset,
        "labels": config.labels,
        "seed": config.seed,
        "classes": list(checkpoint.label_names) if row.encodes_label or row.decoder_label == "true" else [],
        "image": {
            "channels": channels,
            "height": height,
            "width": width,
            "normalise": "strokes" if config.image.has_strokes else "none",
            "transpose": config.image.transpose,
        },
        "test_accuracy": facts.get("test_accuracy", ""),
    }
    if checkpoint.decoder is not None:
        prior = {"name": config.prior.style, "std": _deviation(checkpoint), "dim": config.network.style_dim}
        properties |= {"style_prior": prior, "strangeness": facts.get("strangeness", {})}
    onnx.helper.set_model_props(
        model,
        {
            f"aaecli.{key}": value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
            for key, value in properties.items()
        },
    )
    model.producer_name, model.producer_version = "aaecli", __version__
    model.doc_string = f"The {part} of an adversarial autoencoder ({config.model}), exported by aaecli."


def _parity_inputs(part: str, checkpoint: Checkpoint) -> list[tuple[Tensor, ...]]:
    """Give inputs of every batch size to check: real images or their codes, and random ones."""
    generator = torch.Generator().manual_seed(0)
    stored = _stored_images(checkpoint)
    cases: list[tuple[Tensor, ...]] = []
    for size in PARITY_BATCHES:
        real = to_float(stored[torch.randint(len(stored), (size,), generator=generator)])
        for image in (real, torch.rand(size, *checkpoint.image_shape, generator=generator)):
            if part == "encoder":
                cases.append((image,))
            else:
                encoding = checkpoint.encoder(image)
                if FAMILY[checkpoint.config.model].decoder_label == "true":
                    label = torch.randint(len(checkpoint.classes), (size,), generator=generator)
                    encoding = encoding._replace(true_label=F.one_hot(label, len(checkpoint.classes)).float())
                cases.append(tuple(part for part in (encoding.label(), encoding.style) if part is not None))
    return cases


def _spread(checkpoint: Checkpoint) -> float:
    """Give the deviation of the style: that of its prior, or of what is encoded where nothing holds it to one."""
    if FAMILY[checkpoint.config.model].style_prior or checkpoint.decoder is None:
        return _deviation(checkpoint)
    style = checkpoint.encoder(to_float(_stored_images(checkpoint)[:1000])).style
    return max(_deviation(checkpoint), float(style.std()))


def _deviation(checkpoint: Checkpoint) -> float:
    prior = checkpoint.config.prior
    return STYLE_PRIORS[prior.style].deviation(prior.style_std)


def _stored_images(checkpoint: Checkpoint) -> Tensor:
    dataset = load_dataset(checkpoint.config.data, checkpoint.config.image)
    return torch.from_numpy(dataset.test_image if len(dataset.test_image) else dataset.train_image)


def _check_parity(path: Path, module: nn.Module, cases: list[tuple[Tensor, ...]], scale: dict[str, float]) -> float:
    """Give the largest difference between onnxruntime's and torch's answers, each output in units of its ``scale``.

    Raises:
        AaeError: It exceeds the tolerance, or a class differs.
    """
    session = onnxruntime().InferenceSession(path, providers=["CPUExecutionProvider"], enable_fallback=0)
    names = [entry.name for entry in session.get_inputs()]
    answers = [entry.name for entry in session.get_outputs()]
    units = [scale.get(name, 1.0) for name in answers]
    largest = 0.0
    for case in cases:
        with torch.inference_mode():
            expected = [tensor.numpy() for tensor in module(*case)]
        found: list[NDArray[np.float32]] = session.run(
            None, {name: tensor.numpy() for name, tensor in zip(names, case, strict=True)}
        )
        gaps = [
            float(np.abs(a - b).max()) / (unit if name != "style" else max(unit, float(np.abs(a).max())))
            for a, b, unit, name in zip(expected, found, units, answers, strict=True)
        ]
        largest = max(largest, *gaps)
        pairs = zip(expected, found, answers, strict=True)
        same = all((a.argmax(1) == b.argmax(1)).all() for a, b, name in pairs if name == "label_prob")
        if largest > TOLERANCE or not same:
            raise AaeError(
                f"The exported file does not agree with torch: it differs by {largest:.2g} at batch {len(case[0])}.",
                "No file was left behind. Update torch and onnxruntime, or report it with `aaecli doctor --json`.",
            )
    return largest
