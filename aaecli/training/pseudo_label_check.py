"""Whether pseudo-labels are worth learning from: measured on labelled images that nobody was shown until then."""

from __future__ import annotations

import math
from dataclasses import replace
from typing import Any, cast

import torch
from torch import Tensor, nn

from aaecli.config.effective import acting_terms
from aaecli.config.schema import Config
from aaecli.models.batch import Batch, Images, to_float
from aaecli.models.networks import Encoder, Networks, answering
from aaecli.training.losses import teacher_logits
from aaecli.training.sampler import Sampler
from aaecli.training.step import Step
from aaecli.training.terms.consistency import ConsistencyOptions

_FRACTION = 0.2
"""Of each class's labelled images, the fraction that is held out; a class keeps two at least."""
_PLAIN_STEPS = 250
"""Most steps of the classifier that learns from labels alone, which takes as many as the teacher had: with ten labels a
class it gains little afterwards."""
_DEVIATIONS = 2.0
"""Standard deviations by which the classifier has to be ahead for the others to be called worse."""


class PseudoLabelCheck:
    """Holds some labelled images out until a step, and then compares who names them best.

    At that step a classifier learns from the other labels alone, with the same encoder and augmentation, and names the
    images held out. The teacher and propagation, which had the same labels and every image without one, count on only
    where they are not worse than it beyond the error of measurement. From then on all labels are learnt from.

    Args:
        config: The settings.
        labelled: int64 (L,), the labelled images.
        label: int64 (N,), labels of all images.

    Attributes:
        held_out: int64 (H,), the images held out; may be none.
        kept: int64 (L - H,), the others.
        outcome: What was found, once it was: the accuracies in [0, 1] of ``labels_alone``, ``teacher`` and, where
            there is propagation, ``propagation``, on ``num_images``; ``trusts_teacher`` and ``trusts_propagation``.
    """

    def __init__(self, config: Config, labelled: Tensor, label: Tensor) -> None:
        self.config = config
        self.step = check_step(config)
        self.label = label
        self.outcome: dict[str, Any] | None = None
        generator = torch.Generator().manual_seed(config.seed)
        held_out = []
        for value in torch.unique(label[labelled]).tolist():
            members = labelled[label[labelled] == value].cpu()
            count = min(math.ceil(len(members) * _FRACTION), max(len(members) - 2, 0))
            held_out.append(members[torch.randperm(len(members), generator=generator)[:count]])
        self.held_out = torch.cat(held_out).to(labelled.device)
        self.kept = labelled[~torch.isin(labelled, self.held_out)]

    def compare(
        self,
        image: Images,
        teacher: Encoder,
        head: nn.Module | None,
        propagated_label: Tensor | None,
        dtype: torch.dtype,
    ) -> None:
        """Find the outcome.

        Args:
            image: uint8 (N, H, W) or (N, H, W, 3), all images.
            teacher: Learnt until now, from the images kept and from those without a label.
            head: What it labels images with, where that is not the encoder's own head.
            propagated_label: int64 (N,), what propagation says of each image, or None.
            dtype: Type of the matrix products.
        """
        shown, true = to_float(image[self.held_out]), self.label[self.held_out]
        plain = self._learn(image, dtype, tuple(shown.shape[1:]))
        right = {"labels_alone": _named(plain, shown) == true, "teacher": _named(teacher, shown, head) == true}
        if propagated_label is not None:
            right["propagation"] = propagated_label[self.held_out] == true
        self.outcome = {"step": self.step, "num_images": len(true)}
        self.outcome |= {name: float(found.float().mean()) for name, found in right.items()}
        for name in ("teacher", "propagation"):
            worse = name in right and is_worse(right[name], right["labels_alone"])
            self.outcome[f"trusts_{name}"] = name in right and not worse

    def restore(self, outcome: dict[str, Any]) -> None:
        """Take over an outcome that was found before the training stopped.

        Raises:
            ValueError: It is none.
        """
        trusts = [outcome.get(f"trusts_{name}") for name in ("teacher", "propagation")]
        if not all(type(trust) is bool for trust in trusts):
            raise ValueError("its check of pseudo-labels is none")
        self.outcome = outcome

    def _learn(self, image: Images, dtype: torch.dtype, shape: tuple[int, ...]) -> Encoder:
        """Train the classifier that sees the labels kept and nothing else; leaves the random states as they were."""
        config = replace(self.config, model="baseline", compile=False, cuda_graph=False)
        num_classes = config.label_dim(int(self.label.max()) + 1)
        with torch.random.fork_rng():
            torch.manual_seed(config.seed)
            networks = Networks(config.model, cast(tuple[int, int, int], shape), num_classes, config.network)
            num_steps = min(self.step, _PLAIN_STEPS)
            step = Step(networks.to(image.device), config, num_steps, dtype)
            sampler = Sampler(self.kept, config.schedule.labelled_batch_size, config.seed)
            for number in range(num_steps):
                chosen = sampler.batch(number)
                step(Batch(None, image[chosen], self.label[chosen]), number)
        return networks.encoder if step.ema is None else step.ema.encoder


def check_step(config: Config) -> int:
    """Give the step at which pseudo-labels are checked; 0 for none."""
    options = config.objective.options.get("consistency", ConsistencyOptions())
    return cast(ConsistencyOptions, options).check_step


def applies(config: Config, labelled: Tensor, label: Tensor, num_steps: int) -> bool:
    """Whether pseudo-labels are used, are to be checked within the training, and there are labels to check them by."""
    if "consistency" not in acting_terms(config) or not 0 < check_step(config) < num_steps:
        return False
    return bool((label[labelled].bincount() > 2).any())


def is_worse(right: Tensor, reference: Tensor) -> bool:
    """Tell whether answers are worse than others to the same questions, beyond chance (McNemar's test, one-sided).

    Args:
        right: bool (H,), which of them are right.
        reference: bool (H,), which of the others are.
    """
    lost, won = int((reference & ~right).sum()), int((right & ~reference).sum())
    return lost - won > _DEVIATIONS * math.sqrt(lost + won)


def _named(encoder: Encoder, image: Tensor, head: nn.Module | None = None) -> Tensor:
    with answering(encoder):
        return teacher_logits(encoder, image, head).argmax(1)
