"""Networks from an untrusted checkpoint, built after its weights are checked against its settings."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import torch
from torch import Tensor

from aaecli.config.models import FAMILY
from aaecli.config.schema import Config
from aaecli.errors import AaeError
from aaecli.metrics.temperature import HIGHEST, LOWEST
from aaecli.models.bodies import check_shapes
from aaecli.models.networks import Networks

MAX_SIDE = 1024
"""Largest height or width of the images of a model, in pixels."""
MAX_NETWORK_BYTES = 255 * 2**20
"""Largest network that is trained, read or exported: an ONNX file of it stays below 256 MiB."""
MAX_NAMES_BYTES = 2**26
"""Most bytes that the names of the held-out pictures may take."""
MAX_MODEL_BYTES = 2 * MAX_NETWORK_BYTES + MAX_NAMES_BYTES + 2**25
"""Largest model.pt: encoder and decoder, names, and what describes them."""
_CHUNK = 2**22
_Shapes = dict[str, dict[str, tuple[torch.Size, torch.dtype]]]


def make_networks(
    config: Config, image_shape: tuple[int, int, int], label_dim: int, weights: dict[str, dict[str, Tensor]]
) -> Networks:
    """Make encoder and decoder and fill them, in evaluation mode; the discriminators are not stored.

    Weights that are stored in float16 become float32.

    Raises:
        ValueError: The weights are not of the shapes that the settings ask for, or contain NaN or infinity.
    """
    # Their weights are not in the file, so nothing would bound the size that the settings give them.
    network = dataclasses.replace(config.network, discriminator_hidden=(1,))
    with torch.device("meta"):
        # Settings may describe terabytes; the meta device allocates none of them.
        networks = Networks(config.model, image_shape, label_dim, network)
    weights = {
        part: {name: value.float() if value.dtype == torch.float16 else value for name, value in state.items()}
        for part, state in weights.items()
    }
    hold(_shapes(weights) == _shapes({part: module.state_dict() for part, module in _parts(networks).items()}))
    hold(all(_is_finite(value) for state in weights.values() for value in state.values()))
    for part, module in _parts(networks).items():
        # Taken over, not copied: a model takes its size in memory once.
        module.load_state_dict(weights[part], assign=True)
    networks.style_discriminator = networks.label_discriminator = networks.teacher_head = None
    return networks.eval().requires_grad_(False)


def check_size(config: Config, image_shape: tuple[int, int, int], label_dim: int) -> int:
    """Check that the networks are small enough to be written, read again and exported.

    Returns:
        The bytes that all of them take.

    Raises:
        AaeError: One is larger, or that of a plug-in breaks its contract.
    """
    with torch.device("meta"):
        networks = Networks(config.model, image_shape, label_dim, config.network)
    decoder, num_inputs = networks.decoder, config.network.style_dim
    if FAMILY[config.model].decoder_label != "none":
        num_inputs += label_dim
    check_shapes(
        networks.eval().encoder.body, None if decoder is None else decoder.body, image_shape, num_inputs, config.network
    )
    total = 0
    for name, module in networks.named_children():
        size = sum(value.nbytes for value in module.state_dict().values())
        if size > MAX_NETWORK_BYTES:
            raise AaeError(
                f"The {name.replace('_', ' ')} would take {size / 2**20:,.0f} MiB; "
                f"at most {MAX_NETWORK_BYTES // 2**20} can be saved and exported.",
                "Give smaller layers under [network.encoder_options], or a smaller --size.",
            )
        total += size
    return total


def checked_shape(shape: Any) -> tuple[int, int, int]:
    """Read channels, height and width; older files of grey models give height and width alone.

    Raises:
        ValueError: They are out of range.
    """
    channels, height, width = (1, *shape)[-3:]
    hold(channels in (1, 3) and all(type(size) is int and 1 <= size <= MAX_SIDE for size in (height, width)))
    return channels, height, width


def checked_summary(summary: dict[str, Any]) -> dict[str, Any]:
    """Check that the metrics are numbers.

    Raises:
        ValueError: They are not.
    """
    for name in ("validation_accuracy", "validation_accuracy_deployed", "test_accuracy"):
        value = summary.get(name)
        hold(value is None or (isinstance(value, float) and 0 <= value <= 1))
    temperature = summary.get("temperature", 1.0)
    hold(isinstance(temperature, float) and LOWEST <= temperature <= HIGHEST)
    novelty = summary.get("novelty") or {"quantile": [], "reconstruction_error": []}
    columns = [novelty["quantile"], novelty["reconstruction_error"]]
    hold(len(columns[0]) == len(columns[1]))
    hold(all(isinstance(value, float) and math.isfinite(value) for column in columns for value in column))
    return dict(summary)


def checked_frequencies(stored: Any, num_values: int) -> tuple[float, ...] | None:
    """Read the frequency of each value in a prior; None where a file does not contain them.

    Raises:
        ValueError: They are no frequencies, or their number differs.
    """
    if stored is None:
        return None
    hold(len(stored) == num_values and all(type(share) is float and 0 <= share <= 1 for share in stored))
    hold(math.isclose(sum(stored), 1, abs_tol=1e-3))
    return tuple(stored)


def hold(holds: bool) -> None:
    """Raise an error if a condition does not hold.

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


def _is_finite(value: Tensor) -> bool:
    # In parts, since the check allocates memory for its intermediate results.
    return all(bool(part.isfinite().all()) for part in value.flatten().tensor_split(-(-value.numel() // _CHUNK) or 1))


def _shapes(weights: dict[str, dict[str, Tensor]]) -> _Shapes:
    return {
        part: {name: (value.shape, value.dtype) for name, value in state.items()} for part, state in weights.items()
    }
