"""Where the pictures of a run are: recorded on the machine that trained, by the random identifier of the run.

A checkpoint and the settings of a run name the folder that they were trained on. A file from somebody else could
name any folder of this machine, which would then be listed, decoded and shown. So the path in a file is never used,
except for the embedded images: the path comes from a record that a run of this user wrote.
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
REHEARSAL = "rehearsal"
"""The role of a data set that is learnt beside that of a run."""


def new_run_id() -> str:
    """Generate a random identifier of a run, which cannot be guessed."""
    return secrets.token_hex(16)


def remember(run_id: object, data: str | Path, role: str = "") -> None:
    """Record where the images of a run are; nothing happens where the home cannot be written: ``--data`` works too."""
    if not isinstance(run_id, str) or not _ID.fullmatch(run_id) or not str(data):
        return
    with suppress(AaeError, OSError), replacing(_record(run_id, role)) as temporary:
        temporary.write_text(str(Path(data).absolute()), encoding="utf-8", errors="surrogateescape")


def recorded(run_id: object, role: str) -> str:
    """Return where this machine has recorded the data set of a role to be; empty where it has no record."""
    if isinstance(run_id, str) and _ID.fullmatch(run_id):
        with suppress(AaeError):
            return read_text(_record(run_id, role), _MAX_BYTES)
    return ""


def is_remembered(run_id: object) -> bool:
    """Return whether this machine has a record of the images of a run."""
    return isinstance(run_id, str) and _ID.fullmatch(run_id) is not None and exists(_record(run_id))


def data_folder(data: str, run_id: object, given: str | None, path: Path) -> str:
    """Return the folder of a run's images, empty for the embedded ones.

    Args:
        data: Its name in the settings of the run.
        run_id: The identifier of the run, where it has one.
        given: The folder that the user named, which takes precedence.
        path: The checkpoint or run folder, for the error.

    Raises:
        AaeError: This machine has no record of the run, and the user named no folder.
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


def _record(run_id: str, role: str = "") -> Path:
    return cache_folder() / "trained" / (f"{run_id}-{role}" if role else run_id)
