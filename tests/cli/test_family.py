"""Every model of the family, from training to the terminal: what it has it gives, and what it lacks it says."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from aaecli.config.models import FAMILY
from tests.cli.test_train import aaecli, small_settings

pytestmark = pytest.mark.usefixtures("translated_once")

OUTPUTS = {
    "baseline": ({"image"}, {"label_prob"}, None),
    "autoencoder": ({"image"}, {"style"}, {"style"}),
    "aae": ({"image"}, {"style"}, {"style"}),
    "supervised": ({"image"}, {"style"}, {"label", "style"}),
    "semisupervised": ({"image"}, {"label_prob", "style"}, {"label", "style"}),
    "clustering": ({"image"}, {"label_prob", "style"}, {"label", "style"}),
}
KNOWS_CLASSES = [name for name, row in FAMILY.items() if row.encodes_label]
KNOWS_NO_CLASSES = [name for name, row in FAMILY.items() if not row.encodes_label]


# The others differ from these by less, and training and exporting each takes seconds.
QUICK = ("supervised", "clustering")


@pytest.fixture(
    scope="module",
    params=[pytest.param(name, marks=() if name in QUICK else pytest.mark.slow) for name in FAMILY],
)
def trained(request, tmp_path_factory, tenth_of_mnist):
    """Train each model for a moment on real digits and export it."""
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "small.toml").write_text(small_settings(request.param) + "validate_every = 10\n")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("AAECLI_DATA", str(tenth_of_mnist))
        words = ("--config", "small.toml", "--steps", 30, "--preset", "default", "--device", "cpu", "--quiet")
        assert aaecli("train", "--model", request.param, *words) == 0
        assert aaecli("export", "--quiet") == 0
    return request.param, folder


@pytest.fixture
def model(trained, tenth_of_mnist, monkeypatch):
    name, folder = trained
    monkeypatch.chdir(folder)
    monkeypatch.setenv("AAECLI_DATA", str(tenth_of_mnist))
    return name


def answer(capsys, *words, code=0):
    capsys.readouterr()
    assert aaecli(*words) == code
    return capsys.readouterr()


def test_the_run_folder_tells_what_was_learnt(model):
    (run,) = Path("runs").iterdir()
    expected = {"clustering": "clustering-16", "baseline": "baseline-1000", "supervised": "supervised-all"}
    expected |= {"semisupervised": "semisupervised-1000"}
    assert run.name == f"{expected.get(model, model)}-001"
    summary = json.loads((run / "summary.json").read_text())
    with (run / "metrics.csv").open() as file:
        columns = csv.DictReader(file).fieldnames
    measured = "accuracy" if model in KNOWS_CLASSES else "reconstruction_error"
    assert f"validation_{measured}" in columns
    assert 0 <= summary[f"test_{measured}"] <= 1
    assert ("test_accuracy" in summary) == (model in KNOWS_CLASSES)
    with (run / "labels.csv").open() as file:
        num_labelled = len(list(csv.DictReader(file)))
    assert num_labelled == {"all": 5_000}.get(FAMILY[model].default_labels, FAMILY[model].default_labels)


def test_the_exported_files_have_what_the_model_has(model):
    reads, gives, draws_from = OUTPUTS[model]
    encoder = onnx.load("exports/encoder.onnx")
    assert {value.name for value in encoder.graph.input} == reads
    assert {value.name for value in encoder.graph.output} == gives
    assert Path("exports/decoder.onnx").is_file() == (draws_from is not None)
    if draws_from:
        decoder = onnx.load("exports/decoder.onnx")
        assert {value.name for value in decoder.graph.input} == draws_from
        assert [value.name for value in decoder.graph.output] == ["image"]
    props = {entry.key: entry.value for entry in encoder.metadata_props}
    classes = json.loads(props["aaecli.classes"])
    assert len(classes) == {"autoencoder": 0, "aae": 0, "clustering": 16}.get(model, 10)
    assert set(classes) <= set("0123456789")


def test_checkpoint_and_files_are_judged_alike(model, capsys):
    torch_report = json.loads(answer(capsys, "eval", "model.pt", "--device", "cpu", "--json").out)
    onnx_report = json.loads(answer(capsys, "eval", "exports/encoder.onnx", "--json").out)
    assert torch_report.keys() == onnx_report.keys() - {"trained_on"}
    assert ("accuracy" in torch_report) == (model in KNOWS_CLASSES)
    assert torch_report["num_images"] == 1_000
    for key in ("accuracy", "confusion", "classes"):
        assert torch_report.get(key) == onnx_report.get(key)
    assert (torch_report["reconstruction_error"] is None) == (FAMILY[model].decoder_label is None)
    if torch_report["reconstruction_error"] is not None:
        assert torch_report["reconstruction_error"] == pytest.approx(onnx_report["reconstruction_error"], abs=1e-6)
    said = answer(capsys, "eval", "exports/encoder.onnx")
    assert ("has no classes" in said.err) == (model not in KNOWS_CLASSES)


def test_export_names_what_the_model_can_do_next(model, capsys):
    said = answer(capsys, "export", "--out", "again").err
    assert ("aaecli classify" in said) == (model in KNOWS_CLASSES)
    assert ("aaecli generate" in said) == (FAMILY[model].decoder_label is not None)


def test_classify_names_a_class_or_says_that_there_is_none(model, capsys):
    assert aaecli("data", "export", "--index", 0, "--out", "digit.png") == 0
    if model in KNOWS_CLASSES:
        found = json.loads(answer(capsys, "classify", "digit.png", "--top-k", 10, "--json").out)
        assert found["label"] in set("0123456789")
        names = [entry["label"] for entry in found["top"]]
        assert len(names) == len(set(names)), "each class once, however many clusters it has"
        assert sum(entry["probability"] for entry in found["top"]) == pytest.approx(1, abs=1e-4)
    else:
        said = answer(capsys, "classify", "digit.png", code=1)
        assert said.out == ""
        assert f"was trained as {model}" in " ".join(said.err.split())
        assert "aaecli train --labels 1000" in " ".join(said.err.split())


def test_generate_draws_what_the_model_can_draw(model, capsys):
    if FAMILY[model].decoder_label is None:
        assert "so it can only classify" in " ".join(answer(capsys, "generate", code=1).err.split())
        return
    found = json.loads(answer(capsys, "generate", "--count", 10, "--json").out)
    num_values = {"clustering": 16, "autoencoder": 1, "aae": 1}.get(model, 10)
    assert found["num_images"] == 10 * num_values
    assert np.asarray(Image.open("generated.png")).std() > 1
    assert aaecli("generate", "--count", 2, "--out", "single/") == 0
    assert len(list(Path("single").iterdir())) == 2 * num_values, "no picture took the name of another"
    assert aaecli("generate", "--vary", "--out", "vary.png") == 0
    assert aaecli("generate", "--seeds", 1, 2, "--out", "walk.gif") == 0
    assert aaecli("data", "export", "--index", 1, "--out", "style.png") == 0
    assert aaecli("generate", "--style-from", "style.png") == 0


def test_a_class_is_drawn_or_refused(model, capsys):
    row = FAMILY[model]
    if row.decoder_label == "none":
        said = " ".join(answer(capsys, "generate", "--digit", 7, code=1).err.split())
        assert "trained without classes, so it cannot generate '7'" in said
    elif row.decoder_label is not None:
        props = {entry.key: entry.value for entry in onnx.load("exports/decoder.onnx").metadata_props}
        name = json.loads(props["aaecli.classes"])[-1]
        found = json.loads(answer(capsys, "generate", "--digit", name, "--count", 5, "--json").out)
        assert (found["num_images"], found["classes"]) == (5, [name])


@pytest.mark.usefixtures("figures_are_coarse")
def test_a_report_shows_what_the_model_has(model, capsys):
    capsys.readouterr()
    found = json.loads(answer(capsys, "plot", "all", "--json").out)
    (path,) = found["figures"]
    page = Path(path).read_text()
    row = FAMILY[model]
    headings = {"Curves", "Distributions", "Features"}
    headings |= {"Reconstructions", "Samples", "Latent"} if row.decoder_label else set()
    headings |= {"Confusion", "Mistakes"} if row.encodes_label else set()
    assert set(re.findall("<h2>(.*?)</h2>", page)) == headings | {"Settings"}
    assert page.count("data:image/png;base64,") == len(headings)
    (measured,) = (facts["distributions"] for facts in found["metrics"].values())
    assert ("style_energy_distance" in measured) == row.encodes_style
    assert ("label_total_variation" in measured) == row.encodes_label
    if not row.encodes_label:
        said = " ".join(answer(capsys, "plot", "confusion", code=1).err.split())
        assert "its model has no classes" in said
        assert "samples" in said
