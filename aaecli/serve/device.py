"""Which processor onnxruntime runs on, found out without starting what is not there."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from pathlib import Path
from typing import Any, Literal

from aaecli.errors import AaeError
from aaecli.serve import runtime

Device = Literal["auto", "cpu", "cuda"]

_CUDA = "CUDAExecutionProvider"
_CPU = "CPUExecutionProvider"


def has_nvidia_driver() -> bool:
    """Tell whether a driver for an NVIDIA GPU is loaded, by what it leaves in the file system.

    ``get_available_providers()`` says what onnxruntime was built with, not what this machine has; trying the provider
    takes a second and writes to the terminal.
    """
    if sys.platform == "win32":
        return (Path(os.environ.get("SystemRoot", r"C:\Windows")) / "System32" / "nvcuda.dll").exists()  # noqa: SIM112
    # The second is the GPU of the Windows Subsystem for Linux.
    return any(Path(node).exists() for node in ("/dev/nvidiactl", "/dev/dxg"))


def providers(device: Device) -> list[Any]:
    """List the execution providers to ask onnxruntime for, the wanted one first.

    Raises:
        AaeError: CUDA is asked for, and this machine or this onnxruntime has none.
    """
    if device == "cpu" or (device == "auto" and not has_nvidia_driver()):
        return [_CPU]
    onnxruntime = runtime.onnxruntime()
    built_with_cuda = _CUDA in onnxruntime.get_available_providers()
    if device == "cuda" and not has_nvidia_driver():
        raise AaeError("--device cuda: this machine has no NVIDIA driver.", "Use --device cpu or --device auto.")
    if device == "cuda" and not built_with_cuda:
        raise AaeError(
            "--device cuda: the installed onnxruntime was built without CUDA.",
            "Install it with `python -m pip install onnxruntime-gpu`, or use --device cpu.",
        )
    if not built_with_cuda:
        return [_CPU]
    # It finds the CUDA and cuDNN libraries of the nvidia wheels, and prints what it does not find: to stdout.
    with contextlib.redirect_stdout(io.StringIO()):
        onnxruntime.preload_dlls()
    return [(_CUDA, {"cudnn_conv_algo_search": "HEURISTIC"}), _CPU]


def device_of(active: list[str], requested: Device) -> Literal["cpu", "cuda"]:
    """Name the device of a session from its ``get_providers()``, the only call that tells the truth.

    Raises:
        AaeError: CUDA was asked for, and the session runs on the CPU all the same.
    """
    got: Literal["cpu", "cuda"] = "cuda" if _CUDA in active else "cpu"
    if requested == "cuda" and got != "cuda":
        raise AaeError(
            "--device cuda: onnxruntime could not start its CUDA provider.",
            "Its CUDA and cuDNN libraries may be missing or of another version. Use --device cpu or --device auto.",
        )
    return got
