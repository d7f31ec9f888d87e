"""The pseudo-labels of a training: propagated ones as long as they count, and the check whether any of them do."""

from __future__ import annotations

from typing import Any, cast

from aaecli.config.effective import acting_terms
from aaecli.config.schema import Config
from aaecli.models.networks import Encoder
from aaecli.training.batches import Batches
from aaecli.training.length import Length
from aaecli.training.propagation.schedule import Propagation
from aaecli.training.pseudo_label_check import PseudoLabelCheck
from aaecli.training.pseudo_label_check import applies as check_applies
from aaecli.training.reporter import Reporter
from aaecli.training.step import Step


def propagates(config: Config, length: Length, num_labelled: int, num_classes: int) -> bool:
    """Whether a training learns from labels that are propagated to unlabelled images."""
    if length.all_labelled or "consistency" not in acting_terms(config):
        return False
    return config.propagation.applies(num_labelled, num_classes)


class PseudoLabels:
    """Propagates labels and checks the pseudo-labels when it is time, and acts on what the check finds.

    Args:
        config: The settings.
        batches: The images. Where pseudo-labels are to be checked, they leave out the labels that are held out for it.
        step: The step, whose ``consistency`` learns from pseudo-labels.
        length: Length of the training.
        propagates: Whether labels are propagated.

    Attributes:
        propagation: What the nearest neighbours say; None where that does not count, or no longer.
        check: The check; None where there is none.
    """

    def __init__(self, config: Config, batches: Batches, step: Step, length: Length, *, propagates: bool) -> None:
        self.propagation: Propagation | None = None
        self.check: PseudoLabelCheck | None = None
        self._batches, self._step = batches, step
        image, label, labelled = batches.image, batches.label, batches.labelled
        if not length.all_labelled and check_applies(config, labelled, label, length.num_steps):
            self.check = PseudoLabelCheck(config, labelled, label)
            labelled = self.check.kept
            batches.learn_from(labelled)
        if propagates:
            self.propagation = Propagation(
                config.propagation, image, label, labelled, batches.pool, step.class_marginal, config.seed
            )
            if self.check is not None:
                self.propagation.always = self.check.held_out.cpu()

    def update(self, number: int, encoder: Encoder, reporter: Reporter) -> None:
        """Do what is due before step ``number`` (from 0), with the encoder as it is now."""
        if self.propagation is not None and self.propagation.is_due(number):
            reporter.pause("propagating labels")
            if self._step.world.is_first:
                self.propagation.refresh(number, encoder)
            self._step.world.from_first_(self.propagation.label)
        if self.check is not None and number == self.check.step and self.check.outcome is None:
            reporter.pause("checking the pseudo-labels")
            self.check.restore(self._step.world.of_first(lambda: self._compared(encoder)))
            self.follow_check()

    def _compared(self, encoder: Encoder) -> dict[str, Any]:
        """Find the outcome of the check."""
        check = cast(PseudoLabelCheck, self.check)
        propagated = None if self.propagation is None else self.propagation.label
        ema = self._step.ema
        head = None if ema is None else ema.teacher_head
        check.compare(self._batches.image, encoder, head, propagated, self._step.dtype)
        return cast(dict[str, Any], check.outcome)

    def follow_check(self) -> None:
        """Learn from all labels, and from pseudo-labels only as far as the check trusts them."""
        if self.check is None or self.check.outcome is None:
            return
        self._batches.learn_from(None)
        if not self.check.outcome["trusts_teacher"]:
            self._step.drop_term("consistency")
        if not (self.check.outcome["trusts_teacher"] and self.check.outcome["trusts_propagation"]):
            self.propagation = None
        if self.propagation is not None:
            self.propagation.reveal(self.check.held_out, self._batches.label)
