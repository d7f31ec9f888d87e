"""Translations of networks into ONNX graphs, each made once: they are what takes long in a test that exports."""

from __future__ import annotations

import copy
import functools
import hashlib
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import onnx
import pytest
from torch import Tensor, nn
from torch.export import ExportedProgram
from torch.onnx._internal.exporter import _capture_strategies, _core, _registration

from aaecli.export import parts


@contextmanager
def made_once(folder: Path) -> Iterator[None]:
    """Have ``export_onnx`` translate a network once, however many tests and processes export it.

    Whatever else an export does (checks, metadata, the comparison with torch) it does each time.

    Args:
        folder: Keeps the graphs; processes may share it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    translate = parts.translate

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
        patch.setattr(parts, "translate", translated)
        # torch parses the sources of its thousand operators at each translation, which is half of the time.
        registry = _registration.ONNXRegistry
        patch.setattr(registry, "from_torchlib", staticmethod(functools.cache(registry.from_torchlib)))
        _trace_once(patch)
        yield


def _trace_once(patch: pytest.MonkeyPatch) -> None:
    """Have torch trace networks that differ in their weights alone once, which is most of the rest of the time.

    A traced network has its weights beside its graph. Everything that reads them comes after: the translation of the
    graph, and the optimiser that folds constants.
    """
    strategy = _capture_strategies.TorchExportNonStrictStrategy
    capture, prepare = strategy._capture, _core._prepare_exported_program_for_export
    traced, names = dict[str, ExportedProgram](), dict[int, str]()

    def captured(self: Any, module: nn.Module, args: Any, kwargs: Any, shapes: Any) -> ExportedProgram:
        weights = dict(module.named_parameters()) | dict(module.named_buffers())
        name = _digest(module, args, [repr(shapes)], [], module.state_dict())
        if name not in traced:
            program = capture(self, module, args, kwargs, shapes)
            names[id(program)] = name
            return program
        program = copy.copy(traced[name])
        program._state_dict = {key: weights[key] for key in program._state_dict}
        return program

    def prepared(program: ExportedProgram, **options: Any) -> ExportedProgram:
        name = names.pop(id(program), None)
        if name is None:
            return program
        traced[name] = prepare(program, **options)
        return traced[name]

    patch.setattr(strategy, "_capture", captured)
    patch.setattr(_core, "_prepare_exported_program_for_export", prepared)


def _digest(
    module: nn.Module,
    example: tuple[Tensor, ...],
    inputs: list[str],
    outputs: list[str],
    left_out: Any = (),
) -> str:
    """Name a network by all that its graph follows from: classes, options, weights and statistics.

    Of the weights that are ``left_out``, only the shape and the type count.
    """
    digest = hashlib.sha256(repr((inputs, outputs, [part.shape for part in example])).encode())
    for name, part in module.named_modules():
        # A graph of one look is translated, whatever the limit up to which copies are read.
        options = {
            key: value for key, value in vars(part).items() if not key.startswith("_") and key != "test_time_confidence"
        }
        digest.update(repr((name, type(part), sorted(options.items()))).encode())
    for name, value in (*module.named_parameters(), *module.named_buffers()):
        known = value.detach().contiguous().numpy()
        digest.update(f"{name} {known.shape} {known.dtype}".encode() + (b"" if name in left_out else known.tobytes()))
    return digest.hexdigest()
