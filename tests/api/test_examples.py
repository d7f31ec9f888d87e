"""The examples in the documentation of every public name, run as they stand."""

from __future__ import annotations

import doctest
import importlib
from pathlib import Path

import pytest

import aaecli

MODULES = sorted({f"aaecli.{home}" for home in aaecli._HOME.values()})


@pytest.mark.parametrize("module", MODULES)
def test_examples(module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    failed, tried = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert tried > 0
    assert failed == 0
