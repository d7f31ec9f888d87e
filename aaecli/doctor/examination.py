"""All checks of ``aaecli doctor``, one after the other."""

from __future__ import annotations

from collections.abc import Iterator

from aaecli.data.loading import load_dataset
from aaecli.doctor import findings as health
from aaecli.doctor import onnxruntime_checks as serving
from aaecli.doctor.torch_checks import check_torch
from aaecli.errors import AaeError
from aaecli.runs.paths import EXPORTS, RUNS, released_folders
from aaecli.serve.device import has_nvidia_driver


def examine() -> Iterator[health.Finding]:
    """Check versions, devices, folders, the embedded data and the released model, and give each finding at once."""
    yield from health.check_versions()
    yield health.check_onnxruntime_packages()
    yield from check_torch(has_nvidia_driver=has_nvidia_driver())
    yield from serving.check_onnxruntime()
    yield from health.check_folders((RUNS, EXPORTS))
    try:
        dataset = load_dataset()
    except AaeError as error:
        yield health.Finding("embedded data", "broken", error.message, error.hint)
        return
    yield health.Finding("embedded data", "ok", f"{dataset.name}, all four checksums are those that were published")
    yield serving.check_released_model(dataset, released_folders())
