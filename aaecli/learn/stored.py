"""The networks of a stranger's checkpoint, made once its weights are seen to fit its settings."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor

from aaecli.config import Config
from aaecli.learn.networks import Networks

MAX_SIDE = 1024
"""Largest height or width of the images of a model, in pixels."""
_Shapes = dict[str, dict[str, tuple[torch.Size, torch.dtype]]]


def make_networks(
    config: Config, image_shape: tuple[int, int, int], label_dim: int, weights: dict[str, dict[str, Tensor]]
) -> Networks:
    """Make encoder and decoder and fill them, in evaluation mode; the discriminators are not stored.

    Raises:
        ValueError: The weights are not of the shapes that the settings ask for, or hold numbers that are none.
    """
    # Their weights are not in the file, so nothing would bound the size that the settings give them.
    network = dataclasses.replace(config.network, discriminator_hidden=(1,))
    with torch.device("meta"):
        # Settings may ask for terabytes; this asks for none of them.
        wanted = Networks(config.model, image_shape, label_dim, network)
    hold(_shapes(weights) == _shapes({part: module.state_dict() for part, module in _parts(wanted).items()}))
    hold(all(bool(value.isfinite().all()) for state in weights.values() for value in state.values()))
    networks = Networks(config.model, image_shape, label_dim, network)
    for part, module in _parts(networks).items():
        module.load_state_dict(weights[part])
    return networks.eval().requires_grad_(False)


def checked_shape(shape: Any) -> tuple[int, int, int]:
    """Read channels, height and width; older files of grey models give height and width alone.

    Raises:
        ValueError: They are out of range.
    """
    channels, height, width = (1, *shape)[-3:]
    hold(channels in (1, 3) and all(type(size) is int and 1 <= size <= MAX_SIDE for size in (height, width)))
    return channels, height, width


def checked_facts(facts: dict[str, Any]) -> dict[str, Any]:
    """See that measured figures are such.

    Raises:
        ValueError: They are not.
    """
    for name in ("validation_accuracy", "test_accuracy"):
        value = facts.get(name)
        hold(value is None or (isinstance(value, float) and 0 <= value <= 1))
    strangeness = facts.get("strangeness") or {"quantile": [], "reconstruction_error": []}
    columns = [strangeness["quantile"], strangeness["reconstruction_error"]]
    hold(len(columns[0]) == len(columns[1]))
    hold(all(isinstance(value, float) and math.isfinite(value) for column in columns for value in column))
    return dict(facts)


def hold(holds: bool) -> None:
    """Refuse what does not hold.

    Raises:
        ValueError: It does not.
    """
    if not holds:
        raise ValueError


def _parts(networks: Networks) -> dict[str, torch.nn.Module]:
    parts: dict[str, torch.nn.Module] = {"encoder": networks.encoder}
    if networks.decoder is not None:
        parts["decoder"] = networks.decoder
    return parts


def _shapes(weights: dict[str, dict[str, Tensor]]) -> _Shapes:
    return {
        part: {name: (value.shape, value.dtype) for name, value in state.items()} for part, state in weights.items()
    }
