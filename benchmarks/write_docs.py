"""Write what README and docs have from elsewhere: measured figures from the results files, references from the code.

In the Markdown a figure stands in ``<!--=NAME-->…<!--/-->``, a table in ``<!-- results: NAME -->…<!-- /results -->``. A
figure is named after a measurement in ``results/`` (``folders/digits``), or after a row of a benchmark: folder, model,
preset, variant where there is one, labels (``mnist/semisupervised/quick/1000``); with ``time`` behind, its time.

Run it after a measurement, and after a change of a setting, an option or an import between rooms:

    python benchmarks/write_docs.py             # or: nox -s figures
    python benchmarks/write_docs.py --check     # change nothing; exit 1 where a text differs
"""

from __future__ import annotations

import argparse
import re
import statistics
import sys
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parent / "suite"))
sys.path.insert(0, str(Path(__file__).parents[1] / "docs" / "programs"))

import command_reference
import measured
import plug_in_reference
import rooms
import setting_reference
import tables as suite

from aaecli.config.resolve import resolve
from aaecli.data.loading import load_dataset
from aaecli.experiments.results import Result, by_group, fingerprint, read_results, row

FOLDER = Path(__file__).parent
ROOT = FOLDER.parent
TEXTS = (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
CHOSEN_ON = range(7)
"""Seeds that were looked at while settings were chosen."""
FRESH = 3
"""So many seeds that nobody has looked at take the place of those of ``CHOSEN_ON``."""
_T_95 = {2: 12.71, 3: 4.30, 4: 3.18, 5: 2.78, 6: 2.57, 7: 2.45, 8: 2.36, 9: 2.31, 10: 2.26}
"""Half the width of a 95 % interval of a mean, in standard errors, by the number of values (Student)."""
_FIGURE = re.compile(r"<!--=(?P<name>[^>]+?)-->(?P<old>.*?)<!--/-->")
_TABLE = re.compile(r"<!-- results: (?P<name>[\w -]+) -->\n(?P<old>.*?)<!-- /results -->", re.DOTALL)


@cache
def groups(folder: str) -> dict[tuple[str, ...], list[Result]]:
    """Give the groups of a benchmark by the words that name them; of each, the fresh seeds once there are enough."""
    found = {}
    for group, members in by_group(read_results(FOLDER / folder / "results.json")).items():
        fresh = [result for result in members if result.seed not in CHOSEN_ON]
        found[tuple(str(word) for word in group if word != "")] = fresh if len(fresh) >= FRESH else members
    return found


def figure(name: str) -> str:
    """Give the text of a figure.

    Raises:
        KeyError: There is no such measurement.
    """
    words, _, aspect = name.partition(" ")
    program, *rest = words.split("/")
    if program == "mnist-share":
        label = load_dataset().train_label
        return f"{(label == int(rest[0])).mean():.1%}".replace("%", " %")
    for entry in measured.read(program):
        if entry.name == words:
            return entry.text
    members = groups(program)[tuple(rest)]
    if aspect == "time":
        return row(members)["time a run"].split(" on ")[0]
    return {"": row(members)["test accuracy"]}[aspect]


def mnist() -> str:
    """Draw the table of all runs."""
    rows, members = [], []
    for runs in groups("mnist").values():
        cells = row(runs)
        del cells["variant"]
        cells["seeds"] += " †" if any(result.seed in CHOSEN_ON for result in runs) else ""
        cells["test accuracy"] += " ‡" if is_earlier(runs[0]) else ""
        rows.append(cells)
        members += runs
    return table(rows) + "\n" + marks_of(members) + origin(members, "Time: median. ")


HEADLINE = (
    ("semisupervised", "default", "1000"),
    ("semisupervised", "default", "100"),
    ("semisupervised", "best", "1000"),
    ("semisupervised", "best", "100"),
    ("semisupervised", "best", "10"),
    ("semisupervised", "quick", "1000"),
    ("baseline", "tutorial", "1000"),
)
"""The rows of the README: model, preset, labels."""


def headline() -> str:
    """Draw the short table of the README."""
    found, rows, members = groups("mnist"), [], []
    for key in HEADLINE:
        if runs := found.get(key):
            cells = row(runs)
            name = f"`{key[1]}`" if key[0] == "semisupervised" else f"`--model {key[0]}`"
            marks = (" †" if any(result.seed in CHOSEN_ON for result in runs) else "") + (
                " ‡" if is_earlier(runs[0]) else ""
            )
            rows.append(
                {
                    "preset": name,
                    "labels": key[2],
                    "test accuracy": cells["test accuracy"] + marks,
                    "seeds": str(len(runs)),
                    "time a run": cells["time a run"],
                }
            )
            members += runs
    return (
        table(rows)
        + "\n"
        + "Mean ± standard deviation over seeds; each seed selects its own labels. "
        + marks_of(members)
    )


def marks_of(members: Sequence[Result]) -> str:
    """Explain the marks of a table, where it has any."""
    dagger = "† Seeds that were used to choose settings: new seeds may be a little worse. "
    earlier = "‡ Measured with an earlier version of the training code. "
    chosen_on = any(result.seed in CHOSEN_ON for result in members)
    return (dagger if chosen_on else "") + (earlier if any(map(is_earlier, members)) else "")


def is_earlier(result: Result) -> bool:
    """Whether a result is of other settings, or of earlier training code, than its preset trains with now."""
    flags = {"model": result.model, "labels": result.labels, "seed": result.seed}
    return result.settings != fingerprint(resolve(preset=result.preset, flags=flags))


def commands() -> str:
    """Give the commands that measure the table of all runs."""
    found: dict[tuple[str, str, str], list[str]] = {}
    for (model, preset, *_, labels), runs in groups("mnist").items():
        found.setdefault((model, preset, row(runs)["seeds"].replace("–", "-").replace(" ", "")), []).append(labels)
    lines = []
    for (model, preset, seeds), counts in found.items():
        words = [] if model == "semisupervised" else ["--model", model]
        words += ["--preset", preset, *(word for count in counts for word in ("--labels", count)), "--seeds", seeds]
        lines.append(f"aaecli benchmark {' '.join(words)}")
    return "\n".join(["```sh", *lines, "```"])


def table(rows: Sequence[dict[str, str]]) -> str:
    """Draw a Markdown table out of rows that have the same keys."""
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    return "\n".join([*lines, *("| " + " | ".join(cells.values()) + " |" for cells in rows)]) + "\n"


def origin(members: Iterable[Result], time: str = "") -> str:
    """Say what the accuracies of a table are, what its times are, and where both were measured."""
    members = list(members)
    machines = sorted({f"{result.machine}, {result.precision}" for result in members})
    versions = sorted({result.versions for result in members})
    return (
        "Accuracy on the 10,000 test images: mean ± standard deviation over seeds; each seed selects its own labels. "
        f"{time}Measured on {'; '.join(machines)}; {'; '.join(versions)}.\n"
    )


PARTS = (
    ("baseline", "the article's baseline: labels only, no augmentation"),
    ("baseline_augmented", "the same with the networks, optimiser and augmentation of the preset"),
    ("no_autoencoder", "the preset without the autoencoder: pseudo-labels and augmentation"),
    ("whole", "the preset"),
)
"""The rows of the ablation, by the names of its settings files."""


def ablation_runs(preset: str) -> dict[tuple[str, str], list[Result]]:
    """Give the runs of an ablation by row and number of labels."""
    found = {}
    for (_, of, variant, labels), members in ((key, runs) for key, runs in groups("ablation").items() if len(key) == 4):
        if of == preset or variant == "baseline":
            found[variant, labels] = members
    return found


def ablation(preset: str = "default") -> str:
    """Draw the ablation: a row a part, a column a number of labels."""
    runs = ablation_runs(preset)
    counts = sorted({labels for _, labels in runs}, key=int, reverse=True)
    rows = []
    for variant, what in PARTS:
        cells = {"": what}
        for labels in counts:
            members = runs.get((variant, labels), [])
            seeds = f" ({row(members)['seeds']})" if members else ""
            cells[f"{labels} labels"] = f"{row(members)['test accuracy']}{seeds}" if members else "–"
        rows.append(cells)
    if not runs:
        return "Not measured yet.\n"
    note = "Beside each accuracy its seeds. " + origin(result for members in runs.values() for result in members)
    return table(rows) + "\n" + note


def ablation_sentence(preset: str = "default") -> str:
    """Say what the autoencoder adds, by the differences between runs of the same seed."""
    runs = ablation_runs(preset)
    parts = []
    for labels in sorted({labels for _, labels in runs}, key=int, reverse=True):
        whole, without = (
            {result.seed: 100 * result.test_accuracy for result in runs.get((variant, labels), [])}
            for variant in ("whole", "no_autoencoder")
        )
        gains = [whole[seed] - without[seed] for seed in sorted(whole.keys() & without.keys())]
        if len(gains) < FRESH:
            continue
        mean, spread = statistics.fmean(gains), statistics.stdev(gains)
        half = _T_95[len(gains)] * spread / len(gains) ** 0.5
        verdict = "adds" if mean - half > 0 else "costs" if mean + half < 0 else "makes no significant difference"
        parts.append(
            f"with {labels} labels {verdict} ({mean:+.2f} ± {spread:.2f} points over {len(gains)} seeds, 95 % interval "
            f"of the mean {mean - half:+.2f} to {mean + half:+.2f})"
        )
    if not parts:
        return "The effect of the autoencoder on the accuracy is not measured yet.\n"
    return f"To the accuracy of `{preset}`, the autoencoder " + ", and ".join(parts) + ".\n"


def readings() -> str:
    """List the results that settings of before gave on the test images."""
    rows = []
    for members in groups("mnist/earlier").values():
        cells = row(members)
        kept = {name: cells[name] for name in ("preset", "labels", "test accuracy", "seeds", "steps")}
        rows.append({"settings": f"`{members[0].settings}`"} | kept)
    return table(sorted(rows, key=lambda cells: (cells["preset"], cells["labels"].zfill(5)))) + "\n"


def measurements() -> str:
    """List the figures of ``results/`` with what measures them."""
    rows = []
    for path in sorted(measured.RESULTS.glob("*.json")):
        for entry in measured.read(path.stem):
            seeds = f"{entry.seeds[0]}–{entry.seeds[-1]}" if len(entry.seeds) > 1 else "".join(map(str, entry.seeds))
            rows.append(
                {
                    "what": entry.what,
                    "figure": entry.text,
                    "seeds": seeds or "–",
                    "command": f"`{entry.command}`",
                    "where": f"{entry.machine}; {entry.versions}",
                    "note": " ".join(filter(None, [entry.settings and f"Settings `{entry.settings}`.", entry.note])),
                }
            )
    return table(rows) + "\n"


def suite_table(rows: Sequence[dict[str, str]]) -> str:
    """Draw a table of the suite, where it has been measured."""
    return table(rows) if rows else "Not measured yet.\n"


def start() -> str:
    """Draw the table of few labels of one's own digits: a row a way of training."""
    found = {entry.name.removeprefix("start/"): entry for entry in measured.read("start")}
    rows = []
    for way, name in {
        "scratch": "from scratch",
        "start": "`--start released`",
        "start with mnist": "`--start released --with mnist`",
    }.items():
        if f"{way} accuracy" in found:
            cells = {column: found.get(f"{way} {key}") for column, key in _OF_A_START.items()}
            few = len(found[f"{way} accuracy"].seeds)
            title = name if few == len(found["start with mnist accuracy"].seeds) else f"{name} ({few} choices)"
            rows.append({"": title} | {column: "–" if entry is None else entry.text for column, entry in cells.items()})
    if not rows:
        return "Not measured yet.\n"
    entry = found["start with mnist accuracy"]
    choices = f"{len(entry.seeds)} random choices of {entry.what.split(',')[0]}"
    return table(rows) + f"\n{choices}. {entry.machine}; {entry.versions}.\n"


_OF_A_START = {"your other pictures": "accuracy", "MNIST's test images": "mnist", "time": "seconds"}


def estimator() -> str:
    """Draw the table of the estimator beside scikit-learn's own methods: a row a method, the best one first."""
    found = sorted(measured.read("estimator"), key=lambda entry: -statistics.fmean(entry.values))
    if not found:
        return "Not measured yet.\n"
    rows = [{"method": f"`{entry.name.removeprefix('estimator/')}`", "accuracy": entry.text} for entry in found]
    seeds = f"Mean and standard deviation over the seeds {found[0].seeds[0]} to {found[0].seeds[-1]}"
    return table(rows) + f"\n{seeds}, each with a test third and labelled rows of its own: `{found[0].command}`.\n"


TABLES = {
    "start": start,
    "estimator": estimator,
    "headline": headline,
    "mnist": mnist,
    "mnist commands": commands,
    "ablation": ablation,
    "ablation sentence": ablation_sentence,
    "ablation quick": lambda: ablation("quick"),
    "ablation quick sentence": lambda: ablation_sentence("quick"),
    "suite": lambda: suite_table(suite.by_task()),
    "suite autoencoder": lambda: suite_table(suite.without_autoencoder()),
    "suite fixmatch": lambda: suite_table(suite.beside_fixmatch()),
    "suite headline": lambda: suite_table(suite.headline()),
    "suite labels": lambda: suite_table(suite.by_labels()),
    "suite ablation": lambda: suite_table(suite.ablation()),
    "readings": readings,
    "measurements": measurements,
    "settings": setting_reference.settings,
    "plug-ins": plug_in_reference.plug_ins,
    "commands": command_reference.commands,
    "rooms": rooms.rooms,
}


PICTURES = {ROOT / "docs" / "images" / "rooms.svg": rooms.picture}
"""Files that are written whole."""


def filled(text: str) -> str:
    """Give a text with every figure and table as the results files have them.

    Raises:
        KeyError: A name stands for nothing.
    """
    text = _FIGURE.sub(lambda found: f"<!--={found['name']}-->{figure(found['name'])}<!--/-->", text)
    return _TABLE.sub(
        lambda found: f"<!-- results: {found['name']} -->\n{TABLES[found['name']]().strip(chr(10))}\n<!-- /results -->",
        text,
    )


def without_figures(text: str) -> str:
    """Give a text without what this program writes: what may not state a measured figure."""
    return _TABLE.sub("", _FIGURE.sub("", text))


def main() -> None:
    """Write the texts, or say which ones differ."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    stale = []
    for path in (*TEXTS, *PICTURES):
        old = path.read_text(encoding="utf-8") if path.exists() else ""
        new = PICTURES[path]() if path in PICTURES else filled(old)
        if new != old:
            stale.append(str(path.relative_to(ROOT)))
            if not options.check:
                path.write_text(new, encoding="utf-8")
    print(f"{'Differ' if options.check else 'Written'}: {', '.join(stale) or 'none'}")
    if options.check and stale:
        sys.exit(1)


if __name__ == "__main__":
    main()
