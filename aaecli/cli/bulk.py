"""``aaecli bulk``: answers for millions of pictures."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

from aaecli.cli.options import OUTPUT
from aaecli.cli.options.device import OnnxDevice
from aaecli.cli.options.onnx_model import Encoder
from aaecli.cli.options.output import AsJson, Novelty, Quiet, Threshold, TopK
from aaecli.cli.options.pictures import PICTURES, FilesFrom, Invert, OnlyResize, Recursive
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
from aaecli.cli.time_left import spelt
from aaecli.errors import AaeError
from aaecli.suggestions import suggest_aaecli
from aaecli.terminal.batch_messages import BatchMessages
from aaecli.terminal.console import print_json, put, report, say
from aaecli.text import number_of

if TYPE_CHECKING:
    from aaecli.scale.status import Status

_MAX_SHARD = 10_000_000
_FAILURES_SHOWN = 20


class _InputsOrCommand(TyperGroup):
    """Takes inputs, or as its first word the name of a command."""

    allow_interspersed_args = True

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Leave the words of a command to it."""
        is_command = bool(args) and args[0] in self.commands
        super().parse_args(ctx, [] if is_command else args)
        ctx.args = args if is_command else []
        return args

    def invoke(self, ctx: Any) -> Any:
        """Run the command, or else what takes the inputs."""
        if not ctx.args:
            return super().invoke(ctx)
        name, *rest = ctx.args
        # Beside this one, of whose arguments its usage would speak.
        with self.commands[name].make_context(f"{ctx.info_name} {name}", rest, parent=ctx.parent) as inner:
            return inner.command.invoke(inner)


app = typer.Typer(
    cls=_InputsOrCommand,
    add_completion=False,
    invoke_without_command=True,
    subcommand_metavar="",
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli bulk 'in/*.tar' --out answers/\n\n"
        "  aaecli bulk 'in/*.parquet' --image image --key id --style --out answers/\n\n"
        "  aaecli bulk scans/ --recursive --out answers/ --processes 16\n\n"
        "  aaecli bulk 'in/*.tar' --out answers/ --task 7/64\n\n"
        "  aaecli bulk 'in/*.tar' --out answers/ --cluster tcp://head:8786\n\n"
        "  aaecli bulk status answers/ --verify\n\n"
        "The same command continues after Ctrl-C, a crash or a full disk: a shard is done once its part is there."
    )
)
def bulk(
    inputs: Annotated[
        list[str] | None,
        typer.Argument(metavar="INPUT...", help="Pictures, folders, tar files, parquet files, or patterns of them."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder for the answers.", rich_help_panel=OUTPUT),
    ] = None,
    recursive: Recursive = False,
    files_from: FilesFrom = None,
    image: Annotated[
        str,
        typer.Option(metavar="COLUMN", help="Column of the pictures in parquet files.", rich_help_panel=PICTURES),
    ] = "image",
    key: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN",
            help="Column of their names in parquet files.",
            show_default="their path, else file and row",
            rich_help_panel=PICTURES,
        ),
    ] = None,
    invert: Invert = None,
    no_normalise: OnlyResize = False,
    style: Annotated[bool, typer.Option("--style", help="Write the style too.", rich_help_panel=OUTPUT)] = False,
    top_k: TopK = 1,
    threshold: Threshold = 0.0,
    novelty: Novelty = False,
    shard_size: Annotated[
        int,
        typer.Option(min=1, max=_MAX_SHARD, metavar="N", help="Pictures per shard.", rich_help_panel=OUTPUT),
    ] = 10_000,
    processes: Processes = None,
    task: Task = None,
    cluster: Cluster = None,
    cluster_cert: ClusterCert = None,
    cluster_key: ClusterKey = None,
    cluster_ca: ClusterCa = None,
    model: Encoder = None,
    device: OnnxDevice = None,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Classify millions of pictures into parquet files: folders, tar and parquet files, on one machine or many.

    Each shard of 10,000 pictures becomes one file, [bold]part-00017.parquet[/bold]. Its rows say what
    [bold]aaecli classify --json[/bold] says. A picture that cannot be read is a row with an error.
    """
    if not inputs and files_from is None:
        raise typer.BadParameter("Name a folder, pictures, tar or parquet files.", param_hint="INPUT...")
    if out is None:
        raise typer.BadParameter("Name the folder for the answers.", param_hint="--out")
    # Nothing here multiplies matrices in numpy, and its threads would cost start-up time.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from aaecli.cli.displays.bulk import BulkDisplay
    from aaecli.scale import bulk
    from aaecli.terminal.console import is_live, status

    share = own_share(task, quiet=quiet)
    request = bulk.Request(
        tuple(inputs or ()),
        out,
        files_from=files_from or "",
        recursive=recursive,
        model=model,
        device=device or "auto",
        invert=invert,
        normalise=not no_normalise,
        style=style,
        top_k=top_k,
        threshold=threshold,
        novelty=novelty,
        image=image,
        key=key or "",
        shard_size=shard_size,
        share=share,
    )
    with status("Classifying", quiet=quiet) as write:
        with BatchMessages() as messages:
            job = bulk.prepare(request, messages.warning)
        shards = bulk.shards_left(job, share)
        display = BulkDisplay(write, live=is_live() and not quiet, quiet=quiet)
        display.begin(bulk.num_shards(job, share), len(shards))
        num_failed = 0
        if shards:
            connection = Connection(cluster, cluster_cert, cluster_key, cluster_ca)
            engine = chosen_engine(len(shards), processes, connection)
            num_failed = bulk.run(job, shards, engine, display)
        bulk.tidy(job)
    found = {
        "out": str(out),
        "shards": len(shards),
        "failed": num_failed,
        "pictures": display.num_pictures,
        "unreadable": display.num_unreadable,
        "seconds": round(display.seconds, 3),
    }
    if as_json:
        print_json(found)
    else:
        made = f"{number_of(display.num_pictures, 'picture')} in {number_of(len(shards) - num_failed, 'shard')}"
        put(f"{made}, in {display.seconds:.1f} s")
        _advise(out, display.num_unreadable, num_failed, quiet=quiet)
    if num_failed:
        raise typer.Exit(1)


def _advise(out: Path, num_unreadable: int, num_failed: int, *, quiet: bool) -> None:
    if num_unreadable and not quiet:
        say(f"{number_of(num_unreadable, 'picture')} could not be read, which is said in the column 'error'.")
    if num_failed:
        say(
            f"warning: {number_of(num_failed, 'shard')} failed; {suggest_aaecli('bulk', 'status', out)} says why, and "
            "the same command tries again."
        )


@app.command(
    epilog=("[bold]Examples[/bold]\n\n  aaecli bulk status answers/\n\n  aaecli bulk status answers/ --verify --json")
)
def status(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Folder of answers.")],
    verify: Annotated[
        bool, typer.Option("--verify", help="Read all parts back, and compare them with the plan.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Show how far a folder of answers is: shards done, failed and left, pictures, what failed and why.

    Exits with 1 where a shard failed or a part is damaged.
    """
    from aaecli.scale import status as scale
    from aaecli.terminal import console

    if verify:
        with console.status("Reading") as write:
            found = scale.verify(folder, lambda number, total: write(f"{number:,} of {total:,} parts"))
    else:
        found = scale.status(folder)
    if as_json:
        print_json(found.as_object() | ({"faults": found.faults} if verify else {}))
    else:
        for line in _lines(found):
            put(line)
    for fault in found.faults:
        report(AaeError(fault, "Delete that part: the same command writes it again."))
    if found.faults or found.failures:
        raise typer.Exit(1)


def _lines(found: Status) -> list[str]:
    failures = [f"failed    shard {number}: {reason}" for number, reason in found.failures.items()]
    done = f"{found.num_done:,} of {found.num_shards:,} done"
    lines = [
        f"shards    {done}, {len(failures):,} failed, {found.num_left:,} left",
        f"pictures  {found.num_pictures:,}, {found.num_unreadable:,} of them unreadable",
    ]
    if found.seconds and found.num_done > 1:
        # Between the first part and the last, one part fewer was made.
        pace = (found.num_done - 1) / found.seconds
        left = f", {spelt(found.num_left / pace)} left" if found.num_left else ""
        lines.append(f"pace      {found.num_pictures / found.num_done * pace:,.0f} pictures a second{left}")
    lines += failures[:_FAILURES_SHOWN]
    if len(failures) > _FAILURES_SHOWN:
        lines.append(f"          and {len(failures) - _FAILURES_SHOWN:,} more in _failed/")
    return lines
