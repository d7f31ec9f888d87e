"""Data sets in the four IDX files that MNIST and its kin are published as."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aaecli.config.image import Image
from aaecli.data.dataset import Dataset
from aaecli.data.readers import emnist
from aaecli.data.readers.arrays import MAX_BYTES, MAX_IMAGES, Part, dataset_of
from aaecli.data.readers.disk import Disk
from aaecli.data.readers.idx import map_images, read_idx, read_labels
from aaecli.data.readers.idx_files import STEMS, IdxFiles, find_idx, idx_home, is_idx
from aaecli.data.readers.registry import READERS, Progress, Reader


@READERS.register("idx")
class Idx(Reader):
    """A folder with the four IDX files of a data set, .gz or raw, or one of them."""

    settings = frozenset({"transpose"})

    def matches(self, path: Path) -> bool:
        """Tell whether IDX files lie there, in torchvision's folders too."""
        return is_idx(path) or idx_home(path) is not None

    def load(self, path: Path, image: Image, progress: Progress | None = None) -> Dataset:
        """Read the four files; the images are taken as they are, EMNIST's turned upright."""
        found = _found(path)
        return idx_dataset(found, read_files(found), _name(path, found), image)

    def open_mapped(self, path: Path, image: Image, disk: Disk, progress: Progress | None = None) -> Dataset | None:
        """Map the images, where they take more than is read and the files are unpacked."""
        found = _found(path)
        arrays: dict[str, NDArray[np.uint8]] = {}
        for stem in [stem for stem in STEMS if "images" in stem]:
            mapped = map_images(found.paths[stem])
            if mapped is None:
                return None
            arrays[stem] = mapped
        num_images = sum(len(mapped) for mapped in arrays.values())
        if sum(mapped.nbytes for mapped in arrays.values()) <= MAX_BYTES and num_images <= MAX_IMAGES:
            return None
        arrays |= {stem: read_labels(found.paths[stem], disk.max_images) for stem in STEMS if "labels" in stem}
        return idx_dataset(found, arrays, _name(path, found), image, disk)


def _found(path: Path) -> IdxFiles:
    return find_idx(path if is_idx(path) else idx_home(path) or path)


def _name(path: Path, found: IdxFiles) -> str:
    home = (idx_home(path) or path).resolve()
    name = (home.parent if home.name == "raw" else home).name
    if is_idx(path):
        name = found.prefix.rstrip("-_. ") or home.parent.name
    return name or str(path)


def read_files(found: IdxFiles) -> dict[str, NDArray[np.uint8]]:
    """Read the four files, by the names that MNIST's have.

    Raises:
        AaeError: One is damaged, too large, or holds more or fewer images than labels.
    """
    paths = found.paths
    arrays = {stem: read_labels(paths[stem]) for stem in STEMS if "labels" in stem}
    left = MAX_BYTES
    for stem in [stem for stem in STEMS if "images" in stem]:
        labels = stem.replace("images-idx3", "labels-idx1")
        arrays[stem] = read_idx(paths[stem], 3, (paths[labels], len(arrays[labels])), left)
        left -= arrays[stem].size
    return arrays


def idx_dataset(
    found: IdxFiles, arrays: dict[str, NDArray[np.uint8]], name: str, image: Image, disk: Disk | None = None
) -> Dataset:
    """Make a data set of what the four files hold, as many images as ``dataset_of`` takes with a disk or without.

    Raises:
        AaeError: As in ``dataset_of``.
    """
    is_turned = emnist.is_turned(found.prefix or name, image)

    def part(images: str, labels: str) -> Part:
        values = arrays[images]
        if is_turned:
            # What is mapped is copied as it is packed.
            values = emnist.upright(values) if values.flags.writeable else values.swapaxes(1, 2)
        return Part(values, arrays[labels].astype(np.int64), str(found.paths[images]), str(found.paths[labels]))

    mapping = found.paths[STEMS[0]].with_name(f"{found.prefix}mapping.txt")
    return dataset_of(
        name,
        part(*STEMS[:2]),
        None,
        part(*STEMS[2:]),
        names=(lambda values: emnist.class_names(mapping, values)) if found.prefix else None,
        remarks=[emnist.UPRIGHT] if is_turned and image.transpose == "auto" else [],
        disk=disk,
    )
