"""The public surface changes on purpose alone: tests/api/surface.txt says what it is."""

from __future__ import annotations

import inspect

import pytest

import aaecli
from tests.api import surface


def test_the_surface_is_the_one_written_down() -> None:
    # A change is meant: `python -m tests.api.surface` writes it, and CHANGELOG.md names what breaks.
    assert surface.text() == surface.FILE.read_text(encoding="utf-8")


def test_a_keyword_that_is_gone_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(data: str | None = None) -> aaecli.Run:
        raise NotImplementedError

    monkeypatch.setattr(aaecli, "train", train)
    assert surface.text() != surface.FILE.read_text(encoding="utf-8")


def test_every_parameter_is_typed_and_every_function_described() -> None:
    for name in aaecli.__all__:
        value = getattr(aaecli, name)
        members = [value, *vars(value).values()] if isinstance(value, type) else [value]
        for member in members:
            if not (inspect.isfunction(member) or inspect.isclass(member)) or member.__name__.startswith("_"):
                continue
            assert member.__doc__, (name, member)
            for parameter in inspect.signature(member).parameters.values():
                assert parameter.name == "self" or parameter.annotation is not parameter.empty, (name, parameter)
