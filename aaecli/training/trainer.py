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
from aaecli.config.schema import Config
from aaecli.data.dataset import Dataset
from aaecli.data.split import Split
from aaecli.errors import AaeError
from aaecli.files.opening import is_file, is_folder
from aaecli.models import priors
from aaecli.models.batch import Batch
from aaecli.models.devices import PRECISION_NAMES, denormals_flushed
from aaecli.models.networks import Decoder, Encoder, Networks
from aaecli.training.batches import Batches
from aaecli.training.checkpoint_interval import CheckpointInterval
from aaecli.training.distributed.agreement import Agreement
from aaecli.training.distributed.batch_norm import synchronise
from aaecli.training.distributed.random_states import random_states, rank_state
from aaecli.training.distributed.shares import share_of
from aaecli.training.distributed.world import ALONE, World
from aaecli.training.length import length_of
from aaecli.training.loss_totals import LossTotals
from aaecli.training.metrics_csv import append_row, drop_rows_after
from aaecli.training.novelty import reference_images
from aaecli.training.out_of_memory import suggesting_what_fits
from aaecli.training.pseudo_labels import PseudoLabels, propagates
from aaecli.training.rehearsal import RehearsalImages, joint_frequency, widened
from aaecli.training.reporter import Reporter
from aaecli.training.result import Results
from aaecli.training.state import fingerprint, gather, put_back
from aaecli.training.step import Step
from aaecli.training.transfer import StartingModel, take_over
from aaecli.training.validation import Validation, interval

SAVE_EVERY = CheckpointInterval()


class Trainer:
    """One training, from its first step or from where it stopped.

    Args:
        config: The settings.
        dataset: The images.
        split: Which of them are labelled, in the pool, and kept for validation.
        device: Where to train.
        dtype: Type of the matrix products.
        start: The model whose weights it begins with; None for random ones.
        rehearsal: The other images that are learnt beside those, if any; their classes are added.
        world: The processes that train together; the first one writes the files.

    Attributes:
        num_steps: Length of the training.
        steps_per_epoch: Steps of a pass over the pool (over the labelled images, for a model that sees no others).
        validate_every: Steps from one look at the validation images to the next.
        number: Steps taken so far.
        step: The step function, with networks, EMA and optimisers.
        batches: The images, and which of them a step gets.
        pseudo_labels: Propagated labels, and the check of pseudo-labels.
        validation: The validation images.
        results: Makes models of the networks.
        watchers: Called with the training and the row that metrics.csv just got, after each look at those images.
        run_id: The number by which this machine knows the training.
        validation_metrics: What the last evaluation of the validation images measured.
        classes: Names of the classes.
        clusters: The class of each cluster by that look, of a model that finds clusters.
    """

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        split: Split,
        device: torch.device,
        dtype: torch.dtype,
        start: StartingModel | None = None,
        rehearsal: RehearsalImages | None = None,
        world: World = ALONE,
    ) -> None:
        dataset = widened(dataset, rehearsal)
        self.config = config
        self.rehearsal = rehearsal
        self.world = world
        self.dataset = dataset
        self.split = split
        self.fingerprint = fingerprint(dataset, rehearsal)
        self.run_id = ""
        self.device = device
        self.number = 0
        self.seconds = 0.0
        self.watchers: list[Callable[[Trainer, dict[str, float]], None]] = []
        self.losses = LossTotals()
        self.validation_metrics: dict[str, float | None] = {}
        self.classes = dataset.classes
        self.clusters: list[int] | None = None
        length = length_of(config, split)
        self.num_steps, self.steps_per_epoch = length.num_steps, length.steps_per_epoch
        self.validate_every = interval(config, self.num_steps)
        is_propagating = propagates(config, length, len(split.labelled), len(dataset.classes))
        scaled = replace(config, augmentation=config.augmentation.scaled(config.propagation.augmentation_scale))
        settings = share_of(scaled if is_propagating else config, world)
        self.step = _make_step(settings, dataset, split, self.num_steps, device, dtype, start, rehearsal, world)
        world.seed_draws(config.seed)
        self.batches = Batches(config, dataset, split, length, device, rehearsal, world)
        self.pseudo_labels = PseudoLabels(config, self.batches, self.step, length, propagates=is_propagating)
        self.validation = Validation(config, dataset, split, self.batches.image)
        reference_image = reference_images(dataset, self.batches, self.validation, config.seed)
        self.results = Results(config, dataset, self.validation, reference_image, _label_prior(self.step))

    @property
    def kept_back(self) -> list[str]:
        """Names of a folder's pictures that training does not see: the folder changes, they stay what they were."""
        if not self.dataset.is_collection:
            return []
        return [self.dataset.train_name[index] for index in self.split.validation.tolist()]

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
        agreement = Agreement(self.world, reporter.stopping)
        while self.number < self.num_steps and not agreement.stops():
            self.pseudo_labels.update(self.number, self.encoder, reporter)
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
                if self.world.is_first:
                    speed = (self.number - row_number) * self.batches.images_per_step / (now - row_start)
                    row = self._row(speed)
                    if folder is not None:
                        append_row(folder / "metrics.csv", row)
                self.losses = LossTotals()
                row_start, row_number = time.monotonic(), self.number
            is_due = agreement.saves(save_every.is_due(self.number - saved_number, now - saved_at))
            if folder is not None and (is_due or self.number == self.num_steps):
                self.save(folder)
                saved_at, saved_number = time.monotonic(), self.number
            if row is not None:
                reporter.epoch(row)
                for watch in self.watchers:
                    watch(self, row)
        if folder is not None and saved_number < self.number:
            self.save(folder)

    def _row(self, speed: float) -> dict[str, float]:
        """Give a row of metrics.csv: means over the steps since the last one, and what the validation images show."""
        look = self.results.look(self.encoder, self.decoder)
        self.validation_metrics = {look.name: None if math.isnan(look.value) else look.value}
        self.classes, self.clusters = look.classes, look.clusters
        return {
            "epoch": round(self.number / self.steps_per_epoch, 3),
            "step": self.number,
            **self.losses.means(),
            look.name: look.value,
            "images_per_second": speed,
            "seconds": self.seconds,
        }

    def result(self) -> file.Checkpoint:
        """Give the model to use, evaluated on the validation images."""
        model = self.results.final(self.encoder, self.decoder)
        model.run_id = self.run_id or None
        model.summary |= {"steps": self.number, "seconds": self.seconds}
        return model

    def save(self, folder: Path) -> None:
        """Write last.pt into the run folder: all that going on needs.

        Raises:
            AaeError: A loss or a weight is not finite, the folder is gone, or the file cannot be written; the one
                before it is untouched.
        """
        self._check(folder)
        self.world.check_agreement(self.step.networks.parameters())
        states = random_states(self.world, self.device)
        self.world.of_first(lambda: self._write(folder, states))

    def _write(self, folder: Path, states: dict[str, Any]) -> None:
        if not is_folder(folder):
            raise AaeError(f"The run folder {folder} is gone: somebody removed it.", "Start the training anew.")
        kept = {"precision": PRECISION_NAMES[self.step.dtype], "dataset": self.fingerprint, "run_id": self.run_id}
        file.write(folder / "last.pt", "training", gather(self) | kept | states)

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
            put_back(self, rank_state(content, self.world, folder / "last.pt"), folder / "last.pt")
        if self.world.is_first:
            drop_rows_after(folder / "metrics.csv", self.number)

    def batch(self, number: int) -> Batch:
        """Give the images of step ``number`` (from 0): always the same ones for a seed."""
        return self.batches.batch(number, self.pseudo_labels.propagation)

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


def _make_step(
    config: Config,
    dataset: Dataset,
    split: Split,
    num_steps: int,
    device: torch.device,
    dtype: torch.dtype,
    start: StartingModel | None,
    rehearsal: RehearsalImages | None,
    world: World,
) -> Step:
    """Make the networks, with weights drawn by the seed or those of a model, and the step that trains them."""
    torch.manual_seed(config.seed)
    label_dim = config.label_dim(len(dataset.classes))
    networks = Networks(config.model, dataset.image_shape, label_dim, config.network).to(device)
    if start is not None:
        take_over(networks, start, config, dataset.classes, dataset.image_shape)
    # A part of the labels is drawn the same number of each class, and tells nothing of how frequent they are.
    num_known = np.count_nonzero(dataset.train_label[split.pool] >= 0)
    label, follows = dataset.train_label[split.labelled], len(split.labelled) == num_known
    frequency = priors.label_frequency(config.prior, label, label_dim, follows=follows)
    is_free = config.prior.label == "auto" and not config.prior.label_frequency and config.model != "clustering"
    if rehearsal is not None and is_free:
        joint = joint_frequency(label, rehearsal, config.rehearsal.fraction, follows=follows)
        frequency = torch.from_numpy(joint)
    synchronise(networks, world)
    return Step(networks, config, num_steps, dtype, frequency, world)


def _label_prior(step: Step) -> tuple[float, ...] | None:
    return priors.as_tuple(step.priors.label_frequency, step.num_classes) if step.num_classes else None
