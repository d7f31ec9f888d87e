"""``aaecli doctor``: a healthy machine passes, and each thing that can be broken is found with its remedy."""

from __future__ import annotations

import builtins
import io
import json
import os
import shutil
import sys
import tempfile
from collections import namedtuple
from collections.abc import Callable
from importlib import metadata
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import onnx
import pytest

from aaecli import __version__
from aaecli.data.dataset import Dataset
from aaecli.data.readers import mnist as mnist_reader
from aaecli.doctor import findings as health
from aaecli.doctor import onnxruntime_checks as serving
from aaecli.doctor import torch_checks as learning
from aaecli.errors import AaeError
from tests.cli.conftest import Outcome, Run

Disk = namedtuple("Disk", "total used free")


def findings(result: Outcome) -> dict[str, dict[str, str]]:
    found = json.loads(result.out)["findings"]
    names = [finding["name"] for finding in found]
    assert len(set(names)) == len(names)
    return {finding["name"]: finding for finding in found}


def test_a_healthy_machine(aaecli: Run, in_empty_folder: Path) -> None:
    result = aaecli("doctor", "--json")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["ok"] is True
    found = findings(result)
    assert found["aaecli"]["detail"].startswith(__version__)
    assert found["torch"]["detail"] == metadata.version("torch")
    for name in ("python", "onnxruntime packages", "torch cpu", "onnxruntime cpu", "folder runs", "embedded data"):
        assert found[name]["state"] == "ok", found[name]
    assert {"torch cuda", "onnxruntime cuda", "CUDA libraries", "released model"} <= set(found)
    assert list(in_empty_folder.iterdir()) == []

    # The same for people: a line for each.
    result = aaecli("doctor")
    assert (result.code, result.err) == (0, "")
    lines = [line for line in result.out.splitlines() if not line.startswith(" ")]
    assert [line[8:].partition(": ")[0] for line in lines] == list(found)


def test_what_is_broken_is_said_with_its_remedy(aaecli: Run, in_empty_folder: Path) -> None:
    (in_empty_folder / "runs").touch()
    result = aaecli("doctor")
    assert (result.code, result.err) == (1, "")
    lines = result.out.splitlines()
    (place,) = (number for number, line in enumerate(lines) if line.startswith("BROKEN"))
    assert "folder runs" in lines[place]
    assert "cannot be written to" in lines[place]
    assert lines[place + 1].strip().startswith("remedy: ")


def test_damaged_data_are_found(aaecli: Run, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(mnist_reader._SHA256, "train-labels-idx1-ubyte", "0" * 64)
    result = aaecli("doctor", "--json")
    assert (result.code, result.err) == (1, "")
    assert json.loads(result.out)["ok"] is False
    finding = findings(result)["embedded data"]
    assert finding["state"] == "broken"
    assert "train-labels-idx1-ubyte" in finding["detail"]
    assert "Install aaecli again" in finding["remedy"]


def pretend_installed(monkeypatch: pytest.MonkeyPatch, *packages: str) -> None:
    def version(name: str) -> str:
        if name in packages:
            return "1.2.3"
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)


def test_two_onnxruntimes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(monkeypatch, "onnxruntime", "onnxruntime-gpu")
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("platform.machine", lambda: "x86_64")
    finding = health.check_onnxruntime_packages()
    assert finding.state == "broken"
    assert "onnxruntime 1.2.3, onnxruntime-gpu 1.2.3" in finding.detail
    assert "uninstall --yes onnxruntime onnxruntime-gpu &&" in finding.remedy
    assert finding.remedy.endswith("install onnxruntime-gpu")


def test_one_onnxruntime_or_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    pretend_installed(monkeypatch, "onnxruntime")
    assert health.check_onnxruntime_packages() == health.Finding(
        "onnxruntime packages", "ok", "onnxruntime 1.2.3, and no other"
    )
    pretend_installed(monkeypatch)
    finding = health.check_onnxruntime_packages()
    assert (finding.state, finding.remedy) == ("broken", "python -m pip install onnxruntime")


def test_a_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(monkeypatch, *{*health._SERVING, *health._TRAINING} - {"tomli-w"})
    broken = [finding for finding in health.check_versions() if finding.state == "broken"]
    assert broken == [health.Finding("tomli-w", "broken", "not installed", "python -m pip install tomli-w")]


def test_a_machine_that_only_serves_has_no_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(monkeypatch, *health._SERVING)
    found = [*health.check_versions(), *learning.check_torch(has_nvidia_driver=True)]
    assert [finding.name for finding in found if finding.state != "ok"] == ["torch"]
    (torch,) = (finding for finding in found if finding.name == "torch")
    assert (torch.state, torch.remedy) == (
        "note",
        "python -m pip install torch onnx onnxscript filelock matplotlib",
    )
    assert "not installed" in torch.detail


def test_torch_alone_does_not_make_up_for_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(monkeypatch, *health._SERVING, "torch", "onnxscript", "filelock", "matplotlib")
    found = [finding.name for finding in health.check_versions() if finding.state == "broken"]
    assert found == ["onnx"]


def test_what_is_missing_is_named_with_the_versions_that_are_required(monkeypatch: pytest.MonkeyPatch) -> None:
    pretend_installed(monkeypatch, *health._SERVING)
    required = ["numpy>=2", "torch<2.14,>=2.9", "onnx>=1.19", "x; extra == 'y'"]
    monkeypatch.setattr(metadata, "requires", lambda _: required)
    assert health.missing_packages() == ["torch<2.14,>=2.9", "onnx>=1.19"]
    assert health.pip_install(health.missing_packages()) == "python -m pip install 'torch<2.14,>=2.9' 'onnx>=1.19'"


@pytest.mark.parametrize(("asked", "state"), [(None, "ok"), ("1", "ok"), ("no", "ok"), ("0", "note")])
def test_telemetry_is_off_unless_asked_for(monkeypatch: pytest.MonkeyPatch, asked: str | None, state: str) -> None:
    monkeypatch.delenv("ORT_DISABLE_TELEMETRY", raising=False)
    if asked is not None:
        monkeypatch.setenv("ORT_DISABLE_TELEMETRY", asked)
    found = {finding.name: finding for finding in serving.check_onnxruntime()}["onnxruntime telemetry"]
    assert found.state == state
    assert bool(found.remedy) == (state == "note")


def test_little_space(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Disk(2**40, 2**40, 2**20))
    finding = next(iter(health.check_folders((tmp_path / "a" / "b",))))
    assert (finding.state, finding.detail) == ("broken", "0.0 GiB free")
    assert "Make room" in finding.remedy


def test_a_folder_without_permission(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def deny(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryFile", deny)
    finding = next(iter(health.check_folders((tmp_path,))))
    assert (finding.state, finding.detail) == ("broken", f"{tmp_path} cannot be written to: Permission denied")


@pytest.mark.skipif(sys.platform == "win32", reason="Windows keeps a folder that is stood in")
def test_a_folder_that_was_removed_under_ones_feet(in_empty_folder: Path) -> None:
    in_empty_folder.rmdir()
    finding = next(iter(health.check_folders((Path("runs"),))))
    assert finding.state == "broken"
    os.chdir("/")


def test_no_temporary_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    def none() -> str:
        raise FileNotFoundError(2, "No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", none)
    (finding,) = health.check_folders(())
    assert (finding.name, finding.state) == ("temporary folder", "broken")
    assert "TMPDIR" in finding.remedy


@pytest.fixture
def break_import(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Give a function that makes the import of a package fail as a damaged installation does."""

    def spoil(package: str) -> None:
        whole = builtins.__import__

        def fail(name: str, *rest: Any) -> Any:
            if name.split(".")[0] == package:
                raise OSError(f"lib{package}.so: cannot open shared object file\nand more")
            return whole(name, *rest)

        monkeypatch.delitem(sys.modules, package, raising=False)
        monkeypatch.setattr(builtins, "__import__", fail)

    return spoil


def test_a_torch_that_cannot_be_imported(break_import: Callable[[str], None]) -> None:
    break_import("torch")
    (finding,) = learning.check_torch(has_nvidia_driver=False)
    assert finding.state == "broken"
    assert finding.detail == "torch cannot be imported: libtorch.so: cannot open shared object file"
    assert "--force-reinstall torch" in finding.remedy


def test_an_onnxruntime_that_cannot_be_imported(break_import: Callable[[str], None]) -> None:
    break_import("onnxruntime")
    (finding,) = serving.check_onnxruntime()
    assert finding.state == "broken"
    assert "libonnxruntime.so" in finding.detail


def fake_torch(monkeypatch: pytest.MonkeyPatch, *, built: str | None, reachable: bool) -> None:
    import torch

    monkeypatch.setattr(torch.version, "cuda", built)
    monkeypatch.setattr(torch.cuda, "is_available", lambda: reachable)


@pytest.mark.parametrize(
    ("driver", "built", "reachable", "state", "said"),
    [
        (False, "13.0", False, "note", "no NVIDIA driver"),
        (True, None, False, "note", "built without CUDA"),
        (True, "13.0", False, "broken", "built for CUDA 13.0, but cannot reach the GPU"),
    ],
)
def test_torch_without_cuda(
    monkeypatch: pytest.MonkeyPatch, driver: bool, built: str | None, reachable: bool, state: str, said: str
) -> None:
    fake_torch(monkeypatch, built=built, reachable=reachable)
    finding = {finding.name: finding for finding in learning.check_torch(has_nvidia_driver=driver)}["torch cuda"]
    assert finding.state == state
    assert said in finding.detail
    assert bool(finding.remedy) == driver


def test_a_device_that_fails_or_computes_wrongly(monkeypatch: pytest.MonkeyPatch) -> None:
    import torch

    def fail(*_: object, **__: object) -> torch.Tensor:
        raise RuntimeError("no kernel image is available\nfor execution")

    whole = torch.ones
    with monkeypatch.context() as patch:
        patch.setattr(torch, "ones", fail)
        finding = learning._computes("cpu", "2 threads")
    assert (finding.state, finding.detail) == ("broken", "2 threads, but it fails: no kernel image is available")
    monkeypatch.setattr(torch, "ones", lambda *shape, device: whole(*shape, device=device) * 2)
    finding = learning._computes("cpu", "2 threads")
    assert (finding.state, finding.detail) == ("broken", "2 threads, but it computes wrongly")


def test_the_least_model_is_one() -> None:
    model = onnx.load_from_string(serving._NEGATION)
    onnx.checker.check_model(model)
    assert [node.op_type for node in model.graph.node] == ["Neg"]


def test_a_provider_that_is_asked_for_and_not_had(monkeypatch: pytest.MonkeyPatch) -> None:
    """``get_available_providers()`` may list CUDA; only the session tells the truth."""

    def refuse(device: str) -> list[str]:
        if device == "cuda":
            raise AaeError("--device cuda: onnxruntime could not start it.", "Use --device cpu.")
        return ["CPUExecutionProvider"]

    monkeypatch.setattr(serving, "has_nvidia_driver", lambda: True)
    monkeypatch.setattr(serving, "providers", refuse)
    found = {finding.name: finding for finding in serving.check_onnxruntime()}
    assert found["onnxruntime cpu"].state == "ok"
    assert found["onnxruntime cuda"] == health.Finding(
        "onnxruntime cuda", "broken", "--device cuda: onnxruntime could not start it.", "Use --device cpu."
    )


def test_a_session_that_falls_back_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(serving, "providers", lambda device: ["CPUExecutionProvider"])
    assert serving._check_device("cuda", "asked for and had").state == "broken"


def test_cuda_libraries_in_wheels_and_in_the_system(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(serving.ctypes.util, "find_library", lambda name: f"/lib/{name}" if name == "nvrtc" else None)
    monkeypatch.setattr(serving.util, "find_spec", lambda _: None)
    finding = serving._check_libraries()
    assert finding.state == "note"
    assert "cudart" in finding.detail
    assert "nvrtc" not in finding.detail
    assert "onnxruntime-gpu[cuda,cudnn]" in finding.remedy

    folder = tmp_path / "cu13" / "lib"
    folder.mkdir(parents=True)
    monkeypatch.setattr(
        serving.util, "find_spec", lambda _: SimpleNamespace(submodule_search_locations=[str(tmp_path)])
    )
    for name in ("libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13", "libcudnn.so.9", "libcufft.so.12"):
        (folder / name).touch()
    assert serving._check_libraries().detail == "not found: curand"
    (folder / "curand64_10.dll").touch()
    assert serving._check_libraries().state == "ok"


class FakeModel:
    """Both files of a released pair: reads test images with so many mistakes, the first ones of those it is given."""

    def __init__(self, dataset: Dataset, num_wrong: int, promised: float | None, drawn: float) -> None:
        self.metadata = SimpleNamespace(test_accuracy=promised, style_dim=2)
        self.num_wrong, self.drawn = num_wrong, drawn
        self.seen = np.empty(0, np.int64)
        self.label = {
            image.tobytes(): label for image, label in zip(dataset.test_image, dataset.test_label, strict=True)
        }

    def __call__(self, *inputs: np.ndarray) -> Any:
        if len(inputs) == 2:
            return np.full((1, 28, 28), self.drawn, np.float32)
        self.seen = np.array([self.label[image.tobytes()] for image in inputs[0]])
        label = self.seen.copy()
        label[: self.num_wrong] = (label[: self.num_wrong] + 1) % 10
        return np.eye(10, dtype=np.float32)[label], None


@pytest.mark.parametrize(
    ("num_wrong", "promised", "drawn", "state"),
    [(15, 0.985, 0.5, "ok"), (15, None, 0.5, "ok"), (60, 0.985, 0.5, "broken"), (15, 0.985, np.nan, "broken")],
)
def test_the_released_model(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    mnist: Dataset,
    num_wrong: int,
    promised: float | None,
    drawn: float,
    state: str,
) -> None:
    model = FakeModel(mnist, num_wrong, promised, drawn)
    (tmp_path / "encoder.onnx").touch()
    monkeypatch.setattr(serving, "open_encoder", lambda path, device: model)
    monkeypatch.setattr(serving, "open_decoder", lambda path, device: model)
    finding = serving.check_released_model(mnist, [tmp_path / "absent", tmp_path])
    assert finding.state == state
    assert f"{100 - num_wrong / 10:.1f}% of 1,000 test images" in finding.detail
    assert not np.array_equal(model.seen, mnist.test_label[:1000]), "the first ones are the easier half"


def test_a_released_model_that_is_damaged_or_absent(tmp_path: Path, mnist: Dataset) -> None:
    assert serving.check_released_model(mnist, []).state == "note"
    (tmp_path / "encoder.onnx").write_bytes(b"no model")
    finding = serving.check_released_model(mnist, [tmp_path])
    assert finding.state == "broken"
    assert str(tmp_path / "encoder.onnx") in finding.detail


def test_on_a_terminal_no_spinner_is_drawn_into_the_lines(
    aaecli: Run, in_empty_folder: Path, terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "aaecli.doctor.examination.examine", lambda: iter([health.Finding("thing", "ok", "as it should be")])
    )
    aaecli("doctor", "--json")
    assert "Examining" in terminal.getvalue(), "stdout is elsewhere"
    terminal.truncate(0)
    monkeypatch.setattr("aaecli.cli.doctor._shares_the_terminal", lambda: True)
    assert "thing" in aaecli("doctor").out
    assert "Examining" not in terminal.getvalue()
