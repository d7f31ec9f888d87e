"""Packing a data set into a store: what is in memory as it is, and a folder of pictures while it is decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aaecli.config.image import Image
from aaecli.data.dataset import Dataset
from aaecli.data.inspection.findings import Findings
from aaecli.data.picture_cache import Pictures, prepared
from aaecli.data.preprocessing.prepare import Batch
from aaecli.data.readers.image_folder.collection import ClassIndex, findings_of, recipe_of
from aaecli.data.readers.image_folder.folder import Listing
from aaecli.data.readers.image_folder.tar import sources_of
from aaecli.data.store.part_writer import PartWriter
from aaecli.data.store.writing import writing_store
from aaecli.errors import AaeError
from aaecli.files.outputs import Outputs

Progress = Callable[[int, int], None]
"""Receives how many images are packed, and of how many."""
_ROWS = 2**14


def pack_dataset(
    dataset: Dataset, folder: Path, outputs: Outputs, *, every_label: bool, progress: Progress | None = None
) -> None:
    """Pack a data set.

    Args:
        dataset: The images.
        folder: The folder of the store, whose files have been claimed.
        outputs: What they were claimed with.
        every_label: Whether every label there is is learnt from where the user names no number.
        progress: Receives the progress.

    Raises:
        AaeError: A file cannot be written.
    """
    num_train, num_test = len(dataset.train_label), len(dataset.test_label)
    with writing_store(
        folder,
        dataset.train_image.shape[1:],
        outputs,
        has_names=dataset.is_collection,
        has_test=num_test > 0,
        has_test_names=len(dataset.test_name) > 0,
    ) as store:
        for rows in _slices(num_train):
            validates = None if dataset.is_validation is None else dataset.is_validation[rows]
            store.train.add(dataset.train_image[rows], dataset.train_label[rows], dataset.train_name[rows], validates)
            if progress is not None:
                progress(rows.stop, num_train + num_test)
        if store.test is not None:
            for rows in _slices(num_test):
                store.test.add(dataset.test_image[rows], dataset.test_label[rows], dataset.test_name[rows])
                if progress is not None:
                    progress(num_train + rows.stop, num_train + num_test)
        store.finish(dataset.name, dataset.classes, every_label=every_label)


def _slices(count: int) -> Iterator[slice]:
    return (slice(start, min(start + _ROWS, count)) for start in range(0, count, _ROWS))


def pack_pictures(
    source: Path, listing: Listing, settings: Image, folder: Path, outputs: Outputs, progress: Progress | None = None
) -> Findings:
    """Pack a folder of pictures, of which no more than some chunks are in memory.

    Args:
        source: The folder of pictures, or a tar file that was made of one.
        listing: What it holds.
        settings: What pictures become.
        folder: The folder of the store, whose files have been claimed.
        outputs: What they were claimed with.
        progress: Receives the progress.

    Returns:
        What a user should know of the pictures.

    Raises:
        AaeError: The folder or all of its pictures cannot be read, its test pictures are of other classes than those
            to learn from, or a file cannot be written.
    """
    recipe = recipe_of(settings)
    class_index = ClassIndex(listing.classes)
    for name in listing.test_class:
        if class_index.of(name) < 0:
            raise AaeError(
                f"The test pictures in {source} have the class '{name}', which no picture to learn from has.",
                "Label some pictures of that class, or move those away.",
            )
    names = listing.train + listing.test
    read = _Read(listing, class_index)
    has_test = bool(listing.test)
    with writing_store(
        folder, recipe.stored_shape, outputs, has_names=True, has_test=has_test, has_test_names=has_test
    ) as store:
        for batch in prepared(sources_of(source, names), len(names), recipe):
            read.pass_on(batch, store.train, store.test)
            if progress is not None:
                progress(read.num_done, len(names))
        name = source.resolve().name.removesuffix(".tar") or str(source)
        duplicates = store.finish(name, listing.classes, every_label=True, contradictions_count=False)
        is_learnt = ~store.train.validates
        label = store.train.label.astype(np.int64)
        for group in duplicates.contradicting:
            label[list(group)] = -1
    pictures = read.pictures(recipe.stored_shape)
    return findings_of(source, listing, pictures, duplicates, label[is_learnt], settings)


class _Read:
    """Passes pictures on to the parts of a store, and keeps what is to be said of them.

    Args:
        listing: The folder.
        class_index: Gives the index of a class.
    """

    def __init__(self, listing: Listing, class_index: ClassIndex) -> None:
        self._names = listing.train + listing.test
        self._num_train = len(listing.train)
        self._validates = np.array(listing.is_validation, bool)
        classes = [*listing.train_class, *listing.test_class]
        self._label = np.array([class_index.of(name) for name in classes], np.int64)
        self._index: list[NDArray[np.int64]] = []
        self._suspicious: list[NDArray[np.bool_]] = []
        self._paged: list[NDArray[np.bool_]] = []
        self._unreadable: dict[int, str] = {}
        self.num_done = 0

    def pass_on(self, batch: Batch, train: PartWriter, test: PartWriter | None) -> None:
        """Take the pictures that follow."""
        first = self.num_done
        self.num_done += len(batch.outcomes)
        failed = {
            first + position: outcome.message
            for position, outcome in enumerate(batch.outcomes)
            if isinstance(outcome, AaeError)
        }
        self._unreadable |= failed
        index = np.array([each for each in range(first, self.num_done) if each not in failed], np.int64)
        self._index.append(index)
        self._suspicious.append(np.array([bool(batch.outcomes[each - first]) for each in index.tolist()], bool))
        self._paged.append(np.array([batch.num_pages[each - first] > 1 for each in index.tolist()], bool))
        for part, rows in ((train, index < self._num_train), (test, index >= self._num_train)):
            chosen = index[rows]
            if part is not None and len(chosen):
                names = [self._names[each] for each in chosen.tolist()]
                validates = self._validates[chosen] if part is train else None
                part.add(batch.images[rows], self._label[chosen], names, validates)

    def pictures(self, shape: tuple[int, ...]) -> Pictures:
        """Give what is known of the pictures, without their pixels."""
        return Pictures(
            np.empty((0, *shape), np.uint8),
            np.concatenate(self._index),
            np.concatenate(self._suspicious),
            np.concatenate(self._paged),
            self._unreadable,
        )
