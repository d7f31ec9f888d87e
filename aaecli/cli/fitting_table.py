"""Tables that fit the terminal: columns that can be missed go first, then each row becomes a few lines of its own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

_GAP = 2


def fitting_table(
    rows: Sequence[Mapping[str, Text]],
    console: Console,
    *,
    dispensable: Sequence[str] = (),
    numbers: Sequence[str] = (),
    is_framed: bool = True,
) -> RenderableType:
    """Lay out rows of which no word is broken.

    Args:
        rows: The cells of each row by the heading of their column, every row with the same headings.
        console: Where it is to be printed; where that is no terminal, everything stays.
        dispensable: Headings in the order in which a narrow terminal does without them.
        numbers: Headings of columns that are aligned to the right.
        is_framed: Draw a rule below the headings.
    """
    headings = list(rows[0]) if rows else []
    left = list(dispensable)
    table = _table(rows, headings, numbers, is_framed=is_framed)
    while not _fits(table, console):
        dropped = next((name for name in left if name in headings), None)
        if dropped is None:
            return _lines(rows, list(rows[0]))
        headings.remove(dropped)
        table = _table(rows, headings, numbers, is_framed=is_framed)
    return table


def _fits(table: Table, console: Console) -> bool:
    # A width is measured within the width that is allowed.
    endless = console.options.update_width(10_000)
    return console.measure(table, options=endless).maximum <= console.width


def _table(
    rows: Sequence[Mapping[str, Text]], headings: Sequence[str], numbers: Sequence[str], *, is_framed: bool
) -> Table:
    from rich import box
    from rich.table import Table

    # No line above the first or below the last: a pipe's first line is the headings.
    table = Table(box=box.SIMPLE_HEAD if is_framed else None, pad_edge=False, show_edge=False)
    for heading in headings:
        table.add_column(heading, justify="right" if heading in numbers else "left", no_wrap=True)
    for row in rows:
        table.add_row(*(row[heading] for heading in headings))
    return table


def _lines(rows: Sequence[Mapping[str, Text]], headings: Sequence[str]) -> RenderableType:
    """Write each row as lines of heading and cell, all of them; only a cell wider than the terminal is folded."""
    from rich.console import Group
    from rich.table import Table

    parts: list[RenderableType] = []
    for row in rows:
        lines = Table(box=None, pad_edge=False, show_header=False, padding=(0, _GAP, 0, 0))
        lines.add_column(no_wrap=True, style="dim")
        lines.add_column(overflow="fold")
        for heading in headings:
            if row[heading].plain:
                lines.add_row(heading, row[heading])
        parts += ["", lines] if parts else [lines]
    return Group(*parts)
