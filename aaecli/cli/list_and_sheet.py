"""A CSV list of pictures, and a sheet that shows them beside it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from aaecli.errors import AaeError

if TYPE_CHECKING:
    from aaecli.files.outputs import Outputs


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
