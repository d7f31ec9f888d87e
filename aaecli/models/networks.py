"""Encoder, decoder and discriminators."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple, cast

import torch
from torch import Tensor, nn

from aaecli.config.models import FAMILY
from aaecli.config.network import Network
from aaecli.models.bodies import EncoderBody, make_decoder_body, make_encoder_body
from aaecli.models.layers.fully_connected import hidden_layers
from aaecli.models.test_time_augmentation import mean_label_logits, shifted_copies, unsure_images


class Encoding(NamedTuple):
    """What the encoder makes of a batch of images.

    Attributes:
        label_logits: (B, K), before the softmax; None where the model has no label.
        style: (B, Z), or None where the model has no style.
        true_label: One-hot (B, K), where the decoder is told the label instead; None for every other model.
        features: What the heads read, (B, num_features), while training; else None.
    """

    label_logits: Tensor | None
    style: Tensor | None
    true_label: Tensor | None = None
    features: Tensor | None = None

    def label(self) -> Tensor | None:
        """The label's probabilities, or the label that was told, (B, K); None where there is neither."""
        return self.true_label if self.label_logits is None else self.label_logits.softmax(1)

    def latent(self) -> Tensor:
        """What the decoder reads: label and style, as far as the model has them, (B, K + Z)."""
        return torch.cat([part for part in (self.label(), self.style) if part is not None], 1)

    def part(self, start: int, stop: int | None) -> Encoding:
        """Give the encoding of a part of the batch."""
        return Encoding(*(part if part is None else part[start:stop] for part in self))


def in_float32(head: nn.Module, hidden: Tensor) -> Tensor:
    """Apply a head in float32, whatever type the matrix products before it ran in.

    bfloat16 knows a logit of 20 to a sixteenth; heads are narrow, so they cost next to nothing.
    """
    if hidden.dtype == torch.float32:
        return cast(Tensor, head(hidden))
    with torch.autocast(hidden.device.type, enabled=False):
        return cast(Tensor, head(hidden.float()))


class Encoder(nn.Module):
    """A body with a head for the label and one for the style, as far as the model has them.

    Args:
        image_shape: Channels, height and width.
        num_classes: Number of values of the label; 0 for no label.
        style_dim: Number of dimensions of the style; 0 for no style.
        settings: Shapes.

    Attributes:
        temperature: What the label's logits are divided by in evaluation mode, after test-time augmentation; 1 while
            training.
    """

    def __init__(self, image_shape: tuple[int, int, int], num_classes: int, style_dim: int, settings: Network) -> None:
        super().__init__()
        self.input_noise = settings.input_noise
        self.style_noise = settings.style_noise
        self.test_time_shift = settings.test_time_shift if num_classes else 0
        self.test_time_confidence = settings.test_time_confidence
        self.temperature = 1.0
        self.body = make_encoder_body(image_shape, settings)
        num_features = cast(EncoderBody, self.body).num_features
        self.label_head = nn.Linear(num_features, num_classes) if num_classes else None
        self.style_head: nn.Module | None = nn.Linear(num_features, style_dim) if style_dim else None
        if self.style_head is not None and settings.style_batch_norm:
            self.style_head = nn.Sequential(self.style_head, nn.BatchNorm1d(style_dim, affine=False))

    def forward(self, image: Tensor, features: Tensor | None = None) -> Encoding:
        """Encode images (B, C, H, W) in [0, 1].

        In evaluation mode, where the settings ask for it, the label of an image that is not read with confidence is
        the mean over it and its ``shifted_copies``; the style is the image's own. Which images are read again does not
        depend on the temperature.

        Args:
            image: The images.
            features: Their features (B, num_features), where the body has computed them already.
        """
        once = self.encode_once(image) if features is None else self._heads(features)
        if self.training or once.label_logits is None:
            return once
        logits = once.label_logits if not self.test_time_shift else self._augmented(image, once.label_logits)
        return once._replace(label_logits=logits if self.temperature == 1 else logits / self.temperature)

    def _augmented(self, image: Tensor, once: Tensor) -> Tensor:
        """Give the label's logits (B, K) with the mean over copies where one look, ``once``, is not confident."""
        unsure = unsure_images(once, self.test_time_confidence)  # (U,)
        if not len(unsure):
            return once
        of_copies = self.encode_once(shifted_copies(image[unsure], self.test_time_shift)).label_logits  # (4 U, K)
        return once.index_copy(0, unsure, mean_label_logits(once[unsure], cast(Tensor, of_copies)))

    def encode_once(self, image: Tensor) -> Encoding:
        """Encode images (B, C, H, W) in [0, 1] from one look at each, as while training."""
        if self.training and self.input_noise:
            image = image + self.input_noise * torch.randn_like(image)
        return self._heads(self.features(image))

    def features(self, image: Tensor) -> Tensor:
        """Give what the heads read of images (B, C, H, W), (B, num_features)."""
        return cast(EncoderBody, self.body).features(image)

    def _heads(self, features: Tensor) -> Encoding:
        """Give label and style of the features (B, num_features)."""
        label_logits = None if self.label_head is None else in_float32(self.label_head, features)  # (B, K)
        style = None if self.style_head is None else in_float32(self.style_head, features)  # (B, Z)
        if self.training and self.style_noise and style is not None:
            style = style + self.style_noise * torch.randn_like(style)
        return Encoding(label_logits, style, features=features if self.training else None)


class Decoder(nn.Module):
    """Redraws images from label and style; ``num_classes`` is 0 where it reads the style alone."""

    def __init__(self, image_shape: tuple[int, int, int], num_classes: int, settings: Network) -> None:
        super().__init__()
        self.body = make_decoder_body(num_classes + settings.style_dim, image_shape, settings)

    def forward(self, latent: Tensor) -> Tensor:
        """Draw images (B, C, H, W) in [0, 1] from latent codes (B, K + Z)."""
        pixels: Tensor = self.body(latent).float().sigmoid()
        return pixels

    def decode_with_running_statistics(self, latent: Tensor) -> Tensor:
        """Draw as ``forward`` does in evaluation mode, in whichever mode it is: with gradients, changing no statistics.

        Batch normalisation uses the statistics of the images that are redrawn, as it will once trained, and does not
        learn those of other codes.
        """
        was_training = self.training
        self.eval()
        drawn = self(latent)
        self.train(was_training)
        return cast(Tensor, drawn)


class Discriminator(nn.Module):
    """Tells draws from a prior from what the encoder gives: one logit each, high for the prior.

    Batch normalisation is left out on purpose: it lets the discriminator compare the rows of a batch.
    """

    def __init__(self, num_inputs: int, settings: Network) -> None:
        super().__init__()
        self.noise = settings.discriminator_noise
        self.body = nn.Sequential(
            hidden_layers(num_inputs, settings.discriminator_hidden, batch_norm=False, dropout=0.0),
            nn.Linear(settings.discriminator_hidden[-1], 1),
        )

    def forward(self, code: Tensor) -> Tensor:
        """Discriminate codes (B, num_inputs); gives logits (B, 1)."""
        if self.training and self.noise:
            code = code + self.noise * torch.randn_like(code)
        return in_float32(self.body[1], self.body[0](code))


class Networks(nn.Module):
    """All the networks of one model.

    Args:
        model: A row of the family.
        image_shape: Channels, height and width.
        num_classes: Number of values K of the label: of classes, or of clusters.
        settings: Shapes.
    """

    def __init__(self, model: str, image_shape: tuple[int, int, int], num_classes: int, settings: Network) -> None:
        super().__init__()
        traits, style_dim = FAMILY[model], settings.style_dim
        self.num_classes = num_classes
        self.encoder = Encoder(
            image_shape, num_classes if traits.encodes_label else 0, style_dim if traits.encodes_style else 0, settings
        )
        drawn_from = 0 if traits.decoder_label == "none" else num_classes
        self.decoder = Decoder(image_shape, drawn_from, settings) if traits.decoder_label is not None else None
        num_condition = num_classes if settings.conditional_discriminator else 0
        self.style_discriminator = Discriminator(style_dim + num_condition, settings) if traits.style_prior else None
        self.label_discriminator = Discriminator(num_classes, settings) if traits.label_prior else None
        self.teacher_head: nn.Linear | None = None
        if settings.teacher_head and traits.encodes_label and traits.sees_unlabelled and traits.uses_labels:
            self.teacher_head = nn.Linear(cast(EncoderBody, self.encoder.body).num_features, num_classes)
        if settings.initialisation == "normal":
            self.apply(_initialise_normal)


@contextmanager
def answering(*networks: nn.Module | None) -> Iterator[None]:
    """Have networks answer in evaluation mode, without gradients; afterwards they are in the mode that they were in."""
    was_training = [(network, network.training) for network in networks if network is not None]
    for network, _ in was_training:
        network.eval()
    try:
        with torch.inference_mode():
            yield
    finally:
        for network, training in was_training:
            network.train(training)


@contextmanager
def without_test_time_augmentation(encoder: Encoder) -> Iterator[None]:
    """Have an encoder answer from the images alone, without their other ``shifted_copies``."""
    shift, encoder.test_time_shift = encoder.test_time_shift, 0
    try:
        yield
    finally:
        encoder.test_time_shift = shift


def _initialise_normal(module: nn.Module) -> None:
    """Weights N(0, 0.01²), biases 0: what the article's code does."""
    # On the meta device there is nothing to draw, and torch would load its compiler for it, which makes a cache folder.
    if isinstance(module, nn.Linear) and not module.weight.is_meta:
        nn.init.normal_(module.weight, std=0.01)
        if module.bias is not None:
            nn.init.zeros_(module.bias)
