"""The reader of stores: its images stay on the disk where they are many, and what it says is checked."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aaecli.config.image import Image
from aaecli.data.dataset import Dataset, Stored
from aaecli.data.readers.arrays import MAX_BYTES
from aaecli.data.readers.registry import READERS, Progress, Reader
from aaecli.data.store.manifest import IMAGE, Manifest, holds_store, read_manifest
from aaecli.data.store.names import StoredNames
from aaecli.data.store.npy import PACK_AGAIN, map_array
from aaecli.errors import AaeError
from aaecli.suggestions import suggest_aaecli

_ROWS = 2**20
_Arrays = dict[str, NDArray[Any]]


@READERS.register("store")
class Store(Reader):
    """A store, the folder that `aaecli data pack` writes."""

    settings = frozenset({"holdout"})

    def matches(self, path: Path) -> bool:
        """Tell whether it is a folder with a store, or with one whose packing did not end."""
        return holds_store(path)

    def learns_every_label(self, path: Path) -> bool:
        """Tell whether the reader of what was packed does."""
        return read_manifest(path).every_label

    def load(self, path: Path, image: Image, progress: Progress | None = None) -> Dataset:
        """Map the files; those of up to 768 MiB are read."""
        manifest = read_manifest(path)
        arrays = {name: map_array(path / name, dtype, shape) for name, dtype, shape in manifest.files()}
        train_label = _labels(path, "train", arrays, manifest, least=-1)
        is_validation = _validates(path, arrays) if manifest.train.is_divided else None
        test_label = _labels(path, "test", arrays, manifest, least=0)
        first = arrays["first-copy.npy"]
        _check_first(path / "first-copy.npy", first)
        learnt = train_label if is_validation is None else train_label[~is_validation]
        train_image = _image(arrays[f"train-{IMAGE}"])
        return Dataset(
            name=manifest.name,
            classes=manifest.classes,
            train_image=train_image,
            train_label=train_label,
            test_image=_image(arrays[f"test-{IMAGE}"]) if manifest.test.count else train_image[:0],
            test_label=test_label,
            train_name=_names(path, "train", arrays),
            test_name=_names(path, "test", arrays),
            is_validation=is_validation,
            faults=_faults(path, manifest.classes, learnt),
            stored=Stored(first, manifest.digest()),
        )


def _image(mapped: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Give images as an array in memory where every other reader would hold them there too."""
    return np.array(mapped) if mapped.nbytes <= MAX_BYTES else mapped


def _labels(path: Path, kind: str, arrays: _Arrays, manifest: Manifest, least: int) -> NDArray[np.int64]:
    name = f"{kind}-label.npy"
    if name not in arrays:
        return np.zeros(0, np.int64)
    label = arrays[name].astype(np.int64)
    if label.min() < least or label.max() >= len(manifest.classes):
        raise AaeError(f"{path / name} is damaged: it holds labels that are of no class.", PACK_AGAIN)
    return label


def _validates(path: Path, arrays: _Arrays) -> NDArray[np.bool_]:
    values = arrays["train-validates.npy"]
    if values.max() > 1:
        raise AaeError(f"{path / 'train-validates.npy'} is damaged: it holds more than 0 and 1.", PACK_AGAIN)
    return np.asarray(values == 1)


def _check_first(path: Path, first: NDArray[np.int64]) -> None:
    """See that the first of some copies is no later than the others, and its own first."""
    for start in range(0, len(first), _ROWS):
        part = first[start : start + _ROWS]
        index = np.arange(start, start + len(part))
        if not ((part >= 0) & (part <= index)).all() or not (first[part] == part).all():
            raise AaeError(f"{path} is damaged: it does not say which images are copies.", PACK_AGAIN)


def _names(path: Path, kind: str, arrays: _Arrays) -> StoredNames | tuple[()]:
    text, end = arrays.get(f"{kind}-name.npy"), arrays.get(f"{kind}-name-end.npy")
    if text is None or end is None:
        return ()
    steps = (end[start : start + _ROWS + 1] for start in range(0, len(end), _ROWS))
    if end[0] < 0 or end[-1] != len(text) or any((step[1:] < step[:-1]).any() for step in steps):
        raise AaeError(f"{path / f'{kind}-name-end.npy'} is damaged: it does not say where names end.", PACK_AGAIN)
    return StoredNames(text, end)


def _faults(path: Path, classes: tuple[str, ...], learnt: NDArray[np.int64]) -> tuple[tuple[str, str], ...]:
    """Say what keeps the classes from being learnt, by the labels (T,) that are learnt."""
    if len(classes) < 2:
        return (
            (
                f"{path} has {'a single class' if classes else 'no class'}; two or more are needed.",
                "Pack pictures of two classes or more, or learn from the images alone: "
                "--model clustering, aae or autoencoder.",
            ),
        )
    count = np.bincount(learnt[learnt >= 0], minlength=len(classes))
    return tuple(
        (
            f"No training image of {path} is labelled as '{classes[index]}'.",
            f"Label some of that class, and pack the data set anew: {suggest_aaecli('data', 'pack', '--help')}",
        )
        for index in np.flatnonzero(count == 0).tolist()
    )
