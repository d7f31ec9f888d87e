"""The whole way with the user's own pictures, in small."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from aaecli.cli import main
from aaecli.config.schema import to_table
from tests.cli.conftest import Run
from tests.cli.test_train import small_settings
from tests.data.drawings import drawing, write_classes, write_pictures

pytestmark = pytest.mark.usefixtures("translated_once")

SMALL = """
preset = "default"
device = "cpu"
precision = "fp32"
[network]
encoder = "mlp"
discriminator_hidden = [16]
style_dim = 3
[network.encoder_options]
hidden = [48]
batch_norm = true
[network.decoder_options]
hidden = [48]
batch_norm = true
[schedule]
steps = 60
batch_size = 24
labelled_batch_size = 12
"""


@pytest.fixture
def small(in_empty_folder: Path) -> Path:
    path = in_empty_folder / "small.toml"
    path.write_text(SMALL)
    return path


@pytest.fixture(scope="module")
def shapes_learnt(tmp_path_factory: pytest.TempPathFactory, translated_once: None) -> Path:
    """A folder in which a model was trained on ``shapes`` and exported."""
    folder = tmp_path_factory.mktemp("learnt")
    (folder / "small.toml").write_text(SMALL)
    write_classes(folder / "shapes", 8, 12)
    for words in (("train", "--data", "shapes", "--config", "small.toml", "--quiet"), ("export", "--onnx")):
        with contextlib.chdir(folder), pytest.raises(SystemExit) as ended:
            main([*words])
        assert not ended.value.code
    return folder


@pytest.fixture
def in_shapes_learnt(shapes_learnt: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """Stand in that folder; gives the summary of the run."""
    monkeypatch.chdir(shapes_learnt)
    (summary,) = Path("runs").glob("*/summary.json")
    return json.loads(summary.read_text())


def settings(aaecli: Run, *words: object) -> dict[str, object]:
    done = aaecli("train", *words, "--print-config")
    assert done.code == 0, done.err
    return tomllib.loads(done.out)


def test_from_a_folder_to_an_answer(aaecli: Run, in_shapes_learnt: dict[str, Any]) -> None:
    summary = in_shapes_learnt
    assert (summary["num_labelled"], summary["num_unlabelled"], summary["num_validation"]) == (18, 36, 6)
    assert "test_accuracy" not in summary
    assert summary["validation_accuracy"] == 1.0
    assert 0.5 < summary["validation_accuracy_interval"][0] < 0.7
    with (Path(summary["run"]) / "labels.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 18
    assert all(row["path"].startswith(f"{row['label']}/") for row in rows)

    write_pictures(Path(), {"new.png": drawing(2, 500), "photo.png": 255 - drawing(1, 501, 80)})
    answers = [json.loads(line) for line in aaecli("classify", "new.png", "photo.png", "--json").out.splitlines()]
    assert [answer["label"] for answer in answers] == ["cross", "ring"]

    # The card speaks of what judged the model, and suggests what can be done with it.
    assert aaecli("export", "--out", "share", "--card").code == 0
    card = Path("share/README.md").read_text()
    assert "# Model card: semisupervised on shapes" in card
    assert "Held-out labelled pictures: **100.00%** of 6" in card
    assert "test images" not in card
    assert "MNIST" not in card
    assert "aaecli classify --model . picture.png" in card


def test_a_card_is_judged_by_images_that_are_known_or_named(
    aaecli: Run, small: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    write_classes(Path("shapes"), 8, 0)
    small.write_text(SMALL.replace("steps = 60", "steps = 2"))
    assert aaecli("train", "--data", "shapes", "--config", small).code == 0
    known = aaecli("export", "--out", "share")
    assert "Next: `aaecli classify --model share --recursive shapes`, then" in known.err
    # The model of somebody else, as far as this machine knows: the folder that it names is left alone.
    monkeypatch.setenv("AAECLI_CACHE", str(tmp_path / "other"))
    refused = aaecli("export", "--out", "mine", "--card")
    assert refused.code == 1
    assert "does not remember where" in refused.err
    assert "--data DIR" in refused.err
    assert not Path("mine").exists()
    named = aaecli("export", "--out", "mine", "--card", "--data", "shapes")
    assert named.code == 0, named.err
    assert "Held-out labelled pictures" in Path("mine/README.md").read_text()
    alone = aaecli("export", "--out", "alone")
    assert "Next: `aaecli generate --model alone`" in alone.err
    vain = aaecli("export", "--out", "alone", "--data", "shapes")
    assert vain.code == 1
    assert "--data has no effect without --card" in vain.err


def test_what_comes_next_is_what_can_be_done(aaecli: Run, small: Path) -> None:
    write_classes(Path("few"), 1, 2)
    small.write_text(SMALL.replace("steps = 60", "steps = 2"))
    done = aaecli("train", "--data", "few", "--config", small)
    # With one picture a class nothing can be kept back, so that eval would have nothing to judge by.
    assert "Next: `aaecli export --onnx`" in done.err
    refused = aaecli("eval", Path(done.out.split("run ")[1].split()[0]))
    assert re.search(r"`aaecli eval runs/\S+/model.pt --folds 5` trains anew", refused.err)
    assert aaecli("eval", "--folds", 2).code == 1
    write_classes(Path("more"), 8, 2)
    assert "Next: `aaecli eval model.pt`" in aaecli("train", "--data", "more", "--config", small).err


def test_a_number_of_threads_for_all_commands_stops_none(
    aaecli: Run, small: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_classes(Path("shapes"), 8, 0)
    small.write_text(SMALL.replace("steps = 60", "steps = 2"))
    assert aaecli("train", "--data", "shapes", "--config", small).code == 0
    assert aaecli("export").code == 0
    monkeypatch.setenv("AAECLI_THREADS", "1")
    assert aaecli("eval", "exports/encoder.onnx", "--data", "shapes").code == 0
    assert aaecli("eval", "exports/encoder.onnx", "--data", "shapes", "--threads", 1).code == 1


def test_a_card_without_anything_to_judge_by_says_so(aaecli: Run, small: Path) -> None:
    write_classes(Path("shapes"), 8, 0)
    small.write_text(SMALL.replace("steps = 60", "steps = 2"))
    assert aaecli("train", "--data", "shapes", "--config", small, "--holdout", 0).code == 0
    done = aaecli("export", "--out", "share", "--card")
    assert done.code == 0, done.err
    assert "Unknown: there are no test images" in Path("share/README.md").read_text()


def test_runs_do_not_lie_among_the_pictures(aaecli: Run, small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_classes(Path("shapes"), 8, 0)
    before = sorted(Path("shapes").iterdir())
    monkeypatch.chdir("shapes")
    for words in (
        ("train", "--data", "."),
        ("train", "--data", "../shapes", "--out", "deep/runs"),
        ("benchmark", "--data", "."),
    ):
        done = aaecli(*words)
        assert done.code == 1
        assert "be taken for data" in done.err
        assert "such as /" in done.err
    assert [path.name for path in sorted(Path().iterdir())] == [path.name for path in before]


def test_how_good_the_model_is_is_said_with_how_little_that_means(aaecli: Run, small: Path) -> None:
    write_classes(Path("shapes"), 8, 12)
    small.write_text(SMALL.replace("steps = 60", "steps = 2"))
    done = aaecli("train", "--data", "shapes", "--config", small)
    assert "of 6 held-out labelled pictures  (95 % interval" in done.out
    done = aaecli("train", "--data", "shapes", "--config", small, "--holdout", 0)
    assert "unknown: no labelled picture was held out" in done.out
    assert "nan" not in done.out + done.err


def test_pictures_in_colour_left_as_they_are(aaecli: Run, small: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(24):
        for name, colour in (("red", (220, 30, 30)), ("blue", (30, 30, 220))):
            part = name if number < 6 else "unlabelled"
            pixels = np.clip(np.array(colour) + rng.normal(0, 12, (20, 30, 3)), 0, 255).astype(np.uint8)
            write_pictures(Path("tiles"), {f"{part}/{name}{number}.png": pixels})
    small.write_text(SMALL.replace("steps = 60", "steps = 30"))
    done = aaecli("train", "--data", "tiles", "--channels", 3, "--size", 16, "--config", small, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["validation_accuracy"] == 1.0
    assert aaecli("export").code == 0
    answer = json.loads(aaecli("classify", "tiles/unlabelled/blue9.png", "--json", "--save-input", "seen").out)
    assert answer["label"] == "blue"
    assert aaecli("classify", "tiles/unlabelled/red9.png", "--show").out.count("red") == 2
    done = aaecli("generate", "--class", "red", "--count", 3, "--out", "reds.png")
    assert done.code == 0, done.err
    assert aaecli("generate", "--style-from", "tiles/red/red0.png", "--out", "walk.gif").code == 0
    assert aaecli("generate", "--vary", "--out", "singles/", "--frames", 2).code == 0


def test_settings_follow_the_data(aaecli: Run, in_empty_folder: Path) -> None:
    write_classes(Path("shapes"), 2, 1)
    usual = ("--preset", "default", "--data", "shapes")
    own = settings(aaecli, *usual)
    assert own["labels"] == "all"
    assert own["augmentation"] == settings(aaecli)["augmentation"]
    assert settings(aaecli, *usual, "--labels", 4)["labels"] == 4
    assert settings(aaecli)["labels"] == 1000
    left = settings(aaecli, *usual, "--no-normalise")
    assert left["image"] == {"size": 28, "channels": 1, "normalise": "none", "transpose": "auto"}
    assert left["augmentation"]["horizontal_flip"] is True
    assert left["augmentation"]["elastic"] == 0
    assert settings(aaecli, "--channels", 3, *usual)["augmentation"]["horizontal_flip"] is True
    chosen = settings(aaecli, *usual, "--no-normalise", "--augment", "strokes")
    assert chosen["augmentation"] == own["augmentation"]
    none = settings(aaecli, "--augment", "none")["augmentation"]
    assert not any(none.values())
    # The article's settings stay the article's: what its updates do not do is not even printed.
    article = ("--data", "shapes", "--no-normalise", "--preset", "tutorial")
    assert "augmentation" not in settings(aaecli, *article)
    refused = aaecli("train", *article, "--augment", "strokes", "--print-config")
    assert refused.code == 1
    assert "--augment strokes has no effect" in refused.err


def write_tiles(folder: Path, *, colour: bool, side: int = 20) -> None:
    rng = np.random.default_rng(0)
    shape = (side, side, 3) if colour else (side, side)
    for number in range(8):
        for name in ("red", "blue"):
            pixels = rng.integers(60, 200, shape, np.uint8)
            write_pictures(folder, {f"{name}/{number}.png": pixels})


@pytest.mark.parametrize(
    "words", [("--preset", "quick"), ("--preset", "default", "--model", "baseline"), ("--model", "aae")]
)
def test_pictures_of_no_strokes_are_not_taken_for_digits_by_any_preset(
    aaecli: Run, in_empty_folder: Path, words: tuple[str, ...]
) -> None:
    write_tiles(Path("coloured"), colour=True)
    write_tiles(Path("grey"), colour=False)
    found = settings(aaecli, "--data", "coloured", *words)
    assert found["image"] == {"size": 20, "channels": 3, "normalise": "none", "transpose": "auto"}
    assert found.get("augmentation", {}).get("elastic", 0) == 0
    assert settings(aaecli, "--data", "grey", *words)["image"]["normalise"] == "none"
    # What a user set holds.
    assert settings(aaecli, "--data", "coloured", "--size", 16, *words)["image"]["size"] == 16
    assert settings(aaecli, "--data", "coloured", "--normalise", *words)["image"]["channels"] == 1
    Path("mine.toml").write_text("[image]\nsize = 24\n", encoding="utf-8")
    assert settings(aaecli, "--data", "coloured", "--config", "mine.toml", *words)["image"]["size"] == 24


def test_the_preset_for_pictures_follows_them_by_its_own_name_too(aaecli: Run, in_empty_folder: Path) -> None:
    write_tiles(Path("coloured"), colour=True)
    named, chosen = (settings(aaecli, "--data", "coloured", *words) for words in (("--preset", "pictures"), ()))
    assert named == chosen


COLOURS = """
[network.encoder_options]
sees = "both"
[augmentation]
channel_mixing = 0.0
channel_permutation = true
"""


@pytest.mark.parametrize("named", ["", 'preset = "auto"\n', 'preset = "pictures"\n'])
def test_a_file_may_set_what_only_pictures_in_colour_have(aaecli: Run, in_empty_folder: Path, named: str) -> None:
    write_tiles(Path("coloured"), colour=True)
    write_tiles(Path("grey"), colour=False)
    Path("own.toml").write_text(named + COLOURS)
    table = settings(aaecli, "--data", "coloured", "--config", "own.toml")
    assert table["network"]["encoder_options"]["sees"] == "both"
    assert table["augmentation"]["channel_permutation"] is True
    for words in (("--data", "grey"), (), ("--data", "coloured", "--preset", "default")):
        refused = aaecli("train", *words, "--config", "own.toml", "--print-config")
        assert refused.code == 1, words
        assert "sees" in refused.err or "grey images" in refused.err
    Path("own.toml").write_text(f'{named}start = 3\n[image]\nsize = "x"\n')
    assert aaecli("train", "--data", "coloured", "--config", "own.toml").code == 1


def test_a_preset_for_digits_says_that_it_is(aaecli: Run, in_empty_folder: Path) -> None:
    write_tiles(Path("coloured"), colour=True)
    write_classes(Path("shapes"), 2, 1)
    said = aaecli("train", "--data", "coloured", "--preset", "quick", "--print-config").err
    assert "pictures: 20 × 20 pixels, colour; preset quick was chosen on digits" in said
    assert "chosen on digits" not in aaecli("train", "--data", "shapes", "--preset", "quick", "--print-config").err


def test_a_benchmark_takes_pictures_as_a_training_does(aaecli: Run, in_empty_folder: Path) -> None:
    from aaecli.experiments import benchmark

    write_tiles(Path("coloured"), colour=True)
    planned = benchmark.plan(["baseline", "semisupervised"], [None], [None], [0, 1], {"data": "coloured"})
    assert {entry.config.preset for entry in planned} == {"pictures"}
    trained = settings(aaecli, "--data", "coloured", "--seed", 1)
    assert to_table(planned[3].config)["image"] == trained["image"]
    assert planned[3].config.labels == "all"


@pytest.mark.parametrize(("num_tested", "judged_by"), [(0, "validation"), (3, "test")])
def test_a_benchmark_of_pictures_is_judged_by_those_there_are(
    aaecli: Run, small: Path, num_tested: int, judged_by: str
) -> None:
    write_classes(Path("shapes"), 5, 2, num_tested)
    small.write_text(SMALL.replace("steps = 60", "steps = 2"))
    words = ("benchmark", "--data", "shapes", "--config", small, "--seeds", 2)
    done = aaecli(*words)
    assert done.code == 0, done.err
    assert f"{judged_by} accuracy" in done.out
    assert f"Accuracy on the {judged_by} images" in Path("benchmark/results.md").read_text()
    results = json.loads(aaecli(*words, "--json").out)["results"]
    other = "test" if judged_by == "validation" else "validation"
    assert [(result[f"{other}_accuracy"], 0 <= result[f"{judged_by}_accuracy"] <= 1) for result in results] == [
        (None, True)
    ] * 2


def test_clusters_are_named_beside_a_test_folder_too(aaecli: Run, small: Path) -> None:
    write_classes(Path("shapes"), 5, 2, 3)
    small.write_text(SMALL.replace("steps = 60", "steps = 2").replace("labelled_batch_size = 12\n", ""))
    done = aaecli("train", "--data", "shapes", "--config", small, "--model", "clustering", "--clusters", 4)
    assert done.code == 0, done.err
    assert "test accuracy" in done.out


def test_an_augmentation_that_was_chosen_is_as_strong_as_it_says(aaecli: Run, in_empty_folder: Path) -> None:
    write_classes(Path("shapes"), 2, 1)

    def warp(*words: object) -> object:
        return settings(aaecli, "--preset", "best", "--labels", 100, *words)["propagation"].get("augmentation_scale")

    assert warp() > 1
    assert warp("--augment", "strokes") == warp("--data", "shapes", "--no-normalise") == 1
    Path("mine.toml").write_text("[augmentation]\nelastic = 1.0\n", encoding="utf-8")
    assert warp("--config", "mine.toml") == 1
    Path("mine.toml").write_text(
        "[augmentation]\nelastic = 1.0\n[propagation]\naugmentation_scale = 1.5\n", encoding="utf-8"
    )
    assert warp("--config", "mine.toml") == 1.5
    assert warp("--config", "mine.toml", "--augment", "none") is None


def test_settings_that_were_printed_give_the_same_settings(aaecli: Run, in_empty_folder: Path) -> None:
    write_classes(Path("shapes"), 2, 1)
    for words in (("--data", "shapes", "--no-normalise", "--size", 20), ("--labels", 50)):
        first = aaecli("train", *words, "--print-config").out
        Path("mine.toml").write_text(first)
        assert aaecli("train", "--config", "mine.toml", "--print-config").out == first


def test_what_only_pictures_have_is_refused_for_idx_files(aaecli: Run, in_empty_folder: Path) -> None:
    for words in (("--channels", 3), ("--size", 20), ("--holdout", 0.5)):
        done = aaecli("train", *words)
        assert done.code == 1
        assert f"{words[0]} has no effect" in done.err
    for words in (("--size", 20), ("--channels", 3), ("--size", 20, "export", "--index", 0)):
        done = aaecli("data", *words)
        assert (done.code, f"{words[0]} has no effect" in done.err) == (1, True)
    assert "in 8 to 64" in aaecli("train", "--data", ".", "--size", 100).err
    assert "1 (grey) or 3 (colour)" in aaecli("train", "--data", ".", "--channels", 2).err
    assert "ink has none" in aaecli("train", "--data", ".", "--channels", 3, "--normalise").err


def test_many_copies_are_counted_and_the_preprocessing_is_said(aaecli: Run, in_empty_folder: Path) -> None:
    same = {f"ring/{number}.png": drawing(0, 0) for number in range(9)}
    write_pictures(Path("shapes"), same | {"bar/0.png": drawing(1, 0), "bar/1.png": drawing(1, 1)})
    shown = aaecli("data", "--data", "shapes").out
    assert "ring/0.png = ring/1.png = ring/2.png = ring/3.png = 5 others" in shown
    assert "ring/4.png" not in shown
    change = "--size, --channels and --normalise change that"
    assert "resized, where they had another size" in shown
    assert change in shown
    assert "strokes, found and centred" in aaecli("data", "--data", "shapes", "--normalise").out
    assert change not in aaecli("data").out
    found = json.loads(aaecli("data", "--data", "shapes", "--json").out)
    assert len(found["findings"]["labelled"][0]) == 9


def test_what_is_wrong_with_the_pictures_is_listed(aaecli: Run, in_empty_folder: Path) -> None:
    write_classes(Path("shapes"), 3, 2, 1)
    write_pictures(Path("shapes"), {"ring/same.png": drawing(0, 0)})
    Path("shapes/unlabelled/bad.png").write_bytes(b"?")
    Path("shapes/labels.csv").write_text("path,label\nlost.png,ring\n")
    shown = aaecli("data", "--data", "shapes").out
    for expected in ("bad.png is not a picture", "bar/bar0.png = ring/same.png", "lost.png", "8 of them without"):
        assert expected in shown
    found = json.loads(aaecli("data", "--data", "shapes", "--json").out)
    assert found["findings"]["contradicting"] == [["bar/bar0.png", "ring/same.png"]]
    assert found["num_unlabelled"] == 8
    said = aaecli("data", "--data", "shapes", "export", "--index", 0, "--out", "x.png").err
    assert "whose label is bar" in said


def test_a_model_without_a_test_set_is_judged_by_what_was_kept_back(
    aaecli: Run, in_shapes_learnt: dict[str, Any]
) -> None:
    trained = in_shapes_learnt
    report = json.loads(aaecli("eval", "--json").out)
    assert (report["images"], report["num_images"]) == ("holdout", 6)
    assert report["accuracy"] == trained["validation_accuracy"]
    assert report["accuracy_interval"] == pytest.approx(trained["validation_accuracy_interval"])
    shown = aaecli("eval").out
    assert "6 held-out labelled pictures of shapes" in shown
    assert "6 images: the interval is wide" in shown

    done = aaecli("eval", "exports/encoder.onnx", "--data", "shapes")
    assert "may have been trained on these pictures" in done.err
    assert "24 labelled pictures of shapes" in done.out
    write_classes(Path("tested"), 8, 4, 5)
    report = json.loads(aaecli("eval", "exports/encoder.onnx", "--data", "tested", "--json").out)
    assert (report["images"], report["num_images"]) == ("test", 15)
    assert report["accuracy"] == 1.0


def test_cross_validation_judges_by_every_labelled_picture(aaecli: Run, small: Path) -> None:
    write_classes(Path("shapes"), 5, 8)
    write_pictures(Path("shapes"), {"blot/one.png": drawing(0, 77).T.copy()})
    # The model only says how it was trained; 40 steps a fold are enough here.
    Path("longer.toml").write_text(SMALL.replace("steps = 60", "steps = 40"))
    assert aaecli("train", "--data", "shapes", "--config", "longer.toml").code == 0
    done = aaecli("eval", "--folds", 3, "--json", "--review", "review.csv")
    assert done.code == 0, done.err
    report = json.loads(done.out)
    assert (report["images"], report["num_images"], len(report["folds"])) == ("folds", 15, 3)
    with Path("review.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == report["num_suspected"]
    assert Path("review.png").exists() == bool(rows)
    assert all(row["guess"] != row["labelled_as"] == Path(row["path"]).parent.name for row in rows)
    assert "has no effect without --folds" in aaecli("eval", "--review", "review.csv").err
    assert "review.csv" in aaecli("eval", "--folds", 3, "--review", "review.csv").err
    assert report["accuracy"] > 0.8
    assert [entry["num_images"] for entry in report["classes"]] == [5, 0, 5, 5]
    assert "fold 3 of 3: 40 steps" in done.err
    assert "name the model.pt" in aaecli("eval", "x.onnx", "--folds", 3).err.lower()


def test_a_model_is_judged_by_any_folder_that_it_could_have_learnt_from(
    aaecli: Run, in_shapes_learnt: dict[str, Any]
) -> None:
    names = {f"{kind}{n}.png": (place, drawing(place, 100 + n)) for place, kind in enumerate(("bar", "ring", "cross"))
             for n in range(4)}  # fmt: skip
    write_pictures(Path("folders"), {f"{name[:-5]}/{name}": pixels for name, (_, pixels) in names.items()})
    write_pictures(Path("flat"), {name: pixels for name, (_, pixels) in names.items()})
    Path("flat/labels.csv").write_text("path,label\n" + "".join(f"{name},{name[:-5]}\n" for name in names))
    write_pictures(Path("one"), {f"cross/{name}": pixels for name, (kind, pixels) in names.items() if kind == 2})
    for model in ("model.pt", "exports/encoder.onnx"):
        for folder, count in (("folders", 12), ("flat", 12), ("one", 4)):
            done = aaecli("eval", model, "--data", folder, "--json")
            assert done.code == 0, done.err
            report = json.loads(done.out)
            assert (report["images"], report["num_images"], report["accuracy"]) == ("labelled", count, 1.0)
            assert [entry["class"] for entry in report["classes"]] == ["bar", "cross", "ring"]
    write_pictures(Path("strange"), {"star/a.png": drawing(0, 1), "bar/b.png": drawing(0, 2)})
    assert "has bar, star" in aaecli("eval", "--data", "strange").err
    write_pictures(Path("bare"), {"a.png": drawing(0, 1)})
    assert "no labelled picture" in aaecli("eval", "--data", "bare").err


@pytest.mark.parametrize("model", [pytest.param("autoencoder", marks=pytest.mark.slow), "aae", "clustering"])
def test_a_flat_folder_without_labels_is_enough_where_none_are_used(
    aaecli: Run, in_empty_folder: Path, model: str
) -> None:
    Path("small.toml").write_text(small_settings(model))
    write_pictures(Path("flat"), {f"{n}.png": drawing(n % 3, n) for n in range(30)})
    assert aaecli("data", "--data", "flat").code == 0
    done = aaecli("train", "--data", "flat", "--config", "small.toml", "--steps", 4, "--model", model, "--json")
    assert done.code == 0, done.err
    assert "nan" not in done.out.lower()
    assert aaecli("export").code == 0
    assert aaecli("generate", "--count", 2, "--out", "drawn.png").code == 0
    if model == "clustering":
        answer = json.loads(aaecli("classify", "flat/0.png", "--json").out)
        assert answer["label"].startswith("cluster ")


def test_a_model_that_needs_labels_says_how_to_give_them(aaecli: Run, in_empty_folder: Path) -> None:
    write_pictures(Path("my pictures"), {f"{n}.png": drawing(n % 3, n) for n in range(6)})
    for model in ("semisupervised", "baseline", "supervised"):
        done = aaecli("train", "--data", "my pictures", "--model", model)
        assert done.code == 1
        assert "my pictures holds no labelled picture" in done.err
        assert "`aaecli label 'my pictures'` asks for labels" in done.err
    assert not Path("runs").exists()


def test_the_counts_add_up(aaecli: Run, in_empty_folder: Path) -> None:
    write_classes(Path("shapes"), 3, 2, 1)
    shown = aaecli("data", "--data", "shapes").out
    found = re.findall(r"^ +(\w.*?) +(\d+) +(\d+) +(\d+) *$", shown, re.MULTILINE)
    rows = {name: [int(count) for count in counts] for name, *counts in found}
    total = rows.pop("total")
    assert list(rows) == ["bar", "cross", "ring", "without a label"]
    assert [sum(column) for column in zip(*rows.values(), strict=True)] == total == [9, 6, 3]


@pytest.mark.usefixtures("figures_are_coarse")
def test_where_nothing_can_be_remembered_the_folder_is_named_again(aaecli: Run, tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AAECLI_CACHE", "/proc/none")
    monkeypatch.setenv("AAECLI_FIGURES", "1")
    write_classes(Path("shapes"), 6)
    Path("small.toml").write_text(small_settings("semisupervised"))
    done = aaecli("train", "--data", "shapes", "--config", "small.toml")
    assert done.code == 0, done.err
    assert "were not drawn" not in done.err
    assert "`aaecli plot all runs/semisupervised-all-001 --data shapes`" in done.err
    assert "Next: `aaecli eval model.pt --data shapes`" in done.err
    assert aaecli("eval", "model.pt", "--data", "shapes").code == 0
    refused = aaecli("eval", "model.pt")
    assert refused.code == 1
    assert "does not remember" in refused.err


def test_without_a_preset_the_looks_of_the_pictures_choose(aaecli: Run, in_empty_folder: Path) -> None:
    write_classes(Path("shapes"), 8, 12)
    done = aaecli("train", "--data", "shapes", "--print-config")
    assert done.code == 0, done.err
    chosen = tomllib.loads(done.out)
    assert chosen["preset"] == "pictures"
    assert "preset pictures: " in done.err
    # What the user says holds.
    table = settings(aaecli, "--data", "shapes", "--size", 12, "--no-normalise", "--augment", "none", "--steps", 7)
    assert (table["image"]["size"], table["image"]["normalise"], table["schedule"]["steps"]) == (12, "none", 7)
    assert settings(aaecli, "--data", "shapes", "--preset", "quick")["preset"] == "quick"
    Path("own.toml").write_text("seed = 3\n")
    table = settings(aaecli, "--data", "shapes", "--config", "own.toml")
    assert (table["preset"], table["seed"]) == ("pictures", 3)
    # A file that was written for another preset is told to say so.
    Path("own.toml").write_text("[network.encoder_options]\nfeatures = 32\n")
    refused = aaecli("train", "--data", "shapes", "--config", "own.toml", "--print-config")
    assert refused.code == 1
    assert 'preset = "NAME"' in refused.err
    Path("own.toml").write_text('preset = "default"\n[network.encoder_options]\nfeatures = 32\n')
    assert settings(aaecli, "--data", "shapes", "--config", "own.toml")["preset"] == "default"


def test_every_command_makes_of_pictures_what_train_makes_of_them(aaecli: Run, in_empty_folder: Path) -> None:
    rng = np.random.default_rng(0)
    for number in range(12):
        pixels = rng.integers(0, 256, (20, 16, 3), np.uint8)
        path = Path("tiles", "ab"[number % 2], f"{number}.png")
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(path)
    chosen = settings(aaecli, "--data", "tiles")["image"]
    assert (chosen["size"], chosen["channels"], chosen["normalise"]) == (20, 3, "none")
    found = json.loads(aaecli("data", "--data", "tiles", "--json").out)
    assert (found["image"], found["channels"]) == ([20, 20], 3)
    export = ("data", "export", "--data", "tiles", "--index", 0, "--out", "seen.png")
    assert "has no test images" in aaecli(*export, "--split", "test").err
    assert "seen.png: training image 0" in aaecli(*export).err
    with Image.open("seen.png") as seen:
        assert (seen.size, seen.mode) == ((20, 20), "RGB")
    # What the user says holds.
    found = json.loads(aaecli("data", "--data", "tiles", "--size", 12, "--channels", 1, "--json").out)
    assert (found["image"], found["channels"]) == ([12, 12], 1)


def test_images_stored_in_one_size_are_looked_at_too(aaecli, in_empty_folder):
    rng = np.random.default_rng(0)
    label = np.arange(300) % 3
    ground = rng.integers(0, 256, (300, 1, 1), np.uint8)
    strokes = np.zeros((300, 16, 16), np.uint8)
    strokes[:, 4:12, 8] = rng.integers(100, 256, (300, 8), np.uint8)
    for name, image in {
        "photos": rng.integers(0, 90, (300, 16, 16), np.uint8) + ground // 2,
        "writing": strokes,
    }.items():
        np.savez(f"{name}.npz", x_train=image, y_train=label, x_test=image[:9], y_test=label[:9])
    chosen = aaecli("train", "--data", "photos.npz", "--labels", "30", "--print-config")
    assert tomllib.loads(chosen.out)["preset"] == "pictures", chosen.err
    assert "preset pictures: 16 × 16 pixels" in chosen.err
    assert settings(aaecli, "--data", "writing.npz", "--labels", 30)["preset"] == "default"
    Path("own.toml").write_text('[network.encoder_options]\nsees = "both"\n')
    refused = aaecli("train", "--data", "writing.npz", "--labels", 30, "--config", "own.toml", "--print-config")
    assert refused.code == 1
    assert "There is no setting 'network.encoder_options.sees'" in refused.err
    # Without unlabelled images, the same network.
    assert settings(aaecli, "--data", "photos.npz", "--labels", 30, "--model", "baseline")["preset"] == "pictures"
    assert settings(aaecli, "--data", "photos.npz", "--model", "clustering")["preset"] == "default"
