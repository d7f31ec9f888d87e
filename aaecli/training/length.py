"""How long a training is: steps, steps of an epoch, and images of a step."""

from __future__ import annotations

import math
from dataclasses import dataclass

from aaecli.config.models import FAMILY
from aaecli.config.schema import Config
from aaecli.data.split import Split


@dataclass(frozen=True)
class Length:
    """The length of a training.

    Attributes:
        num_steps: Number of steps.
        steps_per_epoch: Steps of a pass over the pool (over the labelled images, for a model that sees no others).
        labelled_batch_size: Labelled images of a step.
        all_labelled: Whether every image of the pool has a label.
    """

    num_steps: int
    steps_per_epoch: int
    labelled_batch_size: int
    all_labelled: bool


def length_of(config: Config, split: Split) -> Length:
    """Give the length of a training from its settings and its images."""
    schedule = config.schedule
    sees_unlabelled = FAMILY[config.model].sees_unlabelled
    num_images = len(split.pool) if sees_unlabelled else len(split.labelled)
    own_size = schedule.batch_size - config.rehearsal.share(schedule.batch_size)
    steps_per_epoch = math.ceil(num_images / own_size)
    all_labelled = len(split.labelled) == len(split.pool)
    labelled_size = schedule.labelled_batch_size if sees_unlabelled else schedule.batch_size
    # Where every image has a label, those that are drawn as unlabelled are classified as well.
    own_labelled_size = labelled_size - config.rehearsal.share(labelled_size)
    num_classified = own_labelled_size + (own_size if sees_unlabelled and all_labelled else 0)
    num_steps = max(
        schedule.steps or schedule.epochs * steps_per_epoch,
        math.ceil(schedule.min_labelled_epochs * len(split.labelled) / num_classified),
    )
    return Length(num_steps, steps_per_epoch, labelled_size, all_labelled)
