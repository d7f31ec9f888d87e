"""Loading a data set by its path: the first reader that takes the path reads it."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from pathlib import Path

from aaecli.config.image import Image
from aaecli.data.dataset import Dataset
from aaecli.data.naming.picture_names import SUFFIXES
from aaecli.data.readers.mnist import EMBEDDED
from aaecli.data.readers.registry import Reader, readers
from aaecli.errors import AaeError
from aaecli.files.opening import exists, shown
from aaecli.plugins import summary

MNIST = "mnist"
"""What the embedded MNIST is called where a name is needed and no file or folder is called so."""
OF_IMAGES = ("size", "channels", "transpose")
"""Settings that tell what images become, and that not every format has a use for."""
_INSTEAD = {
    "size": "taken as they are",
    "channels": "taken as they are",
    "transpose": "upright already",
    "holdout": "divided into a training and a test set",
}
_MOST_NAMES = 1000
"""Names of a folder that are compared with a misspelt one."""
_ARCHIVES = (".zip", ".tar", ".tgz", ".tar.gz", ".7z", ".rar")


def find_reader(data: str | Path | None) -> tuple[str, Reader] | None:
    """Give name and reader of the first that takes a path; None where none does.

    Args:
        data: A file or folder; the embedded MNIST where empty.

    Raises:
        AaeError: A reader takes it, and knows already that nothing can be read there.
    """
    path = Path(data) if data else EMBEDDED
    return next(((name, reader) for name, reader in readers() if reader.matches(path)), None)


def load_dataset(
    data: str | Path | None = None, image: Image | None = None, progress: Callable[[int, int], None] | None = None
) -> Dataset:
    """Load a data set: the embedded MNIST where nothing is named.

    Args:
        data: A file or folder that one of the readers takes.
        image: What images become; the defaults where None.
        progress: Receives how many pictures of how many are decoded.

    Raises:
        AaeError: There is nothing of that name, no reader takes it, or it is unreadable or damaged.
    """
    return reader_of(data).load(Path(data) if data else EMBEDDED, image or Image(), progress)


def reader_of(data: str | Path | None) -> Reader:
    """Give what reads a path, before anything is read.

    Raises:
        AaeError: There is nothing of that name, or no reader takes it.
    """
    found = find_reader(data)
    if found is None:
        raise _not_read(data or "")
    return found[1]


def load_named(data: str | Path, image: Image | None = None) -> Dataset:
    """Load a data set by its path, or the embedded MNIST by its name.

    Raises:
        AaeError: As from ``load_dataset``.
    """
    return load_dataset(None if str(data) == MNIST and not exists(data) else data, image)


def refuse_idle(data: str | Path | None, given: Iterable[str], reader: Reader) -> None:
    """Refuse settings of the images that have no effect on those of a format.

    Args:
        data: The data set, for messages.
        given: Those that the user set, of ``OF_IMAGES`` and ``holdout``.
        reader: Its reader.

    Raises:
        AaeError: One of them has none.
    """
    for name in sorted(set(given) - reader.settings):
        raise AaeError(
            f"--{name} has no effect: the images of {data or 'MNIST'} are {_INSTEAD[name]}.",
            f"Leave --{name} out" + (", or name a folder of pictures with --data." if name != "transpose" else "."),
        )


def holds_pictures(data: str | Path | None) -> bool:
    """Tell whether a path is a folder of pictures, the user's own."""
    found = find_reader(data) if data else None
    return found is not None and found[0] == "image-folder"


def formats() -> list[str]:
    """Say of each reader in a few words what it takes."""
    sentences = [summary(type(reader)).partition(". ")[0].rstrip(".") for _, reader in readers()]
    # What more there may be in the folder comes behind a comma.
    parts = [text.partition(", ")[0] for text in sentences]
    return [part[:1].lower() + part[1:] if part.startswith(("A ", "An ", "The ")) else part for part in parts]


def _nearest(path: Path) -> str:
    """Ask whether the entry beside it with the most similar name was meant; empty where none is similar."""
    import difflib  # only where something went wrong

    try:
        beside = [entry.name for entry in itertools.islice(path.parent.iterdir(), _MOST_NAMES)]
    except OSError:
        return ""
    near = difflib.get_close_matches(path.name, beside, n=1)
    return f"Did you mean '{shown(path.parent / near[0])}'? " if near else ""


def _not_read(data: str | Path) -> AaeError:
    path = Path(data)
    hint = f"--data takes {'; '.join(formats())}."
    if not exists(path):
        return AaeError(f"{shown(path)} does not exist.", _nearest(path) + hint)
    if path.suffix.lower() in SUFFIXES:
        return AaeError(f"{shown(path)} is a picture, and a data set has many.", "Name the folder that it is in.")
    if path.name.lower().endswith(_ARCHIVES):
        return AaeError(
            f"{shown(path)} is an archive, not a data set.", "Unpack it, and name the folder that comes out of it."
        )
    return AaeError(f"{shown(path)} is in no format that is read.", hint)
