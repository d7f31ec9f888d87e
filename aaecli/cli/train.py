"""``aaecli train``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aaecli.cli import options
from aaecli.errors import AaeError
from aaecli.text import for_toml

if TYPE_CHECKING:
    from aaecli.config.schema import Config

app = typer.Typer(add_completion=False)

_WHAT = "What to learn"
_HOW = "How to learn it"
_WHERE = "Where"


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "aaecli train --labels 1000\n\n"
        "aaecli train --labels 100 --seed 1             another draw of fewer labels\n\n"
        "aaecli train --preset tutorial                 the article's own settings\n\n"
        "aaecli train --model baseline                  the network it compares with\n\n"
        "aaecli train --model aae                       no labels: a map of styles\n\n"
        "aaecli train --model clustering --clusters 30  no labels: groups of digits\n\n"
        "aaecli train --data stamps/                    your own pictures, by class\n\n"
        "aaecli train --print-config > mine.toml        settings to edit, for --config\n\n"
        "aaecli train --resume                          go on with the run that stopped last"
    )
)
def train(
    ctx: typer.Context,
    run: Annotated[
        Path | None, typer.Argument(metavar="RUN", show_default=False, help="With --resume: the run folder.")
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            metavar="N|all",
            envvar="AAECLI_LABELS",
            rich_help_panel=_WHAT,
            show_default="1000; supervised, own pictures: all",
            help="How many images are labelled, shared evenly among the classes.",
        ),
    ] = None,
    model: Annotated[
        Literal["baseline", "autoencoder", "aae", "supervised", "semisupervised", "clustering"] | None,
        typer.Option(
            envvar="AAECLI_TRAIN_MODEL",
            rich_help_panel=_WHAT,
            show_default="semisupervised",
            metavar="MODEL",
            help="autoencoder, aae, supervised, semisupervised (parts 1 to 4 of the article), clustering (the paper's) "
            "or baseline (labels only).",
        ),
    ] = None,
    clusters: Annotated[
        int | None,
        typer.Option(
            envvar="AAECLI_CLUSTERS",
            rich_help_panel=_WHAT,
            show_default="16",
            help="How many clusters the model clustering looks for.",
        ),
    ] = None,
    data: Annotated[
        str | None,
        typer.Option(
            metavar="DIR",
            envvar="AAECLI_DATA",
            rich_help_panel=_WHAT,
            show_default="the embedded MNIST",
            help="Folder of pictures (a sub-folder a class, or a labels.csv) or with four IDX files.",
        ),
    ] = None,
    size: Annotated[
        int | None,
        typer.Option(
            envvar="AAECLI_SIZE",
            rich_help_panel=_WHAT,
            show_default="28",
            help="Side in pixels, up to 64, that your pictures are brought to.",
        ),
    ] = None,
    channels: Annotated[
        int | None,
        typer.Option(
            metavar="1|3", envvar="AAECLI_CHANNELS", rich_help_panel=_WHAT, show_default="1", help="Grey or colour."
        ),
    ] = None,
    normalise: Annotated[
        bool | None,
        typer.Option(
            "--normalise/--no-normalise",
            rich_help_panel=_WHAT,
            show_default="normalised where grey",
            help="Find, centre and scale the strokes in each picture, or only resize it.",
        ),
    ] = None,
    transpose: Annotated[
        bool | None,
        typer.Option(
            "--transpose/--no-transpose",
            rich_help_panel=_WHAT,
            show_default="swapped in EMNIST's files",
            help="Swap rows and columns of the images of IDX files.",
        ),
    ] = None,
    holdout: Annotated[
        float | None,
        typer.Option(
            metavar="SHARE",
            envvar="AAECLI_HOLDOUT",
            rich_help_panel=_WHAT,
            show_default="0.2; 0 with a test folder",
            help="Share of your labelled pictures kept back, to judge the model by.",
        ),
    ] = None,
    seed: Annotated[
        int | None,
        typer.Option(
            envvar="AAECLI_SEED",
            rich_help_panel=_WHAT,
            show_default="0",
            help="Seed of the label draw, the weights and the batches.",
        ),
    ] = None,
    preset: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            envvar="AAECLI_PRESET",
            rich_help_panel=_HOW,
            show_default="default; baseline: tutorial",
            help="Settings to start from: quick, default, best, tutorial (the article's) or paper (the paper's terms).",
        ),
    ] = None,
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.toml",
            envvar="AAECLI_CONFIG",
            rich_help_panel=_HOW,
            help="Settings that go before the preset's.",
        ),
    ] = None,
    print_config: Annotated[
        bool,
        typer.Option("--print-config", rich_help_panel=_HOW, help="Print the settings, explained, and leave."),
    ] = False,
    augment: Annotated[
        Literal["strokes", "natural", "none"] | None,
        typer.Option(
            envvar="AAECLI_AUGMENT",
            rich_help_panel=_HOW,
            show_default="the preset's; natural for pictures left as they are",
            help="How images are changed in training: as writing may be, as photos may be, not at all.",
        ),
    ] = None,
    steps: Annotated[
        int | None, typer.Option(min=1, envvar="AAECLI_STEPS", rich_help_panel=_HOW, help="Length in training steps.")
    ] = None,
    epochs: Annotated[
        int | None,
        typer.Option(min=1, envvar="AAECLI_EPOCHS", rich_help_panel=_HOW, help="Length in passes over the pool."),
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option(min=1, envvar="AAECLI_BATCH_SIZE", rich_help_panel=_HOW, help="Images a step.")
    ] = None,
    lr: Annotated[
        float | None,
        typer.Option(envvar="AAECLI_LR", rich_help_panel=_HOW, help="Learning rate of encoder and decoder."),
    ] = None,
    style_dim: Annotated[
        int | None, typer.Option(envvar="AAECLI_STYLE_DIM", rich_help_panel=_HOW, help="Dimensions of the style z.")
    ] = None,
    style_prior: Annotated[
        Literal["gaussian", "mixture", "swiss-roll"] | None,
        typer.Option(
            metavar="NAME",
            envvar="AAECLI_STYLE_PRIOR",
            rich_help_panel=_HOW,
            show_default="gaussian",
            help="What z is held to: gaussian, mixture (of ten) or swiss-roll, the last two with --style-dim 2.",
        ),
    ] = None,
    style_std: Annotated[
        float | None,
        typer.Option(
            envvar="AAECLI_STYLE_STD",
            rich_help_panel=_HOW,
            show_default="1; tutorial: 5",
            help="Standard deviation of the prior gaussian.",
        ),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"] | None,
        typer.Option(
            envvar="AAECLI_DEVICE",
            rich_help_panel=_WHERE,
            show_default="auto",
            help="Where to train. A device that cannot be had is an error.",
        ),
    ] = None,
    threads: Annotated[
        int | None,
        options.threads(_WHERE),
    ] = None,
    precision: Annotated[
        Literal["auto", "fp32", "bf16"] | None,
        typer.Option(
            envvar="AAECLI_PRECISION",
            rich_help_panel=_WHERE,
            show_default="auto",
            help="Type of the matrix products; auto takes bf16 where it is faster.",
        ),
    ] = None,
    compile_step: Annotated[
        bool | None,
        typer.Option(
            "--compile/--no-compile",
            envvar="AAECLI_COMPILE",
            rich_help_panel=_WHERE,
            show_default="no",
            help="Let torch compile the step first: 40 seconds and more on a processor.",
        ),
    ] = None,
    cuda_graph: Annotated[
        bool | None,
        typer.Option(
            "--cuda-graph/--no-cuda-graph",
            envvar="AAECLI_CUDA_GRAPH",
            rich_help_panel=_WHERE,
            show_default="yes",
            help="On CUDA, record the step as a graph and replay it.",
        ),
    ] = None,
    out: Annotated[
        Path,
        typer.Option(
            metavar="DIR", envvar="AAECLI_RUNS", rich_help_panel=_WHERE, help="Folder to make the run folder in."
        ),
    ] = Path("runs"),
    name: Annotated[
        str | None,
        typer.Option(rich_help_panel=_WHERE, show_default="MODEL-N", help="Name of the run folder, before its number."),
    ] = None,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            rich_help_panel=_WHERE,
            help="Go on with RUN, or with the newest that stopped, in its own settings; --data says where its "
            "images are now.",
        ),
    ] = False,
    save_every: Annotated[
        str,
        typer.Option(
            metavar="N|TIME",
            envvar="AAECLI_SAVE_EVERY",
            rich_help_panel=_WHERE,
            help="Save what --resume needs every so many steps (500) or so often (90s, 2m).",
        ),
    ] = "1m",
    force: Annotated[bool, options.force(_WHERE)] = False,
    figures: Annotated[
        bool,
        typer.Option(
            "--figures/--no-figures",
            envvar="AAECLI_FIGURES",
            rich_help_panel=_WHERE,
            help="Draw curves, samples and reconstructions into figures/ when done.",
        ),
    ] = True,
    tensorboard: Annotated[
        bool,
        typer.Option(
            "--tensorboard",
            envvar="AAECLI_TENSORBOARD",
            rich_help_panel=_WHERE,
            help="Write losses, histograms and images for TensorBoard into the run.",
        ),
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing but the result and errors.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as one JSON object.")] = False,
) -> None:
    """Train a model from a few labelled images and many unlabelled ones.

    Writes a run folder under [bold]runs/[/bold] and the newest model as [bold]model.pt[/bold].
    Ctrl-C stops after the step under way; [bold]--resume[/bold] goes on from there,
    and after a crash from what was saved last.
    """
    from aaecli.training.checkpoint_interval import parse_checkpoint_interval

    interval = parse_checkpoint_interval(save_every)
    if resume:
        _refuse_settings(ctx)
    elif run is not None:
        raise typer.BadParameter("A run is named only to go on with it: --resume RUN.", param_hint="RUN")
    if name is not None and (not name or Path(name).name != name):
        raise AaeError(f"--name '{name}' is not a name.", "Give a word without slashes; --out names the folder.")
    flags = _tables(
        {
            "labels": number_or_all(labels),
            "model": model,
            "clusters": clusters,
            "data": data,
            "image.size": size,
            "image.channels": channels,
            "image.normalise": None if normalise is None else ("strokes" if normalise else "none"),
            "image.transpose": None if transpose is None else ("yes" if transpose else "no"),
            "holdout": holdout,
            "seed": seed,
            "schedule.steps": steps,
            "schedule.epochs": epochs,
            "schedule.batch_size": batch_size,
            "optimiser.lr": lr,
            "network.style_dim": style_dim,
            "prior.style": style_prior,
            "prior.style_std": style_std,
            "device": device,
            "threads": threads,
            "precision": precision,
            "compile": compile_step,
            "cuda_graph": cuda_graph,
        }
    )
    if steps is not None and epochs is not None:
        raise AaeError("--steps and --epochs both give the length.", "Leave one of them out.")
    from aaecli.cli.own_pictures import fitting
    from aaecli.config.resolve import explained, read_toml, resolve

    settings = resolve(preset=preset, config_file=config, flags=flags)
    settings = fitting(settings, flags, read_toml(config) if config else {}, augment)
    if print_config:
        sys.stdout.write(for_toml(explained(settings)))
        return

    from aaecli.cli.displays.training import TrainingDisplay
    from aaecli.cli.loading import load
    from aaecli.cli.training_outcome import render, say_what_is_next
    from aaecli.runs.listing import newest_stopped
    from aaecli.runs.paths import NEWEST_MODEL

    _check_outputs(settings, out, resume=resume, force=force)
    # Before torch is imported: what is wrong with the data is said at once.
    dataset = None if resume else load(settings.data, settings.image, quiet=quiet)
    if dataset is not None and settings.labels != 0:
        dataset.require_classes()
    with TrainingDisplay(quiet=quiet) as display:
        from aaecli.training import run as training

        if resume:
            stopped = run or newest_stopped(out)
            # A variable of the environment is meant for trainings that begin.
            named = data if _is_typed(ctx, "data") else None
            summary = training.resume(stopped, NEWEST_MODEL, display, interval, tensorboard=tensorboard, data=named)
        else:
            named = settings.data or None
            summary = training.train(
                settings, out, name, NEWEST_MODEL, display, dataset, save_every=interval, tensorboard=tensorboard
            )
    render(summary, display, named, as_json=as_json)
    # Where its terminal went away, the display has become quiet.
    quiet = quiet or display.quiet
    if figures:
        from aaecli.cli.gallery import draw_after_training

        draw_after_training(Path(summary["run"]), named, quiet=quiet)
    say_what_is_next(summary, named, quiet=quiet or as_json)


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
    allowed = ("run", "resume", "data", "save_every", "out", "force", "figures", "tensorboard", "quiet", "as_json")
    for parameter in ctx.command.params:
        name = str(parameter.name)
        if name not in allowed and _is_typed(ctx, name):
            raise AaeError(
                f"{parameter.opts[0]} cannot be given with --resume: a run goes on in its own settings.",
                "Leave it out, or start a training anew without --resume.",
            )


def _is_typed(ctx: typer.Context, name: str) -> bool:
    source = ctx.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


def number_or_all(labels: str | None) -> Any:
    """Read a number of labels: None, ``all`` or a whole number."""
    if labels is None or labels == "all":
        return labels
    if not labels.isascii() or not labels.isdigit():
        raise typer.BadParameter(f"'{labels}' is neither a whole number nor 'all'.", param_hint="--labels")
    return int(labels)


def _tables(flags: dict[str, Any]) -> dict[str, Any]:
    """Turn the flags that were given into nested tables: ``{"a.b": 1}`` into ``{"a": {"b": 1}}``."""
    tables: dict[str, Any] = {}
    for key, value in flags.items():
        if value is not None:
            *sections, last = key.split(".")
            table = tables
            for section in sections:
                table = table.setdefault(section, {})
            table[last] = value
    return tables
