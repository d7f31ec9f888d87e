"""Readers of data sets: what a reader is, and which there are.

A reader is one file. It says which paths it reads and makes a data set of such a path::

    from aaecli.data.readers.registry import READERS, Reader

    @READERS.register("mine")
    class Mine(Reader):
        '''A file that ends in .mine.'''

        def matches(self, path):
            return path.suffix == ".mine"

        def load(self, path, image, progress=None):
            return Dataset(...)
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from pathlib import Path

from aaecli.config.image import Image
from aaecli.data.dataset import Dataset
from aaecli.data.readers.disk import Disk
from aaecli.plugins import Entry, Registry, summary

Progress = Callable[[int, int], None]
"""Receives how many pictures are decoded, and of how many."""


class Reader(ABC):
    """Reads data sets of one format. The first sentence of its docstring says which paths it takes.

    Attributes:
        settings: Names of the settings that act on its images: fields of ``[image]``, and ``holdout``. One that is set
            and not named here is an error.
        takes_every_label: Whether every label there is is learnt from where the user names no number.
    """

    settings: frozenset[str] = frozenset()
    takes_every_label: bool = False

    @abstractmethod
    def matches(self, path: Path) -> bool:
        """Tell whether this reader is the one for a file or folder, which need not exist. Must be quick.

        Raises:
            AaeError: It is, and nothing can be read there: the reason is known already.
        """

    def learns_every_label(self, path: Path) -> bool:
        """Tell the same of one data set, which ``matches``."""
        return self.takes_every_label

    def open_mapped(self, path: Path, image: Image, disk: Disk, progress: Progress | None = None) -> Dataset | None:
        """Open a data set of any size with images that are mapped, to be packed.

        Args:
            path: A file or folder that ``matches``.
            image: What images are to become.
            disk: Where images are put that cannot be mapped from the files as they are.
            progress: As for ``load``.

        Returns:
            The data set; None where ``load`` reads it just as well, or the format cannot be read so.

        Raises:
            AaeError: A file is damaged.
        """
        return None

    @abstractmethod
    def load(self, path: Path, image: Image, progress: Progress | None = None) -> Dataset:
        """Read a data set.

        Args:
            path: A file or folder that ``matches``.
            image: What images are to become; only what ``settings`` names need be looked at.
            progress: Receives the progress, where reading takes long.

        Returns:
            The data set: uint8 images (N, H, W) or (N, H, W, 3), and labels that are indices into its classes.

        Raises:
            AaeError: Something is damaged, or not what it should be.
        """


def _check(name: str, entry: Entry[type[Reader]]) -> None:
    if not isinstance(entry.value, type) or not issubclass(entry.value, Reader):
        raise ValueError("it is no subclass of Reader")
    missing = sorted(getattr(entry.value, "__abstractmethods__", ()))
    if missing:
        raise ValueError(f"it has no method {' and no method '.join(missing)}")
    if not summary(entry.value):
        raise ValueError("it has no docstring that says what it reads")


_HOME = "aaecli.data.readers"
READERS: Registry[type[Reader]] = Registry(
    "reader",
    "aaecli.readers",
    {
        "mnist": f"{_HOME}.mnist",
        "store": f"{_HOME}.store",
        "npz": f"{_HOME}.npz",
        "pixel-csv": f"{_HOME}.pixel_csv",
        "parquet": f"{_HOME}.parquet",
        "mat": f"{_HOME}.mat",
        "idx": f"{_HOME}.idx_reader",
        "image-folder": f"{_HOME}.image_folder.reader",
    },
    _check,
)
"""Those of plug-ins are asked before the packaged ones, which are asked in this order: the last takes any folder."""


def readers() -> Iterator[tuple[str, Reader]]:
    """Give name and reader of each, in the order in which they are asked."""
    names = list(READERS)
    for name in sorted(names, key=lambda name: name in READERS.packaged):
        yield name, READERS[name]()
