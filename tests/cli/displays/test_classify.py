"""The counter of a long ``classify``: there while it runs, gone before anything else is said."""

from __future__ import annotations

from aaecli.cli.displays import classify
from aaecli.cli.displays.classify import Counter


def ticking(monkeypatch, seconds):
    """Let each look at the clock find it so many seconds later."""
    now = iter(number * seconds for number in range(1000))
    monkeypatch.setattr(classify.time, "monotonic", lambda: next(now))


def test_it_wipes_its_line_before_something_else_is_said_and_at_the_end(monkeypatch, capsys):
    ticking(monkeypatch, 0.5)
    with Counter(shown=True) as counter:
        counter.count()
        counter.count()
        counter.clear()
        counter.clear()
        counter.count()
    assert capsys.readouterr().err == "\r2 pictures, 2 a second \r\x1b[K\r3 pictures, 2 a second \r\x1b[K"


def test_a_handful_of_pictures_needs_none(monkeypatch, capsys):
    ticking(monkeypatch, 0.1)
    with Counter(shown=True) as counter:
        for _ in range(8):
            counter.count()
    assert capsys.readouterr().err == ""


def test_it_says_nothing_where_it_is_not_shown(monkeypatch, capsys):
    ticking(monkeypatch, 1)
    with Counter(shown=False) as counter:
        counter.count()
        counter.clear()
    assert capsys.readouterr().err == ""


def test_it_says_of_how_many_where_that_is_known(monkeypatch, capsys):
    ticking(monkeypatch, 1)
    with Counter(shown=True, total=1200) as counter:
        counter.count()
    assert capsys.readouterr().err == "\r1 of 1,200 pictures, 1 a second \r\x1b[K"
