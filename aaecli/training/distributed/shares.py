"""Each process's share of a step: sizes that the processes divide, and what cannot be divided."""

from __future__ import annotations

from dataclasses import replace

from aaecli.config.effective import acting_terms
from aaecli.config.models import FAMILY
from aaecli.config.schema import Config
from aaecli.errors import AaeError
from aaecli.training.distributed.world import World


def share_of(config: Config, world: World) -> Config:
    """Give the settings of one process: those of the whole step, with its sizes divided.

    Raises:
        AaeError: The processes do not divide a size, or a setting is not for several.
    """
    if world.size == 1:
        return config
    if config.compile:
        raise AaeError("A step is not compiled over several processes.", "Leave out --compile.")
    schedule = config.schedule
    names = ["batch_size"]
    if FAMILY[config.model].sees_unlabelled and FAMILY[config.model].uses_labels:
        names.append("labelled_batch_size")
    acting = acting_terms(config)
    names += ["decoder_batch_size"] if "reconstruction" in acting else []
    names += ["generated_batch_size"] if "generation" in acting else []
    for name in names:
        if getattr(schedule, name) % world.size:
            size = getattr(schedule, name)
            raise AaeError(
                f"{world.size} processes do not divide schedule.{name}, which is {size}.",
                f"Start another number of them, or set it to {-(-size // world.size) * world.size}.",
            )
    sizes = {name: getattr(schedule, name) // world.size for name in names}
    return replace(config, schedule=replace(schedule, **sizes), cuda_graph=False)
