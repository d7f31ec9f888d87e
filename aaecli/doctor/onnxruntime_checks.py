"""Which providers onnxruntime really has, the libraries that CUDA needs, and whether the released model still reads."""

from __future__ import annotations

import contextlib
import ctypes.util
import io
from collections.abc import Iterator
from importlib import util
from pathlib import Path
from typing import Literal

import numpy as np

from aaecli.data.dataset import Dataset
from aaecli.doctor.findings import Finding
from aaecli.errors import AaeError
from aaecli.files.opening import is_file
from aaecli.serve import runtime
from aaecli.serve.device import device_of, has_nvidia_driver, providers
from aaecli.serve.runtime import onnxruntime_errors
from aaecli.serve.session import open_decoder, open_encoder

_CUDA_LIBRARIES = ("cudart", "cublas", "cublasLt", "cudnn", "cufft", "curand", "nvrtc")
# A graph of one node, y = -x for x float32 (1,), opset 13: the least that a session can be made of.
_NEGATION = bytes.fromhex(
    "08083a320a0b0a017812017922034e65671201675a0f0a0178120a0a08080112040a02"
    "0801620f0a0179120a0a08080112040a02080142040a00100d"
)
_NUM_IMAGES = 1000
# 1,000 images tell the accuracy within about a point; a damaged model is off by tens.
_TOLERANCE = 0.03


def check_onnxruntime() -> Iterator[Finding]:
    """Open a session on each device that ``--device`` may ask for, and see what it really runs on."""
    try:
        onnxruntime = runtime.onnxruntime()
    except (ImportError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        remedy = "python -m pip install --force-reinstall onnxruntime-gpu (or onnxruntime, where that is installed)"
        yield Finding("onnxruntime cpu", "broken", f"onnxruntime cannot be imported: {reason}", remedy)
        return
    built = ", ".join(name.removesuffix("ExecutionProvider") for name in onnxruntime.get_available_providers())
    yield _check_device("cpu", f"onnxruntime {onnxruntime.__version__}, built with {built}")
    if runtime.telemetry_is_off():
        yield Finding("onnxruntime telemetry", "ok", "off: nothing is noted, nothing is sent")
    else:
        detail = "on, as ORT_DISABLE_TELEMETRY=0 asks"
        yield Finding("onnxruntime telemetry", "note", detail, "unset ORT_DISABLE_TELEMETRY")
    if has_nvidia_driver():
        yield _check_device("cuda", "asked for and had")
        yield _check_libraries()
    else:
        yield Finding(
            "onnxruntime cuda", "note", "asked for, not had: this machine has no NVIDIA driver, so the CPU is used"
        )
        yield Finding("CUDA libraries", "note", "not needed: this machine has no NVIDIA driver")


def _check_device(device: Literal["cpu", "cuda"], detail: str) -> Finding:
    onnxruntime = runtime.onnxruntime()
    name = f"onnxruntime {device}"
    onnxruntime.set_default_logger_severity(4)
    try:
        wanted = providers(device)
        # It says on stdout what it cannot load.
        with contextlib.redirect_stdout(io.StringIO()):
            session = onnxruntime.InferenceSession(_NEGATION, providers=wanted, enable_fallback=0)
        device_of(session.get_providers(), device)
        answer = session.run(["y"], {"x": np.ones(1, np.float32)})[0]
    except AaeError as error:
        return Finding(name, "broken", error.message, error.hint)
    except onnxruntime_errors() as error:
        return Finding(name, "broken", str(error).splitlines()[0], "Install onnxruntime again.")
    if answer.tolist() != [-1.0]:
        return Finding(name, "broken", f"{detail}, but it computes wrongly", "Install onnxruntime again.")
    return Finding(name, "ok", detail)


def _check_libraries() -> Finding:
    """Look for CUDA's libraries where onnxruntime does: in the wheels of NVIDIA, then in the system."""
    wheels = util.find_spec("nvidia")
    folders = [Path(folder) for folder in wheels.submodule_search_locations or ()] if wheels else []
    files = [path.name for folder in folders for path in folder.glob("**/*.[sd][ol]*")]
    missing = [
        name
        for name in _CUDA_LIBRARIES
        if not any(file.startswith((f"lib{name}.so", f"{name}64", f"{name}.dll")) for file in files)
        and not ctypes.util.find_library(name)
    ]
    if missing:
        remedy = 'python -m pip install "onnxruntime-gpu[cuda,cudnn]"'
        return Finding("CUDA libraries", "note", "not found: " + ", ".join(missing), remedy)
    return Finding("CUDA libraries", "ok", "found: " + ", ".join(_CUDA_LIBRARIES))


def check_released_model(dataset: Dataset, folders: list[Path]) -> Finding:
    """Let the model that aaecli ships read test images, and draw.

    Args:
        dataset: The embedded MNIST.
        folders: Where the released pair may be.
    """
    name = "released model"
    folder = next((folder for folder in folders if is_file(folder / "encoder.onnx")), None)
    if folder is None:
        return Finding(
            name, "note", "none is shipped with this version", "aaecli train --labels 1000 && aaecli export --onnx"
        )
    try:
        encoder = open_encoder(folder / "encoder.onnx", "cpu")
        decoder = open_decoder(folder / "decoder.onnx", "cpu")
        # MNIST's first test images are easier to read than its last.
        chosen = np.random.default_rng(0).permutation(len(dataset.test_image))[:_NUM_IMAGES]
        label_prob, _ = encoder(dataset.test_image[chosen])
        if label_prob is None:
            raise AaeError(f"{folder} holds a model that has no classes.")
        drawn = decoder(label_prob[:1], np.zeros((1, decoder.metadata.style_dim), np.float32))
    except AaeError as error:
        return Finding(name, "broken", error.message, "Install aaecli again.")
    accuracy = float((label_prob.argmax(1) == dataset.test_label[chosen]).mean())
    promised = encoder.metadata.test_accuracy or 0.0
    detail = f"{folder} reads {accuracy:.1%} of {_NUM_IMAGES:,} test images; its card says {promised:.2%} of all"
    if accuracy < promised - _TOLERANCE or not np.isfinite(drawn).all():
        return Finding(name, "broken", detail, "Install aaecli again.")
    return Finding(name, "ok", detail)
