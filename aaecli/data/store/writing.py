"""Writing a store: images as they come, then what is known of them all, and ``store.json`` last."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from aaecli.config.models import MAX_CLASSES
from aaecli.data.inspection.duplicates import Duplicates, classify_groups, groups_alike
from aaecli.data.store.manifest import FORMAT, IMAGE, MAX_IMAGES, NAME, SCHEMA, Manifest, Part
from aaecli.data.store.npy import GrowingArray, header
from aaecli.data.store.part_writer import PartWriter
from aaecli.errors import AaeError
from aaecli.files.opening import is_folder, open_regular
from aaecli.files.outputs import Outputs
from aaecli.files.writing import sweep

_CHUNK = 2**20
_EVERY = Part(1, 0, is_divided=True)


class StoreWriter:
    """Writes a store; ``writing_store`` makes one.

    Attributes:
        train: Takes the training images.
        test: Takes the test images; None where there are none.
    """

    def __init__(
        self,
        folder: Path,
        shape: tuple[int, ...],
        outputs: Outputs,
        stack: ExitStack,
        train: PartWriter,
        test: PartWriter | None,
    ) -> None:
        self._folder, self._shape, self._outputs, self._stack = folder, shape, outputs, stack
        self.train, self.test = train, test
        self._manifest: Manifest | None = None

    def finish(
        self, name: str, classes: tuple[str, ...], *, every_label: bool = False, contradictions_count: bool = True
    ) -> Duplicates:
        """Write what is known of all images, once the last one was added.

        Args:
            name: What to call the data set.
            classes: Name of each class.
            every_label: See ``Manifest``.
            contradictions_count: Whether images alike may have several labels; if not, such ones lose theirs.

        Returns:
            The images that occur more than once; training images come first.

        Raises:
            AaeError: There are no training images, too many images or classes, or a file cannot be written.
        """
        parts = [self.train] if self.test is None else [self.train, self.test]
        for part in parts:
            part.finish()
            if part.count > MAX_IMAGES:
                raise AaeError(f"{name} holds {part.count:,} images; a store takes {MAX_IMAGES:,}.", "Take several.")
        if not self.train.count or len(classes) > MAX_CLASSES:
            raise AaeError(
                f"{name} has {self.train.count:,} images and {len(classes):,} classes, which make no store.",
                f"A store takes one image or more, and at most {MAX_CLASSES:,} classes.",
            )
        groups = self._groups(parts)
        first = np.arange(sum(part.count for part in parts))
        for group in groups:
            first[list(group)] = group[0]
        labels = [part.label.astype(np.int64) for part in parts]
        is_plain = np.concatenate([part.is_plain for part in parts])
        # Copies of a single shade say nothing of the labels: they may be scans of nothing.
        found = classify_groups(
            [group for group in groups if not is_plain[group[0]]],
            np.concatenate(labels),
            self.train.count,
            self.train.validates,
        )
        if not contradictions_count:
            for group in found.contradicting:
                labels[0][list(group)] = -1
        train, test = self.train.described, Part(0) if self.test is None else self.test.described
        self._manifest = Manifest(FORMAT, SCHEMA, name, self._shape, classes, every_label, train, test)
        self._write_known(parts, [train, test], labels, first)
        return found

    def seal(self) -> None:
        """Write ``store.json`` beside the files, which have their names by now."""
        manifest = self._manifest
        if manifest is None:
            return
        sha256 = {name: sha256_of(self._folder / name) for name, *_ in manifest.files()}
        for name in _names() - sha256.keys():
            # A store that was here before may have had others.
            (self._folder / name).unlink(missing_ok=True)
        self._outputs.write(self._folder / NAME, replace(manifest, sha256=sha256).text())

    def _groups(self, parts: list[PartWriter]) -> list[tuple[int, ...]]:
        """Give the groups of images alike to the pixel: indices into training and test images, one after the other."""
        images, num_train = [part.images() for part in parts], parts[0].count

        def row(index: int) -> bytes:
            return bytes(images[0][index] if index < num_train else images[1][index - num_train])

        fingerprint = np.concatenate([part.fingerprint for part in parts])
        return groups_alike(fingerprint, np.arange(len(fingerprint)), row)

    def _write_known(
        self, parts: list[PartWriter], described: list[Part], labels: list[NDArray[np.int64]], first: NDArray[np.int64]
    ) -> None:
        for kind, part, known, label in zip(("train", "test"), parts, described, labels, strict=False):
            self._write(f"{kind}-label.npy", "<i2", label)
            if known.is_divided:
                self._write(f"{kind}-validates.npy", "|u1", part.validates)
            if known.name_bytes >= 0:
                self._write(f"{kind}-name-end.npy", "<i8", part.name_end)
        self._write("first-copy.npy", "<i8", first)
        # From here on what was a store before is none: its files change.
        (self._folder / NAME).unlink(missing_ok=True)

    def _write(self, name: str, dtype: str, values: NDArray[np.generic]) -> None:
        """Write a file that gets its name when the block of ``writing_store`` ends, as those of the images do."""
        temporary = self._stack.enter_context(self._outputs.replacing(self._folder / name))
        temporary.write_bytes(header(dtype, values.shape) + np.ascontiguousarray(values, dtype).tobytes())


@contextmanager
def writing_store(
    folder: Path, shape: tuple[int, ...], outputs: Outputs, *, has_names: bool, has_test: bool, has_test_names: bool
) -> Iterator[StoreWriter]:
    """Write a store in a block, which calls ``finish`` at its end; ``claim_store`` goes before.

    Where the block ends with an error, no file of the store is left. Where the process is killed, there is no
    ``store.json``, and so no store.

    Args:
        folder: The folder; made where there is none.
        shape: Shape of an image: (H, W) or (H, W, 3).
        outputs: What claims the names of the files.
        has_names: Whether the training images have names.
        has_test: Whether there are test images.
        has_test_names: Whether those have names.

    Raises:
        AaeError: A file of the store is there already, or cannot be written.
    """
    if is_folder(folder):
        sweep(folder)
    with ExitStack() as stack:

        def growing(name: str, row: tuple[int, ...] = ()) -> tuple[Path, GrowingArray]:
            temporary = stack.enter_context(outputs.replacing(folder / name))
            return temporary, GrowingArray(stack.enter_context(temporary.open("wb")), "|u1", row)

        def part(kind: str, *, has_names: bool) -> PartWriter:
            path, image = growing(f"{kind}-{IMAGE}", shape)
            return PartWriter(path, image, growing(f"{kind}-name.npy")[1] if has_names else None)

        train = part("train", has_names=has_names)
        test = part("test", has_names=has_test_names) if has_test else None
        writer = StoreWriter(folder, shape, outputs, stack, train, test)
        yield writer
    writer.seal()


def claim_store(folder: Path, outputs: Outputs) -> None:
    """Claim the names of all files that a store may have.

    Raises:
        AaeError: One is there already, or the folder cannot be written.
    """
    for name in (NAME, *sorted(_names())):
        outputs.claim(folder / name)


def sha256_of(path: Path) -> str:
    """Give the SHA-256 of a file, in hexadecimal.

    Raises:
        AaeError: It cannot be read.
    """
    digest = hashlib.sha256()
    with open_regular(path) as file:
        while part := file.read(_CHUNK):
            digest.update(part)
    return digest.hexdigest()


def _names() -> set[str]:
    whole = Manifest(FORMAT, SCHEMA, NAME, (1, 1), (), every_label=False, train=_EVERY, test=_EVERY)
    return {name for name, *_ in whole.files()}
