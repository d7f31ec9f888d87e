"""How every figure looks, and how it becomes a file."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, ParamSpec

import matplotlib
from cycler import cycler
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from aaecli.paths import replacing

Format = Literal["png", "svg"]
_P = ParamSpec("_P")

COLOURS: tuple[tuple[float, float, float], ...] = tuple(matplotlib.color_sequences["petroff10"])  # type: ignore[arg-type]
"""Ten colours that people with any colour vision tell apart (Petroff 2021)."""
DASHES = ("-", "--", "-.", ":")
"""What tells lines apart in black and white."""

_STYLE: Any = {
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",  # comes with matplotlib, so that a figure looks alike on every machine
    "font.size": 10,
    "axes.titlesize": 10.5,
    "axes.labelsize": 10,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "axes.prop_cycle": cycler(color=COLOURS),
    "grid.color": "0.9",
    "grid.linewidth": 0.8,
    "legend.fontsize": 9,
    "legend.frameon": True,
    "legend.framealpha": 0.9,
    "legend.edgecolor": "0.85",
    "lines.linewidth": 1.8,
    "xtick.labelsize": 9,
    "ytick.labelsize": 9,
    "svg.hashsalt": "aaecli",  # names inside an SVG are drawn by lot otherwise: the same figure, another file
    "svg.fonttype": "path",
}


def styled(draw: Callable[_P, Figure]) -> Callable[_P, Figure]:
    """Have a function draw in the style of this program, and leave matplotlib's own settings as they were."""
    return matplotlib.rc_context(_STYLE)(draw)


def new_figure(width: float, height: float) -> Figure:
    """Make an empty figure of a size in hundreds of pixels. It has no window and no place in pyplot's list."""
    figure = Figure((width, height))
    FigureCanvasAgg(figure)
    return figure


def encode(figure: Figure, form: Format = "png") -> bytes:
    """Give the bytes of a PNG or SVG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    # A date would make every file another one.
    metadata = {"Date": None} if form == "svg" else {"Software": None}
    with matplotlib.rc_context(_STYLE), warnings.catch_warnings():
        # A class whose name has letters that the font lacks is drawn with boxes in their place.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure.savefig(buffer, format=form, metadata=metadata)
    return buffer.getvalue()


def save(figure: Figure, path: Path) -> None:
    """Write a figure, whole or not at all; the suffix, .png or .svg, says as what.

    Raises:
        AaeError: The file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(encode(figure, "svg" if path.suffix == ".svg" else "png"))
