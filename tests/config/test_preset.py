"""Presets by name and by path: what extends what, and how results call them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from aaecli.config.preset import PRESETS, preset_name, preset_names, read_preset
from aaecli.config.resolve import explained, resolve, to_toml
from aaecli.config.schema import Config
from aaecli.errors import AaeError

MINE = 'extends = "quick"\n[optimiser]\nlr = 0.0125\n[for.baseline.optimiser]\nlr = 0.25\n'


def write(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_the_packaged_ones_are_registered_in_their_order() -> None:
    assert {"best", "default", "paper", "quick", "tutorial"} <= {*preset_names()}
    assert [*PRESETS][: len(preset_names())] == sorted(preset_names()) == preset_names()


def test_a_file_differs_only_in_what_it_says(tmp_path: Path) -> None:
    path = write(tmp_path / "mine.toml", MINE)
    mine, quick = resolve(preset=str(path)), resolve(preset="quick")
    assert (mine.preset, mine.optimiser.lr) == ("mine", 0.0125)
    assert mine.schedule == quick.schedule
    assert resolve(preset=str(path), flags={"model": "baseline"}).optimiser.lr == 0.25


def test_a_path_begins_at_the_file_that_names_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "presets" / "mine.toml", MINE)
    write(tmp_path / "presets" / "own.toml", 'extends = "mine.toml"\n[schedule]\nsteps = 7\n')
    config_file = write(tmp_path / "my.toml", 'preset = "presets/own.toml"\nseed = 5\n')
    found = resolve(config_file=config_file)
    assert (found.preset, found.seed, found.schedule.steps, found.optimiser.lr) == ("own", 5, 7, 0.0125)
    with pytest.raises(AaeError, match=r"Cannot read presets/own\.toml"):
        resolve(preset="presets/own.toml")
    monkeypatch.chdir(tmp_path)
    assert resolve(preset="presets/own.toml").preset == "own"
    assert resolve(preset="presets/mine.toml", config_file=config_file).preset == "mine"


@pytest.mark.parametrize("write_toml", [explained, to_toml])
def test_settings_of_a_file_that_is_gone_stand_by_themselves(
    tmp_path: Path, write_toml: Callable[[Config], str]
) -> None:
    config = resolve(preset=str(write(tmp_path / "mine.toml", MINE)))
    (tmp_path / "mine.toml").unlink()
    text = write_toml(config)
    kept = write(tmp_path / "config.toml", text)
    again = resolve(config_file=kept)
    assert again == config
    assert resolve(config_file=kept, flags={"seed": 9}).seed == 9
    write(kept, text.replace("lr = 0.0125\n", ""))
    with pytest.raises(AaeError, match="no preset 'mine'"):
        resolve(config_file=kept)


def test_a_model_that_a_preset_is_for(tmp_path: Path) -> None:
    path = str(write(tmp_path / "mine.toml", 'extends = "default"\nmodel = "aae"\n'))
    found, plain = resolve(preset=path), resolve(flags={"model": "aae"})
    assert (found.model, found.network, found.labels) == ("aae", plain.network, plain.labels)
    assert resolve(preset=path, flags={"model": "supervised"}).model == "supervised"


@pytest.mark.parametrize(
    ("texts", "said"),
    [
        (['extends = "a.toml"'], "in a circle: a.toml → a.toml"),
        (['extends = "b.toml"', 'extends = "./a.toml"'], "in a circle: a.toml → b.toml → a.toml"),
        (["extends = 5"], "extends cannot be 5"),
        (['extends = "defualt"'], "no preset 'defualt'"),
        (['extends = "c.toml"'], r"Cannot read .*c\.toml"),
        (["[for.semisupervized]\nseed = 1"], "which is no model"),
        (["for = 3"], "'for' holds no tables"),
        (["[optimizer]\nlr = 1"], "no setting 'optimizer'"),
        (["a = ["], "is not valid TOML"),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, texts: list[str], said: str) -> None:
    for name, text in zip("ab", texts, strict=False):
        write(tmp_path / f"{name}.toml", text)
    with pytest.raises(AaeError, match=said) as caught:
        resolve(preset=str(tmp_path / "a.toml"))
    assert caught.value.hint


def test_a_file_that_results_could_not_tell_apart(tmp_path: Path) -> None:
    for name, said in (("default", "called like the preset 'default'"), ("a b", "cannot name a run")):
        with pytest.raises(AaeError, match=said):
            resolve(preset=str(write(tmp_path / f"{name}.toml", 'extends = "default"')))
    assert preset_name("quick") == "quick"


def test_a_file_named_without_its_ending_is_suggested(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path / "mine.toml", MINE)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(AaeError, match="no preset 'mine'") as caught:
        read_preset("mine")
    assert caught.value.hint.endswith("mine.toml")


def test_one_that_a_plug_in_registers(tmp_path: Path) -> None:
    path = write(tmp_path / "wide.toml", MINE)
    PRESETS.add("wide", path)
    try:
        assert resolve(preset="wide").preset == "wide"
        with pytest.raises(AaeError, match="'default' is a packaged one"):
            PRESETS.add("default", path)
        with pytest.raises(AaeError, match=r"breaks its contract: it is no Path of a \.toml file"):
            PRESETS.add("narrow", tmp_path)
        with pytest.raises(AaeError, match="no preset 'wid'") as caught:
            resolve(preset="wid")
        assert caught.value.hint.startswith("Did you mean 'wide'?")
    finally:
        PRESETS.forget("the program")
    assert Config().preset == "default"
