"""Tables of the suite in Markdown, for ``benchmarks/write_docs.py``; as a program, draws ``docs/figures/suite.png``."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.json"
PICTURE = Path(__file__).parents[2] / "docs" / "figures" / "suite.png"
METHODS = {
    "HOG + SVM": "HOG + SVM",
    "HOG + LabelSpreading": "HOG + LabelSpreading",
    "supervised": "same network and augmentation, labels only",
    "FixMatch": "the same with FixMatch, in equal time",
    "auto": "`aaecli train`",
    "best": "`aaecli train --preset best`",
}
"""Methods in the order of the columns, and what they are called."""
HEADLINE = {
    "icons": "13 kinds of icon in many styles, on any ground, 32 × 32 in colour",
    "street-digits": "digits of many fonts on photographs, 32 × 32 in colour",
    "textures": "8 kinds of texture, 32 × 32 in colour",
    "fashion": "Fashion-MNIST",
}
"""The rows of the README, and what they are called there."""
_LABELS = 10

Record = dict[str, Any]
Table = list[dict[str, str]]


def records() -> list[Record]:
    """Read the results, in the order in which they were measured."""
    return json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.is_file() else []


def selected(found: Iterable[Record], **wanted: Any) -> list[Record]:
    """Give the records that have these values."""
    return [record for record in found if all(record[key] == value for key, value in wanted.items())]


def cell(found: list[Record]) -> str:
    """Give mean ± standard deviation of the accuracies in per cent; with one draw its figure, with none a dash."""
    accuracy = [100 * record["accuracy"] for record in found]
    if len(accuracy) < 2:
        return f"{accuracy[0]:.1f}" if accuracy else "–"
    return f"{statistics.fmean(accuracy):.1f} ± {statistics.stdev(accuracy):.1f}"


def tasks(found: list[Record]) -> list[str]:
    """Name the tasks in the order in which they were first measured."""
    return list(dict.fromkeys(record["task"] for record in found))


def by_task() -> Table:
    """Give a row a task, a column a method, at ten labels a class."""
    return _beside_auto(["HOG + SVM", "HOG + LabelSpreading", "supervised"])


def beside_fixmatch() -> Table:
    """Give a row a task that FixMatch was measured on, with the seeds of that alone."""
    return _beside_auto(["FixMatch"])


def _beside_auto(methods: Sequence[str]) -> Table:
    """Give a row a task: methods and ``aaecli train``, with the seeds that all of them were measured with."""
    found = selected(records(), labels=_LABELS)
    rows = []
    for task in tasks(found):
        columns = {method: selected(found, task=task, method=method) for method in (*methods, "auto")}
        # Draws differ by more than methods do.
        draws = set.intersection(*({record["draw"] for record in column} for column in columns.values()))
        if draws:
            cells = {
                METHODS.get(method, method): cell([record for record in column if record["draw"] in draws])
                for method, column in columns.items()
            }
            rows.append({"task": task} | cells | {"seeds": str(len(draws))})
    return rows


def headline() -> Table:
    """Give the rows of the README, with the methods that a reader would compare."""
    rows = {row["task"]: row for row in by_task()}
    kept = [METHODS[method] for method in ("HOG + SVM", "supervised", "auto")]
    return [
        {f"{_LABELS} labels a class": title} | {column: rows[task][column] for column in kept}
        for task, title in HEADLINE.items()
        if task in rows
    ]


def by_labels() -> Table:
    """Give a row a task and method, a column a number of labels a class; only tasks trained on with several numbers."""
    found = records()
    counts = sorted({record["labels"] for record in found})
    rows = []
    for task in tasks(found):
        if len({record["labels"] for record in selected(found, task=task, method="auto")}) < 2:
            continue
        for method, title in METHODS.items():
            cells = {str(count): cell(selected(found, task=task, method=method, labels=count)) for count in counts}
            if set(cells.values()) != {"–"}:
                rows.append({"task": task, "": title} | cells)
    return rows


def ablation() -> Table:
    """Give a row a task, a column a part that is left out, at ten labels a class, with the seeds of all columns."""
    methods = [record["method"] for record in records() if record["method"].startswith("without")]
    return _beside_auto(list(dict.fromkeys(methods)))


def without_autoencoder() -> Table:
    """Give a row a task: with and without the autoencoder's terms, with the seeds of both."""
    return _beside_auto(["without autoencoder"])


def draw() -> None:
    """Draw accuracy by task and method, a point a draw."""
    from matplotlib import pyplot as plt

    found = selected(records(), labels=_LABELS)
    figure, axes = plt.subplots(figsize=(9, 4.2), layout="constrained")
    for number, (method, title) in enumerate(METHODS.items()):
        place, height = [], []
        for index, task in enumerate(tasks(found)):
            accuracy = [100 * record["accuracy"] for record in selected(found, task=task, method=method)]
            place += [index + 0.14 * (number - 2)] * len(accuracy)
            height += accuracy
        if place:
            axes.plot(place, height, "o", markersize=5, label=title.replace("`", ""), alpha=0.85)
    axes.set_xticks(range(len(tasks(found))), tasks(found))
    axes.set_ylabel("accuracy on test images (%)")
    axes.set_title(f"{_LABELS} labels a class, a point a seed")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(fontsize=8, ncols=3, loc="lower center", bbox_to_anchor=(0.5, -0.32))
    figure.savefig(PICTURE, dpi=110)


if __name__ == "__main__":
    draw()
