"""Which settings act in a combination, and why the others do not: what a user set and could not act is refused."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aaecli.config.models import FAMILY, Model
from aaecli.config.schema import Config, to_table
from aaecli.errors import AaeError

_MNIST_CLASSES = 10


@dataclass(frozen=True)
class Rule:
    """When settings have no effect.

    Attributes:
        settings: Their names: ``network.dropout``, or ``propagation`` for a whole table.
        holds: Tells whether they have none.
        because: What makes it so, to follow "… has no effect".
    """

    settings: tuple[str, ...]
    holds: Callable[[Config], bool]
    because: str


def _traits(config: Config) -> Model:
    return FAMILY[config.model]


def _has_games(config: Config) -> bool:
    return _traits(config).style_prior or _traits(config).label_prior


def _is_alternating(config: Config) -> bool:
    return config.optimiser.update == "alternating"


def _changes_nothing(config: Config) -> bool:
    return config.augmentation.augmented_fraction() == 0


def _labels_exceed_propagation(config: Config) -> bool:
    limit = config.propagation.labels_per_class * _MNIST_CLASSES
    return not config.data and _traits(config).uses_labels and config.labels != "all" and config.labels > limit


_UNLABELLED = ("objective.consistency", "objective.mutual_information")
_TEACHER = ("objective.pseudo_labels", "objective.distribution_alignment", "objective.confidence_threshold")
_GAMES = ("network.discriminator_hidden", "network.discriminator_noise")
_RATES = ("optimiser.discriminator_lr", "optimiser.discriminator_beta1")
_PROPAGATED = ("until", "labels_per_class", "augmentation_scale", "max_class_weight", "num_images", "num_neighbours")

RULES = (
    # The model.
    Rule(("clusters",), lambda c: c.model != "clustering", "in a model other than clustering"),
    Rule(
        ("network.decoder_hidden", "objective.reconstruction", "schedule.decoder_batch_size"),
        lambda c: _traits(c).decoder_label is None,
        "in the model baseline, which has no decoder",
    ),
    Rule(
        ("network.style_dim", "network.style_noise", "prior.style", "prior.style_std"),
        lambda c: not _traits(c).encodes_style,
        "in the model baseline, which has no style",
    ),
    Rule(
        (*_GAMES, *_RATES, "objective.regularisation"),
        lambda c: not _has_games(c),
        "in a model without discriminators (baseline, autoencoder)",
    ),
    Rule(
        ("network.conditional_discriminator",),
        lambda c: not _traits(c).style_prior or _traits(c).decoder_label == "none",
        "in a model whose style has no discriminator, or that has no label",
    ),
    Rule(
        ("network.test_time_shift", "objective.classification"),
        lambda c: not _traits(c).encodes_label,
        "in a model that reads no label off an image",
    ),
    Rule(("objective.classification",), lambda c: c.model == "clustering", "in clustering, which sees no labels"),
    Rule(
        ("prior.label", "prior.label_frequency"),
        lambda c: not _traits(c).label_prior,
        "in a model without a prior on the label",
    ),
    Rule(("prior.label",), lambda c: c.model == "clustering", "in clustering, which sees no labels"),
    Rule(
        _UNLABELLED,
        lambda c: not (_traits(c).encodes_label and _traits(c).sees_unlabelled),
        "in a model that names no unlabelled images",
    ),
    Rule(
        ("objective.generation",),
        lambda c: not (_traits(c).encodes_label and _traits(c).decoder_label == "encoded"),
        "in a model that does not both read labels and draw from them",
    ),
    Rule(
        ("schedule.labelled_batch_size",),
        lambda c: not (_traits(c).sees_unlabelled and _traits(c).uses_labels),
        "in a model that does not see labelled and unlabelled images side by side; schedule.batch_size counts",
    ),
    Rule(("schedule.min_labelled_epochs",), lambda c: not _traits(c).uses_labels, "in a model that sees no labels"),
    # The networks.
    Rule(
        ("network.channels", "network.features"),
        lambda c: c.network.encoder == "mlp",
        'with network.encoder = "mlp", whose widths are network.hidden',
    ),
    Rule(
        ("network.hidden",),
        lambda c: c.network.encoder == "convolutional" and bool(c.network.decoder_hidden or c.model == "baseline"),
        'with network.encoder = "convolutional", whose widths are network.channels and network.features',
    ),
    Rule(
        ("network.dropout",),
        lambda c: c.network.encoder == "convolutional",
        'with network.encoder = "convolutional", which drops no units',
    ),
    Rule(
        ("network.batch_norm",),
        lambda c: c.network.encoder == "convolutional" and c.model == "baseline",
        'with network.encoder = "convolutional", which always has it',
    ),
    # The priors.
    Rule(("prior.style_std",), lambda c: c.prior.style != "gaussian", "with a prior.style that has its own deviation"),
    Rule(("prior.label",), lambda c: bool(c.prior.label_frequency), "beside prior.label_frequency"),
    # Alternating updates: the article's step.
    Rule(
        (
            "augmentation",
            "objective.consistency",
            "objective.mutual_information",
            "schedule.decoder_batch_size",
            "compile",
        ),
        _is_alternating,
        'with optimiser.update = "alternating", the article\'s five updates a step',
    ),
    Rule(("propagation", *_TEACHER), _is_alternating, 'with optimiser.update = "alternating", which has no teacher'),
    # Terms that are off, and what only they use.
    Rule(
        ("objective.consistency", "objective.generation"),
        lambda c: c.optimiser.ema_decay == 0,
        "with optimiser.ema_decay = 0: the teacher is the averaged network",
    ),
    Rule(
        _UNLABELLED,
        lambda c: c.labels == "all" and not c.data and c.model == "semisupervised",
        "where every image is labelled",
    ),
    Rule((*_TEACHER, "propagation"), lambda c: not _acts(c, "objective.consistency"), "without objective.consistency"),
    Rule(
        ("objective.confidence_threshold",),
        lambda c: c.objective.pseudo_labels == "soft",
        'with objective.pseudo_labels = "soft"',
    ),
    Rule(
        ("objective.marginal_entropy",),
        lambda c: not _acts(c, "objective.mutual_information"),
        "without objective.mutual_information",
    ),
    Rule(
        ("schedule.generated_batch_size",),
        lambda c: not _acts(c, "objective.generation"),
        "without objective.generation",
    ),
    Rule(
        ("schedule.decoder_batch_size",),
        lambda c: c.objective.reconstruction == 0,
        "without objective.reconstruction",
    ),
    Rule((*_GAMES, *_RATES), lambda c: c.objective.regularisation == 0, "without objective.regularisation"),
    Rule(
        tuple(f"propagation.{name}" for name in _PROPAGATED),
        lambda c: c.propagation.every == 0,
        "with propagation.every = 0",
    ),
    Rule(
        ("propagation.every",),
        lambda c: c.propagation.every >= c.propagation.until,
        "where propagation.until is not beyond it",
    ),
    Rule(
        tuple(f"propagation.{name}" for name in ("every", *_PROPAGATED) if name != "labels_per_class"),
        _labels_exceed_propagation,
        "with more labels than propagation.labels_per_class asks for",
    ),
    Rule(
        ("propagation.augmentation_scale",),
        lambda c: c.augmentation.scale == 0 and c.augmentation.elastic == 0,
        "where augmentation.scale and augmentation.elastic are 0",
    ),
    Rule(("augmentation.fraction",), _changes_nothing, "where no other setting of augmentation is set"),
    # The device.
    Rule(("cuda_graph",), lambda c: c.device in ("cpu", "mps"), "on a device other than CUDA"),
    Rule(("threads",), lambda c: c.device in ("cuda", "mps"), "on a device other than the processor"),
)
"""Each is one reason; a setting may have several."""


def _acts(config: Config, name: str) -> bool:
    """Whether a term is asked for and nothing keeps it from acting."""
    section, _, key = name.partition(".")
    return bool(getattr(getattr(config, section), key)) and not any(
        name in rule.settings and rule.holds(config) for rule in RULES
    )


def inert(config: Config) -> dict[str, str]:
    """Name the settings that have no effect (``network.channels``), each with the reason."""
    found: dict[str, str] = {}
    for rule in RULES:
        if rule.holds(config):
            for name in rule.settings:
                for full in _expanded(name):
                    found.setdefault(full, rule.because)
    return found


def refuse_inert(config: Config, chosen: Mapping[str, Any]) -> None:
    """Refuse settings that a user chose and that have no effect.

    Args:
        config: The settings as a whole.
        chosen: Nested tables of those that the user chose.

    Raises:
        AaeError: One of them has none; the sentence says why, and the hint names the others.
    """
    reasons = inert(config)
    vain = [name for name in _paths(chosen) if name in reasons]
    if vain:
        others = f" So have {', '.join(vain[1:])}." if len(vain) > 1 else ""
        raise AaeError(f"{vain[0]} has no effect {reasons[vain[0]]}.", f"Leave it out.{others}")


def acting_table(config: Config) -> dict[str, Any]:
    """Give the settings that act, as nested plain tables."""
    reasons, table = inert(config), to_table(config)
    kept: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, dict):
            part = {name: entry for name, entry in value.items() if f"{key}.{name}" not in reasons}
            kept |= {key: part} if part else {}
        elif key not in reasons:
            kept[key] = value
    return kept


def _expanded(name: str) -> Iterator[str]:
    """Give the settings of a table by their full names, or the one setting."""
    value = getattr(Config(), name) if "." not in name else None
    if dataclasses.is_dataclass(value):
        yield from (f"{name}.{entry.name}" for entry in dataclasses.fields(value))
    else:
        yield name


def _paths(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from (f"{key}.{name}" for name in value)
        else:
            yield key
