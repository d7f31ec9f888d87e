"""Near duplicates in a data set, by name: which pictures are copies of which, in which part of the split."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from aaecli.data.dataset import Dataset
from aaecli.data.decoding.pictures import decode
from aaecli.data.decoding.pillow_warnings import without_pillow_warnings
from aaecli.data.inspection.low_frequencies import amplitudes
from aaecli.data.inspection.near_duplicates import find_near_duplicates
from aaecli.data.loading import holds_pictures, load_dataset
from aaecli.data.naming.files import read_bytes
from aaecli.data.preprocessing.prepare import Recipe, prepare_chunk
from aaecli.data.readers.arrays import MAX_IMAGES
from aaecli.data.readers.image_folder.folder import list_folder
from aaecli.data.workers import CHUNK, workers
from aaecli.errors import AaeError

Part = Literal["train", "validation", "test"]
Progress = Callable[[int, int], None]
_MANY = 48
"""From so many pictures on, starting processes pays."""
_REACH = (1 / 28, 1 / 8)
"""Least and largest shift that is looked for, as a part of a side: a pixel of MNIST's, and of 8 × 8 images."""
_SHOWN_SIDE = 84


class Copy(NamedTuple):
    """A picture that has near duplicates.

    Attributes:
        image: Its path from the folder; ``train 12`` where the images have no names.
        part: Of the split.
        label: Its class; empty without a label.
        number: Its number among all pictures.
    """

    image: str
    part: Part
    label: str
    number: int


class CopyGroup(NamedTuple):
    """Pictures that are near duplicates of each other.

    Attributes:
        copies: The pictures.
        difference: 1 - Fourier ring correlation, the largest by which a picture was joined to the group.
    """

    copies: tuple[Copy, ...]
    difference: float

    @property
    def is_across_split(self) -> bool:
        """Whether they are in different parts of the split: what is learnt there is known here."""
        return len({copy.part for copy in self.copies}) > 1

    @property
    def has_other_labels(self) -> bool:
        """Whether their labels differ: one of them is wrong."""
        return len({copy.label for copy in self.copies} - {""}) > 1


@dataclass(frozen=True)
class Copies:
    """The near duplicates of a data set.

    Attributes:
        groups: Those across the split first, then those whose labels differ, then the others.
        num_images: Images that were compared.
        num_unreadable: Pictures that could not be read.
        images: Gives the images of some numbers, (N, H, W) or (N, H, W, 3), to be looked at.
    """

    groups: tuple[CopyGroup, ...]
    num_images: int
    num_unreadable: int
    images: Callable[[Sequence[int]], NDArray[np.uint8]]


class _Signature(NamedTuple):
    """What is compared of some pictures.

    Attributes:
        amplitude: (N, F), see ``low_frequencies.amplitudes``.
        colour: (N, 3).
        expected: (N,).
        side: (N,), the shorter side in pixels; 0 where the picture could not be read.
    """

    amplitude: NDArray[np.complex64]
    colour: NDArray[np.float32]
    expected: NDArray[np.float32]
    side: NDArray[np.int64]


def find_copies(data: str | None, progress: Progress | None = None) -> Copies:
    """Find the near duplicates in a data set. Pictures are compared as their files have them, not as a model gets them.

    Args:
        data: A folder of pictures, or another data set; the embedded MNIST where None.
        progress: Receives how many pictures of how many are decoded.

    Raises:
        AaeError: It cannot be read.
    """
    if data is not None and holds_pictures(data):
        return _in_folder(Path(data), progress)
    return _in_arrays(load_dataset(data, progress=progress))


def _in_folder(folder: Path, progress: Progress | None) -> Copies:
    listing = list_folder(folder)
    names = listing.train + listing.test
    parts: list[Part] = ["validation" if validates else "train" for validates in listing.is_validation]
    parts += ["test"] * len(listing.test)
    labels = [label or "" for label in (*listing.train_class, *listing.test_class)]
    found, num_done = [], 0
    for signature in _signatures([str(folder / name) for name in names]):
        found.append(signature)
        num_done += len(signature.side)
        if progress:
            progress(num_done, len(names))
    signature = _Signature(*map(np.concatenate, zip(*found, strict=True)))
    readable = signature.side > 0

    def images(index: Sequence[int]) -> NDArray[np.uint8]:
        recipe = Recipe((_SHOWN_SIDE, _SHOWN_SIDE), normalise=False, channels=3)
        batch = prepare_chunk([str(folder / names[each]) for each in index], recipe)
        found = iter(batch.images)
        # A picture may have gone meanwhile.
        gone = np.zeros(recipe.stored_shape, np.uint8)
        return np.stack([gone if isinstance(outcome, AaeError) else next(found) for outcome in batch.outcomes])

    groups = _groups(signature, lambda index: Copy(names[index], parts[index], labels[index], index))
    return Copies(groups, int(readable.sum()), int((~readable).sum()), images)


def _in_arrays(dataset: Dataset) -> Copies:
    num_train = len(dataset.train_image)
    if num_train + len(dataset.test_image) > MAX_IMAGES:
        raise AaeError(
            f"{dataset.name} holds {num_train + len(dataset.test_image):,} images; near duplicates are searched "
            f"among at most {MAX_IMAGES:,}.",
            "Look into a part of it. Copies to the pixel are known all the same, and on one side of the split.",
        )
    image = np.concatenate([dataset.train_image, dataset.test_image])
    label = np.concatenate([dataset.train_label, dataset.test_label])
    validates = dataset.is_validation if dataset.is_validation is not None else np.zeros(num_train, bool)

    def copy(index: int) -> Copy:
        is_test = index >= num_train
        part: Part = "test" if is_test else "validation" if validates[index] else "train"
        names, number = (dataset.test_name, index - num_train) if is_test else (dataset.train_name, index)
        own = names[number] if names else f"{'test' if is_test else 'train'} {number}"
        return Copy(own, part, dataset.classes[label[index]] if label[index] >= 0 else "", index)

    found = [amplitudes(image[start : start + CHUNK]) for start in range(0, len(image), CHUNK)]
    amplitude, colour, expected = map(np.concatenate, zip(*found, strict=True))
    signature = _Signature(amplitude, colour, expected, np.full(len(image), min(image.shape[1:3])))
    return Copies(_groups(signature, copy), len(image), 0, lambda index: image[list(index)])


def _groups(signature: _Signature, copy: Callable[[int], Copy]) -> tuple[CopyGroup, ...]:
    readable = signature.side > 0
    if not readable.any():
        return ()
    least, most = _REACH
    reach = float(np.clip(1 / np.median(signature.side[readable]), least, most))
    found = find_near_duplicates(signature.amplitude, signature.colour, signature.expected, reach)
    groups = [
        CopyGroup(tuple(map(copy, group)), difference)
        for group, difference in zip(found.group, found.difference, strict=True)
    ]
    return tuple(sorted(groups, key=lambda group: (not group.is_across_split, not group.has_other_labels)))


def _signatures(paths: list[str]) -> Iterator[_Signature]:
    if len(paths) < _MANY:
        yield signatures_of(paths)
        return
    with workers() as pool:
        yield from pool.apply(signatures_of, paths)


def signatures_of(paths: Sequence[str]) -> _Signature:
    """Read some pictures, and take from them what is compared."""
    found = [_signature_of(path) for path in paths]
    return _Signature(*map(np.concatenate, zip(*found, strict=True)))


def _signature_of(path: str) -> _Signature:
    try:
        with without_pillow_warnings():
            pixels = decode(read_bytes(path), path).pixels
        side = min(pixels.shape[:2])
    except AaeError:
        # It has no contrast, so it is compared with nothing.
        pixels, side = np.zeros((1, 1), np.uint8), 0
    return _Signature(*amplitudes(pixels[None]), np.array([side]))
