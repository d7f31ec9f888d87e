"""Commands that a hint suggests, as they are typed: every word is quoted for the shell that the user has."""

from __future__ import annotations

import os
import re
from pathlib import Path

_ONE_WORD = re.compile(r"[\w@%+=:,./-]+", re.ASCII)


def suggest(*words: str | Path) -> str:
    r"""Give a command line that works when it is typed or pasted into a shell.

    A name with spaces or signs is quoted, one with control characters as ``$'\x1b'`` (bash, zsh, ksh). A path that
    begins with a dash gets ``./`` in front, so that it is no option.

    Args:
        words: The program and its words. Paths are to be given as paths.
    """
    plain = [_not_an_option(word) if isinstance(word, Path) else word for word in words]
    if os.name == "nt":
        import subprocess

        return subprocess.list2cmdline(plain)
    return " ".join(_quoted(word) for word in plain)


def suggest_aaecli(*words: str | Path) -> str:
    """Give an ``aaecli`` command in backticks, for the middle of a sentence."""
    return f"`{suggest('aaecli', *words)}`"


def suggest_resuming(run: Path, num_processes: int, *words: str | Path) -> str:
    """Give the command that resumes a training with as many processes as it has had, in backticks.

    Args:
        run: The run folder.
        num_processes: How many it had.
        words: Further words.
    """
    program = ["aaecli"]
    if num_processes > 1:
        program = ["torchrun", "--standalone", "--nproc-per-node", str(num_processes), "-m", "aaecli"]
    return f"`{suggest(*program, 'train', '--resume', run, *words)}`"


def _not_an_option(path: Path) -> str:
    return f"./{path}" if str(path).startswith("-") and str(path) != "-" else str(path)


def _quoted(word: str) -> str:
    if _ONE_WORD.fullmatch(word):
        return word
    if word.isprintable():
        return "'" + word.replace("'", "'\"'\"'") + "'"
    escaped = "".join(
        letter.replace("\\", "\\\\").replace("'", "\\'")
        if letter.isprintable()
        else "".join(f"\\x{byte:02x}" for byte in os.fsencode(letter))
        for letter in word
    )
    return f"$'{escaped}'"
