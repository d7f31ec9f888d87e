"""Choosing a device and a precision."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from aaecli.errors import AaeError
from aaecli.models import devices


def test_auto_takes_what_is_there(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    assert devices.choose_device("auto") == torch.device("cpu")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    assert devices.choose_device("auto") == torch.device("cuda")


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_device_that_cannot_be_had_is_an_error(monkeypatch, name):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(AaeError, match=f"'{name}' cannot be had"):
        devices.choose_device(name)


def test_what_is_called_float32_is_no_tf32(monkeypatch):
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    before = torch.backends.cudnn.allow_tf32
    try:
        torch.backends.cudnn.allow_tf32 = True
        torch.set_float32_matmul_precision("high")
        devices.choose_device("cuda")
        assert not torch.backends.cudnn.allow_tf32
        assert not torch.backends.cuda.matmul.allow_tf32
        assert torch.get_float32_matmul_precision() == "highest"
    finally:
        torch.backends.cudnn.allow_tf32 = before
        torch.set_float32_matmul_precision("highest")


def test_bfloat16_on_apples_gpu_is_refused_and_not_ignored():
    assert devices.choose_precision("auto", torch.device("mps")) == torch.float32
    with pytest.raises(AaeError, match="mps"):
        devices.choose_precision("bf16", torch.device("mps"))


@pytest.mark.parametrize(("units", "expected"), [(False, torch.float32), (True, torch.bfloat16)])
def test_auto_takes_bfloat16_where_there_are_units_for_it(monkeypatch, units, expected):
    monkeypatch.setattr(devices, "_has_bfloat16_units", lambda: units)
    cpu = torch.device("cpu")
    assert devices.choose_precision("auto", cpu) == expected
    assert devices.choose_precision("fp32", cpu) == torch.float32
    assert devices.choose_precision("bf16", cpu) == torch.bfloat16


def test_the_processor_decides_and_not_the_moment():
    file = Path("/proc/cpuinfo")
    if file.is_file():
        text = file.read_text()
        assert devices._has_bfloat16_units() == (
            " amx_tile" in text or (" avx512_bf16" in text and "AuthenticAMD" in text)
        )
    assert len({devices._has_bfloat16_units() for _ in range(3)}) == 1


@pytest.mark.parametrize(
    ("name", "amx", "avx512_bf16", "expected"),
    [
        ("Intel(R) Xeon(R) Processor (AVX512)", True, True, True),
        ("Intel(R) Xeon(R) Processor (AVX512)", False, True, False),
        ("AMD EPYC (AVX512)", False, True, True),
        ("AMD EPYC (AVX2)", False, False, False),
    ],
)
def test_vector_instructions_count_only_where_they_are_quick(monkeypatch, name, amx, avx512_bf16, expected):
    monkeypatch.setattr(devices, "processor_name", lambda: name)
    monkeypatch.setattr(torch.cpu, "_is_amx_tile_supported", lambda: amx)
    monkeypatch.setattr(torch.cpu, "_is_avx512_bf16_supported", lambda: avx512_bf16)
    assert devices._has_bfloat16_units() == expected


def test_denormals_are_flushed_within_the_block_and_not_after_it():
    tiny = torch.tensor(1e-40)
    with devices.denormals_flushed():
        inside = (tiny * 0.5).item()
    assert inside == 0
    assert (tiny * 0.5).item() > 0


def test_random_states_are_put_back():
    state = devices.random_state(torch.device("cpu"))
    first = torch.rand(3)
    devices.restore_random_state(state, torch.device("cpu"))
    assert torch.equal(torch.rand(3), first)
