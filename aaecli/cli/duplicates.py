"""``aaecli data duplicates``: which pictures of a data set are copies of each other, or nearly."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from aaecli.cli.list_and_sheet import MOST_ON_SHEET, claim_list_and_sheet, describe_sheet
from aaecli.cli.options import OUTPUT
from aaecli.cli.options.data import Data
from aaecli.cli.options.output import AsJson, Force
from aaecli.errors import AaeError
from aaecli.text import number_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from rich.console import RenderableType

    from aaecli.data.inspection.copies import Copies, CopyGroup

EPILOG = (
    "[bold]Examples[/bold]\n\n"
    "  aaecli data duplicates\n\n"
    "  aaecli data duplicates --data stamps/ --out copies.csv     also copies.png, to look at\n\n"
    "Copies that were resized, down to half the size, recompressed or shifted by a pixel are found. Other cuttings,\n"
    "and copies that were turned, mirrored or recoloured, are not."
)
_SHOWN_GROUPS, _SHOWN_NAMES = 20, 6
_IDLE = ("size", "channels", "normalise", "transpose")


def duplicates(
    context: typer.Context,
    folder: Data = None,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out",
            metavar="FILE.csv",
            help="Write all groups as CSV, and the first 400 pictures as a PNG beside it.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """List near duplicates: pictures that are the same but for their size, compression or a small shift.

    Groups across the parts of the split come first: a test picture that was
    learnt from tests nothing. Then come those whose labels differ: one is wrong.
    """
    from aaecli.cli.loading import decoding
    from aaecli.files.outputs import Outputs
    from aaecli.terminal import console

    source = folder or context.obj[0]
    _refuse_idle(context)
    outputs = Outputs(force=force, inputs=[Path(source)] if source else [])
    if out is not None:
        claim_list_and_sheet(outputs, out, "duplicates")
    # The products are small, and threads would cost more than they gain; nor may any run before workers are forked.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    from aaecli.data.inspection.copies import find_copies

    with decoding(quiet=as_json, is_cached=False) as progress:
        found = find_copies(source, progress)
    if out is not None:
        outputs.write(out, _as_csv(found))
        if found.groups:
            outputs.write(out.with_suffix(".png"), _as_sheet(found))
    if as_json:
        console.print_json(_as_object(found))
        return
    if found.groups:
        console.out().print(_table(found))
    console.put(_summary(found))
    if found.num_unreadable:
        console.say(f"warning: {number_of(found.num_unreadable, 'picture')} cannot be read; `aaecli data` names them.")
    if out is not None:
        num_copies = sum(len(group.copies) for group in found.groups)
        console.say(f"{out} lists the groups" + (f"; {describe_sheet(out, num_copies)}." if num_copies else "."))


def _refuse_idle(context: typer.Context) -> None:
    given = context.parent.params if context.parent is not None else {}
    for name in _IDLE:
        if given.get(name) is not None:
            raise AaeError(
                f"--{name} has no effect on duplicates: pictures are compared as their files have them.",
                f"Leave --{name} out.",
            )


def _as_object(found: Copies) -> dict[str, object]:
    return {
        "num_images": found.num_images,
        "num_unreadable": found.num_unreadable,
        "groups": [
            {
                "images": [
                    {"image": copy.image, "split": copy.part, "label": copy.label or None} for copy in group.copies
                ],
                "across_split": group.is_across_split,
                "labels_differ": group.has_other_labels,
                "difference": round(group.difference, 6),
            }
            for group in found.groups
        ],
    }


def _as_csv(found: Copies) -> str:
    import csv
    import io

    from aaecli.text import for_csv

    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(("number", "group", "path", "split", "label", "difference"))
    rows = ((number, group, copy) for number, group in enumerate(found.groups, 1) for copy in group.copies)
    for number, (group_number, group, copy) in enumerate(rows, 1):
        cells = (number, group_number, copy.image, copy.part, copy.label, f"{group.difference:.6f}")
        writer.writerow([for_csv(cell) for cell in cells])
    return text.getvalue()


def _as_sheet(found: Copies) -> bytes:
    from aaecli.data.inspection.contact_sheet import encode_contact_sheet

    numbers = [copy.number for group in found.groups for copy in group.copies]
    return encode_contact_sheet(found.images(numbers[:MOST_ON_SHEET]))


def _table(found: Copies) -> RenderableType:
    from rich.table import Table

    from aaecli.text import for_rich

    table = Table.grid(padding=(0, 2))
    for group in found.groups[:_SHOWN_GROUPS]:
        names = [copy.image for copy in group.copies[:_SHOWN_NAMES]]
        more = len(group.copies) - len(names)
        table.add_row(
            for_rich(", ".join(_traits(group)) or "copies", "bold"),
            for_rich(" = ".join(names) + (f" and {more:,} more" if more else ""), limit=1000),
        )
    more = len(found.groups) - _SHOWN_GROUPS
    if more > 0:
        table.add_row("", for_rich(f"and {more:,} more groups: --out FILE.csv lists all", "italic"))
    return table


def _traits(group: CopyGroup) -> Iterator[str]:
    if group.is_across_split:
        yield "across the split"
    if group.has_other_labels:
        yield "labels differ"


def _summary(found: Copies) -> str:
    if not found.groups:
        return f"No near duplicates among {number_of(found.num_images, 'picture')}."
    num = len(found.groups)
    copies = sum(len(group.copies) for group in found.groups)
    across = sum(group.is_across_split for group in found.groups)
    differ = sum(group.has_other_labels for group in found.groups)
    return (
        f"{number_of(num, 'group')} of near duplicates, {copies:,} of {found.num_images:,} pictures: "
        f"{across:,} across the split, {differ:,} whose labels differ."
    )
