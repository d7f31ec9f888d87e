"""The style of all figures, and how they are saved."""

from __future__ import annotations

import io
import warnings
from collections.abc import Callable
from functools import cache
from typing import Any, Literal, ParamSpec

import matplotlib
from cycler import cycler
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import findfont, fontManager, get_font

from aaecli.files.own_files import NAME
from aaecli.text import for_figure

Format = Literal["png", "svg"]
_P = ParamSpec("_P")

COLOURS: tuple[tuple[float, float, float], ...] = tuple(matplotlib.color_sequences["petroff10"])  # type: ignore[arg-type]
"""Ten colours that are distinct in any colour vision (Petroff 2021)."""
DASHES = ("-", "--", "-.", ":")
"""Line styles, distinct in black and white."""

_FOR_OTHER_SCRIPTS = (
    "Noto Sans CJK JP", "Noto Sans CJK SC", "Hiragino Sans", "PingFang SC", "Yu Gothic", "Microsoft YaHei",
    "Malgun Gothic", "Noto Sans Arabic", "Noto Sans Hebrew", "Noto Sans Devanagari", "Noto Sans Thai",
    "Arial Unicode MS",
)  # fmt: skip
_STYLE: Any = {
    "figure.dpi": 100,
    "savefig.dpi": 100,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
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
    "svg.hashsalt": "aaecli",  # otherwise identifiers in an SVG are random, and equal figures give different files
    "svg.fonttype": "path",
}


def styled(draw: Callable[_P, Figure]) -> Callable[_P, Figure]:
    """Decorate a function to plot in the style of aaecli, with matplotlib's own settings restored afterwards."""
    return matplotlib.rc_context(_STYLE | {"font.family": _fonts()})(draw)


def shown(name: str, limit: int = 60) -> str:
    r"""Return a name as figures show it: without formulas, and without empty boxes for missing letters.

    A letter that no font here has is spelt, such as ``\u6570``.
    """
    fonts = _fonts()
    text = for_figure(name, limit)
    if text.isascii():
        return text
    have = [get_font(findfont(family)) for family in fonts]
    return "".join(
        letter
        if letter.isascii() or any(font.get_char_index(ord(letter)) for font in have)
        else letter.encode("unicode_escape").decode()
        for letter in text
    )


def heading(text: str) -> str:
    """Return a figure's title, of one line or several, as figures show it."""
    return "\n".join(shown(line, 160) for line in text.split("\n"))


@cache
def _fonts() -> list[str]:
    """Name the fonts: matplotlib's own, so that figures look alike everywhere, then fonts with the missing letters."""
    installed = set(fontManager.get_font_names())
    return ["DejaVu Sans", *(name for name in _FOR_OTHER_SCRIPTS if name in installed)]


def new_figure(width: float, height: float) -> Figure:
    """Create an empty figure of a size in hundreds of pixels, without a window and unknown to pyplot."""
    figure = Figure((width, height))
    FigureCanvasAgg(figure)
    return figure


def encode(figure: Figure, form: Format = "png") -> bytes:
    """Give the bytes of a PNG or SVG; the same figure gives the same bytes."""
    buffer = io.BytesIO()
    # A date would make every file different.
    metadata = {"Date": None, "Creator": NAME} if form == "svg" else {"Software": NAME}
    with matplotlib.rc_context(_STYLE | {"font.family": _fonts()}), warnings.catch_warnings():
        # Letters that `shown` misses become boxes.
        warnings.filterwarnings("ignore", "Glyph .* missing from")
        figure.savefig(buffer, format=form, metadata=metadata)
    return buffer.getvalue()
