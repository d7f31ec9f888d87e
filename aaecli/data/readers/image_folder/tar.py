"""Pictures of a folder, or of a tar file that was made of one: which there are, and their bytes."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path

from aaecli.data.decoding.tar import damaged, index_tar, is_tar, read_members
from aaecli.data.preprocessing.prepare import Encoded
from aaecli.data.readers.image_folder.tree import Tree, check_number, walk_names
from aaecli.errors import AaeError
from aaecli.files.opening import is_file


def is_tar_file(path: Path) -> bool:
    """Tell whether a path is a tar file.

    Raises:
        AaeError: It is a compressed one.
    """
    return is_file(path) and is_tar(str(path))


def walk_tar(path: Path) -> Tree:
    """Find what lies in a tar file.

    Raises:
        AaeError: It cannot be read or is damaged, or holds too many pictures or a labels.csv, which is read from a
            folder alone.
    """
    tree = walk_names(_index(path))
    check_number(path, tree)
    if tree.sheets:
        raise AaeError(
            f"{path} holds {tree.sheets[0]}, and labels are not read from a tar file.",
            "Unpack it, and name the folder that comes out of it.",
        )
    return tree


def sources_of(path: Path, names: Sequence[str]) -> Iterator[str | Encoded | AaeError]:
    """Give pictures by their names, to be decoded: the paths of those in a folder, the bytes of those in a tar file.

    Raises:
        AaeError: The tar file cannot be read, or has changed since its pictures were listed.
    """
    if not is_tar_file(path):
        return (f"{path}/{name}" for name in names)
    index = _index(path)
    if not index.keys() >= {*names}:
        raise damaged(str(path), "it has changed meanwhile")
    return read_members(str(path), (index[name] for name in names))


def _index(path: Path) -> dict[str, int]:
    status = os.stat(path)  # noqa: PTH116 - Path's own lets errors through
    return _index_of(str(path), status.st_mtime_ns, status.st_size)


@lru_cache(maxsize=1)
def _index_of(path: str, changed: int, size: int) -> dict[str, int]:
    # Kept, since the form of its pictures is found before they are packed.
    return index_tar(path)
