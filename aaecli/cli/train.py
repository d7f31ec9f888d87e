"""``aaecli train``."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aaecli.cli.options import OUTPUT, TRAINING, is_typed
from aaecli.cli.options.data import Channels, Data, Normalise, Size, Transpose
from aaecli.cli.options.device import Compile, CudaGraph, Precision, TorchDevice
from aaecli.cli.options.output import AsJson, Force, Quiet, Runs
from aaecli.cli.options.settings import (
    Augment,
    BatchSize,
    Clusters,
    ConfigFile,
    Epochs,
    Holdout,
    Labels,
    LearningRate,
    Model,
    Preset,
    PrintConfig,
    Rehearse,
    Seed,
    Start,
    Steps,
    StyleDim,
    StylePrior,
    StyleStd,
    given_settings,
)
from aaecli.cli.options.threads import Threads
from aaecli.errors import AaeError
from aaecli.files.opening import exists
from aaecli.runs.paths import RUNS
from aaecli.suggestions import suggest
from aaecli.text import for_toml

if TYPE_CHECKING:
    from aaecli.config.schema import Config
    from aaecli.data.dataset import Dataset

app = typer.Typer(add_completion=False)


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli train --labels 1000\n\n"
        "  aaecli train --labels 100 --seed 1             fewer labels, another seed\n\n"
        "  aaecli train --preset tutorial                 the article's own settings\n\n"
        "  aaecli train --model baseline                  the encoder alone\n\n"
        "  aaecli train --model aae                       no labels: style only\n\n"
        "  aaecli train --model clustering --clusters 30  no labels: clusters of digits\n\n"
        "  aaecli train --data stamps/                    your own pictures, by class\n\n"
        "  aaecli train --data digits/ --start released --with mnist\n\n"
        "  aaecli train --print-config > mine.toml        settings to edit, for --config\n\n"
        "  aaecli train --resume                          continue a stopped run"
    )
)
def train(
    ctx: typer.Context,
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN", show_default=False, help="With --resume: the run folder.")
    ] = None,
    labels: Labels = None,
    data: Data = None,
    size: Size = None,
    channels: Channels = None,
    normalise: Normalise = None,
    transpose: Transpose = None,
    rehearse: Rehearse = None,
    holdout: Holdout = None,
    model: Model = None,
    clusters: Clusters = None,
    style_dim: StyleDim = None,
    style_prior: StylePrior = None,
    style_std: StyleStd = None,
    start: Start = None,
    preset: Preset = None,
    config: ConfigFile = None,
    print_config: PrintConfig = False,
    augment: Augment = None,
    steps: Steps = None,
    epochs: Epochs = None,
    batch_size: BatchSize = None,
    lr: LearningRate = None,
    seed: Seed = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            rich_help_panel=TRAINING,
            help="Continue RUN, or the run that stopped last, with its own settings. --data says where its images "
            "are now; --steps lengthens it, even one that is done, where its learning rate is constant.",
        ),
    ] = False,
    resume_or_start: Annotated[
        bool,
        typer.Option(
            "--resume-or-start",
            rich_help_panel=TRAINING,
            help="Continue the newest unfinished run of these very settings, and start one where there is none: for a "
            "command that is started again by itself.",
        ),
    ] = False,
    device: TorchDevice = None,
    threads: Threads = None,
    precision: Precision = None,
    compile_step: Compile = None,
    cuda_graph: CudaGraph = None,
    out: Runs = RUNS,
    name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            rich_help_panel=OUTPUT,
            show_default="MODEL-LABELS",
            help="Name of the run folder, before its number.",
        ),
    ] = None,
    save_every: Annotated[
        str,
        typer.Option(
            metavar="N|TIME",
            envvar="AAECLI_SAVE_EVERY",
            rich_help_panel=OUTPUT,
            help="Interval of the checkpoint for --resume: steps (500) or time (90s, 2m).",
        ),
    ] = "1m",
    figures: Annotated[
        bool,
        typer.Option(
            "--figures/--no-figures",
            envvar="AAECLI_FIGURES",
            rich_help_panel=OUTPUT,
            help="Plot curves, samples and reconstructions into figures/ at the end.",
        ),
    ] = True,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            envvar="AAECLI_TENSORBOARD",
            rich_help_panel=OUTPUT,
            help="Log losses, histograms and images for TensorBoard into the run folder.",
        ),
    ] = False,
    force: Force = False,
    quiet: Quiet = False,
    as_json: AsJson = False,
) -> None:
    """Train a model from a few labelled images and many unlabelled ones.

    Writes a run folder under [bold]runs/[/bold] and the newest model as [bold]model.pt[/bold].
    Ctrl-C stops after the current step; [bold]--resume[/bold] continues from there,
    or after a crash from the last checkpoint.
    """
    from aaecli.training.checkpoint_interval import parse_checkpoint_interval
    from aaecli.training.distributed.launch import launched

    interval = parse_checkpoint_interval(save_every)
    launch = launched()
    quiet = quiet or not launch.is_first  # of several processes, the first one talks
    _check_words(ctx, run, name, resume=resume, resume_or_start=resume_or_start)
    # All options that stand for a setting, whatever they are called.
    flags = given_settings(ctx.params)
    from aaecli.cli.loading import load
    from aaecli.config.resolve import explained
    from aaecli.terminal import console
    from aaecli.training.own_pictures import settle

    # With --resume the run has its own settings, and no folder is to be looked at for them.
    settings, dataset = settle(
        "default" if resume else preset,
        config,
        flags,
        augment,
        load=lambda data, image: load(data, image, quiet=quiet),
        tell=lambda text: None if quiet else console.say(text),
    )
    if print_config:
        sys.stdout.write(for_toml(explained(settings)))
        return

    from aaecli.cli.displays.training import TrainingDisplay
    from aaecli.cli.training_outcome import leave_others, render, say_what_is_next
    from aaecli.runs.paths import NEWEST_MODEL

    _check_outputs(settings, out, resume=resume, force=force)
    # Before torch is imported: what is wrong with the data is said at once.
    dataset = None if resume else _checked(dataset or load(settings.data, settings.image, quiet=quiet), settings)
    stopped, named = None, settings.data or None
    with TrainingDisplay(quiet=quiet) as display, ExitStack() as opened:
        from aaecli.training import resume as resuming
        from aaecli.training import run as training
        from aaecli.training.distributed.world import joined

        world = opened.enter_context(joined(launch))
        shared: dict[str, Any] = {"tensorboard": tensorboard, "world": world}
        if resume or resume_or_start:
            stopped = world.of_first(lambda: _to_continue(run, settings, out, resume=resume))
        if stopped is not None:
            # A variable of the environment is meant for trainings that begin.
            named = (data if is_typed(ctx, "data") else None) if resume else named
            longer = steps if resume and is_typed(ctx, "steps") else None
            summary = resuming.resume(stopped, NEWEST_MODEL, display, interval, data=named, steps=longer, **shared)
        else:
            summary = training.train(settings, out, name, NEWEST_MODEL, display, dataset, save_every=interval, **shared)
    leave_others(summary, display, is_first=launch.is_first)
    render(summary, display, named, as_json=as_json)
    # Where its terminal went away, the display has become quiet.
    quiet = quiet or display.quiet
    if figures:
        from aaecli.cli.gallery import draw_after_training

        draw_after_training(Path(summary["run"]), named, quiet=quiet)
    say_what_is_next(summary, named, quiet=quiet or as_json)


def _check_words(
    ctx: typer.Context, run: Path | None, name: str | None, *, resume: bool, resume_or_start: bool
) -> None:
    """Check which options go together."""
    if resume and resume_or_start:
        raise typer.BadParameter("Give --resume or --resume-or-start.", param_hint="--resume")
    if resume:
        _refuse_settings(ctx)
    elif run is not None:
        if exists(run) and not exists(run / "config.toml"):
            raise typer.BadParameter(f"A data set is named by an option: {suggest('aaecli', 'train', '--data', run)}")
        raise typer.BadParameter("A run is named only to continue it: --resume RUN.", param_hint="RUN")
    if resume and run is None and is_typed(ctx, "steps"):
        raise typer.BadParameter("Name the run that is to be longer: --resume RUN --steps N.", param_hint="RUN")
    if name is not None and (not name or Path(name).name != name):
        raise AaeError(f"--name '{name}' is not a name.", "Give a word without slashes; --out names the folder.")


def _to_continue(run: Path | None, settings: Config, out: Path, *, resume: bool) -> Path | None:
    """Find the run to continue; None where a new one is to start."""
    from aaecli.runs.listing import newest_stopped
    from aaecli.training.resume import unfinished

    if not resume:
        return unfinished(out, settings)
    return run or newest_stopped(out)


def _checked(dataset: Dataset, settings: Config) -> Dataset:
    """Check that images have classes where their labels are to be learnt from."""
    if settings.labels != 0:
        dataset.require_classes()
    return dataset


def _check_outputs(settings: Config, out: Path, *, resume: bool, force: bool) -> None:
    """Check before the training that its model can be written when it is done, and where its figures go."""
    from aaecli.data.loading import holds_pictures
    from aaecli.files.outputs import Outputs, check_outside
    from aaecli.files.own_files import is_checkpoint
    from aaecli.runs.paths import NEWEST_MODEL

    Outputs(force=force).check(NEWEST_MODEL, is_checkpoint)
    if not resume and holds_pictures(settings.data):
        check_outside(out, Path(settings.data))


def _refuse_settings(ctx: typer.Context) -> None:
    """A run goes on with its own settings: others would be ignored silently."""
    allowed = {"run", "resume", "data", "steps", "save_every", "out", "force", "figures", "tensorboard"}
    allowed |= {"quiet", "as_json"}
    for parameter in ctx.command.params:
        name = str(parameter.name)
        if name not in allowed and is_typed(ctx, name):
            raise AaeError(
                f"{parameter.opts[0]} cannot be given with --resume: a run continues with its own settings.",
                "Leave it out, or start a new run without --resume.",
            )
