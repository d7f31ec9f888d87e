"""Tables at every width: what is left out first, and that no word of what stays is broken."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from aaecli.cli.fitting_table import fitting_table
from aaecli.text import for_rich

ROWS = [
    {"run": "a-rather-long-name-001", "labels": "1000", "preset": "default", "time": "2 min 13 s on 2 threads"},
    {"run": "short", "labels": "all", "preset": "", "time": "9 s"},
]


def printed(width: int, encoding: str = "utf-8", **options: object) -> list[str]:
    screen = Console(file=io.TextIOWrapper(io.BytesIO(), encoding=encoding), width=width, color_system=None)
    cells = [{name: for_rich(cell) for name, cell in row.items()} for row in ROWS]
    with screen.capture() as captured:
        screen.print(fitting_table(cells, screen, **options))  # type: ignore[arg-type]
    return captured.get().splitlines()


@pytest.mark.parametrize(
    ("width", "headings"),
    [
        (140, ["run", "labels", "preset", "time"]),
        (60, ["run", "labels", "preset"]),
        (38, ["run", "labels"]),
    ],
)
def test_a_narrow_terminal_does_without_what_can_be_missed(width: int, headings: list[str]) -> None:
    lines = printed(width, dispensable=("time", "preset"), numbers=("labels",))
    assert lines[0].split() == headings
    assert max(map(len, lines)) <= width
    assert len(lines) == 4, "headings, a rule, two rows: nothing is folded"


@pytest.mark.parametrize("width", [30, 24])
def test_where_nothing_can_be_missed_each_row_becomes_lines_of_its_own(width: int) -> None:
    lines = printed(width, dispensable=("time", "preset"))
    assert max(map(len, lines)) <= width
    words = " ".join(lines).split()
    # Nothing is left out, and only a word that is wider than its room is folded.
    assert {"run", "labels", "1000", "preset", "default", "time", "2", "min", "13", "threads", "short"} <= set(words)
    assert lines.count("") == 1, "between the rows"
    assert sum(line.startswith("preset") for line in lines) == 1, "a cell without a word has no line"


def test_an_encoding_without_rules_gets_dashes() -> None:
    assert set(printed(140, "ascii", numbers=("labels",))[1]) <= set("-+| ")
