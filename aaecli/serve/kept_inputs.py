"""``classify --save-input``: what the model saw of each picture, as a PNG of its own."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path, PurePath
from typing import TYPE_CHECKING

from aaecli.errors import AaeError
from aaecli.files.opening import exists, is_folder
from aaecli.files.outputs import Names, Outputs
from aaecli.files.own_files import KEPT, is_kept_input
from aaecli.text import for_file_name

if TYPE_CHECKING:
    from aaecli.serve.classify import Answer


class InputKeeper:
    """Keeps what the model saw as PNG files named after the pictures.

    Pictures of one name get ``-2``, ``-3``… behind it. Files from an earlier call are replaced, unless this one may
    read them; others never are.

    Args:
        folder: Where the files go.
        given: What the user named to be read; the folders among it are not to be written into.
        force: Allow a folder that holds files of others; they stay, and new files get names beside theirs.
        has_list: A list, whose names are not known yet, says what else is read.

    Raises:
        AaeError: The folder holds files of others, is one of those that are read, or cannot be written.
    """

    def __init__(self, folder: Path, given: Iterable[str], *, force: bool, has_list: bool = False) -> None:
        self._folder = folder
        given = [*given]
        self._outputs = Outputs(inputs=[Path(name) for name in given if is_folder(name)])
        entries = sorted(folder.iterdir()) if is_folder(folder) else []
        # Names that are given begin with no dot, and what does is hardly the user's.
        taken = [path.name for path in entries if not (path.name.startswith(".") or is_kept_input(path))]
        if taken and not force:
            raise AaeError(
                f"{folder} holds files that --save-input did not write, such as {taken[0]}.",
                "Name a new folder. With --force, what is kept is written beside those files.",
            )
        if exists(folder) and not is_folder(folder):
            raise AaeError(f"{folder} is a file, not a folder.", "Name a new folder.")
        stays = has_list or any(_lies_in(folder, name) for name in given)
        self._names = Names([path.name for path in entries] if stays else taken)
        self._outputs.check(folder / "x.png")

    def keep(self, answer: Answer) -> None:
        """Write one file."""
        from aaecli.serve.album import encode_image

        stem = "stdin" if answer.image == "-" else for_file_name(PurePath(answer.image).stem)
        path = self._outputs.claim(self._folder / self._names.take(stem, ".png"), is_kept_input)
        self._outputs.write(path, encode_image(answer.seen, comment=KEPT), sync=False)


def _lies_in(folder: Path, name: str) -> bool:
    """Tell whether a file, or one that a pattern matches, may lie in a folder."""
    parent = PurePath(name).parent
    return any(sign in str(parent) for sign in "*?[") or os.path.realpath(parent) == os.path.realpath(folder)
