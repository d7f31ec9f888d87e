"""How ``classify`` writes its answers: lines to read, JSON lines, CSV. Without rich, which would cost more."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Literal, Self

from aaecli.terminal.console import has_blocks, has_colour, print_json
from aaecli.text import for_csv, for_terminal

if TYPE_CHECKING:
    from aaecli.serve.classify import Answer

Form = Literal["lines", "json", "csv"]

_NAME_WIDTH = 36
_LABEL_WIDTH = 60


class Writer:
    """Writes one answer after the other to stdout.

    Args:
        form: How.
        top_k: Number of classes that each answer names.
        show: Draw what the model saw beside the answer; for lines only.
        novelty: Add the novelty score to lines; JSON and CSV always have it where it is known.
    """

    def __init__(self, form: Form, top_k: int, *, show: bool, novelty: bool = False) -> None:
        self._form = form
        self._top_k = top_k
        self._show = show
        self._novelty = novelty
        if form == "csv":
            import csv

            # Lines end as the platform's text files do; the module's own choice would double the carriage return.
            self._csv = csv.writer(sys.stdout, lineterminator="\n")
            ranks = [f"{word}_{rank}" for rank in range(2, top_k + 1) for word in ("label", "probability")]
            self._csv.writerow(("image", "label", "probability", *ranks, "reconstruction_error", "novelty", "warnings"))

    def write(self, answer: Answer) -> None:
        """Write one answer."""
        if self._form == "json":
            print_json(answer.as_object())
        elif self._form == "csv":
            others = [cell for name, share in answer.top[1:] for cell in (name, f"{share:.6f}")]
            scores = [
                "" if score is None else f"{score:.6f}" for score in (answer.reconstruction_error, answer.novelty)
            ]
            first = (answer.image, answer.label, f"{answer.probability:.6f}")
            self._csv.writerow([for_csv(cell) for cell in (*first, *others, *scores, "; ".join(answer.warnings))])
        elif self._show:
            sys.stdout.write("\n".join(_beside(answer, self._reading(answer))) + "\n")
        else:
            sys.stdout.write(f"{_name(answer):{_NAME_WIDTH}}  {self._reading(answer)}\n")

    def _reading(self, answer: Answer) -> str:
        first = f"{for_terminal(answer.label, _LABEL_WIDTH)}  {answer.probability:7.2%}"
        others = "".join(f"   {for_terminal(name, _LABEL_WIDTH)} {share:.2%}" for name, share in answer.top[1:])
        score = f"   novelty {answer.novelty:.2f}" if self._novelty and answer.novelty is not None else ""
        return first + others + score


class Counter:
    """Counts pictures on stderr, a few times a second, in a line that goes when the block ends.

    Args:
        shown: Whether anything is written at all.
        total: How many there are, where that is known.
    """

    def __init__(self, *, shown: bool, total: int | None = None) -> None:
        self._shown = shown
        self._total = total
        self._start = self._last = time.monotonic()
        self._done = 0
        self._is_written = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.clear()

    def count(self) -> None:
        """Count one more."""
        self._done += 1
        now = time.monotonic()
        # A handful of pictures needs no counter.
        if self._shown and now - self._last > 0.2 and now - self._start > 0.8:
            self._last, self._is_written = now, True
            of = "" if self._total is None else f" of {self._total:,}"
            sys.stderr.write(f"\r{self._done:,}{of} pictures, {self._done / (now - self._start):,.0f} a second ")
            sys.stderr.flush()

    def clear(self) -> None:
        """Wipe the line, so that something else can be said there."""
        if self._is_written:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()
            self._is_written = False


def _name(answer: Answer) -> str:
    return "stdin" if answer.image == "-" else for_terminal(answer.image)


def _beside(answer: Answer, reading: str) -> list[str]:
    """Lines with the drawing on the left and the answer on the right of its middle."""
    import shutil

    from aaecli.terminal.drawing import draw

    colour = has_colour(sys.stdout)
    drawn = draw(answer.seen, shutil.get_terminal_size().columns, colour=colour, blocks=has_blocks(sys.stdout))
    width = answer.seen.shape[1]
    # Escape sequences take no room, so only lines of plain letters are filled up.
    lines = drawn if colour else [line.ljust(width) for line in drawn]
    middle = max(0, len(lines) // 2 - 1)
    notes = [_name(answer), reading, *answer.warnings]
    return [
        line + ("   " + notes[row - middle] if middle <= row < middle + len(notes) else "")
        for row, line in enumerate(lines)
    ]
