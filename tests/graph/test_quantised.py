"""What onnxruntime's own tools make of an exported pair is accepted, and answers nearly as the original does."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
import pytest

from aaecli.runs.paths import released_folders
from aaecli.serve.runtime import onnxruntime
from aaecli.serve.session import open_decoder, open_encoder

ENCODER, DECODER = (released_folders()[-1] / f"{part}.onnx" for part in ("encoder", "decoder"))


def with_metadata(path: Path, original: Path) -> Path:
    """Give a file the metadata that a tool has taken away."""
    model = onnx.load(path)
    del model.metadata_props[:]
    model.metadata_props.extend(onnx.load(original).metadata_props)
    onnx.save(model, path)
    return path


def static(original, path, feeds, **settings):
    onnxruntime()
    from onnxruntime import quantization

    class Feeds(quantization.CalibrationDataReader):
        def __init__(self):
            self.rest = iter(feeds)

        def get_next(self):
            return next(self.rest, None)

    quantization.quantize_static(original, path, Feeds(), quant_format=quantization.QuantFormat.QDQ, **settings)
    return with_metadata(path, original)


@pytest.fixture(scope="module")
def images(mnist):
    return mnist.test_image[:200]


@pytest.mark.parametrize("per_channel", [True, False])
def test_static_int8_encoders_answer(tmp_path, images, per_channel):
    feeds = [{"image": batch[:, None].astype(np.float32) / 255} for batch in images[:64].reshape(4, 16, 28, 28)]
    # As docs/deployment.md says: of no image at all, onnxruntime cannot run a quantised Reshape.
    layers = ["Conv", "Gemm", "MatMul"]
    path = static(ENCODER, tmp_path / "encoder.onnx", feeds, per_channel=per_channel, op_types_to_quantize=layers)
    expected, _ = open_encoder(ENCODER, "cpu")(images)
    found, _ = open_encoder(path, "cpu")(images)
    assert (found.argmax(1) == expected.argmax(1)).mean() > 0.97
    assert path.stat().st_size < ENCODER.stat().st_size / 3


def test_a_static_int8_decoder_draws(tmp_path):
    label = np.eye(10, dtype=np.float32)
    style = np.random.default_rng(0).normal(size=(10, 10)).astype(np.float32)
    path = static(DECODER, tmp_path / "decoder.onnx", [{"label": label, "style": style}], per_channel=True)
    gap = open_decoder(path, "cpu")(label, style) - open_decoder(DECODER, "cpu")(label, style)
    assert np.square(gap).mean() < 0.01


def test_a_dynamically_quantised_decoder_draws(tmp_path):
    onnxruntime()
    from onnxruntime import quantization

    path = tmp_path / "decoder.onnx"
    quantization.quantize_dynamic(DECODER, path)
    path = with_metadata(path, DECODER)
    label, style = np.eye(10, dtype=np.float32), np.zeros((10, 10), np.float32)
    gap = open_decoder(path, "cpu")(label, style) - open_decoder(DECODER, "cpu")(label, style)
    assert np.square(gap).mean() < 0.01


@pytest.mark.parametrize("original", [ENCODER, DECODER], ids=["encoder", "decoder"])
def test_half_precision_is_accepted(tmp_path, images, original):
    onnxruntime()
    from onnxruntime.transformers.float16 import convert_float_to_float16

    path = tmp_path / original.name
    onnx.save(convert_float_to_float16(onnx.load(original), keep_io_types=True), path)
    if original == ENCODER:
        found, _ = open_encoder(path, "cpu")(images)
        expected, _ = open_encoder(ENCODER, "cpu")(images)
        assert (found.argmax(1) == expected.argmax(1)).mean() > 0.99
    else:
        label, style = np.eye(10, dtype=np.float32), np.zeros((10, 10), np.float32)
        gap = open_decoder(path, "cpu")(label, style) - open_decoder(DECODER, "cpu")(label, style)
        assert np.abs(gap).max() < 0.05
