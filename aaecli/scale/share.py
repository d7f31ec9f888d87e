"""``--task I/N``: which part of the work is this process's, where something else starts the processes."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

from aaecli.errors import AaeError

MAX_TASKS = 1_000_000
_SPELT = re.compile(r"([0-9]{1,7})/([0-9]{1,7})", re.ASCII)
_VARIABLES = (
    ("SLURM_ARRAY_TASK_ID", "SLURM_ARRAY_TASK_COUNT", "SLURM_ARRAY_TASK_MIN"),
    # Kubernetes sets the index of an Indexed Job; how many there are, its manifest has to pass on.
    ("JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", ""),
)
AUTO = "auto"


@dataclass(frozen=True)
class Share:
    """One part of the work, of several that are alike.

    Attributes:
        index: Which one, counted from 0.
        count: How many there are.
        source: Where that comes from, to be said: the option or the variables.
    """

    index: int
    count: int
    source: str

    def has(self, number: int) -> bool:
        """Tell whether a task is in the part, by its number in an order that is the same for all parts."""
        return number % self.count == self.index


def read_share(text: str, environment: Mapping[str, str] = os.environ) -> Share:
    """Read what ``--task`` says.

    Args:
        text: ``I/N``, I counted from 0; or ``auto`` for the variables of a Slurm array (``SLURM_ARRAY_TASK_ID`` and
            ``_COUNT``, numbered without gaps) or of a Kubernetes Indexed Job (``JOB_COMPLETION_INDEX``, and
            ``JOB_COMPLETIONS`` for the number of its pods).
        environment: The variables.

    Raises:
        AaeError: It is neither, I is not below N, or the variables are not set.
    """
    if text != AUTO:
        found = _SPELT.fullmatch(text)
        if found is None:
            raise AaeError(f"--task takes I/N or auto, not '{text}'.", "The first of 8 parts: --task 0/8.")
        return _checked(int(found[1]), int(found[2]), f"--task {text}")
    for index, count, first in _VARIABLES:
        if index in environment:
            if count not in environment:
                raise AaeError(
                    f"{index} is set, and {count} is not: the number of parts is unknown.",
                    f"Set {count}, or spell the part: --task I/N.",
                )
            values = [_number(environment, name) for name in (index, count)]
            start = _number(environment, first) if first in environment else 0
            return _checked(values[0] - start, values[1], f"{index}={values[0]} of {values[1]}")
    raise AaeError(
        "--task auto finds neither SLURM_ARRAY_TASK_ID nor JOB_COMPLETION_INDEX.",
        "It is for Slurm arrays and Kubernetes Indexed Jobs. Elsewhere spell the part: --task 0/8.",
    )


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment[name]
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise AaeError(f"{name} is no number.", "Spell the part: --task 0/8.")
    return int(text)


def _checked(index: int, count: int, source: str) -> Share:
    if not 0 <= index < count <= MAX_TASKS:
        raise AaeError(
            f"{source}: there is no part {index} of {count}.",
            f"Parts are counted from 0: 0/{max(count, 1)} is the first, {max(count, 1) - 1}/{max(count, 1)} the last.",
        )
    return Share(index, count, source)
