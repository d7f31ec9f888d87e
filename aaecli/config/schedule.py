"""The section [schedule]: steps and batch sizes."""

from __future__ import annotations

from dataclasses import dataclass

from aaecli.config.parsing import require


@dataclass(frozen=True)
class Schedule:
    """How long, and how many images at a time.

    Attributes:
        steps: Number of training steps; 0 where ``epochs`` says it.
        epochs: Number of passes over the training set; 0 where ``steps`` says it. Exactly one of the two is set.
        min_labelled_epochs: Least number of passes over the labelled images; training is made longer for them.
        batch_size: Images of a step: unlabelled ones, or labelled ones where a model learns from labels alone.
        labelled_batch_size: Labelled images of a step, drawn beside the unlabelled ones.
        decoder_batch_size: Most unlabelled images of a step that are reconstructed; 0 for all of them.
        generated_batch_size: Images that a step generates for the ``generation`` term.
        validate_every: Steps between evaluations of the validation images, each a row of metrics.csv; the last step is
            followed by one too. 0 for a tenth of the training.
    """

    steps: int = 10_000
    epochs: int = 0
    min_labelled_epochs: int = 0
    batch_size: int = 100
    labelled_batch_size: int = 100
    decoder_batch_size: int = 0
    generated_batch_size: int = 64
    validate_every: int = 0

    def __post_init__(self) -> None:
        for key in ("steps", "epochs", "min_labelled_epochs", "validate_every"):
            # Beyond a thousand years of training, numbers only break what computes with them.
            value = getattr(self, key)
            require(0 <= value <= 10**12, f"schedule.{key}", "0 or more, up to a million million", value)
        lengths = {"steps": self.steps, "epochs": self.epochs}
        require((self.steps > 0) != (self.epochs > 0), "schedule", "given in steps or in epochs, one of them", lengths)
        require(self.batch_size >= 2, "schedule.batch_size", "at least 2", self.batch_size)
        for key in ("batch_size", "labelled_batch_size"):
            require(getattr(self, key) <= 2**24, f"schedule.{key}", f"at most {2**24}", getattr(self, key))
        require(self.labelled_batch_size >= 2, "schedule.labelled_batch_size", "at least 2", self.labelled_batch_size)
        drawn = self.decoder_batch_size
        require(drawn == 0 or drawn >= 2, "schedule.decoder_batch_size", "0, or at least 2", drawn)
        require(
            self.generated_batch_size >= 2, "schedule.generated_batch_size", "at least 2", self.generated_batch_size
        )
