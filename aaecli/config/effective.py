"""Which settings act in a combination, and why the others do not: what a user set and could not act is refused."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from aaecli.config.models import FAMILY, Model
from aaecli.config.registries import LOSS_TERMS
from aaecli.config.schema import Config, to_table
from aaecli.errors import AaeError
from aaecli.priors.style_prior import STYLE_PRIORS

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


def _is_alternating(config: Config) -> bool:
    return config.optimiser.update == "alternating"


def _changes_nothing(config: Config) -> bool:
    return config.augmentation.augmented_fraction() == 0


def _labels_exceed_propagation(config: Config) -> bool:
    limit = config.propagation.labels_per_class * _MNIST_CLASSES
    return not config.data and _traits(config).uses_labels and config.labels != "all" and config.labels > limit


_PROPAGATED = (
    "until",
    "labels_per_class",
    "augmentation_scale",
    "max_class_weight",
    "role",
    "num_images",
    "num_neighbours",
)
_COLOUR = ("augmentation.channel_mixing", "augmentation.channel_permutation")

_FIVE_UPDATES = 'with optimiser.update = "alternating", the article\'s five updates a step'

RULES = (
    # The model.
    Rule(("clusters",), lambda c: c.model != "clustering", "in a model other than clustering"),
    Rule(
        ("network.decoder", "network.decoder_options"),
        lambda c: _traits(c).decoder_label is None,
        "in the model baseline, which has no decoder",
    ),
    Rule(
        ("network.style_dim", "network.style_batch_norm", "network.style_noise", "prior.style", "prior.style_std"),
        lambda c: not _traits(c).encodes_style,
        "in the model baseline, which has no style",
    ),
    Rule(
        ("network.conditional_discriminator",),
        lambda c: not _traits(c).style_prior or _traits(c).decoder_label == "none",
        "in a model whose style has no discriminator, or that has no label",
    ),
    Rule(("network.teacher_head",), lambda c: not _traits(c).uses_labels, "in a model that sees no labels"),
    Rule(
        ("network.test_time_shift", "network.test_time_confidence"),
        lambda c: not _traits(c).encodes_label,
        "in a model that reads no label off an image",
    ),
    Rule(
        ("network.test_time_confidence",),
        lambda c: c.network.test_time_shift == 0,
        "with network.test_time_shift = 0",
    ),
    Rule(
        ("prior.label", "prior.label_frequency"),
        lambda c: not _traits(c).label_prior,
        "in a model without a prior on the label",
    ),
    Rule(("prior.label",), lambda c: c.model == "clustering", "in clustering, which sees no labels"),
    Rule(
        ("schedule.labelled_batch_size",),
        lambda c: not (_traits(c).sees_unlabelled and _traits(c).uses_labels),
        "in a model that does not see labelled and unlabelled images side by side; schedule.batch_size counts",
    ),
    Rule(("schedule.min_labelled_epochs",), lambda c: not _traits(c).uses_labels, "in a model that sees no labels"),
    # The priors.
    Rule(
        ("prior.style_std",),
        lambda c: not STYLE_PRIORS[c.prior.style].uses_std,
        "with a prior.style that has its own deviation",
    ),
    Rule(("prior.label",), lambda c: bool(c.prior.label_frequency), "beside prior.label_frequency"),
    # Alternating updates: the article's step.
    Rule(
        ("augmentation", "schedule.decoder_batch_size", "compile"),
        _is_alternating,
        _FIVE_UPDATES,
    ),
    # The teacher.
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
        lambda c: c.augmentation.scaled(2.0) == c.augmentation,
        "where augmentation.scale and augmentation.elastic are 0",
    ),
    Rule(("augmentation.fraction",), _changes_nothing, "where no other setting of augmentation is set"),
    Rule(_COLOUR, lambda c: not c.data or c.image.channels == 1, "on grey images"),
    Rule(("rehearsal.fraction",), lambda c: not c.rehearsal.data, "without rehearsal.data"),
    Rule(("start.sha256",), lambda c: not c.start.model, "without start.model"),
    # The device.
    Rule(("cuda_graph",), lambda c: c.device in ("cpu", "mps"), "on a device other than CUDA"),
    Rule(("threads",), lambda c: c.device in ("cuda", "mps"), "on a device other than the processor"),
)
"""Each is one reason; a setting may have several."""


def why_inert(name: str, config: Config) -> str:
    """Say why a loss term of ``LOSS_TERMS`` cannot act beside the other settings; empty where it can."""
    term = LOSS_TERMS[name]
    if reason := term.inert(_traits(config), config):
        return reason
    return _FIVE_UPDATES if term.phase is None and _is_alternating(config) else ""


def acting_terms(config: Config) -> list[str]:
    """Name the loss terms that a step computes, in order: none keeps them from acting, and they have a weight."""
    weights = config.objective.weights
    return [name for name in LOSS_TERMS if weights.get(name, 1) and not why_inert(name, config)]


def inert(config: Config) -> dict[str, str]:
    """Name the settings that have no effect (``network.dropout``), each with the reason."""
    found: dict[str, str] = {}
    table = to_table(config)
    for names, because in _reasons(config):
        for name in names:
            for full in _expanded(name, table):
                found.setdefault(full, because)
    return found


def _reasons(config: Config) -> Iterator[tuple[tuple[str, ...], str]]:
    """Give settings that have no effect, with the reason: by the rules, and by what the loss terms say."""
    for name in LOSS_TERMS:
        reason, key = why_inert(name, config), f"objective.{name}"
        if reason:
            yield (key,), reason
        if reason or not config.objective.weights.get(name, 1):
            yield (f"{key}_options", *LOSS_TERMS[name].uses), reason or f"without {key}"
        options = config.objective.options.get(name)
        for option, because in LOSS_TERMS[name].inert_options(options).items() if options is not None else ():
            yield (f"{key}_options.{option}",), because
    yield from ((rule.settings, rule.because) for rule in RULES if rule.holds(config))


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
    return _without(to_table(config), inert(config), "")


def _without(table: Mapping[str, Any], reasons: Mapping[str, str], prefix: str) -> dict[str, Any]:
    kept: dict[str, Any] = {}
    for key, value in table.items():
        if isinstance(value, Mapping):
            part = _without(value, reasons, f"{prefix}{key}.")
            kept |= {key: part} if part else {}
        elif prefix + key not in reasons:
            kept[key] = value
    return kept


def _expanded(name: str, table: Mapping[str, Any]) -> Iterator[str]:
    """Give the settings of a table by their full names, or the one setting; none where there is no such table."""
    value: Any = table
    for key in name.split("."):
        if key not in value:
            return
        value = value[key]
    yield from (f"{name}.{path}" for path in _paths(value)) if isinstance(value, Mapping) else (name,)


def _paths(table: Mapping[str, Any]) -> Iterator[str]:
    for key, value in table.items():
        if isinstance(value, Mapping):
            yield from (f"{key}.{name}" for name in _paths(value))
        else:
            yield key
