"""Measurements besides those of ``aaecli benchmark``: a JSON file a program, from which docs are written."""

from __future__ import annotations

import dataclasses
import json
import shlex
import statistics
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from platform import machine, python_version, system

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Measurement:
    """One figure.

    Attributes:
        name: Of the program's file and of the figure: ``folders/digits``.
        what: What it is, as a phrase.
        command: What measures it.
        values: One for each seed or repetition, in ``unit``.
        unit: Such as ``%`` or ``s``; empty for a plain number.
        digits: Digits after the point.
        seeds: Seeds, in the order of ``values``.
        stated: What stands for values that nobody kept: the figure as it was written down.
        settings: ``aaecli.experiments.results.fingerprint`` of the settings, where there is one.
        machine: Operating system and processor.
        versions: Of aaecli, torch and Python.
        note: What else has to be known.
    """

    name: str
    what: str
    command: str
    values: tuple[float, ...] = ()
    unit: str = "%"
    digits: int = 2
    seeds: tuple[int, ...] = ()
    stated: str = ""
    settings: str = ""
    machine: str = ""
    versions: str = ""
    note: str = ""

    @property
    def text(self) -> str:
        """The figure with its unit: mean ± standard deviation over the values; of times the median."""
        if not self.values:
            return self.stated
        if self.unit == "s" and statistics.median(self.values) >= 60:
            minutes, seconds = divmod(round(statistics.median(self.values)), 60)
            return f"{minutes} min {seconds} s"
        if self.unit == "s":
            return f"{statistics.median(self.values):.{self.digits}f} s"
        spread = f" ± {statistics.stdev(self.values):.{self.digits}f}" if len(self.values) > 1 else ""
        return f"{statistics.fmean(self.values):,.{self.digits}f}{spread} {self.unit}".strip()


def read(program: str) -> list[Measurement]:
    """Read what a program has measured; nothing where it has not run yet."""
    path = RESULTS / f"{program}.json"
    if not path.exists():
        return []
    entries = json.loads(path.read_text(encoding="utf-8"))["measurements"]
    lists = ("values", "seeds")
    return [
        Measurement(**{key: tuple(value) if key in lists else value for key, value in entry.items()})
        for entry in entries
    ]


def write(measurements: Sequence[Measurement]) -> None:
    """Write the measurements of a program; those of other names stay in its file."""
    (program,) = {entry.name.split("/")[0] for entry in measurements}
    rounded = [
        dataclasses.replace(entry, values=tuple(round(value, entry.digits + 2) for value in entry.values))
        for entry in measurements
    ]
    known = {entry.name: entry for entry in [*read(program), *rounded]}
    empty = {field.name: field.default for field in dataclasses.fields(Measurement)}
    lines = [
        json.dumps(
            {key: value for key, value in dataclasses.asdict(entry).items() if value != empty[key]}, ensure_ascii=False
        )
        for _, entry in sorted(known.items())
    ]
    RESULTS.mkdir(exist_ok=True)
    text = '{"schema": 1, "measurements": [\n' + ",\n".join(lines) + "\n]}\n"
    (RESULTS / f"{program}.json").write_text(text, encoding="utf-8")


def command() -> str:
    """Tell how this program was started."""
    words = [f"benchmarks/{Path(sys.argv[0]).name}", *sys.argv[1:]]
    return f"python {shlex.join(words)}"


def here() -> dict[str, str]:
    """Tell machine and versions, as fields of a measurement."""
    from aaecli import __version__
    from aaecli.models.devices import processor_name

    return {
        "machine": f"{system()} {machine()}, {processor_name()}",
        "versions": f"aaecli {__version__}, torch {metadata.version('torch')}, Python {python_version()}",
    }
