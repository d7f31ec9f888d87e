"""All that a training needs to go on from: gathered from it, and put back once every part is seen to fit."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch
from torch import Tensor, nn

from aaecli.checkpoint.loading import MAX_NAMES_BYTES, check_size
from aaecli.checkpoint.tensors import packed_names
from aaecli.config.schema import Config, to_table
from aaecli.data.dataset import Dataset
from aaecli.data.split import Split
from aaecli.errors import AaeError
from aaecli.models.devices import random_state, restore_random_state
from aaecli.training.loss_totals import LossTotals
from aaecli.training.pseudo_labels import PseudoLabels
from aaecli.training.rehearsal import RehearsalImages
from aaecli.training.step import Step

_MEASURED = ("validation_accuracy", "validation_reconstruction_error")
_PARTS = ("pool", "labelled", "validation")


class Resumable(Protocol):
    """What of a training can be stopped and gone on with; ``Trainer`` is one."""

    config: Config
    dataset: Dataset
    split: Split
    device: torch.device
    step: Step
    pseudo_labels: PseudoLabels
    num_steps: int
    number: int
    seconds: float
    losses: LossTotals
    validation_metrics: dict[str, float | None]
    classes: tuple[str, ...]
    clusters: list[int] | None

    @property
    def kept_back(self) -> list[str]:
        """Names of a folder's pictures that training does not see."""


def gather(trainer: Resumable) -> dict[str, Any]:
    """Give weights, averages, optimisers, random states and the place in the schedule, as plain types and tensors."""
    step, pseudo_labels = trainer.step, trainer.pseudo_labels
    return {
        "config": to_table(trainer.config),
        "classes": list(trainer.classes),
        "image_shape": list(trainer.dataset.image_shape),
        "summary": trainer.validation_metrics
        | {"steps": trainer.number, "num_steps": trainer.num_steps, "seconds": trainer.seconds},
        "clusters": trainer.clusters,
        "holdout": packed_names(trainer.kept_back),
        "split": {name: torch.from_numpy(getattr(trainer.split, name)) for name in _PARTS},
        "number": trainer.number,
        "seconds": trainer.seconds,
        "totals": trainer.losses.totals,
        "num_summed": trainer.losses.count,
        "networks": step.networks.state_dict(),
        "ema": None if step.ema is None else step.ema.state_dict(),
        "class_marginal": step.class_marginal,
        "propagated_label": None if pseudo_labels.propagation is None else pseudo_labels.propagation.label,
        "pseudo_label_check": None if pseudo_labels.check is None else pseudo_labels.check.outcome,
        "optimisers": {name: optimiser.state_dict() for name, optimiser in step.optimisers.items()},
        "random_state": random_state(trainer.device),
    }


def put_back(trainer: Resumable, content: dict[str, Any], path: Path) -> None:
    """Bring a fresh training to where the gathered one was; ``path`` names the file in an error.

    Raises:
        AaeError: A part is missing or belongs to other settings.
    """
    step, pseudo_labels = trainer.step, trainer.pseudo_labels
    try:
        number, seconds = content["number"], content["seconds"]
        _hold(type(number) is int and 0 <= number <= trainer.num_steps, "its step is out of range")
        _hold(type(seconds) is float and 0 <= seconds < math.inf, "its time is out of range")
        num_summed = content["num_summed"]
        _hold(type(num_summed) is int and 0 <= num_summed <= number, "its number of summed losses is out of range")
        totals = {str(name): total.to(trainer.device) for name, total in content["totals"].items()}
        _hold(all(total.ndim == 0 and total.is_floating_point() for total in totals.values()), "its losses are none")
        _load(step.networks, content["networks"])
        if step.ema is not None:
            _load(step.ema, content["ema"])
        _hold(content["class_marginal"].shape == step.class_marginal.shape, "its class marginal has another shape")
        step.class_marginal.copy_(content["class_marginal"])
        outcome = content["pseudo_label_check"]
        if pseudo_labels.check is not None and outcome is not None:
            pseudo_labels.check.restore(outcome)
            pseudo_labels.follow_check()
        if pseudo_labels.propagation is not None:
            kept, propagated = pseudo_labels.propagation.label, content["propagated_label"]
            _hold(propagated.shape == kept.shape, "its propagated labels are of other images")
            _hold(bool((propagated < step.num_classes).all()), "its propagated labels are of other classes")
            kept.copy_(propagated)
        for name, optimiser in step.optimisers.items():
            _load_optimiser(optimiser, content["optimisers"][name])
        restore_random_state(content["random_state"], trainer.device)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
        reason = str(error).splitlines()[0].rstrip(".:") if isinstance(error, ValueError) else "a part is missing"
        raise AaeError(
            f"{path} does not fit the settings of its run: {reason}.", "Start the training anew with `aaecli train`."
        ) from error
    trainer.number, trainer.seconds = number, seconds
    trainer.losses.totals, trainer.losses.count = totals, num_summed
    summary, clusters = content.get("summary") or {}, content.get("clusters")
    trainer.validation_metrics = {name: summary[name] for name in _MEASURED if name in summary}
    if isinstance(clusters, list):
        trainer.clusters, trainer.classes = clusters, tuple(content["classes"])


def stored_split(content: dict[str, Any], dataset: Dataset, path: Path) -> Split:
    """Give the split that a training was begun with, whatever another version of numpy would draw.

    Raises:
        AaeError: It is none of these images.
    """
    num_images, stored = len(dataset.train_image), content.get("split")
    try:
        parts = {name: stored[name].numpy() for name in _PARTS}  # type: ignore[index]
        for index in parts.values():
            _hold(index.dtype == np.int64 and index.ndim == 1, "its split is none")
            _hold(bool(((index >= 0) & (index < num_images)).all()), "its split is of other images")
            marked = np.zeros(num_images, bool)
            marked[index] = True
            _hold(int(np.count_nonzero(marked)) == len(index), "its split names an image twice")
        result = Split(**parts)
        in_pool = np.zeros(num_images, bool)
        in_pool[result.pool] = True
        _hold(not in_pool[result.validation].any(), "its split shows validation images to the training")
        _hold(bool(in_pool[result.labelled].all()), "its split has labels beyond the pool")
        known = np.concatenate([result.labelled, result.validation])
        _hold(bool((dataset.train_label[known] >= 0).all()), "its split asks for labels that there are not")
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = str(error) if type(error) is ValueError else "its split is missing"
        raise AaeError(
            f"{path} does not fit the settings of its run: {reason}.", "Start the training anew with `aaecli train`."
        ) from error
    return result


def max_state_bytes(config: Config, dataset: Dataset, num_others: int = 0) -> int:
    """Give the most that last.pt can take: weights, their average, what the optimisers keep, indices, and the rest.

    Raises:
        AaeError: A network is too large to be saved.
    """
    weights = check_size(config, dataset.image_shape, config.label_dim(len(dataset.classes)))
    # Of alternating updates, three optimisers keep two averages each of the encoder.
    return 8 * weights + 32 * (len(dataset.train_image) + num_others) + MAX_NAMES_BYTES + 2**25


def fingerprint(dataset: Dataset, rehearsal: RehearsalImages | None = None) -> str:
    """Give a sha256 of all images that are learnt from and their labels: others would make another training.

    Those of a store are known by the checksums of its files.
    """
    digest = hashlib.sha256(repr((dataset.classes, dataset.train_image.shape)).encode())
    if dataset.stored is not None:
        digest.update(dataset.stored.sha256.encode())
    else:
        for values in (dataset.train_image, dataset.train_label):
            digest.update(np.ascontiguousarray(values).view(np.uint8).data)
    if rehearsal is not None:
        digest.update(rehearsal.sha256().encode())
    return digest.hexdigest()


def _load(module: nn.Module, state: dict[str, Tensor]) -> None:
    wanted = {name: (value.shape, value.dtype) for name, value in module.state_dict().items()}
    _hold({name: (value.shape, value.dtype) for name, value in state.items()} == wanted, "its weights differ in shape")
    module.load_state_dict(state)


def _load_optimiser(optimiser: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Take over the averages of an optimiser. Its settings come from those of the run, which every step sets anew."""
    fresh = optimiser.state_dict()
    _hold(_settings(state) == _settings(fresh), "its optimiser has other settings")
    # A rate may be a tensor on the device that trains, and is set anew before it is used.
    rates = [group["lr"] for group in optimiser.param_groups]
    groups = [saved | {"lr": rate} for saved, rate in zip(state["param_groups"], rates, strict=True)]
    optimiser.load_state_dict(state | {"param_groups": groups})
    for group in optimiser.param_groups:
        for weight in group["params"]:
            for name, value in optimiser.state[weight].items():
                shape = () if name == "step" else weight.shape
                _hold(value.shape == shape, "the averages of its optimiser differ in shape")


def _settings(state: dict[str, Any]) -> list[dict[str, Any]]:
    return [{name: value for name, value in group.items() if name != "lr"} for group in state["param_groups"]]


def _hold(holds: bool, fault: str) -> None:
    if not holds:
        raise ValueError(fault)
