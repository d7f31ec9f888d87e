"""`classify` says which model answers, and `eval` what it is judged by where that is not what it learnt from."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import onnx
import pytest
from PIL import Image

from tests.cli.conftest import Run
from tests.serve.pair import write_pair


@pytest.fixture
def here(in_empty_folder, mnist):
    write_pair(in_empty_folder / "exports", mnist.train_image[:1500], mnist.train_label[:1500])
    Image.fromarray(mnist.test_image[0]).save(in_empty_folder / "digit.png")
    return in_empty_folder


def trained_on(path: Path, name: str, *, embedded: bool) -> None:
    model = onnx.load(path)
    entry = model.metadata_props.add()
    entry.key, entry.value = "aaecli.data", json.dumps({"name": name, "embedded": embedded})
    onnx.save(model, path)


def test_classify_names_the_model_once(aaecli: Run, here: Path) -> None:
    trained_on(here / "exports/encoder.onnx", "letters\x1b[31m", embedded=False)
    result = aaecli("classify", "digit.png", "digit.png", "--device", "cpu")
    assert result.code == 0
    assert result.err.count("Model: exports/encoder.onnx, trained on letters") == 1
    assert "\x1b" not in result.err
    for quiet in ("--quiet", "--json", "--csv"):
        assert "Model:" not in aaecli("classify", "digit.png", quiet).err


def test_classify_says_where_the_released_one_answers(aaecli: Run, here: Path) -> None:
    (here / "exports/encoder.onnx").unlink()
    result = aaecli("classify", "digit.png")
    assert "Model: the released one, trained on MNIST" in result.err
    assert "warning" not in result.err
    (here / "model.pt").touch()
    for words in ((), ("--json",)):
        result = aaecli("classify", "digit.png", *words)
        assert "warning: model.pt was never exported" in result.err
        assert "aaecli export" in result.err
    assert aaecli("classify", "digit.png", "--quiet").err == ""


def test_generate_names_the_model_and_where_it_may_not_be_the_one_meant(aaecli: Run, here: Path) -> None:
    result = aaecli("generate", "--count", "1")
    assert result.code == 0
    assert "Model: exports/decoder.onnx, " in result.err
    assert "warning" not in result.err
    (here / "model.pt").touch()
    os.utime(here / "exports/decoder.onnx", (10**9, 10**9))
    for words in ((), ("--json",)):
        said = aaecli("generate", "--count", "1", *words).err
        assert "warning: exports/decoder.onnx is older than model.pt" in said
        assert "`aaecli export --onnx`" in said
        assert ("Model:" in said) == (not words)
    assert "older" not in aaecli("generate", "--count", "1", "--model", "exports").err
    assert aaecli("generate", "--count", "1", "--quiet").err == ""
    for path in (here / "exports").iterdir():
        path.unlink()
    said = aaecli("generate", "--count", "1").err
    assert "Model: the released one, trained on MNIST" in said
    assert "warning: model.pt was never exported" in said


def test_classify_warns_of_an_export_that_is_older_than_the_model(aaecli: Run, here: Path) -> None:
    (here / "model.pt").touch()
    os.utime(here / "exports/encoder.onnx", (10**9, 10**9))
    assert "warning: exports/encoder.onnx is older than model.pt" in aaecli("classify", "digit.png").err
    assert "older" not in aaecli("classify", "digit.png", "--model", "exports").err


def test_eval_does_not_judge_by_mnist_what_learnt_from_other_images(aaecli: Run, here: Path, write_dataset) -> None:
    path = here / "exports/encoder.onnx"
    result = aaecli("eval", path, "--json")
    assert result.code == 0
    assert "does not say what it was trained on; it is evaluated on MNIST" in result.err
    trained_on(path, "letters", embedded=False)
    result = aaecli("eval", path)
    assert (result.code, result.out) == (1, "")
    said = " ".join(result.err.split())
    assert "was trained on letters, not on MNIST" in said
    assert f"aaecli eval {path} --data DIR" in said
    write_dataset("here/letters", train=np.arange(10), test=np.arange(10))
    result = aaecli("eval", path, "--data", "letters", "--json")
    assert (result.code, result.err) == (0, "")
    assert json.loads(result.out)["trained_on"] == "letters"
    write_dataset("here/other", train=np.arange(10), test=np.arange(10))
    result = aaecli("eval", path, "--data", "other", "--json")
    assert result.code == 0
    assert "was trained on letters; it is evaluated on other" in result.err
