"""The public surface changes on purpose alone: tests/api/surface.txt says what it is."""

from __future__ import annotations

import inspect

import pytest

import aaecli
from tests.api import breaking, surface


def test_the_surface_is_the_one_written_down() -> None:
    # A change is meant: `python -m tests.api.surface` writes it, and CHANGELOG.md names what breaks.
    assert surface.text() == surface.FILE.read_text(encoding="utf-8")


def test_a_keyword_that_is_gone_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    def train(data: str | None = None) -> aaecli.Run:
        raise NotImplementedError

    monkeypatch.setattr(aaecli, "train", train)
    assert surface.text() != surface.FILE.read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("path", "old", "new", "expected"),
    [
        (
            "aaecli/api/training.py",
            '    name: str | None = None,\n    save_every: str = "1m",\n',
            "    name: str | None = None,\n",
            ["train(save_every): Parameter was removed"],
        ),
        (
            "aaecli/api/classifier.py",
            "def predict(self, pictures: Pictures)",
            "def predict(self, pictures: Pictures, top_k: int)",
            ["Classifier.predict: Parameter was added as required"],
        ),
        (
            "aaecli/api/runs.py",
            "    def metrics(",
            "    def rows(",
            ["Run.metrics: Public object was removed"],
        ),
        ("aaecli/__init__.py", '    "resume": "api.training",\n', "", ["resume: Public name was removed"]),
        ("aaecli/api/training.py", "def _log_notes(", "def _note(", []),
    ],
)
def test_what_breaks_a_program_is_found(path: str, old: str, new: str, expected: list[str]) -> None:
    assert breaking.here(path).count(old) == 1

    def changed(name: str) -> str:
        return breaking.here(name).replace(old, new) if name == path else breaking.here(name)

    assert list(breaking.breaks(breaking.here, changed)) == expected


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
