"""The one rule for writing: no file is lost to an output, and nothing is written through a link.

A command claims every name before it starts its work, so that a run of an hour does not fail at its end for a name.
Without ``--force`` it replaces only what the same run wrote, and files of aaecli under a default name.
"""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aaecli.errors import AaeError
from aaecli.files.opening import exists, is_folder
from aaecli.files.own_files import Recognise
from aaecli.files.writing import check_no_links, replacing
from aaecli.suggestions import suggest

_Key = tuple[str, str]


class Outputs:
    """What one run of a command writes.

    Args:
        force: Existing files may be replaced, whoever wrote them. Links, folders and inputs never are.
        inputs: Files and folders that the same command reads: no output may be one of these files or lie in one of
            these folders, where the next run would read it as data.
    """

    def __init__(self, *, force: bool = False, inputs: Iterable[Path] = ()) -> None:
        self._force = force
        self._inputs = [path for path in inputs if exists(path)]
        self._claimed: dict[_Key, bool] = {}
        self._written: set[_Key] = set()

    def claim(self, path: Path, own: Recognise | None = None, *, within: Path | None = None) -> Path:
        """Check that a file may be written, and reserve its name.

        Args:
            path: The file.
            own: Returns whether aaecli wrote an existing file of this name, which is then replaced. None: the user
                named the file, and it is not replaced without ``force``.
            within: A folder from somebody else, below which no folder may be a link.

        Returns:
            ``path``.

        Raises:
            AaeError: The file exists, is a link or an input, lies in an input folder, was claimed already or cannot be
                made.
        """
        replaceable = self.check(path, own, within=within)
        if _key(path) in self._claimed:
            raise AaeError(f"Two files would be called {path}.", "Give them different names.")
        self._claimed[_key(path)] = replaceable
        return path

    def check(self, path: Path, own: Recognise | None = None, *, within: Path | None = None) -> bool:
        """Check a name as ``claim`` does, and reserve nothing.

        Returns:
            Whether a file of that name may be replaced.

        Raises:
            AaeError: As for ``claim``, save that the name may be claimed already.
        """
        _status(path)
        if within is not None:
            check_no_links(within, path)
        self._check_inputs(path)
        replaceable = self._force or (own is not None and own(path))
        _check_free(path, replaceable=replaceable, named=own is None)
        check_folder(path)
        return replaceable

    @contextmanager
    def replacing(self, path: Path, *, sync: bool = True) -> Iterator[Path]:
        """Give a temporary path beside ``path``, as ``writing.replacing`` does; claims the name if nobody has.

        Raises:
            AaeError: As for ``claim``; or another program made the file since it was claimed.
        """
        key = _key(path)
        if key not in self._claimed:
            self.claim(path)
        with replacing(path, sync=sync) as temporary:
            yield temporary
            if key not in self._written:
                _check_free(path, replaceable=self._claimed[key], named=True)
        self._written.add(key)

    def write(self, path: Path, content: bytes | str, *, sync: bool = True) -> None:
        """Write a file whole or not at all; text in UTF-8.

        Raises:
            AaeError: As for ``replacing``.
        """
        with self.replacing(path, sync=sync) as temporary:
            temporary.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "surrogateescape"))

    def _check_inputs(self, path: Path) -> None:
        for given in self._inputs:
            if is_folder(given):
                check_outside(path, given)
            elif exists(path) and path.samefile(given):
                raise AaeError(f"{path} is read by this very command: writing it would lose it.", "Give another name.")


class Names:
    """Gives every file of a set a name of its own: a second ``a.png`` becomes ``a-2.png``.

    Names that differ by case or by Unicode normalisation alone count as one: some file systems keep one file for both.

    Args:
        taken: Names of files that stay.
    """

    def __init__(self, taken: Iterable[str] = ()) -> None:
        self._taken = {_folded(name) for name in taken}
        self._last: dict[str, int] = {}

    def take(self, stem: str, suffix: str = "") -> str:
        """Give a name that no file has yet, with ``suffix`` at its end."""
        number = self._last.get(_folded(stem), 0)
        while True:
            number += 1
            name = f"{stem}{suffix}" if number == 1 else f"{stem}-{number}{suffix}"
            if _folded(name) not in self._taken:
                break
        self._last[_folded(stem)] = number
        self._taken.add(_folded(name))
        return name


def check_outside(path: Path, folder: Path) -> None:
    """Check that a file or folder is not inside a folder that is read; links in both are followed.

    Raises:
        AaeError: It does, or is that folder.
    """
    inner = Path(os.path.realpath(folder))
    if Path(os.path.realpath(path)).is_relative_to(inner):
        raise AaeError(
            f"{path} would lie in {folder}, and be taken for data the next time that folder is read.",
            f"Name a place outside of it, such as {suggest(inner.parent / path.name)}",
        )


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _key(path: Path) -> _Key:
    return os.path.realpath(path.parent), _folded(path.name)


def _status(path: Path) -> os.stat_result | None:
    """Return the status of a file itself, not of its target; None where there is none."""
    try:
        return path.lstat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise AaeError(f"Cannot write {str(path)[:200]!r}: {reason}.", "Give another name.") from error


def _check_free(path: Path, *, replaceable: bool, named: bool) -> None:
    status = _status(path)
    if status is None:
        return
    if stat.S_ISLNK(status.st_mode):
        raise AaeError(
            f"{path} is a link, and nothing is written through links.",
            f"Name another file, or the one it leads to: {suggest(Path(os.path.realpath(path)))}",
        )
    if stat.S_ISDIR(status.st_mode):
        raise AaeError(f"{path} is a folder, not a file.", "Name a file in it.")
    if not stat.S_ISREG(status.st_mode):
        raise AaeError(f"{path} is a device or a pipe, not a file.", "Name a file.")
    if not replaceable:
        whose = "" if named else ", and aaecli did not write it"
        raise AaeError(f"There is a file {path} already{whose}.", "Give another name, or --force to replace it.")


def check_folder(path: Path) -> None:
    """Check that the folder of a file can be written, or created.

    Raises:
        AaeError: It cannot.
    """
    folder = path.parent
    while not exists(folder):
        folder = folder.parent
    if not is_folder(folder):
        raise AaeError(f"Cannot write {path}: {folder} is a file, not a folder.", "Give another name.")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise AaeError(f"Cannot write {path}: {folder} may not be written to.", "Check the folder's permissions.")
