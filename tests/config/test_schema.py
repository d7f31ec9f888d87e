"""Settings: layers, presets, and a sentence for each thing that cannot be meant."""

from __future__ import annotations

import dataclasses
import itertools
import re
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaecli.config import toml_file
from aaecli.config.augmentation import Augmentation
from aaecli.config.docstrings import attributes
from aaecli.config.models import FAMILY
from aaecli.config.network import Network
from aaecli.config.objective import Objective
from aaecli.config.optimiser import Optimiser
from aaecli.config.parsing import table_of
from aaecli.config.preset import preset_names
from aaecli.config.prior import Prior
from aaecli.config.resolve import explained, resolve, to_toml
from aaecli.config.schedule import Schedule
from aaecli.config.schema import Config, from_table, to_table
from aaecli.config.toml_file import read_toml
from aaecli.errors import AaeError
from aaecli.models.encoders.mlp import MlpEncoderOptions

SECTIONS = {
    "network": Network,
    "prior": Prior,
    "objective": Objective,
    "optimiser": Optimiser,
    "schedule": Schedule,
    "augmentation": Augmentation,
}


def refuse(table: dict[str, Any]) -> AaeError:
    with pytest.raises(AaeError) as caught:
        from_table(table)
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    return caught.value


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Draw a configuration that differs from the defaults in every kind of value."""
    share = st.floats(0, 0.99)
    rate = st.floats(1e-6, 10)
    in_steps = draw(st.booleans())
    length = draw(st.integers(1, 10**9))
    return Config(
        model=draw(st.sampled_from(("semisupervised", "baseline"))),
        preset=draw(st.text(max_size=20)),
        labels=draw(st.integers(1, 10**6) | st.just("all")),
        seed=draw(st.integers(0, 2**63 - 1)),
        data=draw(st.text(max_size=20)),
        network=Network(
            encoder_options=MlpEncoderOptions(
                hidden=tuple(draw(st.lists(st.integers(1, 4000), min_size=1, max_size=4))),
                batch_norm=draw(st.booleans()),
                dropout=draw(share),
            ),
            style_dim=draw(st.integers(1, 100)),
        ),
        optimiser=Optimiser(lr=draw(rate), beta1=draw(share), decay=draw(st.sampled_from(("constant", "cosine")))),
        schedule=Schedule(steps=length * in_steps, epochs=length * (not in_steps)),
        augmentation=Augmentation.from_table({"rotation": draw(rate), "cutout": draw(st.integers(0, 28))}),
    )


@given(config=configs())
def test_toml_and_table_give_the_same_settings_back(config: Config) -> None:
    assert from_table(to_table(config)) == config
    assert from_table(tomllib.loads(to_toml(config))) == config


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("model", ["semisupervised", "baseline"])
def test_every_preset_suits_every_model(name: str, model: str) -> None:
    config = resolve(preset=name, flags={"model": model})
    assert (config.preset, config.model) == (name, model)
    assert from_table(to_table(config)) == config


def test_the_layers_stand_above_each_other(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("labels = 50\nseed = 7\n[optimiser]\nlr = 0.25\n")
    below = resolve()
    config = resolve(config_file=path, flags={"seed": 8, "network": {"style_dim": 3}})
    assert (config.labels, config.seed, config.optimiser.lr, config.network.style_dim) == (50, 8, 0.25, 3)
    assert config.optimiser.discriminator_lr == below.optimiser.discriminator_lr
    assert config.schedule == below.schedule


def test_the_preset_comes_from_flag_then_file_then_model(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text('preset = "tutorial"')
    assert resolve().preset == "default"
    assert resolve(flags={"model": "baseline"}).preset == "tutorial"
    assert resolve(config_file=path).preset == "tutorial"
    assert resolve(preset="default", config_file=path).preset == "default"
    path.write_text('model = "baseline"')
    assert resolve(config_file=path).model == "baseline"
    assert resolve(config_file=path).preset == "tutorial"


def test_a_printed_configuration_runs_the_same(tmp_path: Path) -> None:
    config = resolve(preset="tutorial", flags={"model": "baseline", "schedule": {"epochs": 3}})
    path = tmp_path / "my.toml"
    path.write_text(to_toml(config))
    assert resolve(config_file=path) == config


def test_steps_replace_epochs_of_a_lower_layer_and_the_other_way_round(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("[schedule]\nepochs = 4\n")
    assert (resolve(config_file=path).schedule.steps, resolve(config_file=path).schedule.epochs) == (0, 4)
    schedule = resolve(config_file=path, flags={"schedule": {"steps": 9}}).schedule
    assert (schedule.steps, schedule.epochs) == (9, 0)


@pytest.mark.parametrize("length", [{"steps": 9}, {"epochs": 1}])
def test_a_length_that_is_asked_for_is_not_made_longer(length: dict[str, int], tmp_path: Path) -> None:
    assert resolve(preset="best").schedule.min_labelled_epochs == 29
    assert resolve(preset="best", flags={"schedule": length}).schedule.min_labelled_epochs == 0
    path = tmp_path / "my.toml"
    path.write_text("[schedule]\nmin_labelled_epochs = 5\nsteps = 9\n")
    schedule = resolve(preset="best", config_file=path).schedule
    assert (schedule.steps, schedule.min_labelled_epochs) == (9, 5)


def test_a_key_that_stands_elsewhere_is_named_as_it_was_written() -> None:
    for key in ("steps", "epochs", "validate_every"):
        with pytest.raises(AaeError, match=f"There is no setting '{key}'.") as caught:
            resolve(config_file={key: 9})
        assert caught.value.hint == "It stands under [schedule]."


def test_one_layer_with_steps_and_epochs_contradicts_itself(tmp_path: Path) -> None:
    path = tmp_path / "my.toml"
    path.write_text("[schedule]\nsteps = 100\nepochs = 4\n")
    with pytest.raises(AaeError, match="in steps or in epochs, one of them"):
        resolve(config_file=path)


@pytest.mark.parametrize(
    ("table", "said", "hint"),
    [
        ({"sed": 1}, "There is no setting 'sed'.", "'seed'"),
        ({"optimiser": {"lrate": 1}}, "There is no setting 'optimiser.lrate'.", ""),
        ({"optimizer": {}}, "There is no setting 'optimizer'.", "'optimiser'"),
        ({"model": "basline"}, "model cannot be 'basline'.", "'baseline'"),
        ({"model": ["baseline"]}, "model cannot be ['baseline'].", ""),
        ({"device": 3}, "device cannot be 3.", "cuda"),
        ({"network": 3}, "network must be a table, not 3.", ""),
        ({"network": {"hidden": [9]}}, "There is no setting 'network.hidden'.", "under [network.encoder_options]"),
        ({"network": {"encoder_options": {"hidden": 9}}}, "network.encoder_options.hidden must be a list, not 9.", ""),
        (
            {"network": {"encoder_options": {"hidden": []}}},
            "network.encoder_options.hidden must be a list of 1 to 32 widths, each from 1 to 65536, not [].",
            "",
        ),
        (
            {"network": {"discriminator_hidden": [10, 0]}},
            "network.discriminator_hidden must be a list of 1 to 32 widths, each from 1 to 65536, not [10, 0].",
            "",
        ),
        (
            {"network": {"discriminator_hidden": [1.5]}},
            "network.discriminator_hidden must be a whole number, not 1.5.",
            "",
        ),
        ({"network": {"style_dim": True}}, "network.style_dim must be a whole number, not True.", ""),
        (
            {"network": {"decoder_options": {"batch_norm": 1}}},
            "network.decoder_options.batch_norm must be true or false, not 1.",
            "",
        ),
        (
            {"network": {"encoder": "convolutional", "encoder_options": {"hidden": [9]}}},
            "There is no setting 'network.encoder_options.hidden'.",
            "",
        ),
        ({"network": {"encoder": "convolutionl"}}, "There is no encoder 'convolutionl'.", "'convolutional'"),
        ({"network": {"decoder": 3}}, "network.decoder must be text, not 3.", ""),
        (
            {"network": {"encoder_options": {"dropout": 1}}},
            "network.encoder_options.dropout must be in [0, 1), not 1.0.",
            "",
        ),
        ({"data": 5}, "data must be text, not 5.", ""),
        ({"labels": "al"}, "labels must be a whole number or 'all', not 'al'.", ""),
        ({"labels": True}, "labels must be a whole number or 'all', not True.", ""),
        ({"labels": 0}, "labels must be a positive number or 'all', not 0.", ""),
        ({"seed": -1}, "seed must be in [0, 2^63), not -1.", ""),
        ({"seed": 2**63}, "seed must be in [0, 2^63), not 9223372036854775808.", ""),
        ({"optimiser": {"lr": 0}}, "optimiser.lr must be more than 0, not 0.0.", ""),
        ({"optimiser": {"lr": "fast"}}, "optimiser.lr must be a number, not 'fast'.", ""),
        ({"optimiser": {"lr": float("inf")}}, "optimiser.lr must be a number, not inf.", ""),
        ({"optimiser": {"lr": float("nan")}}, "optimiser.lr must be a number, not nan.", ""),
        ({"optimiser": {"lr": 10**400}}, "optimiser.lr must be a number, not 1", ""),
        ({"optimiser": {"lr": True}}, "optimiser.lr must be a number, not True.", ""),
        ({"optimiser": {"beta1": 1.0}}, "optimiser.beta1 must be in [0, 1), not 1.0.", ""),
        ({"optimiser": {"weight_decay": -0.1}}, "optimiser.weight_decay must be 0 or more, not -0.1.", ""),
        ({"optimiser": {"warmup_steps": -1}}, "optimiser.warmup_steps must be 0 or more, not -1.", ""),
        ({"prior": {"style_std": 0}}, "prior.style_std must be more than 0, not 0.0.", ""),
        ({"objective": {"consistency": -1}}, "objective.consistency must be 0 or more, not -1.0.", ""),
        (
            {"objective": {"consistency_options": {"confidence_threshold": 1}}},
            "objective.consistency_options.confidence_threshold must be in [0, 1), not 1.0.",
            "",
        ),
        ({"objective": {"consistensy": 1}}, "There is no setting 'objective.consistensy'.", "'consistency'"),
        (
            {"objective": {"consistency_options": {"pseudo_label": "soft"}}},
            "There is no setting 'objective.consistency_options.pseudo_label'.",
            "'pseudo_labels'",
        ),
        ({"objective": {"consistency_options": 3}}, "objective.consistency_options must be a table, not 3.", ""),
        ({"augmentation": {"fraction": 1.5}}, "augmentation.fraction must be from 0 to 1, not 1.5.", ""),
        ({"augmentation": {"stroke_width": 1.5}}, "augmentation.stroke_width must be from 0 to 1, not 1.5.", ""),
        ({"augmentation": "strokez"}, "There is no augmentation set 'strokez'.", "'strokes'"),
        ({"augmentation": 3}, "augmentation must be a table, not 3.", ""),
        ({"augmentation": {"rotatoin": 3}}, "There is no setting 'augmentation.rotatoin'.", "'rotation'"),
        ({"augmentation": {"shift": -1}}, "augmentation.shift must be 0 or more, not -1.0.", ""),
        ({"schedule": {"steps": 0}}, "schedule must be given in steps or in epochs, one of them, not {", ""),
        ({"schedule": {"steps": 5, "epochs": 5}}, "schedule must be given in steps or in epochs, one of them", ""),
        ({"schedule": {"steps": -5}}, "schedule.steps must be 0 or more, up to a million million, not -5.", ""),
        ({"schedule": {"batch_size": 1}}, "schedule.batch_size must be at least 2, not 1.", ""),
    ],
)
def test_what_cannot_be_meant_is_refused(table: dict[str, Any], said: str, hint: str) -> None:
    error = refuse(table)
    assert error.message.startswith(said)
    assert hint in error.hint


@pytest.mark.parametrize("value", ["x" * 10**6, list(range(10**6)), {str(key): key for key in range(10**4)}])
def test_a_value_without_end_is_shown_in_short(value: object) -> None:
    assert len(refuse({"seed": value}).message) < 300


@pytest.mark.parametrize("text", ["preset = 5", "model = [1]", 'model = {a = 1}\npreset = "default"'])
def test_a_file_whose_model_or_preset_is_no_name(tmp_path: Path, text: str) -> None:
    path = tmp_path / "my.toml"
    path.write_text(text)
    with pytest.raises(AaeError, match=r"preset '5'|model cannot be"):
        resolve(config_file=path)


def test_a_preset_that_extends_another_differs_only_in_what_it_says() -> None:
    default, quick = to_table(resolve(preset="default")), to_table(resolve(preset="quick"))
    assert quick["network"]["encoder_options"].pop("channels") != default["network"]["encoder_options"].pop("channels")
    assert quick["network"] == default["network"]
    assert quick["prior"] == default["prior"]
    assert quick["augmentation"]["shear"] == default["augmentation"]["shear"]
    assert quick["schedule"]["steps"] == 300
    assert resolve(preset="quick", flags={"model": "aae"}).network.style_dim == 2


@pytest.mark.parametrize("model", FAMILY)
def test_the_preset_paper_has_the_papers_terms_and_no_others(model: str) -> None:
    config = resolve(preset="paper", flags={"model": model})
    assert {name for name, weight in config.objective.weights.items() if weight} == {
        "reconstruction",
        "regularisation",
        "classification",
    }
    assert config.augmentation.augmented_fraction() == 0
    assert (config.network.encoder, config.network.encoder_options.hidden) == ("mlp", (1000, 1000))
    assert config.network.style_noise == 0


def test_a_misspelt_preset_is_recognised() -> None:
    with pytest.raises(AaeError, match="no preset 'tutorail'") as caught:
        resolve(preset="tutorail")
    assert caught.value.hint.startswith("Did you mean 'tutorial'?")


@pytest.mark.parametrize(
    "body",
    [
        b"seed = ",
        b"seed = 1\nseed = 2",
        b"\xff\xfe",
        b"seed = " + b"1" * 5000,
        b"seed = " + b"[" * 20_000,
        b"seed = " + b"{a=" * 10_000,
        b"a" + b".a" * 30_000 + b" = 1",
        b"#" * (toml_file.MAX_TOML_BYTES + 1),
    ],
    ids=["half", "twice", "no UTF-8", "digits", "lists", "tables", "dots", "long"],
)
def test_a_damaged_or_hostile_file_is_refused_at_once(tmp_path: Path, body: bytes) -> None:
    path = tmp_path / "my.toml"
    path.write_bytes(body)
    start = time.process_time()
    with pytest.raises(AaeError) as caught:
        read_toml(path)
    assert time.process_time() - start < 2
    assert caught.value.message.startswith(str(path))
    assert "\n" not in caught.value.message
    assert "--print-config" in caught.value.hint


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AaeError, match=r"Cannot read .*No such file") as caught:
        read_toml(tmp_path / "absent.toml")
    assert "--print-config" in caught.value.hint
    with pytest.raises(AaeError, match="is a folder, not a file"):
        read_toml(tmp_path)


@pytest.mark.parametrize(
    "table", ["seed = 0x" + "f" * 60_000, "[network.encoder_options]\nchannels = [0x" + "f" * 60_000 + "]"]
)
def test_a_number_of_sixty_thousand_digits(tmp_path: Path, table: str) -> None:
    (tmp_path / "my.toml").write_text(table.format("f" * 60_000))
    with pytest.raises(AaeError, match="thousands of digits") as caught:
        resolve(config_file=tmp_path / "my.toml")
    assert len(caught.value.message) < 300


def test_every_setting_is_explained() -> None:
    assert explain_all(Config()) > 80


def explain_all(section: Any) -> int:
    """See that each key of a section and of those within it has a text; gives the number of keys."""
    table = table_of(section)
    texts = section.texts() if hasattr(section, "texts") else attributes(type(section))
    assert list(texts) == list(table)
    assert all(len(text) > 5 and "`" not in text for text in texts.values())
    if hasattr(section, "sections"):
        within = section.sections()
    else:
        within = {name: getattr(section, name, None) for name in table}
    return len(table) + sum(explain_all(inner) for inner in within.values() if dataclasses.is_dataclass(inner))


@pytest.mark.parametrize("preset", preset_names())
def test_explained_settings_are_read_back(preset: str, tmp_path: Path) -> None:
    config = resolve(preset=preset)
    path = tmp_path / "explained.toml"
    path.write_text(explained(config), encoding="utf-8")
    assert resolve(config_file=path) == config
    lines = path.read_text(encoding="utf-8").splitlines()
    assert all(len(line) <= 100 for line in lines)
    for before, line in itertools.pairwise(lines):
        assert before.startswith("# ") or not re.match(r"\w+ = |\[", line), line


@pytest.mark.parametrize("table", [{5: 1}, {None: 2}, {"network": {5: 1}}, {"network": 3}, "x", [1], None])
def test_what_is_no_table_of_settings_is_refused(table: Any) -> None:
    with pytest.raises(AaeError, match=r"There is no setting '|must be a table"):
        from_table(table)
