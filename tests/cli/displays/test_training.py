"""What a training looks like on a terminal, and what signals do to it."""

from __future__ import annotations

import io
import os
import signal
from typing import Any

import pytest
import torch
from rich.console import Console

from aaecli.cli.displays import training
from aaecli.cli.displays.training import TrainingDisplay
from aaecli.terminal import console

PLAN = {
    "model": "semisupervised", "dataset": "MNIST", "labels": 1000, "num_labelled": 1000, "num_classes": 10,
    "preset": "default", "seed": 3, "num_steps": 200, "device": "cpu", "precision": "float32", "run": "runs/some-001",
    "number": 0, "steps_per_epoch": 100,
}  # fmt: skip
ROW = {
    "epoch": 1, "step": 100, "reconstruction": 0.0567, "consistency": 1.25, "validation_accuracy": 0.9135,
    "validation_reconstruction": float("nan"), "images_per_second": 12345.6, "seconds": 2.0,
}  # fmt: skip


@pytest.fixture
def written(terminal: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """What is drawn on a terminal, all of it at once."""
    monkeypatch.setattr(training, "_REFRESH_SECONDS", -1)
    return terminal


def test_a_terminal_shows_losses_and_figures_and_is_left_clean(written: io.StringIO) -> None:
    with TrainingDisplay(quiet=False) as display:
        display.begin(PLAN)
        display.step(50, {"reconstruction": torch.tensor(0.0789), "consistency": torch.tensor(2.5)})
        display._live.refresh()
        drawn = written.getvalue()
        assert "step 50 of 200" in drawn
        assert "25%" in drawn
        assert "epoch 1, 0:00 passed" in drawn
        assert "0.0789" in drawn
        assert "2.5000" in drawn
        display.epoch(ROW)
        display._live.refresh()
        lines = written.getvalue()[len(drawn) :].splitlines()
        (losses,) = {line.split("reconstruction")[1].strip() for line in lines if "reconstruction" in line}
        assert losses.split() == ["0.0789", "0.0567"]
        assert any("91.35%" in line for line in lines)
        assert any("12,346" in line for line in lines)
        assert not any("nan" in line for line in lines)
    assert written.getvalue().rindex("\x1b[?25h") > written.getvalue().rindex("\x1b[?25l"), "the cursor is back"


def test_a_bar_that_stands_still_says_why(written: io.StringIO) -> None:
    with TrainingDisplay(quiet=False) as display:
        display.begin(PLAN)
        display.pause("propagating labels")
        display._live.refresh()
        drawn = written.getvalue()
        assert "propagating labels" in drawn
        display.step(50, {})
        display._live.refresh()
        assert "asking" not in written.getvalue()[len(drawn) :]
    with TrainingDisplay(quiet=True) as display:
        display.pause("propagating labels")  # and there is no bar


@pytest.mark.parametrize(
    ("told", "advised"),
    [
        ({"num_labelled": 200}, True),
        ({"num_labelled": 201}, False),
        ({"num_labelled": 10, "preset": "best"}, False),
        ({"num_labelled": 10, "preset": "tutorial"}, False),
        ({"num_labelled": 0, "labels": 0, "model": "clustering"}, False),
    ],
)
def test_whoever_has_few_labels_is_told_of_the_preset_for_them(
    told: dict[str, Any], *, advised: bool, capsys: pytest.CaptureFixture[str]
) -> None:
    with TrainingDisplay(quiet=False) as display:
        display.begin(PLAN | told)
    assert ("--preset best" in capsys.readouterr().err) == advised


def test_a_log_gets_a_line_an_epoch(capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingDisplay(quiet=False) as display:
        display.begin({**PLAN, "number": 50})
        display.step(60, {})
        display.epoch(ROW)
    introduction, place, going_on, epoch = capsys.readouterr().err.splitlines()
    assert introduction == "Training semisupervised on MNIST with 1,000 labels: preset default, seed 3."
    assert place == "200 steps on cpu in float32, into runs/some-001."
    assert going_on == "Continuing after step 50."
    assert epoch.startswith(
        "epoch 1, step 100 of 200: validation accuracy 91.35%, reconstruction 0.0567, consistency 1.25"
    )
    assert "12,346 images/s" in epoch


def test_the_time_left_counts_from_where_it_went_on(monkeypatch: pytest.MonkeyPatch) -> None:
    display = TrainingDisplay(quiet=True)
    now = 1000.0
    monkeypatch.setattr(training.time, "monotonic", lambda: now)
    display.begin({**PLAN, "number": 50})
    display.step(51, {})
    now += 75
    # 25 steps took 75 seconds, 124 are left.
    display.step(76, {})
    assert display._time_left() == ["6:12 left"]


@pytest.mark.parametrize("width", [20, 40, 60, 80, 140])
def test_no_line_of_the_display_is_as_wide_as_the_terminal(monkeypatch: pytest.MonkeyPatch, width: int) -> None:
    written = io.StringIO()
    environment = {"TERM": "xterm-256color"}  # whatever the tests run in: a dumb terminal is 80 columns wide
    screen = Console(file=written, force_terminal=True, width=width, color_system=None, _environ=environment)
    monkeypatch.setattr(console, "err", lambda: screen)
    display = TrainingDisplay(quiet=True)
    display.begin(PLAN | {"num_steps": 12_000})
    display.step(6_789, {"semisupervised_discrimination_of_labels": torch.tensor(1.0)})
    display.pause("propagating labels")
    display._row = ROW
    screen.print(display._picture())
    lines = written.getvalue().splitlines()
    assert max(len(line) for line in lines) < min(width, 41)
    if width >= 60:
        words = "step 6,789 of 12,000 57% passed propagating mean 0.0567 accuracy second"
        assert set(words.split()) <= set(" ".join(lines).split())


def test_quiet_says_nothing(written: io.StringIO, capsys: pytest.CaptureFixture[str]) -> None:
    with TrainingDisplay(quiet=True) as display:
        display.begin(PLAN)
        display.step(1, {"reconstruction": torch.tensor(1.0)})
        display.epoch(ROW)
    assert (written.getvalue(), capsys.readouterr().err) == ("", "")


def test_a_terminal_that_vanishes_stops_nothing(written: io.StringIO, monkeypatch: pytest.MonkeyPatch) -> None:
    with TrainingDisplay(quiet=False) as display:
        display.begin(PLAN)

        def gone(*_: Any, **__: Any) -> None:
            raise OSError(5, "Input/output error")

        monkeypatch.setattr(display._live, "stop", gone)
        display.step(10, {"reconstruction": torch.tensor(1.0)})
        display.step(20, {"reconstruction": torch.tensor(1.0)})
        display.epoch(ROW)
        assert not display.stopping()


@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_the_first_signal_asks_to_stop_and_the_second_means_it(name: str) -> None:
    number = getattr(signal, name)
    before = signal.getsignal(number)
    with TrainingDisplay(quiet=True) as display:
        display.begin(PLAN)
        os.kill(os.getpid(), number)
        assert display.stopping()
        assert display.signal_number == number
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), number)
    assert signal.getsignal(number) == before


def test_a_signal_before_there_is_anything_to_save_ends_it_at_once() -> None:
    with TrainingDisplay(quiet=True), pytest.raises(KeyboardInterrupt):
        os.kill(os.getpid(), signal.SIGTERM)


def test_what_is_ignored_stays_ignored() -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with TrainingDisplay(quiet=True) as display:
            display.begin(PLAN)
            os.kill(os.getpid(), signal.SIGHUP)
            assert not display.stopping()
    finally:
        signal.signal(signal.SIGHUP, before)
