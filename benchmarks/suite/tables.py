"""Tables of the suite in Markdown, for ``benchmarks/write_docs.py``; as a program, draws ``docs/figures/suite.png``."""

from __future__ import annotations

import json
import statistics
from collections.abc import Iterable
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results.json"
PICTURE = Path(__file__).parents[2] / "docs" / "figures" / "suite.png"
METHODS = {
    "HOG + SVM": "HOG + SVM",
    "HOG + LabelSpreading": "HOG + LabelSpreading",
    "supervised": "same network and augmentation, labels only",
    "FixMatch": "the same with FixMatch",
    "auto": "`aaecli train`",
}
"""Methods in the order of the columns, and what they are called."""
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
    found = selected(records(), labels=_LABELS)
    rows = []
    for task in tasks(found):
        cells = {"task": task}
        draws = {record["draw"] for record in selected(found, task=task, method="auto")}
        for method, title in METHODS.items():
            # The same draws in all columns: draws differ by more than methods do.
            same = [record for record in selected(found, task=task, method=method) if record["draw"] in draws]
            fewer = f" ({len(same)} of {len(draws)} seeds)" if 0 < len(same) < len(draws) else ""
            cells[title] = cell(same) + fewer
        rows.append(cells | {"seeds": str(len(draws))})
    return rows


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
    """Give a row a task, a column a part that is left out, at ten labels a class."""
    found = selected(records(), labels=_LABELS)
    left_out = list(dict.fromkeys(record["method"] for record in found if record["method"].startswith("without")))
    rows = []
    for task in tasks([record for record in found if record["method"] in left_out]):
        draws = {record["draw"] for record in found if record["task"] == task and record["method"] in left_out}
        whole = [record for record in selected(found, task=task, method="auto") if record["draw"] in draws]
        cells = {"task": task, "whole": cell(whole)}
        rows.append(cells | {method: cell(selected(found, task=task, method=method)) for method in left_out})
    return rows


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
