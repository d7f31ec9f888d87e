"""`aaecli embed`: the numbers that `classify` and the encoder give, in each kind of file, of either kind of model."""

from __future__ import annotations

import csv
import json
import os
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import torch
from PIL import Image

from aaecli.checkpoint.file import Checkpoint, save_model
from aaecli.data.dataset import Dataset
from aaecli.models.batch import to_float
from aaecli.models.networks import Networks
from aaecli.serve.session import open_encoder
from tests.cli.conftest import Outcome, Run
from tests.serve.pair import shared_pair, write_pair
from tests.small_models import shrunk

CODES = ["image", "label", "label_prob", "style", "reconstruction_error", "novelty"]


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory, mnist: Dataset) -> Path:
    return shared_pair(tmp_path_factory, mnist)


@pytest.fixture
def here(in_empty_folder: Path, mnist: Dataset) -> Path:
    """Give a folder with twelve digits in ``digits/``."""
    (in_empty_folder / "digits").mkdir()
    for number in range(12):
        Image.fromarray(mnist.test_image[number]).save(in_empty_folder / f"digits/{number:02d}.png")
    return in_empty_folder


@pytest.fixture
def embed(aaecli: Run, pair: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    def run(*words: object) -> Outcome:
        return aaecli("embed", *words)

    monkeypatch.setenv("AAECLI_MODEL", str(pair))
    return run


def checkpoint(path: Path, **flags: object) -> Checkpoint:
    """Write an untrained model."""
    config = shrunk("default", **flags)
    torch.manual_seed(0)
    networks = Networks(config.model, (1, 28, 28), 10, config.network).eval().requires_grad_(False)
    facts = {"novelty": {"quantile": [0.5, 0.999], "reconstruction_error": [0.1, 0.5]}}
    model = Checkpoint(config, tuple("0123456789"), (1, 28, 28), networks.encoder, networks.decoder, facts)
    save_model(path, model)
    return model


def test_the_three_files_hold_what_classify_says(embed: Run, aaecli: Run, pair: Path, mnist: Dataset) -> None:
    for name in ("a.npy", "a.csv", "a.parquet"):
        outcome = embed("digits", "--out", name)
        assert outcome.code == 0
        assert outcome.out == (
            f"{name}: 12 pictures, columns image, label, label_prob (10), style (3), reconstruction_error, novelty\n"
        )
    label_prob, style = open_encoder(pair / "encoder.onnx")(mnist.test_image[:12])
    answers = [
        json.loads(line)
        for line in aaecli("classify", "digits", "--model", pair, "--novelty", "--json").out.splitlines()
    ]
    table = np.load("a.npy")
    assert list(table.dtype.names) == CODES
    np.testing.assert_allclose(table["label_prob"], label_prob, atol=1e-6)
    np.testing.assert_allclose(table["style"], style, atol=1e-5)
    for name in ("image", "label"):
        assert table[name].tolist() == [answer[name] for answer in answers]
    for name in ("reconstruction_error", "novelty"):
        np.testing.assert_allclose(table[name], [answer[name] for answer in answers], atol=2e-6)
    columns = pq.read_table("a.parquet").to_pydict()
    assert list(columns) == CODES
    for name in CODES:
        np.testing.assert_array_equal(np.array(columns[name], table[name].dtype), table[name])
    with Path("a.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["label"] for row in rows] == table["label"].tolist()
    for number in range(10):
        cells = [float(row[f"label_prob_{number}"]) for row in rows]
        np.testing.assert_allclose(cells, table["label_prob"][:, number], rtol=1e-5)
    np.testing.assert_allclose([float(row["style_2"]) for row in rows], table["style"][:, 2], rtol=1e-5)


def test_a_checkpoint_has_features_too(embed: Run, here: Path, mnist: Dataset) -> None:
    model = checkpoint(here / "model.pt")
    outcome = embed("digits", "--features", "model.pt", "--out", "a.npy", "--device", "cpu")
    assert (outcome.code, outcome.err) == (0, "")
    table = np.load("a.npy")
    assert list(table.dtype.names) == [*CODES[:4], "features", *CODES[4:]]
    image = to_float(torch.from_numpy(mnist.test_image[:12].copy()))
    with torch.inference_mode():
        features = model.encoder.body.features(image)  # type: ignore[operator]
        np.testing.assert_allclose(table["features"], features, atol=1e-5)
        np.testing.assert_allclose(model.encoder.style_head(features), table["style"], atol=1e-5)  # type: ignore[misc]
        drawn = model.decoder(model.encoder(image).latent())  # type: ignore[misc]
    np.testing.assert_allclose(table["reconstruction_error"], (drawn - image).square().mean((1, 2, 3)), atol=1e-6)


@pytest.mark.parametrize(
    ("model", "columns"),
    [
        ("baseline", ["image", "label", "label_prob", "features"]),
        ("aae", ["image", "style", "features", "reconstruction_error", "novelty"]),
        ("supervised", ["image", "style", "features"]),
    ],
)
def test_columns_are_those_that_a_model_has(embed: Run, here: Path, model: str, columns: list[str]) -> None:
    checkpoint(here / "model.pt", model=model)
    assert embed("digits/00.png", "--features", "model.pt", "--out", "a.npy", "--device", "cpu").code == 0
    assert list(np.load("a.npy").dtype.names) == columns


def test_an_encoder_without_a_decoder_has_no_score(embed: Run, here: Path, mnist: Dataset) -> None:
    path = write_pair(here / "plain", mnist.train_image[:1500], mnist.train_label[:1500], baseline=True)
    assert embed("digits", "--model", path, "--out", "a.npy").code == 0
    assert list(np.load("a.npy").dtype.names) == ["image", "label", "label_prob"]


def test_many_pictures_come_in_order(embed: Run, here: Path, mnist: Dataset) -> None:
    checkpoint(here / "model.pt")
    names = [f"digits/{number % 12:02d}.png" for number in range(150)]
    (here / "list.txt").write_text("\n".join(names))
    assert embed("--files-from", "list.txt", "--out", "a.npy").code == 0
    assert embed("--files-from", "list.txt", "--features", "model.pt", "--out", "b.npy", "--device", "cpu").code == 0
    for name in ("a.npy", "b.npy"):
        table = np.load(name)
        assert table["image"].tolist() == names
        np.testing.assert_allclose(table["style"][:12], table["style"][12:24], atol=1e-5)


def test_damaged_pictures_have_no_row_and_a_blank_one_is_unsure(embed: Run, here: Path) -> None:
    (here / "digits/03.png").write_bytes((here / "digits/04.png").read_bytes()[:50])
    (here / "digits/05.png").write_bytes(b"")
    Image.new("L", (40, 40), 255).save(here / "digits/06.png")
    outcome = embed("digits", "--out", "a.npy", "--json")
    assert outcome.code == 1
    assert outcome.err.count("error:") == 2
    assert json.loads(outcome.out) | {"columns": {}} == {"out": "a.npy", "pictures": 10, "failed": 2, "columns": {}}
    table = np.load("a.npy")
    assert "digits/03.png" not in table["image"]
    blank = table[table["image"] == "digits/06.png"][0]
    assert blank["label"] == "unsure"
    np.testing.assert_allclose(blank["label_prob"], 0.1)
    assert blank["novelty"] >= 1


def test_columns_do_not_depend_on_what_is_read_first(embed: Run, here: Path) -> None:
    checkpoint(here / "model.pt")
    Path("0.png").write_bytes(b"no picture")
    words = ("0.png", "digits/00.png", "--out", "a.npy", "--force")
    assert embed(*words).code == 1
    assert np.load("a.npy").dtype.names == tuple(CODES)
    assert embed(*words, "--features", "model.pt", "--device", "cpu").code == 1
    assert np.load("a.npy").dtype.names == (*CODES[:4], "features", *CODES[4:])


def test_nothing_is_written_where_nothing_can_be_read(embed: Run, here: Path) -> None:
    (here / "a.png").write_bytes(b"no picture")
    (here / "empty").mkdir()
    for words in (["a.png"], ["empty"]):
        outcome = embed(*words, "--out", "a.csv")
        assert (outcome.code, outcome.out) == (1, "")
        assert "nothing is written" in outcome.err
    assert not (here / "a.csv").exists()


def test_names_are_not_obeyed(embed: Run, here: Path, mnist: Dataset) -> None:
    names = ["\x1b[31mred.png", "=cmd.png", os.fsdecode(b"\xff.png"), "two\nlines.png"]
    for name in names:
        Image.fromarray(mnist.test_image[0]).save(here / "digits" / name)
    for name in ("a.csv", "a.npy", "a.parquet"):
        assert embed("digits", "digits/=cmd.png", "--out", name).code == 0
    text = Path("a.csv").read_text(encoding="utf-8")
    assert "\x1b" not in text
    assert len(text.splitlines()) == 18
    assert "digits/\\xff.png" in np.load("a.npy")["image"]
    assert pq.read_table("a.parquet")["image"].to_pylist() == np.load("a.npy")["image"].tolist()


def test_files_are_replaced_by_force_alone(embed: Run, here: Path) -> None:
    for name in ("a.csv", "a.npy", "a.parquet"):
        Path(name).write_text("mine")
        assert embed("digits", "--out", name).code == 1
        assert Path(name).read_text() == "mine"
        assert embed("digits", "--out", name, "--force").code == 0
    checkpoint(here / "model.npy")
    before = (here / "model.npy").read_bytes()
    assert embed("digits", "--features", "model.npy", "--out", "model.npy", "--force").code == 1
    assert (here / "model.npy").read_bytes() == before


@pytest.mark.parametrize(
    "words",
    [
        ("digits",),
        ("digits", "--out", "a.txt"),
        ("--out", "a.csv"),
        ("digits", "--out", "a.csv", "--features", "model.pt", "--model", "exports"),
    ],
)
def test_wrong_usage(embed: Run, words: tuple[str, ...]) -> None:
    outcome = embed(*words)
    assert (outcome.code, outcome.out) == (2, "")


def test_parquet_needs_pyarrow(embed: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    outcome = embed("digits", "--out", "a.parquet")
    assert outcome.code == 1
    assert "Writing a parquet file needs pyarrow" in outcome.err
    assert not Path("a.parquet").exists()
