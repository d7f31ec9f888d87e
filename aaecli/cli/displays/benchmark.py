"""What a benchmark looks like: the table as far as it is known, above the training under way."""

from __future__ import annotations

import dataclasses
from collections import Counter
from typing import TYPE_CHECKING, Any

from aaecli.cli.displays.training import TrainingDisplay
from aaecli.cli.fitting_table import fitting_table
from aaecli.config.parsing import plain
from aaecli.experiments.results import FILES, by_group, evaluated_part, row
from aaecli.files.opening import is_file
from aaecli.terminal import console

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from rich.console import Console, RenderableType

    from aaecli.experiments.benchmark import Planned
    from aaecli.experiments.results import Result

_NUMBERS = ("labels", "test accuracy", "validation accuracy", "seeds", "time a run", "to do")


class BenchmarkDisplay(TrainingDisplay):
    """Shows a benchmark on stderr; where that is no terminal, a line a run."""

    def __init__(self, *, quiet: bool) -> None:
        super().__init__(quiet=quiet)
        self._results: Sequence[Result] | None = None
        self._pending: Sequence[Planned] = ()

    def results(self, results: Sequence[Result], pending: Sequence[Planned]) -> None:
        """Take what is known and what is still to do."""
        if self._live is not None:
            self._live.stop()
            self._live = None
        known = results if self._results is None else self._results
        self._results, self._pending = results, pending
        if self.quiet:
            return
        for result in results:
            if result not in known:
                accuracy = "done" if result.accuracy is None else f"{result.accuracy:.2%}"
                console.say(f"{_title(result)}: {accuracy} in {result.seconds:.0f} s")
        console.say(f"{len(pending)} run{'s' if len(pending) > 1 else ''} to do." if pending else "All runs are done.")

    def note(self, message: str) -> None:
        """Say what the user should know."""
        console.say(message)

    def epoch(self, row: dict[str, float]) -> None:
        """Show the figures of an epoch on a terminal; a benchmark's log has a line a run instead."""
        if self._live is not None:
            super().epoch(row)

    def render(self, results: Sequence[Result], folder: Path, *, as_json: bool) -> None:
        """Print the table."""
        if as_json:
            console.print_json({"results": [plain(dataclasses.asdict(result)) for result in results]})
            return
        if results:
            console.out().print(_table(results, (), console.out()))
        if not self.quiet:
            written = [name for name in (*FILES, "accuracy.png") if is_file(folder / name)]
            console.say(f"Results in {folder}: {', '.join(written)}.")
        if self.signal_number:
            console.say("Stopped. The same command continues from there.")

    def _picture(self) -> RenderableType:
        from rich.console import Group

        return Group(_table(self._results or (), self._pending, console.err()), "", super()._picture())


def _title(result: Result) -> str:
    labels = "every label" if result.labels == "all" else f"{result.labels} labels"
    variant = f", {result.variant}" if result.variant else ""
    return f"{result.model}, preset {result.preset}{variant}, {labels}, seed {result.seed}"


def _table(results: Sequence[Result], pending: Sequence[Planned], screen: Console) -> RenderableType:
    """Draw a row a group, with the number of its runs that are still to do."""
    from aaecli.text import for_rich

    to_do = Counter(entry.group for entry in pending)
    part = evaluated_part(results)
    known: dict[Any, dict[str, str]] = {group: row(members, part) for group, members in by_group(results).items()}
    cells = known | {
        group: {name: str(value) for name, value in group._asdict().items()} for group in to_do if group not in known
    }
    names = ["model", "preset", "variant", "labels", f"{part} accuracy", "seeds", "time a run"]
    if not any(group.variant for group in cells):
        names.remove("variant")
    rows = [
        {name: for_rich(entry.get(name, "")) for name in names}
        | ({"to do": for_rich(to_do[group] or "")} if to_do else {})
        for group, entry in cells.items()
    ]
    # What all rows have in common goes first.
    shared = [name for name in ("model", "preset", "labels") if len({entry.get(name) for entry in cells.values()}) == 1]
    dispensable = ["time a run", *shared, "seeds"]
    return fitting_table(rows, screen, dispensable=dispensable, numbers=_NUMBERS, is_framed=False)
