"""The messages of work on many inputs are bounded, and nothing of their number is lost."""

import pytest

from aaecli.errors import AaeError
from aaecli.terminal.batch_messages import BatchMessages


def test_a_hint_is_given_once(capsys: pytest.CaptureFixture[str]) -> None:
    with BatchMessages() as messages:
        messages.error(AaeError("a.png is empty.", "Save it again."))
        messages.error(AaeError("b.png is empty.", "Save it again."))
        messages.error(AaeError("c.txt is not a picture.", "Name a PNG file."))
    said = capsys.readouterr().err.splitlines()
    assert said == [
        "error: a.png is empty.",
        "hint: Save it again.",
        "error: b.png is empty.",
        "error: c.txt is not a picture.",
        "hint: Name a PNG file.",
    ]
    assert messages.num_errors == 3


def test_of_thousands_the_first_are_said_and_all_are_counted(capsys: pytest.CaptureFixture[str]) -> None:
    with BatchMessages() as messages:
        for number in range(3000):
            messages.error(AaeError(f"{number}.png is empty."))
            messages.warning(f"{number}.gif: it has 2 pages.")
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 201
    assert said[0] == "error: 0.png is empty."
    assert said[199] == "warning: 99.gif: it has 2 pages."
    assert said[200] == "warning: 3,000 errors and 3,000 warnings in all; the first 200 are above."
    assert messages.num_errors == 3000


def test_an_interruption_does_not_lose_the_number(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> None:
        with BatchMessages() as messages:
            for number in range(201):
                messages.error(AaeError(f"{number}.png is empty."))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        work()
    assert "201 errors and 0 warnings in all" in capsys.readouterr().err
