"""Reduced precision for the exported files: float16, or int8 by static post-training quantisation.

int8 is onnxruntime's QDQ format (Jacob et al. 2018): weights per channel, activations by ranges that are calibrated on
training images. Inputs and outputs stay float32, so whoever runs a file need not know its precision.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
import onnx
from numpy.typing import NDArray

from aaecli.data.dataset import Dataset
from aaecli.errors import AaeError
from aaecli.export.silence import silenced
from aaecli.serve.batching import batches
from aaecli.serve.runtime import float16, onnxruntime, quantization

Precision = Literal["fp32", "fp16", "int8"]
NUM_CALIBRATION = 1024
NUM_EVALUATION = 10_000
_BATCH = 64
_LEAST_IMAGES = 20
_QUANTISED = ("Conv", "ConvTranspose", "Gemm", "MatMul", "Relu", "MaxPool", "GlobalAveragePool", "Add", "Pad", "Concat")
"""Operators whose inputs become int8. Softmax and sigmoid stay float32: they set what a probability means."""

_LAYERS = ("Conv", "ConvTranspose", "Gemm", "MatMul")

_Feed = dict[str, NDArray[np.float32]]


class Images(NamedTuple):
    """Training images for reduced precision.

    Attributes:
        calibration: uint8 (C, H, W) or (C, H, W, 3), to calibrate with.
        evaluation: uint8 (E, H, W) or (E, H, W, 3), others, to compare with float32 on.
        label: int64 (E,), the labels of ``evaluation``; -1 for none.
    """

    calibration: NDArray[np.uint8]
    evaluation: NDArray[np.uint8]
    label: NDArray[np.int64]


@dataclass(frozen=True)
class Cost:
    """What reduced precision changes.

    Attributes:
        precision: ``fp16`` or ``int8``.
        num_images: Images that were compared; none of them was calibrated on.
        agreement: Fraction of them with the same class as float32; None for a model without classes.
        accuracy: Accuracy on those with a label, float32 first; None where none has one.
        difference: Mean absolute difference of the outputs: probabilities, or pixels in [0, 1].
    """

    precision: Precision
    num_images: int
    agreement: float | None
    accuracy: tuple[float, float] | None
    difference: float

    @property
    def loss(self) -> float:
        """Accuracy lost, as a fraction: on labelled images, else the fraction whose class changed."""
        if self.accuracy is not None:
            return self.accuracy[0] - self.accuracy[1]
        return 0.0 if self.agreement is None else 1 - self.agreement


def choose_images(dataset: Dataset) -> Images:
    """Choose images to calibrate with and others to compare on, at random, the same ones every time.

    Raises:
        AaeError: There are too few.
    """
    order = np.random.default_rng(0).permutation(len(dataset.train_image))
    if len(order) < _LEAST_IMAGES:
        raise AaeError(
            f"{dataset.name} has {len(order)} training images, too few to calibrate with.",
            f"At least {_LEAST_IMAGES} are needed; `--precision fp32` needs none.",
        )
    num = min(NUM_CALIBRATION, len(order) // 2)
    evaluation = order[num : num + NUM_EVALUATION]
    return Images(dataset.train_image[order[:num]], dataset.train_image[evaluation], dataset.train_label[evaluation])


def reduce_precision(model: onnx.ModelProto, precision: Precision, feed: _Feed) -> onnx.ModelProto:
    """Give the model in another precision, its metadata kept.

    Args:
        model: In float32.
        precision: ``fp16`` or ``int8``.
        feed: The inputs (C, …) to calibrate int8 with, by name.
    """
    with silenced():
        if precision == "fp16":
            reduced: onnx.ModelProto = float16().convert_float_to_float16(model, keep_io_types=True)
        else:
            reduced = _quantised(model, feed)
    del reduced.metadata_props[:]
    reduced.metadata_props.extend(model.metadata_props)
    reduced.producer_name, reduced.producer_version = model.producer_name, model.producer_version
    reduced.doc_string = model.doc_string
    return reduced


def _quantised(model: onnx.ModelProto, feed: _Feed) -> onnx.ModelProto:
    tools = quantization()

    class Reader(tools.CalibrationDataReader):  # type: ignore[name-defined, misc]
        def __init__(self) -> None:
            self._batches = _in_batches(feed)

        def get_next(self) -> _Feed | None:
            return next(self._batches, None)

    # The quantiser reads and writes files alone, and leaves none of its own.
    with tempfile.TemporaryDirectory(prefix="aaecli-") as folder:
        before, after = Path(folder) / "fp32.onnx", Path(folder) / "int8.onnx"
        onnx.save(model, before)
        tools.quantize_static(
            before,
            after,
            Reader(),
            quant_format=tools.QuantFormat.QDQ,
            per_channel=True,
            activation_type=tools.QuantType.QUInt8,
            weight_type=tools.QuantType.QInt8,
            op_types_to_quantize=list(_QUANTISED),
            nodes_to_exclude=_kept_in_float32(model),
            # Weights of 7 bits. Processors without instructions for int8 (VNNI) add two products in 16 bits, and with
            # 8 bits that sum may not fit: the answers would depend on the processor. The accuracy is the same.
            reduce_range=True,
        )
        return onnx.load(after)


def _kept_in_float32(model: onnx.ModelProto) -> list[str]:
    """Give the names of the first layer, where it is a convolution, and of all that leads to it from the image.

    It has few weights, on whose outputs all others build. Nothing before it may be in int8 either: onnxruntime (from
    1.21 on) takes a float32 layer between two quantised tensors for one that somebody forgot, and quantises its weights
    by one range for all channels. `best`, all labels, 10,000 validation images: 0.12 % of them in another class where
    it does, 0.01 % where it does not.
    """
    nodes = model.graph.node
    first = next((node for node in nodes if node.op_type in _LAYERS), None)
    if first is None or first.op_type != "Conv":
        return []
    makers = {name: node for node in nodes for name in node.output}
    kept, pending = {first.name}, list(first.input)
    while pending:
        maker = makers.get(pending.pop())
        if maker is not None and maker.name not in kept:
            kept.add(maker.name)
            pending.extend(maker.input)
    return sorted(kept)


def _in_batches(feed: _Feed) -> Iterator[_Feed]:
    for rows in batches(len(next(iter(feed.values()))), _BATCH):
        yield {name: values[rows] for name, values in feed.items()}


def run(body: bytes, feed: _Feed) -> dict[str, NDArray[np.float32]]:
    """Run a model of our own on inputs (N, …) by name; give its outputs by name."""
    session = onnxruntime().InferenceSession(body, providers=["CPUExecutionProvider"], enable_fallback=0)
    names = [entry.name for entry in session.get_outputs()]
    parts = [session.run(names, batch) for batch in _in_batches(feed)]
    return {name: np.concatenate(column) for name, column in zip(names, zip(*parts, strict=True), strict=True)}


def compare(precision: Precision, body: bytes, reduced: bytes, feed: _Feed, label: NDArray[np.int64] | None) -> Cost:
    """Compare a model in reduced precision with float32.

    Args:
        precision: The reduced one.
        body: The model in float32.
        reduced: The same in reduced precision.
        feed: Inputs (E, …) by name that were not calibrated on.
        label: int64 (E,), the column of ``label_prob`` that is right; -1 for none. None for a decoder.
    """
    before, after = run(body, feed), run(reduced, feed)
    output = next(name for name in ("label_prob", "image", "style") if name in before)
    difference = float(np.abs(before[output] - after[output]).mean())
    agreement = accuracy = None
    if output == "label_prob":
        answers = [found["label_prob"].argmax(1) for found in (before, after)]
        agreement = float((answers[0] == answers[1]).mean())
        if label is not None and (known := label >= 0).any():
            accuracy = tuple(float((answer[known] == label[known]).mean()) for answer in answers)
    return Cost(precision, len(next(iter(feed.values()))), agreement, accuracy, difference)  # type: ignore[arg-type]
