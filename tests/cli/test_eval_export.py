"""`aaecli export` and `aaecli eval`: the checkpoint and the exported pair answer alike."""

from __future__ import annotations

import json
import re
import shutil

import pytest

from tests.cli.test_train import SMALL, aaecli

pytestmark = pytest.mark.usefixtures("translated_once")


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """Train for a moment on real MNIST and export, once for all tests here."""
    folder = tmp_path_factory.mktemp("trained")
    (folder / "small.toml").write_text(SMALL + "validate_every = 20\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        assert aaecli("train", "--config", "small.toml", "--steps", 40, "--labels", 100, "--quiet") == 0
        assert aaecli("export", "--onnx", "--quiet") == 0
    return folder


@pytest.fixture
def here(trained, tmp_path, monkeypatch):
    folder = tmp_path / "copy"
    shutil.copytree(trained, folder)
    monkeypatch.chdir(folder)
    return folder


def report(capsys, *words):
    capsys.readouterr()
    assert aaecli("eval", *words, "--json") == 0
    out, err = capsys.readouterr()
    assert err == ""
    return json.loads(out)


def test_checkpoint_and_onnx_are_judged_alike(here, capsys):
    torch_report = report(capsys)
    onnx_report = report(capsys, "exports/encoder.onnx")
    assert torch_report["num_images"] == 10_000
    assert torch_report["model"] == "model.pt"
    for key in ("accuracy", "accuracy_interval", "error", "classes", "confusion"):
        assert torch_report[key] == onnx_report[key]
    before, after = "expected_calibration_error_uncalibrated", "expected_calibration_error"
    for key in (before, after, "reconstruction_error", "temperature"):
        assert torch_report[key] == pytest.approx(onnx_report[key], abs=1e-6)
    summary = json.loads((here / "runs/semisupervised-100-001/summary.json").read_text())
    for key in ("accuracy", before, after):
        assert torch_report[key] == pytest.approx(summary[f"test_{key}"], abs=1e-9)
    assert torch_report["temperature"] == summary["temperature"] != 1
    assert summary["num_temperature_images"] == 10_000
    assert torch_report[after] < torch_report[before]


def test_the_table_shows_every_figure(here, capsys):
    assert aaecli("eval", "model.pt") == 0
    out = capsys.readouterr().out
    for word in ("accuracy", "95 % interval", "error", "calibration", "reconstruction", "precision", "recall", "F1"):
        assert word in out
    assert "Confusion" in out
    assert re.search(r"calibration error.*0\.\d{4} before temperature \d\.\d\d", out)


def test_an_encoder_without_its_decoder_has_no_reconstruction_error(here, capsys):
    (here / "exports/decoder.onnx").unlink()
    assert report(capsys, "exports/encoder.onnx")["reconstruction_error"] is None


def test_without_a_name_the_newest_run_is_taken(here, capsys):
    (here / "model.pt").unlink()
    assert report(capsys)["model"] == "runs/semisupervised-100-001/model.pt"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("nowhere.pt",), "Cannot read nowhere.pt"),
        (("nowhere.onnx",), "nowhere.onnx"),
        (("small.toml",), "small.toml"),
        (("exports/decoder.onnx",), "decoder"),
        (("model.pt", "--data", "nowhere"), "nowhere does not exist"),
        (("exports/encoder.onnx", "--device", "mps"), "not on mps"),
    ],
)
def test_what_cannot_be_judged_says_why(here, capsys, words, said):
    assert aaecli("eval", *words) == 1
    out, err = capsys.readouterr()
    assert said in " ".join(err.split())
    assert out == ""


@pytest.mark.parametrize("model", ["model.pt", "exports/encoder.onnx"])
@pytest.mark.parametrize(("classes", "size", "said"), [(12, (28, 28), "classes"), (10, (9, 9), "28 × 28")])
def test_a_data_set_that_does_not_fit_is_refused(here, capsys, write_dataset, model, classes, size, said):
    folder = write_dataset("other", train=tuple(range(classes)) * 9, test=tuple(range(classes)), size=size)
    assert aaecli("eval", model, "--data", folder) == 1
    assert said in " ".join(capsys.readouterr().err.split())


def test_no_model_at_all_says_how_to_make_one(in_empty_folder, capsys):
    for command in ("eval", "export"):
        assert aaecli(command) == 1
        assert "aaecli train" in capsys.readouterr().err


def test_export_tells_sizes_and_differences(here, capsys):
    assert aaecli("export", "--onnx", "model.pt", "--out", "deploy", "--json") == 0
    out, err = capsys.readouterr()
    files = json.loads(out)["files"]
    assert set(files) == {"encoder", "decoder"}
    for facts in files.values():
        assert 0 <= facts["difference"] <= 1e-5
        assert facts["bytes"] > 0
    assert err == ""
    assert sorted(path.name for path in (here / "deploy").iterdir()) == ["decoder.onnx", "encoder.onnx"]


def test_a_cascade_is_exported_from_two_models(here, capsys):
    words = ("export", "model.pt", "--cascade", "runs/semisupervised-100-001", "--out", "joined")
    assert aaecli(*words, "--cascade-confidence", "0.5", "--card", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["cascade"] == "runs/semisupervised-100-001/model.pt"
    assert said["files"]["encoder"]["bytes"] > 1.5 * (here / "exports/encoder.onnx").stat().st_size
    assert "where the largest probability for an image is at most 0.5, a larger encoder" in (
        " ".join((here / "joined/README.md").read_text().split())
    )
    # The second model is the first one, so that the answers are its own.
    before, after = (report(capsys, f"{folder}/encoder.onnx") for folder in ("exports", "joined"))
    assert before["confusion"] == after["confusion"]
    assert aaecli("export", "model.pt", "--cascade-confidence", "0.5") == 1
    assert "--cascade-confidence has no effect without --cascade." in capsys.readouterr().err
    assert aaecli("export", "model.pt", "--cascade", "absent.pt") == 1
    assert "absent.pt" in capsys.readouterr().err


def test_export_into_a_file_is_an_error(here, capsys):
    assert aaecli("export", "--out", "small.toml") == 1
    assert "small.toml" in capsys.readouterr().err


def test_export_replaces_only_its_own_files(here, capsys):
    assert aaecli("export", "--quiet") == 0, "exports/ is made anew without a word"
    for name in ("encoder.onnx", "decoder.onnx"):
        (here / "deploy").mkdir(exist_ok=True)
        (here / "deploy" / name).write_bytes(b"another's")
        assert aaecli("export", "--out", "deploy") == 1
        assert f"There is a file deploy/{name} already, and aaecli did not write it" in capsys.readouterr().err
        assert [path.read_bytes() for path in (here / "deploy").iterdir()] == [b"another's"]
        (here / "deploy" / name).unlink()


def test_a_card_that_somebody_edited_is_kept(here, capsys):
    words = ("export", "--out", "share", "--card", "--quiet")
    assert [aaecli(*words) for _ in range(2)] == [0, 0]
    card = here / "share/README.md"
    card.write_text(card.read_text().replace("## Limits", "## My own limits"))
    before = sorted(path.stat().st_mtime_ns for path in (here / "share").iterdir())
    assert aaecli(*words) == 1
    assert "share/README.md already" in capsys.readouterr().err
    assert sorted(path.stat().st_mtime_ns for path in (here / "share").iterdir()) == before
    assert aaecli(*words, "--force") == 0


def test_a_training_checks_its_model_s_name_first(here, capsys, monkeypatch):
    (here / "model.pt").write_bytes(b"another program's")
    words = ("train", "--config", "small.toml", "--labels", 100)
    assert aaecli(*words) == 1
    assert "There is a file model.pt already, and aaecli did not write it" in capsys.readouterr().err
    assert (here / "model.pt").read_bytes() == b"another program's"
    assert [path.name for path in (here / "runs").iterdir()] == ["semisupervised-100-001"]


def test_the_card_says_what_eval_says(here, capsys):
    assert aaecli("export", "--onnx", "--out", "share", "--card", "--quiet") == 0
    assert "share/README.md" in capsys.readouterr().out
    card = (here / "share/README.md").read_text()
    found = report(capsys, "share/encoder.onnx")
    assert f"**{found['accuracy']:.2%}** of 10,000" in card
    for entry in found["classes"]:
        assert f"| {entry['class']} | {entry['precision']:.2%} | {entry['recall']:.2%} |" in card
    assert "100 labelled images and seed 0: 40 steps" in card
    assert "CC BY-SA" in card
    assert f"`encoder.onnx`: {(here / 'share/encoder.onnx').stat().st_size / 1e6:.1f} MB" in card
