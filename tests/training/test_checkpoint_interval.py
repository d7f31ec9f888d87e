"""How often the state is saved: by steps or by time, as it is typed."""

from __future__ import annotations

import pytest

from aaecli.errors import AaeError
from aaecli.training.checkpoint_interval import CheckpointInterval, parse_checkpoint_interval


@pytest.mark.parametrize(
    ("text", "interval"),
    [
        ("500", CheckpointInterval(500, 0)),
        ("90s", CheckpointInterval(0, 90)),
        ("2m", CheckpointInterval(0, 120)),
        (" 1h ", CheckpointInterval(0, 3600)),
    ],
)
def test_what_is_typed(text: str, interval: CheckpointInterval) -> None:
    assert parse_checkpoint_interval(text) == interval


@pytest.mark.parametrize("text", ["", "0", "0m", "-5", "1.5m", "m", "5 m", "5d", "٣", "1e3", "9" * 5000])
def test_what_is_not_a_cadence(text: str) -> None:
    with pytest.raises(AaeError, match="--save-every") as caught:
        parse_checkpoint_interval(text)
    assert "2m" in caught.value.hint


def test_steps_go_by_steps_and_seconds_by_seconds() -> None:
    assert [CheckpointInterval(5, 0).is_due(steps, 1e9) for steps in (4, 5, 6)] == [False, True, True]
    assert [CheckpointInterval(0, 5).is_due(10**9, seconds) for seconds in (4.9, 5.0, 6.0)] == [False, True, True]
