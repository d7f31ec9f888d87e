"""The loop: steps, an evaluation on the validation images each epoch, and a run folder that always tells the truth."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from aaecli.config import Config, to_table
from aaecli.data.dataset import Dataset
from aaecli.data.split import Split
from aaecli.errors import AaeError
from aaecli.learn import checkpoint, priors
from aaecli.learn.devices import denormals_flushed, random_state, restore_random_state
from aaecli.learn.family import FAMILY
from aaecli.learn.networks import Networks
from aaecli.learn.predict import predict
from aaecli.learn.records import append_row, drop_rows_after
from aaecli.learn.sampler import Sampler
from aaecli.learn.step import Batch, Step

_MOST_USUAL = 10_000
STRANGENESS_QUANTILES = (0.5, 0.9, 0.99, 0.999)


class Reporter(Protocol):
    """What a training tells whoever watches it."""

    def step(self, number: int, losses: dict[str, Tensor]) -> None:
        """Called after each step with the steps taken so far and its losses, still on the device."""

    def epoch(self, row: dict[str, float]) -> None:
        """Called after each epoch with the row that metrics.csv just got."""

    def stopping(self) -> bool:
        """Asked before each step: has the user asked to stop?"""


class Trainer:
    """One training, from its first step or from where it stopped.

    Args:
        config: The settings.
        dataset: The images.
        split: Which of them are labelled, in the pool, and kept for validation.
        device: Where to train.
        dtype: Type of the matrix products.

    Attributes:
        num_steps: Length of the training.
        steps_per_epoch: Steps of a pass over the pool (over the labelled images, for a model that sees no others).
        number: Steps taken so far.
    """

    def __init__(
        self, config: Config, dataset: Dataset, split: Split, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.config = config
        self.dataset = dataset
        self.device = device
        self.number = 0
        self.seconds = 0.0
        self.totals: dict[str, Tensor] = {}
        schedule = config.schedule
        sees_unlabelled = FAMILY[config.model].sees_unlabelled
        num_images = len(split.pool) if sees_unlabelled else len(split.labelled)
        self.steps_per_epoch = math.ceil(num_images / schedule.batch_size)
        self.num_steps = schedule.steps or schedule.epochs * self.steps_per_epoch

        torch.manual_seed(config.seed)
        networks = Networks(config.model, dataset.image_shape, len(dataset.classes), config.network).to(device)
        frequency = priors.label_frequency(
            config.prior, dataset.train_label[split.labelled], len(dataset.classes), follows=dataset.is_collection
        )
        self.step = Step(networks, config, self.num_steps, dtype, frequency)
        # The images stay on the device as bytes: 39 MB for MNIST, and a batch is a gather instead of a copy.
        self.image = torch.from_numpy(dataset.train_image).to(device)
        self.label = torch.from_numpy(dataset.train_label).to(device)
        labelled = torch.from_numpy(split.labelled).to(device)
        labelled_size = schedule.labelled_batch_size if sees_unlabelled else schedule.batch_size
        self.labelled = Sampler(labelled, labelled_size, config.seed * 2)
        pool = torch.from_numpy(split.pool).to(device)
        self.unlabelled = Sampler(pool, schedule.batch_size, config.seed * 2 + 1) if sees_unlabelled else None
        validation = torch.from_numpy(split.validation).to(device)
        self.validation_image = self.image[validation]
        self.validation_label = dataset.train_label[split.validation]
        # The few that a folder of pictures keeps back, if any, are too few for a tail.
        usual = pool[:_MOST_USUAL] if dataset.is_collection else validation
        self.usual_image = self.image[usual]

    @property
    def images_per_step(self) -> int:
        """Images that a step reads, labelled and unlabelled together."""
        return self.labelled.batch_size + (self.unlabelled.batch_size if self.unlabelled else 0)

    @property
    def encoder(self) -> nn.Module:
        """The encoder to use: the averaged one where there is an average."""
        return self.step.networks.encoder if self.step.average is None else self.step.average.encoder

    @property
    def decoder(self) -> nn.Module | None:
        """The decoder to use, or None where the model has none."""
        return self.step.networks.decoder if self.step.average is None else self.step.average.decoder

    def run(self, folder: Path, reporter: Reporter) -> bool:
        """Train to the end, or until the reporter says stop; write metrics.csv and last.pt into the run folder.

        Returns:
            Whether the training reached its end.

        Raises:
            AaeError: A loss is not finite, or a file cannot be written. last.pt then holds the last good epoch.
        """
        with denormals_flushed():
            self._run(folder, reporter)
        return self.number >= self.num_steps

    def _run(self, folder: Path, reporter: Reporter) -> None:
        start, start_number = time.monotonic(), self.number
        finite: dict[str, Tensor] = {}
        while self.number < self.num_steps and not reporter.stopping():
            losses = self.step(self._batch(self.number), self.number)
            self.number += 1
            for name, loss in losses.items():
                self.totals[name] = self.totals[name] + loss if name in self.totals else loss
                finite[name] = finite.get(name, 0) + loss.isfinite()
            reporter.step(self.number, losses)
            if self.number % self.steps_per_epoch == 0 or self.number == self.num_steps:
                epoch = math.ceil(self.number / self.steps_per_epoch)
                num_steps = self.number - (epoch - 1) * self.steps_per_epoch
                means = {name: float(total) / num_steps for name, total in self.totals.items()}
                self._check(means, finite)
                speed = (self.number - start_number) * self.images_per_step / (time.monotonic() - start)
                row = {
                    "epoch": epoch,
                    "step": self.number,
                    **means,
                    "validation_accuracy": self.validation_accuracy(),
                    "images_per_second": speed,
                    "seconds": self.seconds + time.monotonic() - start,
                }
                append_row(folder / "metrics.csv", row)
                self.totals, finite = {}, {}
                self.seconds = row["seconds"]
                start, start_number = time.monotonic(), self.number
                self.save(folder / "last.pt")
                reporter.epoch(row)
        if self.number < self.num_steps:
            self.seconds += time.monotonic() - start
            self.save(folder / "last.pt")

    def validation_accuracy(self) -> float:
        """Share of the validation images that are named rightly, in [0, 1]; not a number where there are none."""
        if not len(self.validation_label):
            return math.nan
        answer = predict(self.encoder, None, self.validation_image).label_prob.argmax(1)
        return float((answer == self.validation_label).mean())

    def result(self) -> checkpoint.Checkpoint:
        """Give the model to use, judged on the validation images."""
        accuracy = self.validation_accuracy()
        facts: dict[str, Any] = {
            "validation_accuracy": None if math.isnan(accuracy) else accuracy,
            "steps": self.number,
            "seconds": self.seconds,
        }
        prediction = predict(self.encoder, self.decoder, self.usual_image)
        if prediction.reconstruction_error is not None:
            errors = np.quantile(prediction.reconstruction_error, STRANGENESS_QUANTILES)
            facts["strangeness"] = {
                "quantile": list(STRANGENESS_QUANTILES),
                "reconstruction_error": [float(error) for error in errors],
            }
        return checkpoint.Checkpoint(
            self.config, self.dataset.classes, self.dataset.image_shape, self.encoder, self.decoder, facts
        )

    def save(self, path: Path) -> None:
        """Write all that going on needs: weights, averages, optimisers, random states and the place in the schedule.

        Raises:
            AaeError: The file cannot be written; the one before it is untouched.
        """
        step = self.step
        checkpoint.write(
            path,
            "training",
            {
                "config": to_table(self.config),
                "number": self.number,
                "seconds": self.seconds,
                "totals": self.totals,
                "networks": step.networks.state_dict(),
                "average": None if step.average is None else step.average.state_dict(),
                "label_average": step.label_average,
                "optimisers": {name: optimiser.state_dict() for name, optimiser in step.optimisers.items()},
                "random_state": random_state(self.device),
            },
        )

    def restore(self, folder: Path) -> None:
        """Go on from the last.pt of a run folder, as if the training had never stopped.

        Raises:
            AaeError: The file is not such a file, or belongs to other settings.
        """
        path = folder / "last.pt"
        content = checkpoint.read(path, "training")
        step = self.step
        try:
            step.networks.load_state_dict(content["networks"])
            if step.average is not None:
                step.average.load_state_dict(content["average"])
            step.label_average.copy_(content["label_average"])
            for name, optimiser in step.optimisers.items():
                optimiser.load_state_dict(content["optimisers"][name])
            self.totals = {name: total.to(self.device) for name, total in content["totals"].items()}
            restore_random_state(content["random_state"], self.device)
            self.number, self.seconds = int(content["number"]), float(content["seconds"])
        except (KeyError, TypeError, ValueError, RuntimeError) as error:
            raise AaeError(
                f"{path} does not fit the settings of its run.", "Start the training anew with `aaecli train`."
            ) from error
        drop_rows_after(folder / "metrics.csv", self.number)

    def _batch(self, number: int) -> Batch:
        labelled = self.labelled.batch(number)
        unlabelled = None if self.unlabelled is None else self.image[self.unlabelled.batch(number)]
        return Batch(unlabelled, self.image[labelled], self.label[labelled])

    def _check(self, means: dict[str, float], finite: dict[str, Tensor]) -> None:
        if not all(math.isfinite(mean) for mean in means.values()):
            # One term spoils the weights and so every other term from the next step on: the first one is to blame.
            first = min(finite, key=lambda name: int(finite[name]))
            raise AaeError(
                f"The training has diverged: {first} is not a finite number by step {self.number}.",
                "Try a lower rate, such as --lr "
                f"{self.config.optimiser.lr / 3:.1g}, or --precision fp32. The last good state is in last.pt.",
            )
