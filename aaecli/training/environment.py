"""What a run was trained on: machine, versions and threads, as environment.json keeps them."""

from __future__ import annotations

import functools
import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

import torch

from aaecli import __version__
from aaecli.models.devices import processor_name
from aaecli.training.revision import REVISION


def environment() -> dict[str, Any]:
    """Describe this process, machine and its packages."""
    return {
        "started": datetime.now(UTC).isoformat(timespec="seconds"),
        "pid": os.getpid(),
        "host": platform.node(),
        "platform": platform.platform(),
        "machine": f"{platform.system()} {platform.machine()}, {processor_name()}",
        "processor": torch.backends.cpu.get_cpu_capability(),
        "threads": torch.get_num_threads(),
        "python": platform.python_version(),
        "versions": {"aaecli": __version__} | _versions(),
        "cuda": torch.version.cuda,
        "training_revision": REVISION,
    }


@functools.cache
def _versions() -> dict[str, str]:
    return {package: metadata.version(package) for package in ("torch", "numpy", "onnx", "onnxscript", "pillow")}
