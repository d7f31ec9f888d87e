"""The random numbers of each process, in the one file that all resume from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from aaecli.errors import AaeError
from aaecli.models.devices import random_state
from aaecli.suggestions import suggest_resuming
from aaecli.training.distributed.world import World

_KEY = "rank_random_state"


def random_states(world: World, device: torch.device) -> dict[str, Any]:
    """Collect what last.pt keeps of several processes; nothing of one, whose state is kept anyway."""
    return {} if world.size == 1 else {_KEY: world.gathered(random_state(device))}


def rank_state(content: dict[str, Any], world: World, path: Path) -> dict[str, Any]:
    """Give the content of last.pt as one process resumes from it.

    Raises:
        AaeError: The training had another number of processes, so that no resumed one could come to the same weights.
    """
    states = content.get(_KEY)
    count = len(states) if isinstance(states, list) else 1
    if count != world.size:
        raise AaeError(
            f"{path} was trained by {count} {'process' if count == 1 else 'processes'}, and these are {world.size}.",
            f"Resume it with as many: {suggest_resuming(path.parent, count)}",
        )
    return content | {"random_state": states[world.rank]} if isinstance(states, list) else content
