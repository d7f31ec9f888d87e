"""The header of a checkpoint, read without torch and without its weights."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from aaecli.checkpoint.archive import Archive
from aaecli.checkpoint.unpickling import unpickle
from aaecli.errors import AaeError
from aaecli.files.opening import open_regular

SCHEMA = 1
"""Schema version: increased whenever older versions of aaecli cannot read newer files."""
_MAX_PICKLE_BYTES = 2**24
_NO_LIMIT = 2**62
_HINT = "`aaecli train` writes models as model.pt."


@contextmanager
def opened(path: Path, kind: str, max_bytes: int = _NO_LIMIT) -> Iterator[tuple[dict[str, Any], Archive]]:
    """Open a checkpoint without running any code that may be in it.

    Args:
        path: The file.
        kind: ``model``, ``training``, or ``any`` of the two.
        max_bytes: Largest file that is read; without weights there is no limit.

    Yields:
        Its content, with ``Described`` in the place of tensors, and the parts that hold their numbers.

    Raises:
        AaeError: The file is missing, unreadable, no checkpoint of this kind, or from a newer version; also for a
            ValueError or an error of the system that arises in the block.
    """
    with open_regular(path, hint=_HINT) as file:
        try:
            archive = Archive(file, max_bytes)
            pickled = archive.entries.get("data.pkl")
            if pickled is None or pickled.size > _MAX_PICKLE_BYTES:
                raise ValueError("it describes no weights")
            if "byteorder" in archive.entries and archive.read("byteorder") != b"little":
                raise ValueError("it was written on a machine of another byte order")
            content = unpickle(archive.read("data.pkl"))
            yield _checked(content, kind, path), archive
        except OSError as error:
            raise AaeError(f"{path} cannot be read: {error.strerror}.", _HINT) from error
        except ValueError as error:
            raise AaeError(f"{path} is refused: {error}.", _HINT) from error


def describe(path: Path, kind: str) -> dict[str, Any]:
    """Give the content of a checkpoint, with ``Described`` in the place of tensors.

    Raises:
        AaeError: As in ``opened``.
    """
    with opened(path, kind) as (content, _):
        return content


def _checked(content: object, kind: str, path: Path) -> dict[str, Any]:
    if not isinstance(content, dict) or content.get("format") != "aaecli":
        raise AaeError(f"{path} was not written by aaecli.", _HINT)
    schema = content.get("schema")
    if type(schema) is not int or not 0 < schema <= SCHEMA:
        raise AaeError(
            f"{path} has schema {schema if type(schema) is int else 'unknown'}; this aaecli reads up to {SCHEMA}.",
            "Install a newer aaecli, from where you had this one.",
        )
    if kind not in (content.get("kind"), "any"):
        other = "last.pt, which training goes on from" if kind == "model" else "model.pt, which holds weights to use"
        raise AaeError(f"{path} holds no {kind}.", f"It looks like a {other}; name the other file of the same run.")
    return content
