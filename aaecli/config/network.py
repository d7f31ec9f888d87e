"""The section [network]: the shapes of encoder, decoder and discriminators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self

from aaecli.config.docstrings import attributes
from aaecli.config.parsing import build_options, fields_of, require, require_table
from aaecli.config.registries import DECODERS, ENCODERS
from aaecli.errors import AaeError
from aaecli.plugins import Registry, summary

_REGISTRIES: dict[str, Registry[Any]] = {"encoder": ENCODERS, "decoder": DECODERS}


@dataclass(frozen=True)
class Network:
    """The shapes of encoder, decoder and discriminators.

    Attributes:
        encoder: Kind of encoder.
        encoder_options: Options of this kind of encoder.
        decoder: Kind of decoder.
        decoder_options: Options of this kind of decoder.
        discriminator_hidden: Widths of the hidden layers of each discriminator.
        style_dim: Number of dimensions of the style z.
        style_batch_norm: Batch normalisation of the style, without scale and shift of its own: each dimension then has
            the mean and the deviation of the standard Gaussian from the first step on, so that the discriminator of the
            style has to find other differences.
        initialisation: ``kaiming`` (He et al. 2015), or ``normal``: N(0, 0.01²) as in the article's code.
        input_noise: Standard deviation of Gaussian noise on the encoder's input while training (pixels are in [0, 1]).
        style_noise: Standard deviation of Gaussian noise on the style while training: the paper's Gaussian posterior
            (section 2). It drowns what an encoder could hide in fine differences of the style.
        discriminator_noise: Standard deviation of Gaussian noise on the discriminators' inputs while training.
        teacher_head: The teacher labels images with a head of its own, which reads the same features and learns from
            true labels alone: a wrong pseudo-label then changes the features, but does not confirm itself (after
            Debiased Self-Training, Chen et al. 2022). The saved model has the label head only.
        conditional_discriminator: The discriminator of the style is given the label too, so that the style of each
            class has to match the prior and tells nothing of the class (the paper, section 2.3).
        test_time_shift: Test-time augmentation: the label of an image that is not classified with confidence is the
            mean prediction for it and for four copies, each shifted by so many pixels to one side; 0 for the image
            alone.
        test_time_confidence: The copies are used where the largest probability for the image is at most this; 1 uses
            them for every image, which is five times the work.
    """

    encoder: str = "mlp"
    encoder_options: Any = None
    decoder: str = "mlp"
    decoder_options: Any = None
    discriminator_hidden: tuple[int, ...] = (1000, 1000)
    style_dim: int = 10
    style_batch_norm: bool = False
    initialisation: Literal["kaiming", "normal"] = "kaiming"
    input_noise: float = 0.0
    style_noise: float = 0.0
    discriminator_noise: float = 0.0
    teacher_head: bool = False
    conditional_discriminator: bool = False
    test_time_shift: int = 0
    test_time_confidence: float = 0.99

    def __post_init__(self) -> None:
        for part, registry in _REGISTRIES.items():
            options = registry.options(getattr(self, part))
            if getattr(self, f"{part}_options") is None:
                object.__setattr__(self, f"{part}_options", options())
            elif type(getattr(self, f"{part}_options")) is not options:
                raise AaeError(f"network.{part}_options are not those of '{getattr(self, part)}'.", "Leave them out.")
        try:
            require_widths("discriminator_hidden", self.discriminator_hidden)
        except AaeError as error:
            raise AaeError(f"network.{error.message}", error.hint) from error
        require(1 <= self.style_dim <= 2**16, "network.style_dim", "at least 1 and at most 65536", self.style_dim)
        for key in ("input_noise", "style_noise", "discriminator_noise"):
            require(getattr(self, key) >= 0, f"network.{key}", "0 or more", getattr(self, key))
        require(0 <= self.test_time_shift <= 32, "network.test_time_shift", "from 0 to 32", self.test_time_shift)
        key, value = "network.test_time_confidence", self.test_time_confidence
        require(0 <= value <= 1, key, "from 0 to 1", value)

    @classmethod
    def from_table(cls, table: Mapping[str, Any], prefix: str = "network.") -> Self:
        """Build the section from a table; options are those of the encoder and the decoder that it names.

        Raises:
            AaeError: A key or a network is unknown, or a value has the wrong type or range.
        """
        require_table(table, prefix)
        table = dict(table)
        options: dict[str, Any] = {}
        for part, registry in _REGISTRIES.items():
            name = table.get(part, getattr(cls, part))
            require(isinstance(name, str), f"{prefix}{part}", "text", name)
            kind, key = registry.options(name), f"{part}_options"
            if key in table:
                options[key] = build_options(kind, table.pop(key), f"{prefix}{key}.")
            for misplaced in set(table) & set(kind.__dataclass_fields__):  # type: ignore[attr-defined]
                raise AaeError(f"There is no setting '{prefix}{misplaced}'.", f"It stands under [{prefix}{key}].")
        return cls(**fields_of(cls, table, prefix), **options)

    def texts(self) -> dict[str, str]:
        """Say what each key means; of encoder and decoder, which kinds there are."""
        texts = attributes(type(self))
        for part, registry in _REGISTRIES.items():
            kinds = "; ".join(f"{name}: {summary(kind).rstrip('.')}" for name, kind in registry.items())
            texts[part] = f"{texts[part]} {kinds}."
        return texts


def require_widths(key: str, widths: tuple[int, ...]) -> None:
    """Refuse widths of layers that nobody can mean.

    Raises:
        AaeError: There are none or too many, or one is out of range.
    """
    holds = 1 <= len(widths) <= 32 and all(1 <= width <= 2**16 for width in widths)
    require(holds, key, "a list of 1 to 32 widths, each from 1 to 65536", list(widths))
