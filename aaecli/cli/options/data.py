"""Which images: the data set, and what pictures become."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from aaecli.cli.options import DATA

if TYPE_CHECKING:
    from aaecli.config.image import Image


def _folder(default: str) -> Any:
    return typer.Option(
        "--data",
        metavar="PATH",
        envvar="AAECLI_DATA",
        rich_help_panel=DATA,
        show_default=default,
        help="Folder of pictures (one sub-folder per class, or a labels.csv), .npz, .csv, .parquet, .mat or IDX files, "
        "or a store.",
    )


Data = Annotated[str | None, _folder("the embedded MNIST")]
TrainingData = Annotated[str | None, _folder("the data that the model was trained on")]
"""For commands that read a trained model, which knows its data."""
EvaluationData = Annotated[str | None, _folder("the data that the model was trained on; MNIST for an .onnx file")]

Size = Annotated[
    int | None,
    typer.Option(
        metavar="PIXELS",
        envvar="AAECLI_SIZE",
        rich_help_panel=DATA,
        show_default="that of the pictures",
        help="Side, up to 64, that pictures are resized to.",
    ),
]
Channels = Annotated[
    int | None,
    typer.Option(
        metavar="1|3",
        envvar="AAECLI_CHANNELS",
        rich_help_panel=DATA,
        show_default="as the pictures are",
        help="Grey (1) or colour (3).",
    ),
]
Normalise = Annotated[
    bool | None,
    typer.Option(
        "--normalise/--no-normalise",
        rich_help_panel=DATA,
        show_default="normalise grey pictures of more than 64 pixels",
        help="Find, centre and scale the strokes of each picture, or only resize it.",
    ),
]
Transpose = Annotated[
    bool | None,
    typer.Option(
        "--transpose/--no-transpose",
        rich_help_panel=DATA,
        show_default="transpose EMNIST's files",
        help="Swap rows and columns of the images of IDX, .npz and .csv files.",
    ),
]


def normalisation(normalise: bool | None) -> Literal["auto", "strokes", "none"]:
    """Give the setting ``image.normalise`` that ``--normalise`` stands for."""
    return "auto" if normalise is None else "strokes" if normalise else "none"


def transposition(transpose: bool | None) -> Literal["auto", "yes", "no"]:
    """Give the setting ``image.transpose`` that ``--transpose`` stands for."""
    return "auto" if transpose is None else "yes" if transpose else "no"


def image_settings(
    size: int | None, channels: int | None, normalise: bool | None, transpose: bool | None = None
) -> Image:
    """Give the settings ``[image]`` that the options stand for; those not given have their defaults.

    Raises:
        AaeError: A value is out of range, or two of them exclude each other.
    """
    from aaecli.config.image import Image

    return Image(**given_form(size, channels, normalise), transpose=transposition(transpose))


def given_form(size: int | None, channels: int | None, normalise: bool | None) -> dict[str, Any]:
    """Give those of the settings ``[image]`` that say what pictures become, as far as the user gave them."""
    given = {"size": size, "channels": channels, "normalise": None if normalise is None else normalisation(normalise)}
    return {name: value for name, value in given.items() if value is not None}
