"""Every setting of a training, as frozen dataclasses, and the presets that fill them.

Order of precedence: the defaults below < ``--preset NAME`` < ``--config FILE.toml`` < ``AAECLI_*`` variables < flags.
"""

from __future__ import annotations

import dataclasses
import math
import reprlib
import tomllib
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from pathlib import Path
from typing import Any, Literal, TypeVar

from aaecli.errors import AaeError, did_you_mean

_Section = TypeVar("_Section")
_TYPE_NAMES = {int: "a whole number", float: "a number", str: "text", bool: "true or false"}
_MAX_TOML_BYTES = 2**16
_MAX_TOML_DOTS = 200
_TOML_HINT = "`aaecli train --print-config > my.toml` makes a valid one."


def _require(holds: bool, key: str, rule: str, value: object) -> None:
    if not holds:
        shown = reprlib.repr(value)
        raise AaeError(f"{key} must be {rule}, not {shown}.", "`aaecli train --print-config` shows every setting.")


@dataclass(frozen=True)
class Network:
    """The shapes of encoder, decoder and discriminators.

    Attributes:
        encoder: Kind of encoder; ``mlp`` is the article's fully connected one.
        hidden: Widths of the hidden layers of encoder and decoder (the decoder's in reverse).
        discriminator_hidden: Widths of the hidden layers of each discriminator.
        style_dim: Number of dimensions of the style z.
        batch_norm: Batch normalisation after each hidden layer of encoder and decoder.
        initialisation: ``kaiming`` (He et al. 2015), or ``normal``: N(0, 0.01²) as in the article's code.
        dropout: Probability that a hidden unit of the encoder is dropped while training.
        input_noise: Standard deviation of Gaussian noise on the encoder's input while training (pixels are in [0, 1]).
        discriminator_noise: Standard deviation of Gaussian noise on the discriminators' inputs while training.
    """

    encoder: Literal["mlp"] = "mlp"
    hidden: tuple[int, ...] = (1000, 1000)
    discriminator_hidden: tuple[int, ...] = (1000, 1000)
    style_dim: int = 10
    batch_norm: bool = False
    initialisation: Literal["kaiming", "normal"] = "kaiming"
    dropout: float = 0.0
    input_noise: float = 0.0
    discriminator_noise: float = 0.0

    def __post_init__(self) -> None:
        for key in ("hidden", "discriminator_hidden"):
            widths = getattr(self, key)
            _require(len(widths) > 0 and min(widths) > 0, f"network.{key}", "a list of positive widths", list(widths))
        _require(self.style_dim >= 1, "network.style_dim", "at least 1", self.style_dim)
        _require(0 <= self.dropout < 1, "network.dropout", "in [0, 1)", self.dropout)
        for key in ("input_noise", "discriminator_noise"):
            _require(getattr(self, key) >= 0, f"network.{key}", "0 or more", getattr(self, key))


@dataclass(frozen=True)
class Prior:
    """What the discriminators hold the encoder to.

    Attributes:
        style: Name of the prior on z in ``aaecli.learn.priors``.
        style_std: Standard deviation of the Gaussian prior on z (5 in the article, 1 in the paper).
    """

    style: Literal["gaussian"] = "gaussian"
    style_std: float = 1.0

    def __post_init__(self) -> None:
        _require(self.style_std > 0, "prior.style_std", "more than 0", self.style_std)


@dataclass(frozen=True)
class Objective:
    """The weight of each term of the step; a term of weight 0 is not computed.

    Attributes:
        reconstruction: Weight of the squared error, averaged over pixels and images.
        regularisation: Weight of the encoder's loss against both discriminators.
        classification: Weight of the cross-entropy on the labelled images.
        consistency: Weight of the cross-entropy between the averaged teacher's label for an unlabelled image and the
            student's answer for the same image warped (FixMatch, Sohn et al. 2020, with a mean teacher).
        confidence: The teacher's label counts where its probability exceeds this.
    """

    reconstruction: float = 1.0
    regularisation: float = 1.0
    classification: float = 1.0
    consistency: float = 0.0
    confidence: float = 0.9

    def __post_init__(self) -> None:
        for key in ("reconstruction", "regularisation", "classification", "consistency"):
            _require(getattr(self, key) >= 0, f"objective.{key}", "0 or more", getattr(self, key))
        _require(0 <= self.confidence < 1, "objective.confidence", "in [0, 1)", self.confidence)


@dataclass(frozen=True)
class Optimiser:
    """How the weights move.

    Attributes:
        update: ``alternating``: the article's five updates a step, each with its own optimiser and encoder pass.
            ``joint``: one encoder pass serves all phases and one optimiser takes one update.
        lr: Learning rate of encoder and decoder (at its highest, where it is scheduled).
        discriminator_lr: Learning rate of the discriminators.
        beta1: Adam's first decay rate for encoder and decoder.
        beta2: Adam's second decay rate, for every network.
        discriminator_beta1: Adam's first decay rate for the discriminators.
        weight_decay: Decoupled weight decay of the weight matrices (AdamW).
        warmup_steps: Steps over which the rate rises from 0.
        decay: ``constant``, or ``cosine``: down to 0 at the last step.
        average: Decay of the exponential moving average of the weights that is saved and that teaches; 0 for none.
    """

    update: Literal["alternating", "joint"] = "joint"
    lr: float = 1e-3
    discriminator_lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    discriminator_beta1: float = 0.9
    weight_decay: float = 0.0
    warmup_steps: int = 0
    decay: Literal["constant", "cosine"] = "constant"
    average: float = 0.0

    def __post_init__(self) -> None:
        for key in ("lr", "discriminator_lr"):
            _require(getattr(self, key) > 0, f"optimiser.{key}", "more than 0", getattr(self, key))
        for key in ("beta1", "beta2", "discriminator_beta1", "average"):
            _require(0 <= getattr(self, key) < 1, f"optimiser.{key}", "in [0, 1)", getattr(self, key))
        _require(self.weight_decay >= 0, "optimiser.weight_decay", "0 or more", self.weight_decay)
        _require(self.warmup_steps >= 0, "optimiser.warmup_steps", "0 or more", self.warmup_steps)


@dataclass(frozen=True)
class Schedule:
    """How long, and how many images at a time.

    Attributes:
        steps: Number of training steps; 0 where ``epochs`` says it.
        epochs: Number of passes over the pool; 0 where ``steps`` says it. Exactly one of the two is set.
        batch_size: Images of a step: unlabelled ones, or labelled ones where a model learns from labels alone.
        labelled_batch_size: Labelled images of a step, drawn beside the unlabelled ones.
    """

    steps: int = 10_000
    epochs: int = 0
    batch_size: int = 100
    labelled_batch_size: int = 100

    def __post_init__(self) -> None:
        _require(self.steps >= 0, "schedule.steps", "0 or more", self.steps)
        _require(self.epochs >= 0, "schedule.epochs", "0 or more", self.epochs)
        lengths = {"steps": self.steps, "epochs": self.epochs}
        _require((self.steps > 0) != (self.epochs > 0), "schedule", "given in steps or in epochs, one of them", lengths)
        _require(self.batch_size >= 2, "schedule.batch_size", "at least 2", self.batch_size)
        _require(self.labelled_batch_size >= 2, "schedule.labelled_batch_size", "at least 2", self.labelled_batch_size)


@dataclass(frozen=True)
class Augmentation:
    """The warp of the images that the encoder learns from; each is drawn uniformly from [-value, value]. 0 for none.

    Attributes:
        rotation: Degrees.
        scale: Natural logarithm of the factor, drawn for each axis.
        shear: Tangent of the angle.
        shift: Pixels, drawn for each axis.
        elastic: Standard deviation in pixels of a smooth displacement field (after Simard et al. 2003).
        cutout: Side in pixels of a square that is blanked (DeVries and Taylor 2017).
    """

    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    shift: float = 0.0
    elastic: float = 0.0
    cutout: int = 0

    def __post_init__(self) -> None:
        for entry in dataclasses.fields(self):
            value = getattr(self, entry.name)
            _require(value >= 0, f"augmentation.{entry.name}", "0 or more", value)


@dataclass(frozen=True)
class Config:
    """One training, complete: what ``--print-config`` prints and a checkpoint carries.

    Attributes:
        model: A row of the family in ``aaecli.learn.family``.
        preset: Name of the preset that the settings started from.
        labels: Number of labelled images (shared evenly among the classes), or ``all``.
        seed: Seed of the label draw, the weights, the batches and the noise.
        data: Folder of a data set; the embedded MNIST where empty.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``fp32`` or ``bf16`` for the matrix products of training.
        network: Shapes of the networks.
        prior: Distributions of the latent code.
        objective: Weights of the terms.
        optimiser: Optimiser settings.
        schedule: Steps and batch sizes.
        augmentation: Warp of the training images.
    """

    model: Literal["semisupervised", "baseline"] = "semisupervised"
    preset: str = "default"
    labels: int | Literal["all"] = 1000
    seed: int = 0
    data: str = ""
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    network: Network = field(default_factory=Network)
    prior: Prior = field(default_factory=Prior)
    objective: Objective = field(default_factory=Objective)
    optimiser: Optimiser = field(default_factory=Optimiser)
    schedule: Schedule = field(default_factory=Schedule)
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        _require(self.labels == "all" or int(self.labels) >= 1, "labels", "a positive number or 'all'", self.labels)
        _require(0 <= self.seed < 2**63, "seed", "in [0, 2^63)", self.seed)


def from_table(table: Mapping[str, Any]) -> Config:
    """Build a configuration from nested tables, such as those of a TOML file or a checkpoint.

    Raises:
        AaeError: A key is unknown (the hint names the nearest one), or a value has the wrong type or range.
    """
    return _build(Config, table, "")


def to_table(config: Config) -> dict[str, Any]:
    """Give the configuration as nested plain tables: the inverse of ``from_table``."""
    plain: dict[str, Any] = _plain(dataclasses.asdict(config))
    return plain


def to_toml(config: Config) -> str:
    """Write the configuration as TOML that ``--config`` reads back to the same settings."""
    import tomli_w

    return tomli_w.dumps(to_table(config))


def preset_names() -> list[str]:
    """Name the presets that ship with the package."""
    return sorted(entry.name.removesuffix(".toml") for entry in _preset_files())


def resolve(
    *,
    preset: str | None = None,
    config_file: Path | None = None,
    flags: Mapping[str, Any] | None = None,
) -> Config:
    """Merge preset, file and flags into one configuration, later ones first.

    Args:
        preset: Name of a preset. Where None: that of the file, else the one that suits the model.
        config_file: A TOML file with any of the settings.
        flags: Nested tables of what the command line set.

    Raises:
        AaeError: The preset, a key or a value is wrong, or the file cannot be read.
    """
    from_file = read_toml(config_file) if config_file else {}
    flags = flags or {}
    model = flags.get("model", from_file.get("model", Config.model))
    name = preset or from_file.get("preset") or ("tutorial" if model == "baseline" else Config.preset)
    table = _read_preset(str(name))
    # The model is checked further down, with everything else.
    overrides = table.pop("for", {}).get(str(model), {})
    merged: dict[str, Any] = {}
    for layer in (table, overrides, from_file, flags, {"preset": name}):
        _merge(merged, layer)
    return from_table(merged)


def read_toml(path: Path) -> dict[str, Any]:
    """Read a TOML file.

    Raises:
        AaeError: The file cannot be read or is not TOML.
    """
    try:
        with path.open("rb") as file:
            text = file.read(_MAX_TOML_BYTES + 1)
        if len(text) > _MAX_TOML_BYTES:
            raise AaeError(f"{path} is longer than any settings: over {_MAX_TOML_BYTES:,} bytes.", _TOML_HINT)
        # The time that tomllib takes for `a.a.a.a… = 1` grows with the square of its length, to minutes.
        if any(line.count(b".") > _MAX_TOML_DOTS for line in text.splitlines()):
            raise AaeError(f"{path} nests its keys deeper than any settings.", _TOML_HINT)
        return tomllib.loads(text.decode())
    except OSError as error:
        raise AaeError(f"Cannot read {path}: {error.strerror}.", "Give --config the path of a TOML file.") from error
    except (ValueError, RecursionError) as error:
        # Besides its own error, which is a ValueError, tomllib lets through those of bytes that are no UTF-8, of
        # numbers with thousands of digits and of lists nested without end.
        reason = str(error).rstrip(".").replace("\n", " ")
        raise AaeError(f"{path} is not valid TOML: {reason}.", _TOML_HINT) from error


def _preset_files() -> Iterator[Any]:
    return (entry for entry in (resources.files("aaecli") / "presets").iterdir() if entry.name.endswith(".toml"))


def _read_preset(name: str) -> dict[str, Any]:
    for entry in _preset_files():
        if entry.name == f"{name}.toml":
            return tomllib.loads(entry.read_text(encoding="utf-8"))
    raise AaeError(f"There is no preset '{name}'.", did_you_mean(name, preset_names()))


def _merge(into: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for key, value in layer.items():
        if isinstance(value, Mapping) and isinstance(into.get(key, {}), dict):
            _merge(into.setdefault(key, {}), value)
        else:
            # A number of steps replaces a number of epochs that a lower layer set, and the other way round. A layer
            # that sets both contradicts itself: both stay, for Schedule to refuse.
            other = {"steps": "epochs", "epochs": "steps"}.get(key)
            if other and value and not layer.get(other):
                into[other] = 0
            into[key] = value


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _plain(entry) for key, entry in value.items()}
    return list(value) if isinstance(value, tuple) else value


def _build(section: type[_Section], table: Mapping[str, Any], prefix: str) -> _Section:
    hints = typing.get_type_hints(section)
    values = {}
    for key, value in table.items():
        if key not in hints:
            raise AaeError(f"There is no setting '{prefix}{key}'.", did_you_mean(key, hints))
        values[key] = _convert(value, hints[key], prefix + key)
    return section(**values)


def _convert(value: Any, hint: Any, key: str) -> Any:
    """Check a value against a type hint: a dataclass, a literal, a union, a tuple of integers or a plain type."""
    origin = typing.get_origin(hint)
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        _require(isinstance(value, Mapping), key, "a table", value)
        return _build(hint, value, key + ".")
    if origin is types.UnionType or origin is typing.Union:
        plain, literal = typing.get_args(hint)
        choices = typing.get_args(literal)
        _require(type(value) is plain or value in choices, key, f"{_TYPE_NAMES[plain]} or '{choices[0]}'", value)
        return value
    if origin is Literal:
        choices = typing.get_args(hint)
        if value not in choices:
            raise AaeError(f"{key} cannot be {reprlib.repr(value)}.", did_you_mean(str(value), choices))
        return value
    if origin is tuple:
        _require(isinstance(value, list | tuple), key, "a list", value)
        return tuple(_convert(entry, typing.get_args(hint)[0], key) for entry in value)
    if hint is float and type(value) is int and abs(value) < 2**53:
        return float(value)
    # TOML knows inf and nan, which would pass for a weight or a rate until a loss is no number any more.
    holds = type(value) is hint and (hint is not float or math.isfinite(value))
    _require(holds, key, _TYPE_NAMES[hint], value)
    return value
