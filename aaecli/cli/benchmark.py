"""``aaecli benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aaecli.cli import options
from aaecli.cli.train import number_or_all
from aaecli.errors import AaeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aaecli.experiments.results import Result
    from aaecli.files.outputs import Outputs

app = typer.Typer(add_completion=False)

_WHAT = "What to compare"
_WHERE = "Where"
_MAX_SEEDS = 1000
_FIGURE = "accuracy.png"


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli benchmark\n\n"
        "  aaecli benchmark --labels 100 --labels 1000 --seeds 3\n\n"
        "  aaecli benchmark --model baseline --preset tutorial\n\n"
        "  aaecli benchmark --config mine.toml --config other.toml --seeds 10-14\n\n"
        "  aaecli benchmark --collect runs/ --seeds 3\n\n"
        "Give the same --out again to go on with a benchmark, or to add to it."
    )
)
def benchmark(
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_WHAT,
            show_default="semisupervised",
            help="Model; may be given several times.",
        ),
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_WHAT,
            show_default="the model's own",
            help="Preset; may be given several times.",
        ),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N|all",
            rich_help_panel=_WHAT,
            show_default="1000",
            help="Number of labels; may be given several times.",
        ),
    ] = None,
    config: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE.toml",
            rich_help_panel=_WHAT,
            show_default="the presets as they are",
            help="Settings that go before the preset's: a row of its own, called like the file. May be given several "
            "times; a folder stands for the files in it.",
        ),
    ] = None,
    seeds: Annotated[
        str,
        typer.Option(
            metavar="N|A-B|A,B", rich_help_panel=_WHAT, help="Number of seeds, from 0 on, or which: 10-14, or 0,3,7."
        ),
    ] = "5",
    data: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            envvar="AAECLI_DATA",
            rich_help_panel=_WHAT,
            show_default="the embedded MNIST",
            help="Folder of another data set.",
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"],
        typer.Option(
            envvar="AAECLI_DEVICE",
            rich_help_panel=_WHERE,
            help="Where to train. A device that cannot be had is an error.",
        ),
    ] = "auto",
    threads: Annotated[
        int | None,
        options.threads(_WHERE),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            rich_help_panel=_WHERE,
            help="Folder for the runs and the results; one that is there is gone on with.",
        ),
    ] = Path("benchmark"),
    collect: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RUNS",
            rich_help_panel=_WHERE,
            help="Train nothing: take over the results of these runs of `aaecli train` that have the settings asked "
            "for. A folder stands for the runs in it; may be given several times.",
        ),
    ] = None,
    force: Annotated[bool, options.force(_WHERE)] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result and errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as one JSON object.")] = False,
) -> None:
    """Train over models, presets, settings files, numbers of labels and seeds, and sum it up in one table.

    Every run is done once: after Ctrl-C or a crash the same command goes on with what is missing.
    Runs whose settings have changed since are done again.

    Writes [bold]results.json[/bold], [bold]results.csv[/bold], [bold]results.md[/bold] and [bold]accuracy.png[/bold].
    """
    from aaecli.cli.displays.benchmark import BenchmarkDisplay
    from aaecli.experiments.results import read_results
    from aaecli.files.outputs import Outputs

    with BenchmarkDisplay(quiet=quiet) as display:
        from aaecli.experiments import benchmark

        flags: dict[str, Any] = {"device": device} | ({"data": data} if data else {})
        flags |= {"threads": threads} if threads else {}
        planned = benchmark.plan(
            model or [],
            preset or [None],
            [number_or_all(number) for number in labels] if labels else [None],
            parse_seeds(seeds),
            flags,
            config or [],
        )
        outputs = Outputs(force=force, inputs=[Path(data)] if data else [])
        _claim(out, outputs)
        if collect:
            benchmark.collect(planned, out, collect, display)
            done = True
        else:
            done = benchmark.run(planned, out, display)
    results = read_results(out / "results.json")
    _draw(results, out / _FIGURE, outputs)
    display.render(results, out, as_json=as_json)
    if not done:
        if not display.signal_number:
            raise AaeError(
                "Some runs are under way in another process.", "The same command, later, completes the table."
            )
        raise typer.Exit(128 + display.signal_number)


def _claim(folder: Path, outputs: Outputs) -> None:
    """See that the folder's results may be written: it is a benchmark's, or holds no files of these names."""
    from aaecli.experiments.results import FILES, read_results
    from aaecli.files.opening import is_file

    name, *others = FILES
    # A benchmark that was killed early has a file of no results; one that is somebody else's is refused.
    read_results(folder / name)
    is_benchmark = is_file(folder / name)
    for other in (*others, _FIGURE):
        outputs.claim(folder / other, own=lambda _: is_benchmark)


def parse_seeds(text: str) -> list[int]:
    """Read which seeds: a number of them, or a list of seeds and ranges.

    Raises:
        typer.BadParameter: It is none of these, or names no seed or very many.
    """
    wrong = typer.BadParameter(
        f"'{text}' is neither a number of seeds (5) nor a list of them (10-14, or 0,3,7).", param_hint="--seeds"
    )
    found: list[int] = []
    for part in text.split(","):
        low, dash, high = (word.strip() for word in part.partition("-"))
        if not all(word.isascii() and word.isdigit() and len(word) < 19 for word in ([low, high] if dash else [low])):
            raise wrong
        first, last = (int(low), int(high)) if dash else (int(low), int(low))
        if not 0 <= last - first < _MAX_SEEDS:
            raise wrong
        found += range(first, last + 1)
    if text.strip().isdigit():
        found = list(range(min(found[0], _MAX_SEEDS + 1)))
    if not 0 < len(found) <= _MAX_SEEDS:
        raise wrong
    return sorted(set(found))


def _draw(results: Sequence[Result], path: Path, outputs: Outputs) -> None:
    """Draw accuracy against steps for the groups of the number of labels that most runs have."""
    import numpy as np

    from aaecli.experiments.results import by_group
    from aaecli.figures.curves import accuracy_figure
    from aaecli.figures.style import encode

    drawn = [result for result in results if result.curve_step]
    if not drawn:
        return
    counts = [str(result.labels) for result in drawn]
    labels = max(sorted(set(counts)), key=counts.count)
    groups = {
        ", ".join(filter(None, group[:3])): [
            (np.array(result.curve_step, float), np.array(result.curve_accuracy)) for result in members
        ]
        for group, members in by_group(drawn).items()
        if str(group.labels) == labels
    }
    figure = accuracy_figure(groups, "every label" if labels == "all" else f"{labels} labels")
    outputs.write(path, encode(figure))
