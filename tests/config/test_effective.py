"""Settings that act and settings that do not: what a user sets in vain is refused, and what is called inert is."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from aaecli.config.effective import RULES, inert
from aaecli.config.models import FAMILY
from aaecli.config.preset import preset_names
from aaecli.config.registries import LOSS_TERMS
from aaecli.config.resolve import resolve, to_toml
from aaecli.config.schema import Config, from_table, to_table
from aaecli.errors import AaeError

IN_VAIN: list[tuple[dict[str, Any], str, str]] = [
    ({"clusters": 30}, "clusters", "other than clustering"),
    ({"model": "baseline", "network": {"style_dim": 3}}, "network.style_dim", "has no style"),
    ({"model": "baseline", "schedule": {"labelled_batch_size": 8}}, "schedule.labelled_", "batch_size counts"),
    ({"model": "baseline", "augmentation": {"rotation": 9.0}}, "augmentation.rotation", "alternating"),
    ({"model": "autoencoder", "objective": {"regularisation": 2.0}}, "objective.regularisation", "discriminators"),
    ({"model": "aae", "network": {"conditional_discriminator": True}}, "network.conditional_discriminator", "no label"),
    ({"model": "clustering", "network": {"teacher_head": True}}, "network.teacher_head", "no labels"),
    ({"objective": {"consistency": 0.0}, "network": {"teacher_head": True}},
     "network.teacher_head", "without objective.consistency"),
    ({"model": "aae", "network": {"test_time_shift": 1}}, "network.test_time_shift", "reads no label"),
    ({"model": "supervised", "objective": {"consistency": 1.0}}, "objective.consistency", "no unlabelled images"),
    ({"model": "supervised", "objective": {"generation": 1.0}}, "objective.generation", "draw from them"),
    ({"model": "supervised", "prior": {"label": "labelled"}}, "prior.label", "without a prior on the label"),
    ({"model": "clustering", "objective": {"classification": 2.0}}, "objective.classification", "no labels"),
    ({"model": "clustering", "schedule": {"min_labelled_epochs": 5}}, "schedule.min_labelled_epochs", "no labels"),
    ({"model": "baseline", "network": {"decoder_options": {"hidden": [8]}}}, "network.decoder_options", "no decoder"),
    ({"prior": {"style": "swiss-roll", "style_std": 2.0}, "network": {"style_dim": 2}}, "prior.style_std", "deviation"),
    ({"optimiser": {"update": "alternating"}, "objective": {"mutual_information": 1.0}}, "objective.mut", "altern"),
    ({"optimiser": {"update": "alternating"}, "schedule": {"decoder_batch_size": 9}}, "schedule.dec", "alternating"),
    ({"optimiser": {"update": "alternating"}, "propagation": {"every": 9}}, "propagation.every", "alternating"),
    ({"optimiser": {"update": "alternating"}, "compile": True}, "compile", "alternating"),
    ({"optimiser": {"ema_decay": 0.0}, "objective": {"consistency": 1.0}}, "objective.consistency", "averaged network"),
    ({"labels": "all", "objective": {"consistency": 1.5}}, "objective.consistency", "every image is labelled"),
    ({"objective": {"consistency": 0.0}, "propagation": {"every": 9}}, "propagation.every", "objective.consistency"),
    ({"objective": {"consistency": 0.0, "consistency_options": {"confidence_threshold": 0.5}}},
     "objective.consistency_options.confidence_threshold", "without objective.consistency"),
    ({"objective": {"consistency_options": {"pseudo_labels": "soft", "confidence_threshold": 0.5}}},
     "objective.consistency_options.confidence_threshold", "soft"),
    ({"objective": {"mutual_information_options": {"marginal_entropy": 2.0}}},
     "objective.mutual_information_options.marginal_entropy", "objective.mutual_information"),
    ({"objective": {"generation": 0.0}, "schedule": {"generated_batch_size": 9}}, "schedule.generated", "generation"),
    ({"objective": {"regularisation": 0.0}, "optimiser": {"discriminator_lr": 0.1}}, "optimiser.d", "regularisation"),
    ({"labels": 1000, "propagation": {"num_images": 99}}, "propagation.num_images", "more labels"),
    ({"labels": 50, "propagation": {"every": 0, "max_class_weight": 3.0}}, "propagation.max_class_weight", "every = 0"),
    ({"device": "cpu", "cuda_graph": False}, "cuda_graph", "CUDA"),
    ({"device": "cuda", "threads": 2}, "threads", "processor"),
]  # fmt: skip


@pytest.mark.parametrize(("flags", "setting", "because"), IN_VAIN)
def test_what_a_user_sets_in_vain_is_refused_with_the_reason(flags, setting, because, tmp_path: Path):
    with pytest.raises(AaeError) as caught:
        resolve(flags=flags)
    assert caught.value.message.startswith(setting)
    assert "has no effect" in caught.value.message
    assert because in caught.value.message
    assert caught.value.hint


def test_a_file_is_held_to_the_same_and_the_others_are_named(tmp_path: Path):
    path = tmp_path / "my.toml"
    settings = 'model = "baseline"\npreset = "default"\n[network]\nstyle_dim = 3\n[objective]\nconsistency = 3.0\n'
    path.write_text(settings)
    with pytest.raises(AaeError, match=r"network\.style_dim has no effect") as caught:
        resolve(config_file=path)
    assert "objective.consistency" in caught.value.hint


def test_a_file_may_repeat_what_its_preset_says(tmp_path: Path):
    path = tmp_path / "my.toml"
    for model in FAMILY:
        config = resolve(flags={"model": model})
        path.write_text(to_toml(config))
        assert resolve(config_file=path) == config


@pytest.mark.parametrize("preset", preset_names())
@pytest.mark.parametrize("model", FAMILY)
def test_what_is_printed_acts_and_gives_the_same_settings_back(preset: str, model: str, tmp_path: Path):
    config = resolve(preset=preset, flags={"model": model})
    text = to_toml(config, only_acting=True)
    printed = tomllib.loads(text)
    vain = inert(config)
    for name in vain:
        part: Any = printed
        *sections, key = name.split(".")
        for section in sections:
            part = part.get(section, {})
        assert key not in part, name
    path = tmp_path / "my.toml"
    path.write_text(text)
    assert resolve(config_file=path) == config


def test_settings_that_act_are_not_refused():
    resolve(
        flags={
            "augmentation": {"rotation": 3.0},
            "objective": {"generation": 0.1},
            "network": {"encoder_options": {"channels": [9, 9]}},
        }
    )
    resolve(flags={"labels": 50, "propagation": {"every": 10, "max_class_weight": 1.5}})
    resolve(flags={"model": "baseline", "augmentation": {"rotation": 3.0}}, preset="default")
    resolve(
        flags={
            "model": "clustering",
            "clusters": 30,
            "objective": {"mutual_information_options": {"marginal_entropy": 3.0}},
        }
    )
    resolve(preset="tutorial", flags={"objective": {"generation": 0.5}})
    resolve(flags={"data": "own", "labels": "all", "objective": {"consistency": 1.5}, "propagation": {"every": 9}})


def test_every_rule_speaks_of_settings_that_there_are():
    known = set(names(to_table(Config())))
    for rule in RULES:
        assert set(rule.settings) <= known, rule.because
    for name, term in LOSS_TERMS.items():
        assert set(term.uses) <= known, name


def names(table: dict[str, Any], prefix: str = "") -> Iterator[str]:
    """Give the full names of all settings and tables."""
    for key, value in table.items():
        yield prefix + key
        if isinstance(value, dict):
            yield from names(value, f"{prefix}{key}.")


def changed(config: Config, name: str) -> Config:
    """Give the settings with one of them changed to something else that is valid."""
    *sections, key = name.split(".")
    whole = part = to_table(config)
    for section in sections:
        part = part[section]
    value = part[key]
    other: Any = {
        bool: lambda: not value,
        int: lambda: value + 2,
        float: lambda: value * 0.5 + (0.6 if value > 1 else 0.2),
    }.get(type(value))
    if other is None:
        options = {
            "label": "labelled",
            "pseudo_labels": "soft",
            "style": "gaussian",
            "role": "confirm",
            "sha256": "f" * 64,
            "data": "mnist",
        }
        part[key] = options[key] if isinstance(value, str) else ([5.0] * 4 if key == "label_frequency" else [9, 9])
    else:
        part[key] = other()
    return from_table(whole)


# What is inert in principle, but moves the draws of random numbers that follow, or asks for what is not there.
_DRAWS = {
    "network.discriminator_hidden", "network.style_noise", "network.test_time_shift", "cuda_graph", "compile",
    "threads",
    "network.conditional_discriminator", "network.teacher_head", "prior.style", "prior.style_std",
    "augmentation.channel_mixing", "augmentation.channel_permutation", "network.decoder",
}  # fmt: skip


@pytest.mark.parametrize("case", ["semisupervised-tutorial", "baseline-default", "clustering-paper", "aae-default"])
def test_a_setting_that_is_called_inert_changes_no_loss(case: str):
    from tests.training import golden

    config = golden.settings_of(case)
    data = golden.drawings()
    expected, _ = golden.train(config, data)
    tried = sorted(set(inert(config)) - _DRAWS)
    assert len(tried) > 10
    # All at once: if any of them acted, the losses would differ.
    for name in tried:
        config = changed(config, name)
    assert set(tried) <= set(inert(config)) | {"schedule.min_labelled_epochs"}
    assert golden.train(config, data)[0] == expected
