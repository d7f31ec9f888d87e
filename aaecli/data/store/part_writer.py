"""The training or the test images of a store, as they are written: images and names at once, the rest at the end."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aaecli.data.inspection.duplicates import fingerprints
from aaecli.data.store.manifest import Part
from aaecli.data.store.names import encoded
from aaecli.data.store.npy import GrowingArray, map_array


class PartWriter:
    """Takes the training or the test images of a store, in order.

    Args:
        path: The file of the images.
        image: The images in it.
        name: Their names, one behind the other; None where they have none.
    """

    def __init__(self, path: Path, image: GrowingArray, name: GrowingArray | None) -> None:
        self._path, self._image, self._name = path, image, name
        self._labels: list[NDArray[np.int16]] = []
        self._sizes: list[NDArray[np.int64]] = []
        self._validates: list[NDArray[np.bool_]] = []
        self._fingerprints: list[NDArray[np.uint64]] = []
        self._plain: list[NDArray[np.bool_]] = []

    def add(
        self,
        image: NDArray[np.uint8],
        label: NDArray[np.int64],
        names: Sequence[str] = (),
        validates: NDArray[np.bool_] | None = None,
    ) -> None:
        """Write some images.

        Args:
            image: uint8 (N, H, W) or (N, H, W, 3).
            label: int64 (N,), indices into the classes; -1 for none.
            names: Their names, where images of the store have any.
            validates: bool (N,), which of them only validate; none where None.
        """
        self._image.append(image)
        self._labels.append(label.astype(np.int16))
        flat = np.ascontiguousarray(image).reshape(len(image), -1)
        self._fingerprints.append(fingerprints(flat))
        self._plain.append(flat.max(1, initial=0) == flat.min(1, initial=255))
        self._validates.append(np.zeros(len(image), bool) if validates is None else validates)
        if self._name is not None:
            text, sizes = encoded(names)
            self._name.append(text)
            self._sizes.append(sizes)

    def finish(self) -> None:
        """End the files."""
        self._image.finish()
        if self._name is not None:
            self._name.finish()

    @property
    def count(self) -> int:
        """Number of images so far."""
        return self._image.num_rows

    @property
    def described(self) -> Part:
        """What the manifest says of this part."""
        return Part(
            self.count,
            -1 if self._name is None else self._name.num_rows,
            is_divided=bool(self.validates.any()),
        )

    @property
    def label(self) -> NDArray[np.int16]:
        """The labels (N,)."""
        return np.concatenate(self._labels or [np.zeros(0, np.int16)])

    @property
    def validates(self) -> NDArray[np.bool_]:
        """Which of them only validate: bool (N,)."""
        return np.concatenate(self._validates or [np.zeros(0, bool)])

    @property
    def fingerprint(self) -> NDArray[np.uint64]:
        """A number of each (N,) that images alike share."""
        return np.concatenate(self._fingerprints or [np.zeros(0, np.uint64)])

    @property
    def is_plain(self) -> NDArray[np.bool_]:
        """Which are of a single shade: bool (N,)."""
        return np.concatenate(self._plain or [np.zeros(0, bool)])

    @property
    def name_end(self) -> NDArray[np.int64]:
        """Where each name ends (N,)."""
        return np.cumsum(np.concatenate(self._sizes or [np.zeros(0, np.int64)]))

    def images(self) -> NDArray[np.uint8]:
        """Map what was written, (N, D), once it is finished."""
        mapped = map_array(self._path, "|u1", self._image.shape)
        return mapped.reshape(len(mapped), -1)
