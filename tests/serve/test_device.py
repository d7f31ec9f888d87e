"""Which processor is asked for: what the machine and onnxruntime have, and never another one in silence."""

from __future__ import annotations

import sys

import onnxruntime
import pytest

from aaecli.errors import AaeError
from aaecli.serve import device
from aaecli.serve.device import has_nvidia_driver, providers

CPU, CUDA = "CPUExecutionProvider", "CUDAExecutionProvider"


@pytest.fixture
def machine(monkeypatch):
    """Make a machine with or without a driver, and an onnxruntime with or without CUDA, which tells what it does."""

    def make(*, driver: bool, built: bool) -> list[str]:
        done: list[str] = []
        monkeypatch.setattr(device, "has_nvidia_driver", lambda: driver)
        monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [CUDA, CPU] if built else [CPU])

        def preload() -> None:
            print("library not found")  # noqa: T201
            done.append("preloaded")

        monkeypatch.setattr(onnxruntime, "preload_dlls", preload, raising=False)
        return done

    return make


@pytest.mark.parametrize(
    ("asked", "driver", "built"),
    [("cpu", True, True), ("auto", False, True), ("auto", True, False), ("auto", False, False)],
)
def test_the_cpu_alone_without_looking_for_libraries(machine, asked, driver, built):
    done = machine(driver=driver, built=built)
    assert providers(asked) == [CPU]
    assert done == []


@pytest.mark.parametrize("asked", ["auto", "cuda"])
def test_cuda_first_where_there_is_all_that_it_takes(machine, capsys, asked):
    done = machine(driver=True, built=True)
    (name, options), fallback = providers(asked)
    assert (name, fallback) == (CUDA, CPU)
    assert options
    assert done == ["preloaded"]
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("driver", "built", "said"),
    [(False, True, "no NVIDIA driver"), (False, False, "no NVIDIA driver"), (True, False, "built without CUDA")],
)
def test_cuda_that_cannot_be_had_is_an_error(machine, driver, built, said):
    machine(driver=driver, built=built)
    with pytest.raises(AaeError, match=said) as caught:
        providers("cuda")
    assert "--device cpu" in caught.value.hint


@pytest.mark.parametrize(("platform", "node"), [("win32", "System32/nvcuda.dll"), ("linux", "dev/nvidiactl")])
def test_a_driver_is_seen_by_what_it_leaves_in_the_file_system(tmp_path, monkeypatch, platform, node):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("SystemRoot", str(tmp_path))
    monkeypatch.setattr(device, "Path", lambda path: tmp_path / str(path).lstrip("/"))
    if platform == "win32":
        monkeypatch.setattr(device, "Path", type(tmp_path))
    assert not has_nvidia_driver()
    (tmp_path / node).parent.mkdir(parents=True)
    (tmp_path / node).touch()
    assert has_nvidia_driver()
