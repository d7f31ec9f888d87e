"""The one place where onnxruntime is imported: its telemetry is off before its first line runs."""

from __future__ import annotations

import os
from typing import Any

_SWITCH = "ORT_DISABLE_TELEMETRY"


def silence_telemetry() -> None:
    """Keep onnxruntime from noting events and sending them, in this process and in those that it starts.

    Importing it is enough for it to write a device's id and a queue of events below the user's cache, and
    ``disable_telemetry_events()`` comes after that. The variable is read at the import. Who sets it to 0 has asked for
    the telemetry, and keeps it.
    """
    if os.environ.get(_SWITCH) != "0":
        os.environ[_SWITCH] = "1"


def telemetry_is_off() -> bool:
    """Tell whether onnxruntime was, or will be, imported without telemetry."""
    return os.environ.get(_SWITCH) == "1"


def onnxruntime() -> Any:
    """Import onnxruntime, without its telemetry, and give the module.

    Raises:
        ImportError: It is not installed, or does not fit this machine.
    """
    silence_telemetry()
    import onnxruntime as module

    if telemetry_is_off():
        module.disable_telemetry_events()
    return module


def quantization() -> Any:
    """Give ``onnxruntime.quantization``, without telemetry; it needs the package onnx."""
    silence_telemetry()
    from onnxruntime import quantization as module

    return module


def float16() -> Any:
    """Give ``onnxruntime.transformers.float16``, without telemetry; it needs the package onnx."""
    silence_telemetry()
    from onnxruntime.transformers import float16 as module

    return module


def onnxruntime_errors() -> tuple[type[Exception], ...]:
    """The exceptions of onnxruntime's C++ side, which have no common ancestor but Exception."""
    silence_telemetry()
    from onnxruntime.capi import onnxruntime_pybind11_state as state

    names = ("Fail", "InvalidArgument", "NoSuchFile", "NoModel", "EngineError", "RuntimeException", "InvalidProtobuf")
    more = ("NotImplemented", "InvalidGraph", "EPFail", "ModelRequiresCompilation", "NotFound")
    found = tuple(getattr(state, name) for name in names + more if hasattr(state, name))
    return (*found, RuntimeError, ValueError)
