"""What to train and how: options that stand for one setting each."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from aaecli.cli.options import DATA, MODEL, TRAINING
from aaecli.cli.options.data import normalisation, transposition
from aaecli.cli.options.seed import seed
from aaecli.errors import AaeError

Labels = Annotated[
    str | None,
    typer.Option(
        metavar="N|all",
        envvar="AAECLI_LABELS",
        rich_help_panel=DATA,
        show_default="1000; supervised, own pictures: all",
        help="Number of labelled images, the same for each class.",
    ),
]
Holdout = Annotated[
    float | None,
    typer.Option(
        metavar="FRACTION",
        envvar="AAECLI_HOLDOUT",
        rich_help_panel=DATA,
        show_default="0.2; 0 with a test folder",
        help="Fraction of your labelled pictures that is kept for validation.",
    ),
]
Model = Annotated[
    Literal["baseline", "autoencoder", "aae", "supervised", "semisupervised", "clustering"] | None,
    typer.Option(
        envvar="AAECLI_TRAIN_MODEL",
        rich_help_panel=MODEL,
        show_default="semisupervised",
        metavar="MODEL",
        help="autoencoder, aae, supervised, semisupervised (parts 1 to 4 of the article), clustering (the paper's) "
        "or baseline (labels only).",
    ),
]
Clusters = Annotated[
    int | None,
    typer.Option(
        metavar="N",
        envvar="AAECLI_CLUSTERS",
        rich_help_panel=MODEL,
        show_default="16",
        help="Number of clusters of the model clustering.",
    ),
]
StyleDim = Annotated[
    int | None,
    typer.Option(metavar="N", envvar="AAECLI_STYLE_DIM", rich_help_panel=MODEL, help="Dimensions of the style z."),
]
StylePrior = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        envvar="AAECLI_STYLE_PRIOR",
        rich_help_panel=MODEL,
        show_default="gaussian",
        help="Prior of z: gaussian, mixture (of ten), swiss-roll (both with --style-dim 2), or of a plug-in.",
    ),
]
StyleStd = Annotated[
    float | None,
    typer.Option(
        metavar="STD",
        envvar="AAECLI_STYLE_STD",
        rich_help_panel=MODEL,
        show_default="1; tutorial: 5",
        help="Standard deviation of the Gaussian prior.",
    ),
]
Preset = Annotated[
    str | None,
    typer.Option(
        metavar="NAME|FILE",
        envvar="AAECLI_PRESET",
        rich_help_panel=TRAINING,
        show_default="auto",
        help="Settings to start from: a .toml file, or quick, default, best, tutorial (the article's), paper "
        "(the paper's terms), pictures (small ones of anything) or auto: for your own images pictures, "
        "adapted to how they look; for MNIST and the like default; with --start fine-tune; with --model baseline "
        "tutorial.",
    ),
]
ConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--config",
        metavar="FILE.toml",
        envvar="AAECLI_CONFIG",
        rich_help_panel=TRAINING,
        help="Settings that take precedence over the preset.",
    ),
]
PrintConfig = Annotated[
    bool,
    typer.Option(
        "--print-config", rich_help_panel=TRAINING, help="Print all settings as TOML with comments, and train nothing."
    ),
]
Start = Annotated[
    str | None,
    typer.Option(
        metavar="released|MODEL|RUN",
        envvar="AAECLI_START",
        rich_help_panel=TRAINING,
        show_default="random weights",
        help="Start from the weights of a model: the released one, a model.pt, or the folder of a run. Classes are "
        "matched by name. With few labels of digits this is the best start.",
    ),
]
Rehearse = Annotated[
    str | None,
    typer.Option(
        "--with",
        metavar="mnist|PATH",
        envvar="AAECLI_WITH",
        rich_help_panel=DATA,
        show_default="none",
        help="Another data set that half of every batch is from, so that the model does not forget it: mnist, the "
        "embedded one, or a path as for --data. Classes are matched by name.",
    ),
]
Augment = Annotated[
    str | None,
    typer.Option(
        metavar="SET",
        envvar="AAECLI_AUGMENT",
        rich_help_panel=TRAINING,
        show_default="the preset's; natural for pictures that are only resized",
        help="Augmentation: strokes (for handwriting), digits (with the 1 of European writers), natural (for photos), "
        "none, or a set of a plug-in.",
    ),
]
Steps = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", envvar="AAECLI_STEPS", rich_help_panel=TRAINING, help="Training length in steps."),
]
Epochs = Annotated[
    int | None,
    typer.Option(
        min=1,
        metavar="N",
        envvar="AAECLI_EPOCHS",
        rich_help_panel=TRAINING,
        help="Training length in passes over the training set.",
    ),
]
BatchSize = Annotated[
    int | None,
    typer.Option(min=1, metavar="N", envvar="AAECLI_BATCH_SIZE", rich_help_panel=TRAINING, help="Images per step."),
]
LearningRate = Annotated[
    float | None,
    typer.Option(
        "--lr",
        metavar="RATE",
        envvar="AAECLI_LR",
        rich_help_panel=TRAINING,
        help="Learning rate of encoder and decoder.",
    ),
]
Seed = Annotated[int | None, seed("the label choice, the initial weights and the batches", TRAINING)]


def number_or_all(labels: str | None) -> Any:
    """Read a number of labels: None, ``all`` or a whole number.

    Raises:
        typer.BadParameter: It is neither.
    """
    if labels is None or labels == "all":
        return labels
    if not labels.isascii() or not labels.isdigit():
        raise typer.BadParameter(f"'{labels}' is neither a whole number nor 'all'.", param_hint="--labels")
    return int(labels)


KEYS = {
    "labels": "labels",
    "model": "model",
    "clusters": "clusters",
    "data": "data",
    "size": "image.size",
    "channels": "image.channels",
    "normalise": "image.normalise",
    "transpose": "image.transpose",
    "holdout": "holdout",
    "seed": "seed",
    "steps": "schedule.steps",
    "epochs": "schedule.epochs",
    "batch_size": "schedule.batch_size",
    "lr": "optimiser.lr",
    "style_dim": "network.style_dim",
    "style_prior": "prior.style",
    "style_std": "prior.style_std",
    "start": "start.model",
    "rehearse": "rehearsal.data",
    "device": "device",
    "threads": "threads",
    "precision": "precision",
    "compile_step": "compile",
    "cuda_graph": "cuda_graph",
}
"""The setting that each parameter of ``aaecli train`` stands for."""


def given_settings(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Give the settings that the options of a command stand for, as nested tables; those not given are left out.

    Args:
        parameters: Values by the name of the parameter; others than those of ``KEYS`` are no settings.

    Raises:
        typer.BadParameter: A value is none that the option takes.
        AaeError: Two options exclude each other.
    """
    if parameters.get("steps") is not None and parameters.get("epochs") is not None:
        raise AaeError("--steps and --epochs both give the length.", "Leave one of them out.")
    spelt: dict[str, Callable[[Any], Any]] = {
        "normalise": normalisation,
        "transpose": transposition,
        "labels": number_or_all,
    }
    nested: dict[str, Any] = {}
    for name, key in KEYS.items():
        value = parameters.get(name)
        if value is not None:
            *sections, last = key.split(".")
            table = nested
            for section in sections:
                table = table.setdefault(section, {})
            table[last] = spelt[name](value) if name in spelt else value
    return nested
