"""Loading a data set under the user's eyes: how far the decoding is, and what is wrong with the pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aaecli.terminal import console
from aaecli.text import number_of

if TYPE_CHECKING:
    from pathlib import Path

    from aaecli.config.image import Image
    from aaecli.data.dataset import Dataset

_WORTH_A_LINE = 1000
"""From so many pictures on, a log says how many have to be decoded."""


def load(data: str | Path, image: Image, *, quiet: bool = False, notes: bool = True) -> Dataset:
    """Load a data set, with progress and warnings on stderr.

    Args:
        data: Its file or folder; the embedded MNIST where empty.
        image: What pictures become.
        quiet: Show and say nothing.
        notes: Warn of what is wrong with the pictures.

    Raises:
        AaeError: It cannot be loaded.
    """
    from aaecli.data.loading import holds_pictures, load_dataset

    with decoding(quiet=quiet, is_cached=not quiet and holds_pictures(data)) as progress:
        dataset = load_dataset(data, image, progress)
    if notes and not quiet:
        say_remarks(dataset)
    return dataset


def say_remarks(dataset: Dataset) -> None:
    """Say how the files of a data set were understood, and what is wrong with pictures."""
    for remark in dataset.remarks:
        console.say(remark)
    for note in dataset.findings.notes() if dataset.findings else ():
        console.say(f"warning: {note}")


def image_for(
    data: str | Path | None,
    size: int | None,
    channels: int | None,
    normalise: bool | None,
    transpose: bool | None = None,
) -> Image:
    """Give what images become: as the options say, and pictures of a folder otherwise as ``aaecli train`` takes them.

    Args:
        data: The file or folder of the data set; the embedded MNIST where empty.
        size: ``--size``, or None where it was not given; the others likewise.
        channels: ``--channels``.
        normalise: ``--normalise``.
        transpose: ``--transpose``.

    Raises:
        AaeError: A value is out of range, two of them exclude each other, or the folder cannot be read.
    """
    from pathlib import Path

    from aaecli.cli.options.data import given_form, image_settings
    from aaecli.data.loading import holds_pictures

    image = image_settings(size, channels, normalise, transpose)
    if not data or not holds_pictures(data):
        return image
    from aaecli.data.automatic import form_of
    from aaecli.data.readers.image_folder.folder import list_folder

    return form_of(Path(data), given_form(size, channels, normalise), list_folder(Path(data)))


@contextmanager
def decoding(*, quiet: bool, is_cached: bool = True, action: str = "decoding") -> Iterator[Callable[[int, int], None]]:
    """Show a bar on a terminal, else say once that there is much to decode.

    Args:
        quiet: Show and say nothing.
        is_cached: Whether what is decoded is kept for the next start.
        action: What is done to the pictures.
    """
    if quiet:
        yield lambda done, total: None
        return
    if not console.err().is_terminal:
        said = False

        def say_once(done: int, total: int) -> None:
            nonlocal said
            if not said and total >= _WORTH_A_LINE:
                later = "; the next start takes them from the cache" if is_cached else ""
                console.say(f"{action.capitalize()} {number_of(total, 'picture')}{later}.")
            said = True

        yield say_once
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn(action), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn())
    bar = Progress(*columns, console=console.err(), transient=True)
    task = bar.add_task("", total=None)
    try:

        def show(done: int, total: int) -> None:
            # Started late: a thread that draws would keep the workers from being forked.
            if not bar.live.is_started:
                bar.start()
            bar.update(task, completed=done, total=total)

        yield show
    finally:
        if bar.live.is_started:
            bar.stop()
