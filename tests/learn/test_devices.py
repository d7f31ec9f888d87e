"""Choosing a device and a precision."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from aaecli.errors import AaeError
from aaecli.learn import devices


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


@pytest.mark.parametrize(("units", "expected"), [(False, torch.float32), (True, torch.bfloat16)])
def test_auto_takes_bfloat16_where_there_are_units_for_it(monkeypatch, units, expected):
    monkeypatch.setattr(devices, "_has_matrix_units", lambda: units)
    cpu = torch.device("cpu")
    assert devices.choose_precision("auto", cpu) == expected
    assert devices.choose_precision("fp32", cpu) == torch.float32
    assert devices.choose_precision("bf16", cpu) == torch.bfloat16


def test_the_processor_decides_and_not_the_moment():
    flags = Path("/proc/cpuinfo")
    if flags.is_file():
        assert devices._has_matrix_units() == (" amx_tile" in flags.read_text())
    assert len({devices._has_matrix_units() for _ in range(3)}) == 1


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
