"""The MNIST that comes with the package."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aaecli.config.image import Image
from aaecli.data.dataset import Dataset
from aaecli.data.readers.idx_files import find_idx
from aaecli.data.readers.idx_reader import idx_dataset, read_files
from aaecli.data.readers.registry import READERS, Progress, Reader
from aaecli.errors import AaeError

EMBEDDED = Path(__file__).parents[1] / "mnist"
"""Folder of the four files."""
_SHA256 = {
    "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
    "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
    "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
    "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
}
"""Of the raw bytes, header included, as published (http://yann.lecun.com/exdb/mnist)."""


@READERS.register("mnist")
class Mnist(Reader):
    """The embedded MNIST, where nothing is named."""

    settings = frozenset({"transpose"})

    def matches(self, path: Path) -> bool:
        """Tell whether it is the folder of the embedded files."""
        return path == EMBEDDED

    def load(self, path: Path, image: Image, progress: Progress | None = None) -> Dataset:
        """Read the embedded files, and compare each with the published checksum."""
        found = find_idx(path)
        arrays = read_files(found)
        for stem, expected in _SHA256.items():
            if _digest(arrays[stem]) != expected:
                raise AaeError(
                    f"{found.paths[stem]} is not the file that was published: its sha256 differs.",
                    "Install aaecli again, from where you had it: its files are damaged.",
                )
        return idx_dataset(found, arrays, "MNIST", image)


def _digest(values: NDArray[np.uint8]) -> str:
    header = bytes((0, 0, 8, values.ndim)) + b"".join(size.to_bytes(4, "big") for size in values.shape)
    digest = hashlib.sha256(header)
    digest.update(np.ascontiguousarray(values).data)  # without a copy of its 47 MB
    return digest.hexdigest()
