"""What ``Classifier`` and ``Generator`` share: they are pickled by the path and the sha256 of their file."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from aaecli.errors import AaeError


def as_path(name: str, given: str | os.PathLike[str] | None) -> Path | None:
    """Take an argument that names a file or a folder.

    Raises:
        TypeError: It is no path.
    """
    if not isinstance(given, str | os.PathLike | None):
        raise TypeError(f"{name} is a path, as str or Path, or None; this is of the type {type(given).__name__}.")
    return None if given is None else Path(given)


class OpenedFile:
    """An open model that can be pickled and copied: a copy opens the same file, and refuses one that has changed.

    Attributes:
        path: The file.
        device: Where it runs: ``cpu`` or ``cuda``.
        sha256: Of the file, in hexadecimal.
    """

    path: Path
    device: str
    sha256: str
    _options: tuple[Any, ...]

    def _open(self, path: Path) -> None:
        """Open a file with the options."""
        raise NotImplementedError

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self.path)!r}, device={self.device!r})"

    def __getstate__(self) -> tuple[str, str, tuple[Any, ...]]:
        return str(self.path), self.sha256, self._options

    def __setstate__(self, state: tuple[str, str, tuple[Any, ...]]) -> None:
        path, sha256, self._options = state
        self._open(Path(path))
        if self.sha256 != sha256:
            name = type(self).__name__
            raise AaeError(
                f"{path} is another file than when this {name} was pickled: its sha256 differs.",
                f"Put the file back, or open the new one with {name}(path).",
            )
