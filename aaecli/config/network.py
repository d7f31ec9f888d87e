"""The section [network]: the shapes of encoder, decoder and discriminators."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from aaecli.config.parsing import require


@dataclass(frozen=True)
class Network:
    """The shapes of encoder, decoder and discriminators.

    Attributes:
        encoder: Kind of encoder: ``mlp``, the article's fully connected one, or ``convolutional``.
        hidden: Widths of the hidden layers of a fully connected encoder.
        decoder_hidden: Widths of the hidden layers of the decoder; where empty, those of ``hidden`` in reverse.
        channels: Channels of each stage of a convolutional encoder; each stage after the first halves the image.
        features: Width of the last layer of a convolutional encoder.
        discriminator_hidden: Widths of the hidden layers of each discriminator.
        style_dim: Number of dimensions of the style z.
        batch_norm: Batch normalisation after each hidden layer of encoder and decoder.
        initialisation: ``kaiming`` (He et al. 2015), or ``normal``: N(0, 0.01²) as in the article's code.
        dropout: Probability that a hidden unit of the encoder is dropped while training.
        input_noise: Standard deviation of Gaussian noise on the encoder's input while training (pixels are in [0, 1]).
        style_noise: Standard deviation of Gaussian noise on the style while training: the paper's Gaussian posterior
            (section 2). What would be hidden in fine differences of the style drowns in it.
        discriminator_noise: Standard deviation of Gaussian noise on the discriminators' inputs while training.
        conditional_discriminator: The discriminator of the style is told the label too, so that the style of every
            single class has to look like the prior and says nothing of the class (the paper, section 2.3).
        test_time_shift: Once trained, the label is read from the image and from four copies of it, each moved by so
            many pixels to one side (test-time augmentation): five times the work; 0 reads the image alone.
    """

    encoder: Literal["mlp", "convolutional"] = "mlp"
    hidden: tuple[int, ...] = (1000, 1000)
    decoder_hidden: tuple[int, ...] = ()
    channels: tuple[int, ...] = (32, 64)
    features: int = 256
    discriminator_hidden: tuple[int, ...] = (1000, 1000)
    style_dim: int = 10
    batch_norm: bool = False
    initialisation: Literal["kaiming", "normal"] = "kaiming"
    dropout: float = 0.0
    input_noise: float = 0.0
    style_noise: float = 0.0
    discriminator_noise: float = 0.0
    conditional_discriminator: bool = False
    test_time_shift: int = 0

    def __post_init__(self) -> None:
        for key in ("hidden", "decoder_hidden", "channels", "discriminator_hidden"):
            widths = getattr(self, key)
            rule = "a list of 1 to 32 widths, each from 1 to 65536"
            fewest = 0 if key == "decoder_hidden" else 1
            holds = fewest <= len(widths) <= 32 and all(1 <= width <= 2**16 for width in widths)
            require(holds, f"network.{key}", rule, list(widths))
        require(1 <= self.features <= 2**16, "network.features", "at least 1 and at most 65536", self.features)
        require(1 <= self.style_dim <= 2**16, "network.style_dim", "at least 1 and at most 65536", self.style_dim)
        require(0 <= self.dropout < 1, "network.dropout", "in [0, 1)", self.dropout)
        for key in ("input_noise", "style_noise", "discriminator_noise"):
            require(getattr(self, key) >= 0, f"network.{key}", "0 or more", getattr(self, key))
        require(0 <= self.test_time_shift <= 32, "network.test_time_shift", "from 0 to 32", self.test_time_shift)
