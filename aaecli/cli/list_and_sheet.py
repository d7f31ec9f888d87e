"""A CSV list of pictures, and a sheet that shows them beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aaecli.errors import AaeError

if TYPE_CHECKING:
    from aaecli.files.outputs import Outputs


MOST_ON_SHEET = 400
"""Pictures on a sheet; a list may be longer."""


def claim_list_and_sheet(outputs: Outputs, out: Path, listed: str) -> None:
    """Claim a list and its sheet before anything slow begins.

    Args:
        outputs: What claims them.
        out: The list, as ``--out`` names it; the sheet is a PNG file beside it.
        listed: What it lists, in the plural.

    Raises:
        AaeError: The name is not that of a CSV file, or one of both may not be written.
    """
    if out.suffix.lower() != ".csv":
        raise AaeError(
            f"--out {out}: the list of {listed} is a CSV file.",
            f"Name it {out.with_suffix('.csv').name}; {out.with_suffix('.png').name} beside it gets the pictures.",
        )
    outputs.claim(out)
    outputs.claim(out.with_suffix(".png"))


def describe_sheet(out: Path, count: int) -> str:
    """Say what is on the sheet of a list of ``count`` pictures, as the end of a sentence about the list."""
    which = "them" if count <= MOST_ON_SHEET else f"the first {MOST_ON_SHEET}"
    return f"{out.with_suffix('.png')} shows {which}"
