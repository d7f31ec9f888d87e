"""Comparing the files of a store with the checksums that were taken when it was packed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from aaecli.data.store.manifest import read_manifest
from aaecli.data.store.npy import PACK_AGAIN, map_array
from aaecli.data.store.writing import sha256_of
from aaecli.errors import AaeError


def verify_store(folder: Path, progress: Callable[[int, int], None] | None = None) -> None:
    """Read all files of a store.

    Args:
        folder: The store.
        progress: Receives how many files are compared, and of how many.

    Raises:
        AaeError: It is no store, or a file is not what it was.
    """
    manifest = read_manifest(folder)
    files = list(manifest.files())
    for number, (name, dtype, shape) in enumerate(files, 1):
        map_array(folder / name, dtype, shape)  # refuses what is no such file, a link among it
        if sha256_of(folder / name) != manifest.sha256[name]:
            raise AaeError(
                f"{folder / name} is damaged: its checksum is another than that in store.json.",
                PACK_AGAIN,
            )
        if progress is not None:
            progress(number, len(files))
