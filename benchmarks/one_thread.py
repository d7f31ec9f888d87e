"""onnxruntime on one thread, for measurements."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from aaecli.serve.runtime import onnxruntime


def session(model: Path | str | bytes) -> Any:
    """Open an ONNX model, a file or its bytes, on one thread of the CPU."""
    options = onnxruntime().SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime().InferenceSession(model, options, providers=["CPUExecutionProvider"])
