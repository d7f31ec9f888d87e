"""``aaecli data pack``: a data set as a store, which is trained on without being loaded into memory."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from aaecli.cli.options import OUTPUT
from aaecli.cli.options.data import Channels, Normalise, Size, Transpose, given_form, image_settings
from aaecli.cli.options.output import AsJson, Force
from aaecli.errors import AaeError

if TYPE_CHECKING:
    from aaecli.config.image import Image
    from aaecli.data.readers.registry import Reader
    from aaecli.data.store.manifest import Manifest
    from aaecli.files.outputs import Outputs

EPILOG = (
    "[bold]Examples[/bold]\n\n"
    "  aaecli data pack stamps/ --out store/\n\n"
    "  aaecli train --data store/\n\n"
    "  aaecli data pack mnist --out mnist-store/      the MNIST that comes with aaecli\n\n"
    "  aaecli data --data store/ --verify             compare the files with their checksums"
)


def pack(
    context: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE", help="Any data set that --data takes, a .tar of pictures, or mnist.", show_default=False
        ),
    ],
    out: Annotated[
        Path, typer.Option("--out", metavar="FOLDER", help="The folder of the store.", rich_help_panel=OUTPUT)
    ],
    size: Size = None,
    channels: Channels = None,
    normalise: Normalise = None,
    transpose: Transpose = None,
    force: Force = False,
    as_json: AsJson = False,
) -> None:
    """Pack a data set into a store: prepared images that training reads from the disk.

    A store may be larger than the memory, and starts at once, since nothing is
    decoded again. Pictures of a folder become what [bold]train[/bold] would make of them,
    unless --size, --channels or --normalise say otherwise.
    """
    from aaecli.data.loading import find_reader, refuse_idle
    from aaecli.data.readers.image_folder.tar import is_tar_file
    from aaecli.data.store.manifest import read_manifest
    from aaecli.data.store.writing import claim_store
    from aaecli.files.outputs import Outputs
    from aaecli.terminal import console

    _refuse_outer(context)
    path = _path(source)
    outputs = Outputs(force=force, inputs=[Path(path)] if path else [])
    claim_store(out, outputs)
    given = {"size": size, "channels": channels, "transpose": transpose}
    if (found := find_reader(path)) is not None:
        refuse_idle(path, {name for name, value in given.items() if value is not None}, found[1])
    if (found is not None and found[0] == "image-folder") or (found is None and is_tar_file(Path(path))):
        image_settings(size, channels, normalise, transpose)  # refuses what goes together with nothing
        _pack_pictures(Path(path), out, outputs, given_form(size, channels, normalise), quiet=as_json)
    else:
        reader = found[1] if found is not None and path else None
        image = image_settings(size, channels, normalise, transpose)
        _pack_arrays(path, out, outputs, image, reader, quiet=as_json)
    manifest = read_manifest(out)
    if as_json:
        console.print_json(_as_object(out, manifest))
    else:
        console.put(_summary(out, manifest))


def verify(folder: str | None) -> None:
    """Compare the files of a store with its checksums.

    Raises:
        AaeError: It is no store, or a file is damaged.
    """
    from aaecli.cli.loading import decoding
    from aaecli.data.store.manifest import holds_store
    from aaecli.data.store.verifying import verify_store

    if not folder or not holds_store(Path(folder)):
        raise AaeError(
            f"--verify has no effect: {folder or 'MNIST'} is no store.",
            "Leave it out, or name a folder that `aaecli data pack` has written.",
        )
    with decoding(quiet=False, action="comparing") as progress:
        verify_store(Path(folder), progress)


def _path(source: str) -> str:
    """Give the path of a data set, empty for the embedded MNIST."""
    from aaecli.data.loading import MNIST
    from aaecli.files.opening import exists

    return "" if source == MNIST and not exists(source) else source


def _refuse_outer(context: typer.Context) -> None:
    """Refuse options that stand before ``pack``, where they would do nothing."""
    from aaecli.cli.options import is_typed

    if context.parent is None:
        return
    outer: Any = context.parent
    for parameter in outer.command.params:
        if is_typed(outer, str(parameter.name)):
            raise AaeError(
                f"{parameter.opts[0]} has no effect before `pack`.",
                "Name the data set and its options after it: `aaecli data pack SOURCE --out FOLDER`.",
            )


def _pack_arrays(path: str, out: Path, outputs: Outputs, image: Image, reader: Reader | None, *, quiet: bool) -> None:
    from aaecli.cli.loading import decoding, load, say_remarks
    from aaecli.data.readers.disk import Disk
    from aaecli.data.store.packing import pack_dataset

    dataset = None
    if reader is not None:
        with decoding(quiet=quiet, is_cached=False) as progress:
            dataset = reader.open_mapped(Path(path), image, Disk(out), progress)
    if dataset is None:
        dataset = load(path, image, quiet=quiet)
    elif not quiet:
        say_remarks(dataset)
    every_label = reader is not None and reader.learns_every_label(Path(path))
    with decoding(quiet=quiet, action="packing", is_cached=False) as progress:
        pack_dataset(dataset, out, outputs, every_label=every_label, progress=progress)


def _pack_pictures(path: Path, out: Path, outputs: Outputs, form: dict[str, Any], *, quiet: bool) -> None:
    from aaecli.cli.loading import decoding
    from aaecli.data.automatic import form_of
    from aaecli.data.readers.image_folder.folder import list_folder
    from aaecli.data.store.packing import pack_pictures
    from aaecli.terminal import console

    listing = list_folder(path)
    with decoding(quiet=quiet, action="packing", is_cached=False) as progress:
        findings = pack_pictures(path, listing, form_of(path, form, listing), out, outputs, progress)
    if not quiet:
        for note in (*findings.notes(), *(f"{message} {hint}" for message, hint in findings.faults)):
            console.say(f"warning: {note}")


def _summary(out: Path, manifest: Manifest) -> str:
    height, width, *channels = manifest.image
    parts = [f"{manifest.train.count:,} training"]
    if manifest.test.count:
        parts.append(f"{manifest.test.count:,} test")
    colour = " in colour" if channels else ""
    return (
        f"Packed {' and '.join(parts)} images of {height} × {width} pixels{colour}, {len(manifest.classes)} classes, "
        f"into {out} ({manifest.num_bytes / 1e6:,.1f} MB)."
    )


def _as_object(out: Path, manifest: Manifest) -> dict[str, Any]:
    return {
        "store": str(out),
        "name": manifest.name,
        "image": list(manifest.image[:2]),
        "channels": 3 if manifest.image[2:] else 1,
        "classes": list(manifest.classes),
        "num_train": manifest.train.count,
        "num_test": manifest.test.count,
        "num_bytes": manifest.num_bytes,
        "sha256": manifest.digest(),
    }
