"""``aaecli data``: look into a data set, and take single images out of it."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from typer.core import TyperGroup

from aaecli.cli import duplicates, pack
from aaecli.cli.options import DATA, OUTPUT
from aaecli.cli.options.data import Channels, Data, Normalise, Size, Transpose, image_settings
from aaecli.cli.options.output import AsJson, Force
from aaecli.errors import AaeError
from aaecli.files.opening import exists
from aaecli.suggestions import suggest

if TYPE_CHECKING:
    from rich.console import RenderableType

    from aaecli.config.image import Image


class _Group(TyperGroup):
    """The command and its sub-commands, in whose place a folder may have been typed."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the sub-command."""
        if args and args[0] not in self.commands and exists(args[0]):
            command = suggest("aaecli", "data", "--data", Path(args[0]))
            raise typer.BadParameter(f"A data set is named by an option: {command}")
        return super().resolve_command(ctx, args)


app = typer.Typer(
    cls=_Group,
    add_completion=False,
    invoke_without_command=True,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_LINE = 1000
_GROUPS = 20
"""Most groups of copies of a kind that are listed."""
_MEMBERS = 4
"""Most pictures of a group that are named."""


@app.callback(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli data                      the MNIST that comes with aaecli\n\n"
        "  aaecli data --data stamps/       your own pictures, before training on them\n\n"
        "  aaecli data export --index 0 --out digit.png\n\n"
        "  aaecli data duplicates --data stamps/\n\n"
        "  aaecli data pack stamps/ --out store/"
    )
)
def data(
    context: typer.Context,
    folder: Data = None,
    size: Size = None,
    channels: Channels = None,
    normalise: Normalise = None,
    transpose: Transpose = None,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Compare all files of a store with its checksums."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Describe a data set: image size, images of each class, the split for training, checksums.

    For your own pictures, it also lists unreadable files and duplicates to the
    pixel; [bold]aaecli data duplicates[/bold] finds those that are nearly alike.
    """
    from aaecli.cli.loading import image_for, load

    image_settings(size, channels, normalise, transpose)  # refuses what goes together with nothing

    def image_of(source: str | None) -> Image:
        return image_for(source, size, channels, normalise, transpose)

    given = {"size": size, "channels": channels, "transpose": transpose}
    context.obj = (folder, image_of, {name for name, value in given.items() if value is not None})
    if context.invoked_subcommand:
        if verify:
            raise typer.BadParameter("It belongs to `aaecli data` alone.", param_hint="--verify")
        return
    if verify:
        pack.verify(folder)
    from aaecli.data.inspection.inspection import inspect_dataset
    from aaecli.terminal.console import out, print_json

    _refuse_idle(folder, context.obj[2])
    # The embedded files are compared with the published checksums whenever they are loaded.
    image = image_of(folder)
    dataset = load(folder or "", image, quiet=as_json, notes=False)
    found = inspect_dataset(dataset, checksums_ok=True if folder is None or verify else None)
    if as_json:
        print_json(found)
    else:
        checksums = "unknown for this data set" if folder else "those that were published"
        for part in _tables(found, "those of store.json" if verify else checksums, image):
            out().print(part)


@app.command(
    epilog=(
        "[bold]Examples[/bold]\n\n"
        "  aaecli data export --index 0 --out digit.png\n\n"
        "  aaecli data export --split train --index 59999 --out last.png\n\n"
        "  aaecli data export --index 3 --out - | aaecli classify -"
    )
)
def export(
    context: typer.Context,
    index: Annotated[
        int, typer.Option("--index", metavar="I", help="Which image, counted from 0.", rich_help_panel=DATA)
    ],
    split: Annotated[
        Literal["test", "train"] | None,
        typer.Option(
            help="Test or training images.",
            show_default="test, where there are test images",
            rich_help_panel=DATA,
        ),
    ] = None,
    folder: Data = None,
    named: Annotated[
        str | None,
        typer.Option(
            "--out",
            metavar="FILE",
            help="Where to write it; the ending says the format, - is stdout, as PNG.",
            show_default="digit.png",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Write one image of a data set as a picture, and its true label to stderr."""
    from aaecli.data.inspection.inspection import encode_image
    from aaecli.data.loading import load_dataset
    from aaecli.files.outputs import Outputs
    from aaecli.files.own_files import is_picture
    from aaecli.terminal.console import print_json, say

    target = named or "digit.png"
    to_stdout = target == "-"
    if to_stdout and (as_json or sys.stdout.isatty()):
        raise AaeError(
            "--out - writes a picture to stdout, " + ("where --json writes too." if as_json else "a terminal."),
            "Name a file, or pipe the picture on: `aaecli data export --index 0 --out - | aaecli classify -`.",
        )
    outer, image_of, given = context.obj
    source = folder or outer
    _refuse_idle(source, given)
    outputs = Outputs(force=force, inputs=[Path(source)] if source else [])
    if not to_stdout:
        outputs.claim(Path(target), None if named else is_picture)
    dataset = load_dataset(source, image_of(source))
    split = split or ("test" if len(dataset.test_image) else "train")
    if to_stdout:
        body, label = encode_image(dataset, split, index)
        sys.stdout.buffer.write(body)
        sys.stdout.buffer.flush()
    else:
        body, label = encode_image(dataset, split, index, Path(target).suffix)
        outputs.write(Path(target), body)
    where = "a PNG to stdout" if to_stdout else target
    described = f"whose label is {label}" if label else "which has no label"
    part = "training" if split == "train" else split
    say(f"Wrote {where}: {part} image {index} of {dataset.name}, {described}.")
    if as_json:
        print_json({"file": target, "split": split, "index": index, "label": label})


app.command(epilog=duplicates.EPILOG)(duplicates.duplicates)
app.command(epilog=pack.EPILOG)(pack.pack)


def _refuse_idle(source: str | None, given: set[str]) -> None:
    from aaecli.data.loading import find_reader, refuse_idle

    if given and (found := find_reader(source)) is not None:
        refuse_idle(source, given, found[1])


def _tables(found: dict[str, Any], checksums: str, image: Image) -> tuple[RenderableType, RenderableType]:
    """Lay out what ``inspect_dataset`` found, and what the checksums are: a summary, then a row for each class.

    Args:
        found: What it found.
        checksums: What they are.
        image: What pictures have become.
    """
    from rich import box
    from rich.table import Table

    from aaecli.text import for_rich

    summary = Table.grid(padding=(0, 2))
    height, width = found["image"]
    num_classes, validation = len(found["classes"]), found["split"]["validation"]
    colour = ", in colour" if found["channels"] == 3 else ""
    unlabelled = f", {found['num_unlabelled']:,} of them without a label" if found["num_unlabelled"] else ""
    rows = [("layout", remark) for remark in found["remarks"]] + [
        ("name", found["name"]),
        ("images", f"{height} × {width} pixels{colour}, {num_classes} class{'es' if num_classes != 1 else ''}"),
        *([("", _preprocessing(image))] if found["findings"] is not None else []),
        ("pool", f"{found['split']['pool']:,} training images{unlabelled}"),
        ("validation", f"{validation:,} training images: settings are chosen on them" if validation else "no images"),
        ("test", f"{found['num_test']:,} images that decide nothing" if found["num_test"] else "no images of its own"),
    ]
    rows += [("to learn", f"{message} {hint}") for message, hint in found["faults"]]
    if found["findings"] is None:
        rows.append(("checksums", checksums))
    else:
        rows += _listed(found["findings"])
    for name, value in rows:
        summary.add_row(for_rich(name, "bold"), for_rich(value, limit=_LINE))

    counts = Table(box=box.SIMPLE_HEAD, show_footer=True)
    without = (found["num_unlabelled"], found["num_test"] - sum(entry["test"] for entry in found["classes"]))
    counts.add_column("class", "total")
    counts.add_column("labelled" if any(without) else "train", f"{found['num_train'] - without[0]:,}", justify="right")
    if any(without):
        counts.add_column("unlabelled", f"{without[0]:,}", justify="right")
    counts.add_column("test", f"{found['num_test']:,}", justify="right")
    for entry in found["classes"]:
        row = [f"{entry['train']:,}", *(["0"] if any(without) else []), f"{entry['test']:,}"]
        counts.add_row(for_rich(entry["class"], limit=60), *row)
    if any(without):
        counts.add_row(for_rich("without a label", "italic"), "0", f"{without[0]:,}", f"{without[1]:,}")
    return summary, counts


def _preprocessing(image: Image) -> str:
    """Say what was done to pictures, and which options change that."""
    done = "strokes, found and centred, in grey" if image.has_strokes else "resized, where they had another size"
    return f"{done}; --size, --channels and --normalise change that, here and in `aaecli train`"


def _listed(findings: dict[str, Any]) -> list[tuple[str, str]]:
    """List by name what is wrong with the pictures of a folder; a group of copies is a line."""
    rows = [("layout", sentence) for sentence in findings["layout"]]
    rows += [("to learn", f"{message} {hint}") for message, hint in findings["faults"]]
    rows += [("unreadable", reason) for reason in findings["unreadable"].values()]
    if findings["num_paged"]:
        rows.append(("first page only", f"{findings['num_paged']:,} files hold several pages or frames"))
    alike = findings["resembling"]
    rows += [
        ("not there", f"{name}, in labels.csv" + (f"; is {alike[name]} meant?" if name in alike else ""))
        for name in findings["missing"]
    ]
    for kind, title in (
        ("contradicting", "copies, labels differ"),
        ("tested", "copies, one in test"),
        ("validated", "copies, one validates"),
        ("labelled", "copies, labelled"),
        ("unlabelled", "copies, unlabelled"),
    ):
        rows += [(title, _group(group)) for group in findings[kind][:_GROUPS]]
        if len(findings[kind]) > _GROUPS:
            rows.append((title, f"{len(findings[kind]) - _GROUPS:,} more groups; --json lists all"))
    return rows


def _group(names: list[str]) -> str:
    """Name the first of those that are copies of each other, and count the others."""
    shown = " = ".join(names[:_MEMBERS])
    return f"{shown} = {len(names) - _MEMBERS:,} others" if len(names) > _MEMBERS + 1 else " = ".join(names)
