"""The time left is smooth: standing still and a slow start neither raise nor hide it."""

from __future__ import annotations

from itertools import pairwise

import pytest

from aaecli.cli.time_left import TimeLeft, spelt


class Clock:
    """A clock that is set by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


def run(num_steps: int, *, seconds: float, every: int, stands: float, starts: float = 0.0) -> list[float]:
    """Train by the clock, standing still after every so many steps; give each estimate by what was truly left."""
    clock = Clock()
    left = TimeLeft(0, clock)
    clock.now += starts
    whole = num_steps * seconds + (num_steps - 1) // every * stands
    begun, ratios = clock.now, []
    for number in range(1, num_steps + 1):
        clock.now += seconds
        left.step(number)
        estimate = left.seconds(num_steps)
        truly = whole - (clock.now - begun)
        if estimate is not None and truly > 0.05 * whole:
            ratios.append(estimate / truly)
        if number % every == 0:
            left.stand()
            clock.now += stands
    return ratios


def test_steps_that_are_all_alike_are_counted() -> None:
    ratios = run(1000, seconds=0.1, every=10_000, stands=0)
    assert len(ratios) > 900
    assert ratios == pytest.approx([1.0] * len(ratios), abs=0.01)


def test_a_slow_start_is_forgotten() -> None:
    ratios = run(1000, seconds=0.1, every=10_000, stands=0, starts=300)
    assert ratios == pytest.approx([1.0] * len(ratios), abs=0.01)


def test_validation_makes_no_jumps() -> None:
    # A validation of a minute after each hundred steps of a tenth of a second: rich's estimate went from one to twelve.
    ratios = run(2000, seconds=0.1, every=100, stands=60)
    after_the_first = ratios[150:]
    assert min(after_the_first) > 0.5
    assert max(after_the_first) < 2
    steps = [abs(new / old - 1) for old, new in pairwise(after_the_first)]
    assert sorted(steps)[len(steps) // 2] < 0.01


def test_other_speeds_are_followed() -> None:
    clock = Clock()
    left = TimeLeft(0, clock)
    for number in range(1, 2001):
        clock.now += 0.1 if number <= 1000 else 0.3
        left.step(number)
        left.seconds(4000)
    assert left.seconds(4000) == pytest.approx(2000 * 0.3, rel=0.05)


def test_nothing_is_said_before_anything_is_known() -> None:
    clock = Clock()
    left = TimeLeft(50, clock)
    assert left.seconds(100) is None
    clock.now += 1
    left.step(51)
    assert left.seconds(100) is None
    assert spelt(None) == "–"


@pytest.mark.parametrize(("seconds", "said"), [(0, "0:00"), (67.4, "1:07"), (3600, "1:00:00"), (36_061, "10:01:01")])
def test_times_are_spelt(seconds: float, said: str) -> None:
    assert spelt(seconds) == said
