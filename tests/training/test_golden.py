"""Losses as they were recorded: what should not alter numbers leaves them, what should writes them anew."""

from __future__ import annotations

import json

import pytest

from tests.training.golden import CASES, EXTRA, FILE, record

RECORDED = json.loads(FILE.read_text(encoding="utf-8"))


def test_every_case_is_recorded():
    assert list(RECORDED) == CASES + EXTRA


@pytest.mark.parametrize("case", CASES + EXTRA)
def test_the_losses_are_those_recorded(case):
    # Without vector instructions, the losses of these dozen steps differ by up to a millionth.
    losses, _ = record(case)
    assert list(losses) == list(RECORDED[case])
    for name, values in losses.items():
        assert values == pytest.approx(RECORDED[case][name], rel=1e-4, abs=1e-6), f"{name}: if meant, nox -s golden"
