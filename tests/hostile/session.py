"""Hostile cases in numbers: which there are, how one is run in a process of its own, and what is wrong with its end."""

from __future__ import annotations

import hashlib
import resource
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

from tests import processes
from tests.hostile import (
    bulk_files,
    checkpoint_mutations,
    checkpoints,
    data_files,
    graphs,
    inputs,
    names,
    run_folders,
    special_files,
    stores,
    texts,
)
from tests.hostile.checkpoints import Write
from tests.hostile.special_files import HERE
from tests.hostile.words import OBEYED

SECONDS = 5.0
"""CPU seconds that a command may take, those of the processes that it starts included."""
BYTES = 2**30
"""Memory that each of its processes may have."""
_WORK_SECONDS = {"export": 10.0}
"""What a command's work takes with an honest file already, where that is long."""
_MOST_SAID = 400_000
"""Letters that it may write to stderr: of a list of names without files, a thousand are told of."""
# Beyond what is allowed, so that a fault shows its extent, and well below what the machine has.
_LIMITS = {
    resource.RLIMIT_CPU: 30,
    resource.RLIMIT_AS: 6 * 2**30,
    resource.RLIMIT_FSIZE: 2**30,
    resource.RLIMIT_CORE: 0,
}
_CLOCK_SECONDS = 120
_CORPORA = {
    "checkpoints": checkpoints.KINDS,
    "graphs": graphs.KINDS,
    "inputs": inputs.KINDS,
    "data files": data_files.KINDS,
    "bulk files": bulk_files.KINDS,
    "stores": stores.KINDS,
}
_ENDLESS = {
    "checkpoints, changed": checkpoint_mutations.cases,
    "graphs, changed": graphs.cases,
    "inputs, changed": inputs.cases,
    "data files, changed": data_files.cases,
    "bulk files, changed": bulk_files.cases,
    "stores, changed": stores.cases,
    "special files": special_files.cases,
    "run folders": run_folders.cases,
    "texts": texts.cases,
    "names": names.cases,
}
_WRITTEN_BY = {
    "train": ("runs/", "model.pt"),
    "plot": ("runs/", "curves.png", "figures/"),
    "benchmark": ("bench/",),
    "export": ("out/", "exports/", "digit.png"),
    "generate": ("x.png",),
    "label": ("ask.csv", "ask.png", "ask2.csv", "ask2.png", "mine/labels.csv"),
    "data": ("digit.png", "x.png"),
    "classify": ("seen/",),
    "bulk": ("answers/",),
}
"""What a command writes where all is well; all else has to be as it was."""


@dataclass(frozen=True)
class Case:
    """A case.

    Attributes:
        number: Its place; with the seed, this says which it is.
        group: Kind of what is hostile.
        name: What it is.
        write: Writes it into an empty folder, and gives the words of the command that is to read it.
        is_refused: Whether it has to be; others may be answered.
    """

    number: int
    group: str
    name: str
    write: Write
    is_refused: bool


@dataclass(frozen=True)
class Ending:
    """How a case ended.

    Attributes:
        case: It.
        command: What was typed.
        outcome: Exit code, streams, CPU seconds and memory.
        faults: What is wrong with that.
    """

    case: Case
    command: str
    outcome: processes.Outcome
    faults: tuple[str, ...]


def cases(seed: int) -> Iterator[Case]:
    """Give each case of the collections, then changed ones of each kind in turn, without end."""
    number = 0
    for group, kinds in _CORPORA.items():
        for name, write in kinds.items():
            yield Case(number, group, name, write, is_refused=True)
            number += 1
    endless = {group: make(seed) for group, make in _ENDLESS.items()}
    for group in cycle(endless):
        name, write = next(endless[group])
        yield Case(number, group, name, write, is_refused=False)
        number += 1


def run_case(case: Case, folder: Path) -> Ending:
    """Write a case into ``folder``, run it and look at what it left. The folder stays where something is wrong."""
    here, outside = folder / HERE, folder / "precious.txt"
    here.mkdir(parents=True)
    outside.write_text("a week of work\n")
    words = case.write(here, here / "canary")
    before = _contents(here)
    quick = {"AAECLI_FIGURES": "0"}
    started = processes.start(words, here, folder / "notes", _LIMITS, obeys_permissions=True, environment=quick)
    faults = []
    try:
        outcome = started.wait(_CLOCK_SECONDS)
    except TimeoutError:
        outcome = processes.Outcome(-9, "", "", 0.0, 0)
        faults.append(f"it went on for {_CLOCK_SECONDS} seconds by the clock")
    command = words[0] if words else ""
    faults += faults_of(case, outcome, SECONDS + _WORK_SECONDS.get(command, 0.0))
    faults += traces(command, before, _contents(here))
    if (folder / "escape").exists() or outside.read_text() != "a week of work\n":
        faults.append("it wrote outside")
    if not faults:
        shutil.rmtree(folder)
    return Ending(case, " ".join(words)[:200], outcome, tuple(faults))


def faults_of(case: Case, outcome: processes.Outcome, most_seconds: float) -> Iterator[str]:
    """Say what is wrong with the exit code, the streams, the time and the memory of a case."""
    code, out, err, seconds, max_bytes = outcome
    if code not in ((1,) if case.is_refused else (0, 1, 2)):
        yield f"it ended with {code}"
    if code == 1 and not out and "error: " not in err:
        yield "it failed without a sentence"
    if "Traceback" in err or "Warning: " in err:
        yield "a traceback or a warning of Python's"
    if len(err) > _MOST_SAID:
        yield f"it said {len(err):,} letters"
    if seconds > most_seconds:
        yield f"it took {seconds:.1f} CPU seconds"
    if max_bytes > BYTES:
        yield f"it took {max_bytes / 2**20:,.0f} MiB"
    if found := OBEYED.search(out + err):
        yield f"it wrote {found[0]!r} as it is"


def _contents(here: Path) -> dict[str, str]:
    """Give what stands in a folder, by name: what each entry is and holds."""
    found = {}
    for path in here.rglob("*"):
        name = str(path.relative_to(here))
        if path.is_symlink():
            found[name] = f"link to {path.readlink()}"
        elif path.is_file() and path.stat().st_size < 2**27:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
        else:
            found[name] = f"{path.stat().st_mode} of {path.stat().st_size if path.is_file() else 0} bytes"
    return found


def traces(command: str, before: dict[str, str], after: dict[str, str]) -> Iterator[str]:
    """Say what a command left that it should not have, from what stood in its folder before and after."""
    allowed = _WRITTEN_BY.get(command, ())
    for name in before.keys() | after.keys():
        if before.get(name) != after.get(name) and not f"{name}/".startswith(tuple(allowed)) and name[-5:] != ".lock":
            yield f"it left {name!r} other than it was" if name in before else f"it left {name!r}"
        if before.get(name, "").startswith("link") and after.get(name) != before[name]:
            yield f"it replaced the link {name!r}"


def table(endings: list[Ending], *more: tuple[str, ...]) -> str:
    """Sum up by group: cases, refused, answered, faults, and the most that one took.

    Args:
        endings: Of the cases.
        more: Rows of other groups.
    """
    rows = [("kind", "cases", "refused", "answered", "faults", "most CPU s", "most MiB")]
    groups = dict.fromkeys(ending.case.group for ending in endings)
    for group in (*groups, *(["all"] if endings else [])):
        members = [ending for ending in endings if group in (ending.case.group, "all")]
        codes = [ending.outcome.code for ending in members]
        rows.append(
            (
                *(group, f"{len(members):,}", f"{sum(code in (1, 2) for code in codes):,}", f"{codes.count(0):,}"),
                f"{sum(bool(ending.faults) for ending in members):,}",
                f"{max(ending.outcome.seconds for ending in members):.1f}",
                f"{max(ending.outcome.max_bytes for ending in members) / 2**20:,.0f}",
            )
        )
    rows += more
    return "\n".join(f"{row[0]:22}" + "".join(f"{cell:>12}" for cell in row[1:]) for row in rows)
