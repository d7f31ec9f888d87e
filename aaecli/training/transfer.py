"""Weights from another model: its encoder and decoder, with the classes matched by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from aaecli.checkpoint.file import Checkpoint, load_model
from aaecli.config.network import Network
from aaecli.config.parsing import table_of
from aaecli.config.schema import Config
from aaecli.errors import AaeError
from aaecli.models.networks import Networks
from aaecli.training.starting_model import file_sha256, find_start

_SHAPING = ("encoder", "encoder_options", "decoder", "decoder_options", "style_dim", "style_batch_norm")
"""Settings of [network] that weights have to fit."""
_NEW = -1


class StartingModel(NamedTuple):
    """A model to start from.

    Attributes:
        name: What the settings call it.
        model: Its networks and classes.
    """

    name: str
    model: Checkpoint


def load_start(config: Config) -> tuple[Config, StartingModel | None]:
    """Load the model that the settings start from.

    Returns:
        The settings, with the SHA-256 of its file; and the model, or None where they start from random weights.

    Raises:
        AaeError: There is no such model, its file is refused, or it is not the one that the settings were written for.
    """
    name = config.start.model
    if not name:
        return config, None
    path = find_start(name)
    digest = file_sha256(path)
    if config.start.sha256 not in ("", digest):
        raise AaeError(
            f"{path} is another model than the one that these settings started from: its SHA-256 differs.",
            f"Put that model back, or start from this one: --start {name}.",
        )
    return replace(config, start=replace(config.start, sha256=digest)), StartingModel(name, load_model(path))


def take_over(
    networks: Networks, start: StartingModel, config: Config, classes: Sequence[str], image_shape: tuple[int, int, int]
) -> None:
    """Fill encoder and decoder with the weights of a model, as far as it has them.

    The rows of the label head and the inputs of the decoder that stand for a class are those of the class of the same
    name; of a new class they stay as they are. So does a part that the model does not have, such as the decoder of a
    baseline.

    Args:
        networks: The networks to fill.
        start: The model.
        config: The settings of ``networks``.
        classes: The names of the classes.
        image_shape: Channels, height and width of the images.

    Raises:
        AaeError: Its images have another shape, or its networks differ.
    """
    model = start.model
    if model.image_shape != image_shape:
        raise AaeError(
            f"The images are {_form(image_shape)}; '{start.name}' reads {_form(model.image_shape)}.",
            "Leave out --size and --channels where the images are pictures; otherwise start from a model of such "
            "images, or leave out --start.",
        )
    origin = _origin(config, model, classes)
    label_sides = _label_sides(config, image_shape, networks.num_classes)
    their_sides = _label_sides(model.config, image_shape, len(model.label_names))
    for part in ("encoder", "decoder"):
        own: nn.Module | None = getattr(networks, part)
        theirs: nn.Module | None = getattr(model, part)
        if own is None or theirs is None:
            continue
        state, given = own.state_dict(), theirs.state_dict()
        for name in state.keys() & given.keys():
            side = label_sides.get(f"{part}.{name}")
            their_side = their_sides.get(f"{part}.{name}")
            if side is None and their_side is None:
                fits, value = state[name].shape == given[name].shape, given[name]
            else:
                fits, value = _matched(
                    state[name],
                    given[name],
                    side if side is not None else their_side or 0,
                    origin if side is not None else [],
                    len(model.label_names) if their_side is not None else 0,
                )
            if not fits:
                raise _misfit(start, config.network)
            state[name] = value
        own.load_state_dict(state)


def _origin(config: Config, model: Checkpoint, classes: Sequence[str]) -> list[int]:
    """Give for each value of the label the model's value that it begins as; ``_NEW`` where there is none."""
    own_clusters, their_clusters = config.model == "clustering", model.config.model == "clustering"
    if own_clusters or their_clusters:
        count = config.label_dim(len(classes))
        is_same = own_clusters and their_clusters and count == len(model.label_names)
        return [number if is_same else _NEW for number in range(count)]
    index = {name: number for number, name in enumerate(model.classes)}
    return [index.get(name, _NEW) for name in classes] or [_NEW]


def _label_sides(config: Config, image_shape: tuple[int, int, int], num_values: int) -> dict[str, int]:
    """Name the weights that depend on the number of values of the label, each with the side that grows with it."""
    shapes = []
    for number in (num_values, num_values + 1):
        with torch.device("meta"):
            networks = Networks(config.model, image_shape, number, config.network)
        shapes.append({name: value.shape for name, value in networks.state_dict().items()})
    fewer, more = shapes
    return {
        name: next(side for side, size in enumerate(shape) if more[name][side] != size)
        for name, shape in fewer.items()
        if more[name] != shape
    }


def _matched(own: Tensor, given: Tensor, side: int, origin: Sequence[int], num_given: int) -> tuple[bool, Tensor]:
    """Put given weights where they belong: along a side, first the values of the label, then the others.

    Args:
        own: The weights as they are.
        given: Those of the model.
        side: The side.
        origin: For each value of the label of ``own``, that of ``given``.
        num_given: Number of values of the label of ``given``.

    Returns:
        Whether they fit, and the new weights.
    """
    value = own.clone().transpose(0, side)
    source = given.transpose(0, side).to(own.device)
    others = source[num_given:]
    if value[len(origin) :].shape != others.shape:
        return False, own
    value[len(origin) :] = others
    for index, from_index in enumerate(origin):
        if from_index != _NEW and num_given:
            value[index] = source[from_index]
    return True, value.transpose(0, side).contiguous()


def _misfit(start: StartingModel, network: Network) -> AaeError:
    """Say which setting differs from that of the model."""
    own, theirs = table_of(network), table_of(start.model.config.network)
    setting = next((key for key in _SHAPING if own[key] != theirs[key]), "")
    name, values = f"network.{setting}", (own.get(setting), theirs.get(setting))
    if isinstance(values[0], dict) and isinstance(values[1], dict):
        inner = next(key for key in values[0] if values[0][key] != values[1].get(key))
        name, values = f"{name}.{inner}", (values[0][inner], values[1].get(inner))
    if not setting:
        return AaeError(f"The networks of the settings are not those of '{start.name}'.", "Leave out --start.")
    return AaeError(
        f"{name} is {_spelt(values[0])}, and that of '{start.name}' {_spelt(values[1])}: its weights do not fit.",
        f"Leave out {name}, so that the networks are those of '{start.name}'; or leave out --start.",
    )


def _spelt(value: Any) -> str:
    return str(value).replace("'", "")


def _form(image_shape: tuple[int, int, int]) -> str:
    channels, height, width = image_shape
    return f"{width} × {height} in {'colour' if channels == 3 else 'grey'}"
