"""Where the pictures of a training are: remembered on the machine that trained, by a number that the training drew.

A checkpoint and the settings of a run name the folder that they were trained on. One from somewhere else could name any
folder of this machine, which would then be walked through, decoded and shown. So nothing but the embedded images is
taken from where a file says that it is: the path comes from a record that this user's own training left.
"""

from __future__ import annotations

import re
import secrets
from contextlib import suppress
from pathlib import Path

from aaecli.errors import AaeError
from aaecli.files.cache import cache_folder
from aaecli.files.opening import exists, read_text
from aaecli.files.writing import replacing

_ID = re.compile(r"[0-9a-f]{32}")
_MAX_BYTES = 2**13


def new_run_id() -> str:
    """Draw the number by which a training is known; nobody can guess one."""
    return secrets.token_hex(16)


def remember(run_id: object, data: str | Path) -> None:
    """Keep where the images of a training are; a home that cannot be written is no fault, ``--data`` does as well."""
    if not isinstance(run_id, str) or not _ID.fullmatch(run_id) or not str(data):
        return
    with suppress(AaeError, OSError), replacing(_record(run_id)) as temporary:
        temporary.write_text(str(Path(data).absolute()), encoding="utf-8", errors="surrogateescape")


def is_remembered(run_id: object) -> bool:
    """Tell whether this machine knows where the images of a training are."""
    return isinstance(run_id, str) and _ID.fullmatch(run_id) is not None and exists(_record(run_id))


def data_folder(data: str, run_id: object, given: str | None, path: Path) -> str:
    """Give the folder of a training's images, empty for the embedded ones.

    Args:
        data: What the settings of the training call it.
        run_id: The number of the training, where it has one.
        given: What the user named, which goes before everything else.
        path: The checkpoint or run folder, for the error.

    Raises:
        AaeError: This machine does not remember the training, and the user named nothing.
    """
    if given is not None:
        return given
    if not data:
        return ""
    if isinstance(run_id, str) and is_remembered(run_id):
        with suppress(AaeError):
            return read_text(_record(run_id), _MAX_BYTES)
    raise AaeError(
        f"{path} was trained on '{data}', and this machine does not remember where that is.",
        "Name the folder with --data DIR; it is not taken from a file that may come from elsewhere.",
    )


def _record(run_id: str) -> Path:
    return cache_folder() / "trained" / run_id
