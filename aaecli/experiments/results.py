"""Results of many trainings: one record a run, the files that keep them, and the table that sums them up."""

from __future__ import annotations

import csv
import dataclasses
import hashlib
import io
import json
import re
import statistics
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from aaecli.config.parsing import build, plain, require
from aaecli.config.schema import Config, to_table
from aaecli.errors import AaeError
from aaecli.files.opening import exists, read_bytes
from aaecli.files.writing import replacing
from aaecli.training.revision import REVISION

SCHEMA = 1
FILES = ("results.json", "results.csv", "results.md")
"""What ``write_results`` writes."""
_NOT_FROM_THE_PRESET = ("model", "preset", "labels", "seed", "device", "threads", "precision", "compile", "cuda_graph")
_MAX_BYTES = 2**26
_REMEDY = "Delete it: the results of the runs beside it are collected again."
_WORDS = re.compile(r"(?:[A-Za-z0-9(][\w .,;:()+/@-]{0,199})?", re.ASCII)
"""What stands in tables and spreadsheets as it is: no markup, no formula, no line break."""


@dataclass(frozen=True)
class Result:
    """What one run came to.

    Attributes:
        model: Row of the family of models.
        preset: Preset.
        labels: Number of labelled images, or ``all``; 0 for a model that learns without labels.
        seed: Seed.
        settings: ``fingerprint`` of the settings that the preset gave.
        test_accuracy: In [0, 1]; None where there are no test images.
        validation_accuracy: In [0, 1]; None where no image validates.
        steps: Training steps.
        seconds: Training time, the evaluations on the validation images included.
        threads: Threads of the processor that torch used.
        device: Where it ran.
        precision: Type of the matrix products.
        machine: Operating system and processor.
        versions: Of aaecli, Python and torch.
        curve_step: (E,) steps after which the validation images were read.
        curve_accuracy: (E,) the accuracy on them, in [0, 1].
        variant: Name of the settings file that goes before the preset; empty for the preset as it is.
    """

    model: str
    preset: str
    labels: int | Literal["all"]
    seed: int
    settings: str
    test_accuracy: float | None
    validation_accuracy: float | None
    steps: int
    seconds: float
    threads: int
    device: str
    precision: str
    machine: str
    versions: str
    curve_step: tuple[int, ...] = ()
    curve_accuracy: tuple[float, ...] = ()
    variant: str = ""

    def __post_init__(self) -> None:
        for key in ("model", "preset", "variant", "settings"):
            name = getattr(self, key)
            require(is_plain_name(name), f"the {key} of a result", "letters, digits, '_', '.' and '-'", name)
        for key in ("device", "precision", "machine", "versions"):
            text = getattr(self, key)
            holds = _WORDS.fullmatch(text) is not None
            require(holds, f"the {key} of a result", "up to 200 letters, digits and common signs", text)
        for key in ("test_accuracy", "validation_accuracy"):
            value = getattr(self, key)
            require(value is None or 0 <= value <= 1, f"the {key} of a result", "in [0, 1]", value)
        for key in ("steps", "seconds", "threads"):
            require(0 <= getattr(self, key) <= 10**12, f"the {key} of a result", "0 or more", getattr(self, key))

    @property
    def group(self) -> Group:
        """What it shares with the runs of other seeds."""
        return Group(self.model, self.preset, self.variant, self.labels)

    @property
    def accuracy(self) -> float | None:
        """That on the test images, else on the validation images; None where the run was not evaluated."""
        return self.validation_accuracy if self.test_accuracy is None else self.test_accuracy


class Group(NamedTuple):
    """What runs share that differ by their seeds alone."""

    model: str
    preset: str
    variant: str
    labels: int | Literal["all"]


def is_plain_name(name: str) -> bool:
    """Whether a name can stand as it is in a table, a cell of a spreadsheet and the name of a folder."""
    return re.fullmatch(r"(?:\w[\w.-]*)?", name, re.ASCII) is not None


def fingerprint(config: Config, revision: int = REVISION) -> str:
    """Give twelve letters that stand for all that a preset settles, and for the training code that it settles it for.

    Only what differs from the defaults counts, so a setting that a later version adds leaves it as it is.

    Args:
        config: The settings.
        revision: The ``aaecli.training.revision.REVISION`` of the code that trained.
    """
    defaults = to_table(Config(model=config.model, labels=config.labels))
    table = {key: value for key, value in to_table(config).items() if key not in _NOT_FROM_THE_PRESET}
    text = json.dumps(_difference(table, defaults), sort_keys=True)
    if revision > 1:
        text += f" revision {revision}"
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def _difference(table: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    found = {}
    for key, value in table.items():
        # The options of another kind of encoder than the default one have no defaults here: each of them counts.
        default = defaults.get(key)
        changed = _difference(value, default or {}) if isinstance(value, Mapping) else value
        if changed != ({} if isinstance(value, Mapping) else default):
            found[key] = changed
    return found


def read_results(path: Path) -> list[Result]:
    """Read what ``write_results`` wrote; a file that is not there holds none.

    Raises:
        AaeError: The file cannot be read or is damaged.
    """
    if not exists(path):
        return []
    body = read_bytes(path, _MAX_BYTES, hint=_REMEDY)
    try:
        content = json.loads(body)
        if content["schema"] != SCHEMA:
            raise ValueError(f"its schema is {content['schema']!r}")
        return [build(Result, entry) for entry in content["results"]]
    except (ValueError, KeyError, TypeError, RecursionError, AaeError) as error:
        raise AaeError(
            f"{path} is damaged: it is not what a benchmark writes.",
            _REMEDY,
        ) from error


def write_results(folder: Path, results: Sequence[Result]) -> None:
    """Write ``results.json``, ``results.csv`` (a row a run) and ``results.md`` (a row a group), each whole or not.

    Raises:
        AaeError: The folder cannot be written.
    """
    ordered = [result for members in by_group(results).values() for result in members]
    entries = [plain(dataclasses.asdict(result)) for result in ordered]
    table = io.StringIO()
    fields = [entry.name for entry in dataclasses.fields(Result) if not entry.name.startswith("curve_")]
    names = [*Group._fields, *(name for name in fields if name not in Group._fields)]
    writer = csv.DictWriter(table, names, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(entries)
    # A run a line, so that a change shows as the runs that changed.
    lines = ",\n".join(json.dumps(entry) for entry in entries)
    texts = (f'{{"schema": {SCHEMA}, "results": [\n{lines}\n]}}\n', table.getvalue(), markdown(ordered))
    for name, text in zip(FILES, texts, strict=True):
        with replacing(folder / name) as temporary:
            temporary.write_bytes(text.encode("utf-8", "replace"))


def by_group(results: Iterable[Result]) -> dict[Group, list[Result]]:
    """Sort results into groups: by model, preset and variant, from few labels to many, and by seed within."""
    groups: dict[Group, list[Result]] = {}
    for result in sorted(results, key=lambda result: (_order(result.group), result.seed)):
        groups.setdefault(result.group, []).append(result)
    return groups


def _order(group: Group) -> tuple[str, str, str, float]:
    return *group[:3], float("inf") if group.labels == "all" else group.labels


def evaluated_part(results: Iterable[Result]) -> Literal["test", "validation"]:
    """Name the images that the runs of a table are evaluated on: the test images, wherever there are any."""
    known = list(results)
    return "test" if not known or any(result.test_accuracy is not None for result in known) else "validation"


def row(results: Sequence[Result], part: Literal["test", "validation"] | None = None) -> dict[str, str]:
    """Sum up the runs of one group, as text: accuracy as mean ± standard deviation, time as the median.

    The times are those of the runs that had the most threads.

    Args:
        results: The runs.
        part: The images whose accuracy counts; where None, those of ``evaluated_part``.
    """
    part = part or evaluated_part(results)
    accuracies = [getattr(result, f"{part}_accuracy") for result in results]
    threads = max(result.threads for result in results)
    seconds = statistics.median(result.seconds for result in results if result.threads == threads)
    whole_minutes, rest = divmod(round(seconds), 60)
    time = f"{whole_minutes} min {rest} s" if whole_minutes else f"{rest} s"
    on = f" on {threads} thread{'s' if threads > 1 else ''}" if results[0].device.startswith("cpu") else ""
    return {
        "model": results[0].model,
        "preset": results[0].preset,
        "variant": results[0].variant,
        "labels": str(results[0].labels),
        f"{part} accuracy": per_cent([accuracy for accuracy in accuracies if accuracy is not None]),
        "seeds": _seeds([result.seed for result in results]),
        "steps": f"{results[0].steps:,}",
        "time a run": f"{time}{on}",
    }


def per_cent(fractions: Sequence[float]) -> str:
    """Write mean ± standard deviation over runs, in per cent; of one run its value, of none a dash."""
    if not fractions:
        return "–"
    spread = f" ± {100 * statistics.stdev(fractions):.2f}" if len(fractions) > 1 else ""
    return f"{100 * statistics.fmean(fractions):.2f}{spread} %"


def _seeds(seeds: Sequence[int]) -> str:
    first, last = seeds[0], seeds[-1]
    without_gap = last - first + 1 == len(seeds) > 1
    return f"{first}–{last}" if without_gap else ", ".join(str(seed) for seed in seeds)


def markdown(results: Iterable[Result]) -> str:
    """Draw the table, a row a group, and say below where the figures come from."""
    groups = by_group(results)
    part = evaluated_part(result for group in groups.values() for result in group)
    rows = [row(members, part) for members in groups.values()]
    if not rows:
        return ""
    if not any(cells["variant"] for cells in rows):
        for cells in rows:
            del cells["variant"]
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    lines += ["| " + " | ".join(cells.values()) + " |" for cells in rows]
    members = [result for group in groups.values() for result in group]
    machines = sorted({f"{result.machine}, {result.precision}" for result in members})
    versions = sorted({result.versions for result in members})
    lines += [
        "",
        f"Accuracy on the {part} images, mean ± standard deviation over the seeds, each with its own draw of labels. "
        f"Time: median. Measured on {'; '.join(machines)}; {'; '.join(versions)}.",
    ]
    return "\n".join(lines) + "\n"
