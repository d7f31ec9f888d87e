"""The reader of folders of pictures."""

from __future__ import annotations

from pathlib import Path

from aaecli.config.image import Image
from aaecli.data.dataset import Dataset
from aaecli.data.readers.registry import READERS, Progress, Reader
from aaecli.errors import AaeError
from aaecli.files.opening import is_folder


@READERS.register("image-folder")
class ImageFolder(Reader):
    """A folder of pictures: a sub-folder for each class, or a labels.csv."""

    settings = frozenset({"size", "channels", "normalise", "holdout"})
    takes_every_label = True

    def matches(self, path: Path) -> bool:
        """Tell whether it is a folder, which may be read."""
        if not is_folder(path):
            return False
        try:
            next(path.iterdir(), None)
        except OSError as error:
            raise AaeError(
                f"Cannot read the folder {path}: {error.strerror}.", "Check who may read it: `ls -ld` shows that."
            ) from error
        return True

    def load(self, path: Path, image: Image, progress: Progress | None = None) -> Dataset:
        """Decode the pictures, or take them from the cache."""
        # Decoding takes modules that other formats do without.
        from aaecli.data.readers.image_folder.collection import load_collection

        return load_collection(path, image, progress)
