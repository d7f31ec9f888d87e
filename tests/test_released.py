"""The released pair: there without anything trained, as small as promised, and as good as its card says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from aaecli.cli import main
from aaecli.serve.discovery import find_decoder, find_encoder
from aaecli.serve.session import open_decoder, open_encoder

FOLDER = Path(__file__).parent.parent / "exports" / "pretrained"


def test_it_is_found_where_nothing_was_trained(in_empty_folder):
    assert find_encoder().name == "encoder.onnx"
    assert find_encoder().read_bytes() == (FOLDER / "encoder.onnx").read_bytes()
    assert find_decoder().read_bytes() == (FOLDER / "decoder.onnx").read_bytes()


def test_both_files_together_stay_small():
    assert {path.name for path in FOLDER.iterdir()} == {"README.md", "decoder.onnx", "encoder.onnx", "model.pt"}
    assert sum(path.stat().st_size for path in FOLDER.iterdir()) < 20e6


def test_it_knows_how_unlike_its_training_images_a_picture_is():
    for open_part, name in ((open_encoder, "encoder.onnx"), (open_decoder, "decoder.onnx")):
        pairs = open_part(FOLDER / name).metadata.novelty
        assert len(pairs) == 4
        assert list(pairs) == sorted(pairs)


def test_card_and_both_files_state_the_same():
    encoder, decoder = open_encoder(FOLDER / "encoder.onnx"), open_decoder(FOLDER / "decoder.onnx")
    assert decoder.metadata.test_accuracy == encoder.metadata.test_accuracy
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    assert re.findall(r"\*\*(.+?)\*\* of 10,000", card) == [f"{encoder.metadata.test_accuracy:.2%}"]
    assert f"preset `{encoder.metadata.preset}`" in card


def test_the_first_thousand_test_images_are_classified_as_well_as_the_card_states(mnist):
    encoder = open_encoder(FOLDER / "encoder.onnx", "cpu")
    label_prob, _ = encoder(mnist.test_image[:1000])
    found = (label_prob.argmax(1) == mnist.test_label[:1000]).mean()
    assert found == pytest.approx(encoder.metadata.test_accuracy, abs=0.01)


@pytest.mark.slow
def test_eval_prints_what_card_and_metadata_state(in_empty_folder, capsys):
    stated = open_encoder(FOLDER / "encoder.onnx").metadata.test_accuracy
    with pytest.raises(SystemExit) as left:
        main(["eval", str(FOLDER / "encoder.onnx"), "--json", "--device", "cpu"])
    assert left.value.code == 0
    report = json.loads(capsys.readouterr().out)
    assert report["num_images"] == 10_000
    assert report["accuracy"] == pytest.approx(stated, abs=1e-9)
    card = (FOLDER / "README.md").read_text(encoding="utf-8")
    for entry in report["classes"]:
        assert f"| {entry['class']} | {entry['precision']:.2%} | {entry['recall']:.2%} | {entry['f1']:.2%} |" in card


def test_the_first_command_after_installing_answers(in_empty_folder, capsys):
    with pytest.raises(SystemExit) as left:
        main(["data", "export", "--index", "0", "--out", "digit.png"])
    assert left.value.code == 0
    capsys.readouterr()
    with pytest.raises(SystemExit) as left:
        main(["classify", "digit.png", "--json"])
    assert left.value.code == 0
    assert json.loads(capsys.readouterr().out)["label"] == "7"
