"""The loop: steps, now and then a look at the validation images, and a run folder that always tells the truth."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from aaecli.checkpoint import file
from aaecli.config.effective import acting_terms
from aaecli.config.models import FAMILY
from aaecli.config.schema import Config
from aaecli.data.dataset import Dataset
from aaecli.data.split import Split
from aaecli.errors import AaeError
from aaecli.evaluation.predict import Prediction, predict
from aaecli.files.opening import is_file, is_folder
from aaecli.metrics.clusters import unnamed
from aaecli.models import priors
from aaecli.models.batch import Batch
from aaecli.models.devices import PRECISION_NAMES, denormals_flushed
from aaecli.models.networks import Decoder, Encoder, Networks
from aaecli.training.checkpoint_interval import CheckpointInterval
from aaecli.training.loss_totals import LossTotals
from aaecli.training.metrics_csv import append_row, drop_rows_after
from aaecli.training.out_of_memory import suggesting_what_fits
from aaecli.training.propagation.schedule import Propagation
from aaecli.training.pseudo_label_check import PseudoLabelCheck
from aaecli.training.pseudo_label_check import applies as check_applies
from aaecli.training.reporter import Reporter
from aaecli.training.sampler import Sampler, shuffled
from aaecli.training.schedule_length import length_of
from aaecli.training.state import fingerprint, gather, put_back
from aaecli.training.step import Step
from aaecli.training.validation import Validation, interval

_MOST_REFERENCES = 10_000
"""Images whose reconstruction errors the novelty score compares with."""
SAVE_EVERY = CheckpointInterval()
NOVELTY_QUANTILES = (0.5, 0.9, 0.99, 0.999)


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
        validate_every: Steps from one look at the validation images to the next.
        number: Steps taken so far.
        validation: The validation images.
        reference_image: Those whose reconstruction errors the novelty score compares with.
        watchers: Called with the training and the row that metrics.csv just got, after each look at those images.
        run_id: The number by which this machine knows the training.
        validation_metrics: What the last evaluation of the validation images measured.
        classes: Names of the classes.
        clusters: The class of each cluster by that look, of a model that finds clusters.
    """

    def __init__(
        self, config: Config, dataset: Dataset, split: Split, device: torch.device, dtype: torch.dtype
    ) -> None:
        self.config = config
        self.dataset = dataset
        self.split = split
        self.fingerprint = fingerprint(dataset)
        self.run_id = ""
        self.device = device
        self.number = 0
        self.seconds = 0.0
        self.watchers: list[Callable[[Trainer, dict[str, float]], None]] = []
        self.losses = LossTotals()
        self.validation_metrics: dict[str, float | None] = {}
        self.classes = dataset.classes
        self.clusters: list[int] | None = None
        schedule = config.schedule
        sees_unlabelled = FAMILY[config.model].sees_unlabelled
        length = length_of(config, split)
        self.num_steps, self.steps_per_epoch = length.num_steps, length.steps_per_epoch
        self.all_labelled, labelled_size = length.all_labelled, length.labelled_batch_size
        self.validate_every = interval(config, self.num_steps)

        torch.manual_seed(config.seed)
        label_dim = config.label_dim(len(dataset.classes))
        networks = Networks(config.model, dataset.image_shape, label_dim, config.network).to(device)
        # A part of the labels is drawn the same number of each class, and tells nothing of how frequent they are.
        num_known = np.count_nonzero(dataset.train_label[split.pool] >= 0)
        frequency = priors.label_frequency(
            config.prior,
            dataset.train_label[split.labelled],
            label_dim,
            follows=len(split.labelled) == num_known,
        )
        propagates = config.propagation.applies(len(split.labelled), len(dataset.classes))
        propagates = propagates and "consistency" in acting_terms(config) and not self.all_labelled
        scaled = replace(config, augmentation=config.augmentation.scaled(config.propagation.augmentation_scale))
        self.step = Step(networks, scaled if propagates else config, self.num_steps, dtype, frequency)
        # The images stay on the device as bytes: 39 MB for MNIST, and a batch is a gather instead of a copy.
        self.image = torch.from_numpy(dataset.train_image).to(device)
        self.label = torch.from_numpy(dataset.train_label).to(device)
        labelled = torch.from_numpy(split.labelled).to(device)
        self.labelled = Sampler(labelled, labelled_size, config.seed * 2) if len(labelled) else None
        pool = torch.from_numpy(split.pool).to(device)
        self.check: PseudoLabelCheck | None = None
        if not self.all_labelled and check_applies(config, labelled, self.label, self.num_steps):
            self.check = PseudoLabelCheck(config, labelled, self.label)
            labelled = self.check.kept
            self.labelled_until_check = Sampler(labelled, labelled_size, config.seed * 2)
        self.unlabelled = Sampler(pool, schedule.batch_size, config.seed * 2 + 1) if sees_unlabelled else None
        self.propagation: Propagation | None = None
        if propagates:
            self.propagation = Propagation(
                config.propagation, self.image, self.label, labelled, pool, self.step.class_marginal, config.seed
            )
            if self.check is not None:
                self.propagation.always = self.check.held_out.cpu()
        self.validation = Validation(config, dataset, split, self.image)
        # The few that a folder of pictures keeps back, if any, are too few for a tail. Of the pool, a draw: the first
        # ones of a folder that is sorted by class are of one class.
        drawn = self.image[shuffled(pool, config.seed, 0)[:_MOST_REFERENCES]] if dataset.is_collection else None
        self.reference_image = self.validation.image if drawn is None else drawn

    @property
    def kept_back(self) -> list[str]:
        """Names of a folder's pictures that training does not see: the folder changes, they stay what they were."""
        if not self.dataset.is_collection:
            return []
        return [self.dataset.train_name[index] for index in self.split.validation.tolist()]

    @property
    def images_per_step(self) -> int:
        """Images that a step reads, labelled and unlabelled together."""
        return sum(sampler.batch_size for sampler in (self.labelled, self.unlabelled) if sampler is not None)

    @property
    def encoder(self) -> Encoder:
        """The encoder to use: the averaged one where there is an average."""
        return self.step.networks.encoder if self.step.ema is None else self.step.ema.encoder

    @property
    def decoder(self) -> Decoder | None:
        """The decoder to use, or None where the model has none."""
        return self.step.networks.decoder if self.step.ema is None else self.step.ema.decoder

    def run(self, folder: Path | None, reporter: Reporter, save_every: CheckpointInterval = SAVE_EVERY) -> bool:
        """Train to the end, or until the reporter says stop; write metrics.csv and last.pt into the run folder, if any.

        Returns:
            Whether the training reached its end.

        Raises:
            AaeError: A loss or a weight is not finite, the memory does not suffice, or a file cannot be written.
                last.pt is then the last good state that was saved.
        """
        with denormals_flushed():
            self._run(folder, reporter, save_every)
        return self.number >= self.num_steps

    def _run(self, folder: Path | None, reporter: Reporter, save_every: CheckpointInterval) -> None:
        start, before = time.monotonic(), self.seconds
        row_start, row_number = start, self.number
        saved_at, saved_number = start, self.number
        while self.number < self.num_steps and not reporter.stopping():
            if self.propagation is not None and self.propagation.is_due(self.number):
                reporter.pause("asking the neighbours")
                self.propagation.refresh(self.number, self.encoder)
            self._check_pseudo_labels(reporter)
            batch = self.batch(self.number)
            with suggesting_what_fits(self.step, batch, self.number):
                losses = self.step(batch, self.number)
            self.number += 1
            self.losses.add(losses)
            reporter.step(self.number, losses)
            now, row = time.monotonic(), None
            self.seconds = before + now - start
            if self.number % self.validate_every == 0 or self.number == self.num_steps:
                self._check(folder)
                speed = (self.number - row_number) * self.images_per_step / (now - row_start)
                row = self._row(speed)
                if folder is not None:
                    append_row(folder / "metrics.csv", row)
                self.losses = LossTotals()
                row_start, row_number = time.monotonic(), self.number
            is_due = save_every.is_due(self.number - saved_number, now - saved_at)
            if folder is not None and (is_due or self.number == self.num_steps):
                self.save(folder)
                saved_at, saved_number = time.monotonic(), self.number
            if row is not None:
                reporter.epoch(row)
                for watch in self.watchers:
                    watch(self, row)
        if folder is not None and saved_number < self.number:
            self.save(folder)

    def _check_pseudo_labels(self, reporter: Reporter) -> None:
        """Check the pseudo-labels, where it is time for it."""
        if self.check is None or self.number != self.check.step or self.check.outcome is not None:
            return
        reporter.pause("checking the pseudo-labels")
        propagated = None if self.propagation is None else self.propagation.label
        self.check.compare(self.image, self.encoder, propagated, self.step.dtype)
        self.follow_check()

    def follow_check(self) -> None:
        """Learn from all labels, and from pseudo-labels only as far as the check trusts them."""
        if self.check is None or self.check.outcome is None:
            return
        if not self.check.outcome["trusts_teacher"]:
            self.step.drop_term("consistency")
        if not (self.check.outcome["trusts_teacher"] and self.check.outcome["trusts_propagation"]):
            self.propagation = None
        if self.propagation is not None:
            self.propagation.reveal(self.check.held_out, self.label)

    def _row(self, speed: float) -> dict[str, float]:
        """Give a row of metrics.csv: means over the steps since the last one, and what the validation images show."""
        validation = self.validation
        prediction = validation.predict_once(self.encoder, self.decoder)
        model = self._model(prediction)
        name, value = f"validation_{validation.measured}", validation.score(model, prediction)
        self.validation_metrics = {name: None if math.isnan(value) else value}
        self.classes, self.clusters = model.classes, None if model.clusters is None else list(model.clusters)
        return {
            "epoch": round(self.number / self.steps_per_epoch, 3),
            "step": self.number,
            **self.losses.means(),
            name: value,
            "images_per_second": speed,
            "seconds": self.seconds,
        }

    def result(self) -> file.Checkpoint:
        """Give the model to use, judged on the validation images.

        Its summary holds what the last row of metrics.csv does, from one look at each image. Where it looks at more of
        them once trained, ``validation_accuracy_deployed`` is what that comes to.
        """
        validation = self.validation
        prediction = validation.predict(self.encoder, self.decoder)
        model = self._model(prediction)
        name, found = f"validation_{validation.measured}", {}
        if self.encoder.test_time_shift:
            found[f"{name}_deployed"] = validation.score(model, prediction)
            prediction = validation.predict_once(self.encoder, self.decoder)
        found[name] = validation.score(model, prediction)
        model.summary |= {key: None if math.isnan(value) else value for key, value in found.items()}
        model.summary |= {"steps": self.number, "seconds": self.seconds}
        decoder = self.decoder if FAMILY[self.config.model].encodes_label else None
        error = predict(self.encoder, decoder, self.reference_image).reconstruction_error
        if error is not None:
            model.summary["novelty"] = {
                "quantile": list(NOVELTY_QUANTILES),
                "reconstruction_error": np.quantile(error, NOVELTY_QUANTILES).tolist(),
            }
        return model

    def _model(self, prediction: Prediction | None) -> file.Checkpoint:
        """Give the model as it is; its clusters are named by what it answers for the validation images."""
        classes, clusters = self.dataset.classes, self.validation.clusters(prediction)
        if self.config.model == "clustering" and not classes:
            classes, clusters = unnamed(self.config.clusters)
        prior = (
            priors.as_tuple(self.step.priors.label_frequency, self.step.num_classes) if self.step.num_classes else None
        )
        shape, encoder, decoder = self.dataset.image_shape, self.encoder, self.decoder
        return file.Checkpoint(
            self.config,
            classes,
            shape,
            encoder,
            decoder,
            clusters=clusters,
            label_prior=prior,
            run_id=self.run_id or None,
        )

    def save(self, folder: Path) -> None:
        """Write last.pt into the run folder: all that going on needs.

        Raises:
            AaeError: A loss or a weight is not finite, the folder is gone, or the file cannot be written; the one
                before it is untouched.
        """
        self._check(folder)
        if not is_folder(folder):
            raise AaeError(f"The run folder {folder} is gone: somebody removed it.", "Start the training anew.")
        kept = {"precision": PRECISION_NAMES[self.step.dtype], "dataset": self.fingerprint, "run_id": self.run_id}
        file.write(folder / "last.pt", "training", gather(self) | kept)

    def restore(self, folder: Path, content: dict[str, Any] | None) -> None:
        """Go on from the content of a run folder's last.pt as if the training had never stopped.

        Args:
            folder: The run folder.
            content: That content; None where nothing was saved yet, to begin from the start.

        Raises:
            AaeError: It belongs to other settings or other images.
        """
        if content is not None:
            if content.get("dataset") != self.fingerprint:
                raise AaeError(
                    f"{folder / 'last.pt'} was trained on other images than those of {self.dataset.name}.",
                    "Put the data set back as it was when the training began, or name its folder with --data.",
                )
            put_back(self, content, folder / "last.pt")
        drop_rows_after(folder / "metrics.csv", self.number)

    def batch(self, number: int) -> Batch:
        """Give the images of step ``number`` (from 0): always the same ones for a seed."""
        pool = None if self.unlabelled is None else self.unlabelled.batch(number)
        unlabelled = None if pool is None else self.image[pool]
        if self.labelled is None:
            return Batch(unlabelled, None, None)
        waits = self.check is not None and self.check.outcome is None
        labelled = (self.labelled_until_check if waits else self.labelled).batch(number)
        pool_label = None if pool is None or not self.all_labelled else self.label[pool]
        propagated = None if self.propagation is None or pool is None else self.propagation.of(pool, number)
        return Batch(unlabelled, self.image[labelled], self.label[labelled], pool_label, propagated)

    def _check(self, folder: Path | None) -> None:
        """See that everything is finite; it waits for the device, so not after every step."""
        what = self.losses.not_finite()
        if what is None and not all(bool(weight.isfinite().all()) for weight in self.step.networks.parameters()):
            what = "a weight"
        if what is None:
            return
        saved = None if folder is None else folder / "last.pt"
        kept = f" The last good state is in {saved}." if saved is not None and is_file(saved) else ""
        raise AaeError(
            f"The training has diverged: {what} is not a finite number by step {self.number}.",
            f"Try a lower rate, such as --lr {self.config.optimiser.lr / 3:.1g}, or --precision fp32.{kept}",
        )
