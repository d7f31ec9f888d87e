"""Translations of networks into ONNX graphs, each made once: they are what takes long in a test that exports."""

from __future__ import annotations

import functools
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import onnx
import pytest
from torch import Tensor, nn
from torch.onnx._internal.exporter import _registration

from aaecli.export import onnx as export


@contextmanager
def made_once(folder: Path) -> Iterator[None]:
    """Have ``export_onnx`` translate a network once, however many tests and processes export it.

    Whatever else an export does (checks, metadata, the comparison with torch) it does each time.

    Args:
        folder: Keeps the graphs; processes may share it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    translate = export._translate

    def translated(
        module: nn.Module, example: tuple[Tensor, ...], inputs: list[str], outputs: list[str]
    ) -> onnx.ModelProto:
        path = folder / f"{_digest(module, example, inputs, outputs)}.onnx"
        if not path.exists():
            model = translate(module, example, inputs, outputs)
            with tempfile.NamedTemporaryFile(dir=folder, delete=False) as file:
                file.write(model.SerializeToString())
            Path(file.name).replace(path)
        return onnx.load(path)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(export, "_translate", translated)
        # torch parses the sources of its thousand operators at each translation, which is half of the time.
        registry = _registration.ONNXRegistry
        patch.setattr(registry, "from_torchlib", staticmethod(functools.cache(registry.from_torchlib)))
        yield


def _digest(module: nn.Module, example: tuple[Tensor, ...], inputs: list[str], outputs: list[str]) -> str:
    """Name a network by all that its graph follows from: classes, options, weights and statistics."""
    digest = hashlib.sha256(repr((inputs, outputs, [part.shape for part in example])).encode())
    for name, part in module.named_modules():
        # A graph of one look is translated, whatever the limit up to which copies are read.
        options = {
            key: value for key, value in vars(part).items() if not key.startswith("_") and key != "test_time_confidence"
        }
        digest.update(repr((name, type(part), sorted(options.items()))).encode())
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        digest.update(name.encode() + value.detach().contiguous().numpy().tobytes())
    return digest.hexdigest()
