"""``aaecli benchmark``."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aaecli.cli.options import OUTPUT
from aaecli.cli.options.data import Data
from aaecli.cli.options.device import TorchDevice
from aaecli.cli.options.output import AsJson, Force, Quiet
from aaecli.cli.options.settings import number_or_all
from aaecli.cli.options.threads import Threads
from aaecli.cli.options.workers import (
    Cluster,
    ClusterCa,
    ClusterCert,
    ClusterKey,
    Connection,
    Processes,
    Task,
    chosen_engine,
    own_share,
)
from aaecli.errors import AaeError
from aaecli.suggestions import suggest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from aaecli.experiments.results import Result
    from aaecli.files.outputs import Outputs

app = typer.Typer(add_completion=False)

_WHAT = "What to compare"
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
        "  aaecli benchmark --seeds 10 --processes 4 --threads 2\n\n"
        "  aaecli benchmark --seeds 10 --task 3/8, and when all 8 are done --gather benchmark/\n\n"
        "Give the same --out again to continue a benchmark, or to add to it."
    )
)
def benchmark(
    model: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_WHAT,
            show_default="semisupervised",
            help="Model. Repeatable.",
        ),
    ] = None,
    preset: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=_WHAT,
            show_default="the model's own",
            help="Preset. Repeatable.",
        ),
    ] = None,
    labels: Annotated[
        list[str] | None,
        typer.Option(
            metavar="N|all",
            rich_help_panel=_WHAT,
            show_default="1000",
            help="Number of labelled images. Repeatable.",
        ),
    ] = None,
    config: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="FILE.toml",
            rich_help_panel=_WHAT,
            show_default="the presets as they are",
            help="Settings that take precedence over the preset: a row of its own, named after the file. Repeatable; "
            "a folder stands for the files in it.",
        ),
    ] = None,
    seeds: Annotated[
        str,
        typer.Option(
            metavar="N|A-B|A,B",
            rich_help_panel=_WHAT,
            help="Number of seeds, counted from 0, or the seeds: 10-14, or 0,3,7.",
        ),
    ] = "5",
    data: Data = None,
    device: TorchDevice = None,
    threads: Threads = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR",
            rich_help_panel=OUTPUT,
            help="Folder for the runs and the results. An existing benchmark is continued.",
        ),
    ] = Path("benchmark"),
    collect: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="RUNS",
            rich_help_panel=OUTPUT,
            help="Train nothing: collect the results of those of these runs of `aaecli train` that have the requested "
            "settings. Repeatable; a folder stands for the runs in it.",
        ),
    ] = None,
    gather: Annotated[
        list[Path] | None,
        typer.Option(
            metavar="DIR",
            rich_help_panel=OUTPUT,
            help="Train nothing: sum up this folder of a benchmark, such as that of --task. Repeatable.",
        ),
    ] = None,
    processes: Processes = None,
    task: Task = None,
    cluster: Cluster = None,
    cluster_cert: ClusterCert = None,
    cluster_key: ClusterKey = None,
    cluster_ca: ClusterCa = None,
    force: Force = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train over models, presets, settings files, numbers of labels and seeds; summarise in one table.

    Each run is trained once: after Ctrl-C or a crash, the same command continues with the missing ones.
    Runs whose settings have changed since are trained again.

    Writes [bold]results.json[/bold], [bold]results.csv[/bold], [bold]results.md[/bold] and [bold]accuracy.png[/bold].
    """
    from aaecli.cli.displays.benchmark import BenchmarkDisplay
    from aaecli.experiments.results import read_results
    from aaecli.files.outputs import Outputs

    with BenchmarkDisplay(quiet=quiet) as display:
        from aaecli.cli.loading import load
        from aaecli.experiments import benchmark
        from aaecli.terminal import console

        _check_cluster(cluster, data)
        flags = {
            name: value
            for name, value in (("device", device), ("data", data), ("threads", threads))
            if value is not None
        }
        planned = benchmark.plan(
            model or [],
            preset or [None],
            [number_or_all(number) for number in labels] if labels else [None],
            parse_seeds(seeds),
            flags,
            config or [],
            load=lambda data, image: load(data, image, quiet=quiet),
            tell=functools.cache(console.say) if not quiet else lambda text: None,
        )
        outputs = Outputs(force=force, inputs=[Path(data)] if data else [])
        _claim(out, outputs)
        share = own_share(task, quiet=quiet)
        done = True
        if collect or gather:
            benchmark.collect(planned, out, collect or [], display, gather or [])
        elif processes is None and cluster is None:
            done = benchmark.run(planned, out, display, share)
        else:
            from aaecli.experiments.parallel import run_parallel

            connection = Connection(cluster, cluster_cert, cluster_key, cluster_ca)
            engine = chosen_engine(len(planned), processes, connection, threads=threads, is_long=True)
            done = run_parallel(planned, out, display, engine, share)
    results = read_results(out / "results.json")
    _draw(results, out / _FIGURE, outputs)
    display.render(results, out, as_json=as_json)
    if not done:
        if not display.signal_number:
            raise AaeError(
                "Some runs are under way in another process.", "The same command, later, completes the table."
            )
        raise typer.Exit(128 + display.signal_number)


def _check_cluster(cluster: str | None, data: str | None) -> None:
    if cluster is not None and data is not None and not Path(data).is_absolute():
        raise AaeError(
            f"With --cluster, {data} is looked for in the working folder of each worker.",
            f"Give its whole path: --data {suggest(Path(data).absolute())}.",
        )


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
