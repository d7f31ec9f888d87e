"""A training from its settings to its result: what ``aaecli train`` calls."""

from __future__ import annotations

import json
import shutil
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, Protocol

import torch

from aaecli.checkpoint.file import Checkpoint, save_model
from aaecli.checkpoint.provenance import REHEARSAL, new_run_id, remember
from aaecli.config.models import FAMILY
from aaecli.config.resolve import to_toml
from aaecli.config.schema import Config
from aaecli.data.dataset import Dataset
from aaecli.data.loading import load_dataset
from aaecli.data.split import split, write_labels
from aaecli.errors import AaeError
from aaecli.evaluation.predict import evaluate_predictions, one_hot_true_label, predict
from aaecli.files.opening import exists, is_file
from aaecli.files.writing import replacing
from aaecli.metrics.report import for_summary
from aaecli.metrics.wilson_interval import wilson_interval
from aaecli.models.devices import (
    PRECISION_NAMES,
    choose_device,
    choose_precision,
    describe_device,
    use_threads,
)
from aaecli.models.stored_images import stored_images
from aaecli.runs.lock import locked_new_run
from aaecli.suggestions import suggest_resuming
from aaecli.training import trainer
from aaecli.training.checkpoint_interval import CheckpointInterval
from aaecli.training.distributed.world import ALONE, World
from aaecli.training.environment import environment
from aaecli.training.out_of_memory import naming_what_is_too_large
from aaecli.training.rehearsal import RehearsalImages, load_rehearsal, widened
from aaecli.training.reporter import Reporter as StepReporter
from aaecli.training.state import fingerprint, max_state_bytes, stored_split
from aaecli.training.tensorboard import TensorBoardLogger
from aaecli.training.trainer import SAVE_EVERY
from aaecli.training.transfer import StartingModel, load_start


class Reporter(StepReporter, Protocol):
    """Whoever watches a training, from its start on."""

    def begin(self, plan: dict[str, Any]) -> None:
        """Called once before the first step.

        ``plan`` holds ``run``, ``model``, ``preset``, ``labels``, ``seed``, ``device``, ``precision``, ``dataset``,
        ``num_classes``, ``num_labelled``, ``num_steps``, ``steps_per_epoch``, ``images_per_step`` and ``number``, the
        steps taken already.
        """


def train(
    config: Config,
    root: Path,
    name: str | None,
    newest: Path | None,
    reporter: Reporter,
    dataset: Dataset | None = None,
    *,
    save_every: CheckpointInterval = SAVE_EVERY,
    tensorboard: bool = False,
    world: World = ALONE,
) -> dict[str, Any]:
    """Train a model in a run folder of its own and evaluate it once on the test images.

    Where there are none, it is evaluated on the labelled images that were kept back.

    Args:
        config: The settings.
        root: Folder in which the run folder is made.
        name: What the folder is called before its number; model and number of labels (or clusters) where None.
        newest: Where the model is copied to, as the newest one; nowhere where None.
        reporter: Is told how it goes.
        dataset: What the settings' ``data`` names, where it has been loaded already.
        save_every: How often last.pt is written; besides, it is when the training stops.
        tensorboard: Write what TensorBoard shows into the run's ``tensorboard/``.
        world: The processes that train together; each calls this, and the first one writes the files.

    Returns:
        The summary that summary.json holds. Its ``state`` is ``done``, or ``stopped`` where the reporter asked to stop.

    Raises:
        AaeError: Something the user can put right; what was reached until then is in the run folder.
    """
    dataset = dataset or load_dataset(config.data, config.image)
    # All that can be wrong is found before there is a run folder.
    if tensorboard:
        TensorBoardLogger.check_installed()
    config, start = load_start(config)
    rehearsal = load_rehearsal(config, dataset)
    training = prepare(config, dataset, None, None, start, rehearsal, world)
    training.run_id = new_run_id()
    with ExitStack() as stack:
        folder = world.of_first(lambda: stack.enter_context(locked_new_run(root, name or _default_name(config))))
        try:
            if world.is_first:
                save_text(folder / "config.toml", to_toml(config))
                remember(training.run_id, config.data)
                if rehearsal is not None and exists(config.rehearsal.data):
                    remember(training.run_id, config.rehearsal.data, REHEARSAL)
            training.restore(folder, None)
            if start is not None:
                # To resume, the model that was started from need not be there.
                training.save(folder)
            return carry_out(training, folder, newest, reporter, save_every, tensorboard=tensorboard)
        except BaseException:
            if training.number == 0 and world.is_first:
                _remove_begun(folder)
            raise


@naming_what_is_too_large()
def prepare(
    config: Config,
    dataset: Dataset,
    state: dict[str, Any] | None,
    folder: Path | None,
    start: StartingModel | None = None,
    rehearsal: RehearsalImages | None = None,
    world: World = ALONE,
) -> trainer.Trainer:
    """Make a training: everything of it that settings, images or the machine may refuse."""
    device = choose_device(config.device)
    use_threads(config.threads)
    max_state_bytes(config, widened(dataset, rehearsal))
    if state is None or folder is None:
        parts = split(dataset, config.labels, config.seed, config.holdout)
        precision = config.precision
    else:
        if state.get("dataset") == fingerprint(widened(dataset, rehearsal), rehearsal):
            parts = stored_split(state, dataset, folder / "last.pt")
        else:
            # The training says what is wrong.
            parts = split(dataset, config.labels, config.seed, config.holdout)
        # What ``auto`` has chosen once stays for the whole training.
        name = state.get("precision")
        precision = next((known for known in PRECISION_NAMES.values() if known == name), config.precision)
    return trainer.Trainer(config, dataset, parts, device, choose_precision(precision, device), start, rehearsal, world)


def _remove_begun(folder: Path) -> None:
    """Remove the folder of a training that took no step: nobody could go on with it."""
    for name in ("config.toml", "environment.json", "labels.csv", "last.pt", ".lock"):
        with suppress(OSError):
            (folder / name).unlink(missing_ok=True)
    shutil.rmtree(folder / "tensorboard", ignore_errors=True)
    with suppress(OSError):
        folder.rmdir()


@naming_what_is_too_large()
def carry_out(
    training: trainer.Trainer,
    folder: Path,
    newest: Path | None,
    reporter: Reporter,
    save_every: CheckpointInterval,
    *,
    tensorboard: bool,
) -> dict[str, Any]:
    """Take the steps that are left, and write what comes out into the run folder; the arguments are those of ``train``.

    Returns:
        The summary; of a process that is not the first, its plan and state.
    """
    config, dataset, parts, device = training.config, training.dataset, training.split, training.device
    world = training.world
    if world.is_first and not exists(folder / "labels.csv"):
        write_labels(folder / "labels.csv", dataset, parts.labelled)
    if tensorboard and world.is_first:
        training.watchers.append(TensorBoardLogger(folder / "tensorboard", config).epoch)
    plan = _plan(training, folder)
    if world.is_first:
        _write_json(folder / "environment.json", environment() | {"run_id": training.run_id} | plan)
    reporter.begin(plan)
    if not _trained(training, folder, reporter, save_every):
        return plan | {"state": "stopped", "steps": training.number}
    if not world.is_first:
        return plan | {"state": "done", "steps": training.number}

    result = training.result()
    result.summary |= _evaluate_once(result, dataset, training.kept_back, device)
    result.summary |= _rehearsed(result, training.rehearsal, device)
    save_model(folder / "model.pt", result)
    if newest is not None:
        with replacing(newest) as temporary:
            shutil.copyfile(folder / "model.pt", temporary)
    measured = {key: value for key, value in result.summary.items() if key != "holdout"}
    summary = {"state": "done"} | plan | measured | {"model_path": str(folder / "model.pt")}
    if training.pseudo_labels.check is not None:
        summary["pseudo_label_check"] = training.pseudo_labels.check.outcome
    _write_json(folder / "summary.json", summary)
    return summary


def _plan(training: trainer.Trainer, folder: Path) -> dict[str, Any]:
    """Say what is about to be trained."""
    config, dataset, parts = training.config, training.dataset, training.split
    plan = {
        "run": str(folder),
        "dataset": dataset.name,
        "model": config.model,
        "preset": config.preset,
        "labels": config.labels,
        "num_classes": len(dataset.classes),
        "num_labelled": len(parts.labelled),
        "num_unlabelled": len(parts.pool) - len(parts.labelled),
        "num_validation": len(parts.validation),
        "seed": config.seed,
        "device": describe_device(training.device),
        "precision": PRECISION_NAMES[training.step.dtype],
        "num_steps": training.num_steps,
        "steps_per_epoch": training.steps_per_epoch,
        "images_per_step": training.batches.images_per_step,
        "number": training.number,
    }
    if config.start.model:
        plan |= {"start": config.start.model, "start_sha256": config.start.sha256}
    if training.rehearsal is not None:
        plan |= {"rehearsal": training.rehearsal.name, "num_rehearsal": len(training.rehearsal.label)}
    if training.world.size > 1:
        plan["processes"] = training.world.size
    return plan


def _trained(training: trainer.Trainer, folder: Path, reporter: Reporter, save_every: CheckpointInterval) -> bool:
    try:
        return training.run(folder, reporter, save_every)
    except AaeError as error:
        if is_file(folder / "last.pt"):
            again = f"{suggest_resuming(folder, training.world.size)} goes on from what was saved last."
            raise AaeError(error.message, f"{error.hint} {again}") from error
        raise


def _evaluate_once(result: Checkpoint, dataset: Dataset, kept_back: list[str], device: torch.device) -> dict[str, Any]:
    """Read the test images: the only time that training does, when nothing is left to decide."""
    found: dict[str, Any] = {}
    traits = FAMILY[result.config.model]
    if dataset.is_collection:
        found["holdout"] = kept_back
        if kept_back and traits.encodes_label:
            name = "validation_accuracy"
            accuracy = result.summary.get(f"{name}_deployed", result.summary[name])
            num_correct = round(accuracy * len(kept_back))
            found["validation_accuracy_interval"] = list(wilson_interval(num_correct, len(kept_back)))
    if not len(dataset.test_label):
        return found
    true_label = one_hot_true_label(result.config.model, dataset.test_label, len(dataset.classes), device)
    image = stored_images(dataset.test_image, device)
    prediction = predict(result.encoder, None if traits.encodes_label else result.decoder, image, true_label)
    report = evaluate_predictions(result, prediction, dataset.test_label)
    measured = for_summary(report) if traits.encodes_label else {"reconstruction_error": report["reconstruction_error"]}
    return found | {f"test_{name}": value for name, value in measured.items()}


def _rehearsed(result: Checkpoint, rehearsal: RehearsalImages | None, device: torch.device) -> dict[str, Any]:
    """Evaluate on validation images of the other data set, if there is one: what was forgotten of it."""
    if rehearsal is None or not len(rehearsal.validation_label) or not FAMILY[result.config.model].encodes_label:
        return {}
    prediction = predict(result.encoder, None, torch.from_numpy(rehearsal.validation_image).to(device))
    report = evaluate_predictions(result, prediction, rehearsal.validation_label)
    return {"rehearsal_accuracy": report["accuracy"], "num_rehearsal_validation": len(rehearsal.validation_label)}


def _default_name(config: Config) -> str:
    if config.model == "clustering":
        return f"clustering-{config.clusters}"
    return f"{config.model}-{config.labels}" if FAMILY[config.model].uses_labels else config.model


def save_text(path: Path, text: str) -> None:
    """Write a file of a run folder, whole or not at all."""
    with replacing(path) as temporary:
        # A path may be bytes that are no UTF-8; where it leads to is remembered elsewhere.
        temporary.write_bytes(text.encode("utf-8", "replace"))


def _write_json(path: Path, value: dict[str, Any]) -> None:
    save_text(path, json.dumps(value, indent=2) + "\n")
