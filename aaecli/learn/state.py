"""All that a training needs to go on from: gathered from it, and put back once every part is seen to fit."""

from __future__ import annotations

import hashlib
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from aaecli.config import to_table
from aaecli.data.dataset import Dataset
from aaecli.errors import AaeError
from aaecli.learn.devices import random_state, restore_random_state

if TYPE_CHECKING:
    from aaecli.learn.trainer import Trainer


def gather(trainer: Trainer) -> dict[str, Any]:
    """Give weights, averages, optimisers, random states and the place in the schedule, as plain types and tensors."""
    step = trainer.step
    return {
        "config": to_table(trainer.config),
        "number": trainer.number,
        "seconds": trainer.seconds,
        "totals": trainer.totals,
        "networks": step.networks.state_dict(),
        "average": None if step.average is None else step.average.state_dict(),
        "label_average": step.label_average,
        "propagated_label": None if trainer.propagation is None else trainer.propagation.label,
        "optimisers": {name: optimiser.state_dict() for name, optimiser in step.optimisers.items()},
        "random_state": random_state(trainer.device),
    }


def put_back(trainer: Trainer, content: dict[str, Any], path: Path) -> None:
    """Bring a fresh training to where the gathered one was; ``path`` names the file in an error.

    Raises:
        AaeError: A part is missing or belongs to other settings.
    """
    step = trainer.step
    try:
        number, seconds = content["number"], content["seconds"]
        _hold(type(number) is int and 0 <= number <= trainer.num_steps, "its step is out of range")
        _hold(type(seconds) is float and 0 <= seconds < math.inf, "its time is out of range")
        totals = {str(name): total.to(trainer.device) for name, total in content["totals"].items()}
        _hold(all(total.ndim == 0 and total.is_floating_point() for total in totals.values()), "its losses are none")
        _load(step.networks, content["networks"])
        if step.average is not None:
            _load(step.average, content["average"])
        _hold(content["label_average"].shape == step.label_average.shape, "its label average has another shape")
        step.label_average.copy_(content["label_average"])
        if trainer.propagation is not None:
            propagated = content["propagated_label"]
            _hold(propagated.shape == trainer.propagation.label.shape, "its propagated labels are of other images")
            _hold(bool((propagated < step.num_classes).all()), "its propagated labels are of other classes")
            trainer.propagation.label.copy_(propagated)
        for name, optimiser in step.optimisers.items():
            _load_optimiser(optimiser, content["optimisers"][name])
        restore_random_state(content["random_state"], trainer.device)
    except (KeyError, TypeError, ValueError, RuntimeError, AttributeError, IndexError) as error:
        reason = str(error).splitlines()[0].rstrip(".:") if isinstance(error, ValueError) else "a part is missing"
        raise AaeError(
            f"{path} does not fit the settings of its run: {reason}.", "Start the training anew with `aaecli train`."
        ) from error
    trainer.number, trainer.seconds, trainer.totals = number, seconds, totals


def fingerprint(dataset: Dataset) -> str:
    """Give a sha256 of the training images and their labels: other images would make another training."""
    digest = hashlib.sha256(repr((dataset.classes, dataset.train_image.shape)).encode())
    for values in (dataset.train_image, dataset.train_label):
        digest.update(np.ascontiguousarray(values).view(np.uint8).data)
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
