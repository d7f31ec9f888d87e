"""``aaecli benchmark``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aaecli.cli.train import number_or_all
from aaecli.errors import AaeError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aaecli.results import Result

app = typer.Typer(add_completion=False)

_WHAT = "What to compare"
_WHERE = "Where"


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli benchmark\n\n"
        "  aaecli benchmark --labels 100 --labels 1000 --seeds 3\n\n"
        "  aaecli benchmark --model baseline --preset tutorial\n\n"
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
    seeds: Annotated[int, typer.Option(min=1, rich_help_panel=_WHAT, help="Number of seeds, from 0 on.")] = 5,
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
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            rich_help_panel=_WHERE,
            help="Folder for the runs and the results; one that is there is gone on with.",
        ),
    ] = Path("benchmark"),
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result and errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the results as one JSON object.")] = False,
) -> None:
    """Train over models, presets, numbers of labels and seeds, and sum it up in one table.

    Every run is done once: after Ctrl-C or a crash the same command goes on with what is missing.
    Runs whose preset has changed since are done again.

    Writes [bold]results.json[/bold], [bold]results.csv[/bold], [bold]results.md[/bold] and [bold]accuracy.png[/bold].
    """
    from aaecli.cli.benchmark_display import BenchmarkDisplay
    from aaecli.results import read_results

    with BenchmarkDisplay(quiet=quiet) as display:
        from aaecli.learn import benchmark

        flags: dict[str, Any] = {"device": device} | ({"data": data} if data else {})
        configs = benchmark.plan(
            model or ["semisupervised"],
            preset or [None],
            [number_or_all(number) for number in labels or ["1000"]],
            range(seeds),
            flags,
        )
        done = benchmark.run(configs, out, display)
    results = read_results(out / "results.json")
    _draw(results, out / "accuracy.png")
    display.render(results, out, as_json=as_json)
    if not done:
        if not display.signal_number:
            raise AaeError(
                "Some runs are under way in another process.", "The same command, later, completes the table."
            )
        raise typer.Exit(128 + display.signal_number)


def _draw(results: Sequence[Result], path: Path) -> None:
    """Draw accuracy against steps for the groups of the number of labels that most runs have."""
    import numpy as np

    from aaecli.figures.curves import accuracy_figure
    from aaecli.figures.style import save
    from aaecli.results import by_group

    drawn = [result for result in results if result.curve_step]
    if not drawn:
        return
    counts = [str(result.labels) for result in drawn]
    labels = max(sorted(set(counts)), key=counts.count)
    groups = {
        f"{model}, {preset}": [
            (np.array(result.curve_step, float), np.array(result.curve_accuracy)) for result in members
        ]
        for (model, preset, number), members in by_group(drawn).items()
        if str(number) == labels
    }
    save(accuracy_figure(groups, "every label" if labels == "all" else f"{labels} labels"), path)
