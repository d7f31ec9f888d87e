"""Say which model answers or draws, and where another one may be meant."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aaecli.terminal.console import say
from aaecli.text import for_terminal

if TYPE_CHECKING:
    from aaecli.serve.session import Decoder, Encoder


def say_which_model(model: Encoder | Decoder, named: Path | None, *, device: str, warn_only: bool) -> None:
    """Say on stderr which model it is, and warn where it is older than, or another than, the newest trained one.

    Args:
        model: The encoder that classifies, or the decoder that draws.
        named: The --model that the user gave.
        device: The --device that the user gave; with ``auto`` it is said which one that came to.
        warn_only: Say nothing where nothing is to be warned of.
    """
    from aaecli.serve.discovery import doubt

    if not warn_only:
        say(f"Model: {described(model)}." + (f" On the {model.device.upper()}." if device == "auto" else ""))
    if reason := doubt(model.path, named):
        say(f"warning: {reason}")


def described(model: Encoder | Decoder) -> str:
    """Name its file, and what it was trained on."""
    from aaecli.serve.discovery import is_released

    metadata = model.metadata
    which = "the released one" if is_released(model.path) else str(model.path)
    settings = [f"preset {metadata.preset}"] * bool(metadata.preset) + [f"{metadata.labels} labels"] * bool(
        metadata.labels
    )
    settings += [metadata.precision] * (metadata.precision != "fp32")
    trained = f"trained on {for_terminal(metadata.data)}" if metadata.data else "it does not say what it was trained on"
    return ", ".join([which, trained, *map(for_terminal, settings)])
