"""What an encoder and a decoder that plug in have to be, and how the settings' ones are made."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol, cast

import torch
from torch import Tensor, nn

from aaecli.config.network import Network
from aaecli.config.registries import DECODERS, ENCODERS
from aaecli.errors import AaeError


class EncoderBody(Protocol):
    """What ``ENCODERS`` gives: an ``nn.Module`` that reads images, made from ``(image_shape, options)``.

    ``image_shape`` is channels, height and width. The label head and the style head are put on its features.

    Attributes:
        num_features: Number of features of an image.
    """

    num_features: int

    def features(self, image: Tensor) -> Tensor:
        """Give the features (B, num_features) of images (B, C, H, W) in [0, 1]."""


class DecoderBody(Protocol):
    """What ``DECODERS`` gives: an ``nn.Module`` that draws, made from ``(num_inputs, image_shape, options)``."""

    def __call__(self, latent: Tensor) -> Tensor:
        """Give pixels (B, C, H, W), before the sigmoid that brings them into [0, 1], of codes (B, num_inputs)."""


def make_encoder_body(image_shape: tuple[int, int, int], settings: Network) -> nn.Module:
    """Make the encoder of the settings.

    Raises:
        AaeError: What it makes breaks the contract.
    """
    made: Any = ENCODERS[settings.encoder](image_shape, settings.encoder_options)
    kept = _checked(made, "encoder", settings.encoder)
    number = getattr(made, "num_features", None)
    if type(number) is not int or number < 1 or not callable(getattr(made, "features", None)):
        raise _broken("encoder", settings.encoder, "it has no number 'num_features' and no method 'features'")
    return kept


def make_decoder_body(num_inputs: int, image_shape: tuple[int, int, int], settings: Network) -> nn.Module:
    """Make the decoder of the settings.

    Raises:
        AaeError: What it makes breaks the contract.
    """
    made: Any = DECODERS[settings.decoder](num_inputs, image_shape, settings.decoder_options)
    return _checked(made, "decoder", settings.decoder)


@torch.no_grad()
def check_shapes(
    encoder: nn.Module, decoder: nn.Module | None, image_shape: tuple[int, int, int], num_inputs: int, settings: Network
) -> None:
    """See that bodies on the device ``meta`` give what their contracts say; nothing is computed there.

    Args:
        encoder: The body of an encoder.
        decoder: The body of a decoder, or None.
        image_shape: Channels, height and width.
        num_inputs: Dimensions of the code that the decoder reads.
        settings: Their names.

    Raises:
        AaeError: One fails, or gives another shape.
    """
    image = torch.empty(2, *image_shape, device="meta")
    reader = cast(EncoderBody, encoder)
    _check_shape("encoder", settings.encoder, lambda: reader.features(image), (2, reader.num_features))
    if decoder is not None:
        latent = torch.empty(2, num_inputs, device="meta")
        _check_shape("decoder", settings.decoder, lambda: decoder(latent), (2, *image_shape))


def _check_shape(kind: str, name: str, compute: Callable[[], Tensor], expected: tuple[int, ...]) -> None:
    try:
        shape = tuple(compute().shape)
    except (RuntimeError, TypeError, ValueError, AttributeError, NotImplementedError) as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0].rstrip(".")
        raise _broken(kind, name, f"it fails without computing, on the device 'meta': {reason}") from error
    if shape != expected:
        raise _broken(kind, name, f"it gives {shape} where {expected} is due")


def _checked(made: Any, kind: str, name: str) -> nn.Module:
    if not isinstance(made, nn.Module):
        raise _broken(kind, name, f"it makes a {type(made).__name__}, no torch.nn.Module")
    return made


def _broken(kind: str, name: str, reason: str) -> AaeError:
    return AaeError(f"The {kind} '{name}' breaks its contract: {reason}.", "docs/plug-ins.md describes the contract.")
