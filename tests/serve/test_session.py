"""The two ONNX files are checked before their first answer is believed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest

from aaecli.data.preprocessing.prepare import Recipe
from aaecli.errors import AaeError
from aaecli.graph.work import check_model
from aaecli.serve import device, session
from aaecli.serve.discovery import (
    decoder_beside,
    doubt,
    encoder_beside,
    find_decoder,
    find_encoder,
    released_folders,
)
from aaecli.serve.evaluation import predict_onnx
from aaecli.serve.metadata import peek_recipe, read_metadata
from aaecli.serve.novelty import novelty_threshold
from aaecli.serve.session import open_decoder, open_encoder
from tests.serve.pair import STYLE_DIM, shared_pair, write_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory, mnist):
    return shared_pair(tmp_path_factory, mnist)


def test_encoder_reads_bytes_and_floats_alike(pair, mnist):
    encoder = open_encoder(pair / "encoder.onnx")
    images = mnist.test_image[:7]
    label_prob, style = encoder(images)
    assert label_prob.shape == (7, 10)
    assert style.shape == (7, STYLE_DIM)
    assert label_prob.sum(1) == pytest.approx(np.ones(7), abs=1e-5)
    again, _ = encoder(images[:, None].astype(np.float32) / np.float32(255))
    assert np.array_equal(again, label_prob)
    assert encoder.classes == tuple("0123456789")
    assert encoder.image_shape == (1, 28, 28)
    assert encoder.device in ("cpu", "cuda")


def test_decoder_draws(pair):
    decoder = open_decoder(pair / "decoder.onnx")
    image = decoder(np.eye(10, dtype=np.float32), np.zeros((10, STYLE_DIM), np.float32))
    assert image.shape == (10, 28, 28)
    assert image.min() >= 0
    assert 0.5 < image.max() <= 1


def test_whole_data_set_is_judged_in_batches(pair, mnist):
    encoder = open_encoder(pair / "encoder.onnx")
    label_prob, error = predict_onnx(
        encoder, mnist.test_image[:1234], mnist.test_label[:1234], mnist.classes, batch_size=100
    )
    assert (label_prob.argmax(1) == mnist.test_label[:1234]).mean() > 0.75
    whole, _ = encoder(mnist.test_image[:1234])
    assert label_prob == pytest.approx(whole, abs=1e-6)
    assert error.shape == (1234,)
    noise = np.random.default_rng(0).integers(0, 256, (20, 28, 28)).astype(np.uint8)
    _, strange = predict_onnx(encoder, noise, np.zeros(len(noise), np.int64), mnist.classes)
    limit = novelty_threshold(encoder.metadata.novelty)
    assert strange.min() > limit
    assert (error > limit).mean() < 0.01


def test_baseline_has_neither_style_nor_decoder(tmp_path, mnist):
    path = write_pair(tmp_path, mnist.train_image[:1500], mnist.train_label[:1500], baseline=True)
    encoder = open_encoder(path)
    label_prob, style = encoder(mnist.test_image[:3])
    assert label_prob.shape == (3, 10)
    assert style is None
    assert predict_onnx(encoder, mnist.test_image[:3], mnist.test_label[:3], mnist.classes)[1] is None
    with pytest.raises(AaeError, match="no decoder beside it"):
        find_decoder(path)


def altered(pair, tmp_path, change, part="encoder"):
    model = onnx.load(pair / f"{part}.onnx")
    change(model)
    path = tmp_path / f"{part}.onnx"
    onnx.save(model, path)
    return path


def set_prop(key, value):
    def change(model):
        for entry in model.metadata_props:
            if entry.key == key:
                entry.value = value

    return change


def rename(old, new):
    def change(model):
        for node in model.graph.node:
            for names in (node.input, node.output):
                names[:] = [new if name == old else name for name in names]
        for value in (*model.graph.input, *model.graph.output):
            value.name = new if value.name == old else value.name

    return change


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda model: model.ClearField("metadata_props"), "none that `aaecli export` wrote"),
        (set_prop("aaecli.schema", "2"), "follows schema 2"),
        (set_prop("aaecli.part", "decoder"), "is a decoder, and an encoder is needed"),
        (set_prop("aaecli.part", "tail"), "describes itself wrongly"),
        (set_prop("aaecli.classes", '["only one"]'), "describes itself wrongly"),
        (set_prop("aaecli.classes", '["a", "b"]'), "its outputs are"),
        (set_prop("aaecli.image", "{not json"), "describes itself wrongly"),
        (set_prop("aaecli.image", '{"channels":1,"height":32,"width":32}'), "its inputs are"),
        (set_prop("aaecli.image", '{"channels":1,"height":-28,"width":28}'), "describes itself wrongly"),
        (set_prop("aaecli.style_prior", '{"name":"gaussian","std":1.0,"dim":4}'), "its outputs are"),
        (set_prop("aaecli.style_prior", '{"name":5}'), "describes itself wrongly"),
        (set_prop("aaecli.novelty", '{"quantile":[0.5],"reconstruction_error":[]}'), "describes itself wrongly"),
        (set_prop("aaecli.novelty", "[1, 2]"), "describes itself wrongly"),
        (rename("image", "picture"), "its inputs are"),
        (rename("label_prob", "label"), "its outputs are"),
    ],
)
def test_strange_files_are_refused(pair, tmp_path, change, message):
    with pytest.raises(AaeError, match=message) as caught:
        open_encoder(altered(pair, tmp_path, change))
    assert "encoder.onnx" in caught.value.message
    assert caught.value.hint


def test_decoder_where_an_encoder_is_due(pair):
    with pytest.raises(AaeError, match="is a decoder, and an encoder is needed"):
        open_encoder(pair / "decoder.onnx")
    with pytest.raises(AaeError, match="is an encoder, and a decoder is needed"):
        open_decoder(pair / "encoder.onnx")


def test_what_is_no_model_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "encoder.onnx"
    with pytest.raises(AaeError, match="Cannot read the model"):
        open_encoder(path)
    path.touch()
    with pytest.raises(AaeError, match="is empty"):
        open_encoder(path)
    path.write_bytes(b"no model at all" * 100)
    with pytest.raises(AaeError, match="no ONNX model"):
        open_encoder(path)
    with pytest.raises(AaeError, match="is a folder, not a file"):
        open_encoder(tmp_path)
    monkeypatch.setattr(session, "MAX_MODEL_BYTES", 1000)
    with pytest.raises(AaeError, match="is larger than 1,000 bytes"):
        open_encoder(path)


def test_truncated_models_are_refused(pair, tmp_path):
    whole = (pair / "encoder.onnx").read_bytes()
    path = tmp_path / "encoder.onnx"
    for share in (0.1, 0.5, 0.9, 0.999):
        path.write_bytes(whole[: int(share * len(whole))])
        with pytest.raises(AaeError, match=r"encoder\.onnx"):
            open_encoder(path)


def test_cuda_that_is_not_there_is_an_error(pair, monkeypatch):
    monkeypatch.setattr(device, "has_nvidia_driver", lambda: False)
    with pytest.raises(AaeError, match="no NVIDIA driver"):
        open_encoder(pair / "encoder.onnx", "cuda")
    assert open_encoder(pair / "encoder.onnx", "auto").device == "cpu"


def test_cuda_that_does_not_start_is_an_error_and_never_a_silent_cpu_run(monkeypatch):
    with pytest.raises(AaeError, match="could not start"):
        device.device_of(["CPUExecutionProvider"], "cuda")
    assert device.device_of(["CUDAExecutionProvider", "CPUExecutionProvider"], "auto") == "cuda"
    assert device.device_of(["CPUExecutionProvider"], "auto") == "cpu"


def test_driver_that_lies_leaves_stdout_clean(pair):
    """A driver is said to be there, but onnxruntime cannot start CUDA: its banners must not reach the streams."""
    script = (
        "import sys; from pathlib import Path; from aaecli.serve import device, session;"
        "device.has_nvidia_driver = lambda: True;"
        "e = session.open_encoder(Path(sys.argv[1]), 'auto'); print(e.device)"
    )
    environment = {**os.environ, "CUDA_VISIBLE_DEVICES": "-1"}
    command = [sys.executable, "-c", script, str(pair / "encoder.onnx")]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert (done.returncode, done.stdout.strip()) == (0, "cpu"), done.stderr
    assert done.stderr == ""


def test_what_the_images_are_is_found_without_opening_the_model(pair, tmp_path):
    assert peek_recipe(pair / "encoder.onnx") == Recipe((28, 28))
    (tmp_path / "x.onnx").write_bytes(b"no model")
    assert peek_recipe(tmp_path / "x.onnx") is None
    assert peek_recipe(tmp_path / "missing.onnx") is None


def test_metadata_without_extras():
    props = {"aaecli.schema": "1", "aaecli.part": "encoder", "aaecli.classes": '["a", "b"]'}
    props["aaecli.image"] = json.dumps({"channels": 1, "height": 8, "width": 9})
    metadata = read_metadata(props, Path("x"))
    assert metadata.image_shape == (1, 8, 9)
    assert (metadata.style_dim, metadata.novelty, metadata.test_accuracy) == (0, (), None)


def test_strange_above_takes_the_stored_quantile_below():
    scale = ((0.5, 0.01), (0.99, 0.05), (0.999, 0.08))
    assert novelty_threshold(scale) == 0.08
    assert novelty_threshold(scale[:2]) == 0.05
    assert novelty_threshold(()) is None


def test_models_are_found_where_they_are(pair, in_empty_folder, monkeypatch):
    monkeypatch.setattr("aaecli.serve.discovery.released_folders", list)
    with pytest.raises(AaeError, match="There is no model here") as caught:
        find_encoder()
    assert "aaecli train" in caught.value.hint
    assert "aaecli export --onnx" in caught.value.hint
    assert find_encoder(pair) == pair / "encoder.onnx"
    assert find_decoder(pair / "encoder.onnx") == pair / "decoder.onnx"
    assert find_decoder(pair / "decoder.onnx") == pair / "decoder.onnx"
    assert encoder_beside(pair / "decoder.onnx") == pair / "encoder.onnx"
    with pytest.raises(AaeError, match="There is no model elsewhere"):
        find_encoder(Path("elsewhere"))
    (in_empty_folder / "exports").mkdir()
    (in_empty_folder / "exports" / "encoder.onnx").touch()
    assert find_encoder().is_file()
    with pytest.raises(AaeError, match="can only classify"):
        find_decoder()


def test_released_pair_is_the_last_resort(in_empty_folder, monkeypatch):
    released = in_empty_folder / "released"
    released.mkdir()
    (released / "encoder.onnx").touch()
    monkeypatch.setattr("aaecli.serve.discovery.released_folders", lambda: [in_empty_folder / "none", released])
    assert find_encoder() == released / "encoder.onnx"


def test_pairs_with_a_prefix_belong_together(tmp_path):
    (tmp_path / "digits-encoder.onnx").touch()
    assert decoder_beside(tmp_path / "digits-encoder.onnx") is None
    (tmp_path / "digits-decoder.onnx").touch()
    assert decoder_beside(tmp_path / "digits-encoder.onnx") == tmp_path / "digits-decoder.onnx"
    assert decoder_beside(tmp_path / "other.onnx") is None


def test_rows_are_read_as_many_at_once_as_there_is_room_for(pair, mnist, monkeypatch):
    whole, whole_style = open_encoder(pair / "encoder.onnx")(mnist.test_image[:100])
    monkeypatch.setattr("aaecli.graph.work.MAX_BATCH", 7)
    label_prob, style = open_encoder(pair / "encoder.onnx")(mnist.test_image[:100])
    np.testing.assert_allclose(label_prob, whole, atol=1e-6)
    np.testing.assert_allclose(style, whole_style, atol=1e-5)


@pytest.mark.parametrize(
    "answer",
    [
        np.full((1, 20), 0.05, np.float32),
        np.full((1, 10), 0.1, np.float64),
        np.full((2, 10), 0.1, np.float32),
        np.full((1, 10), np.nan, np.float32),
        np.full((1, 10, 1), 0.1, np.float32),
        [0.1] * 10,
    ],
)
def test_answers_that_are_not_as_the_file_says_stop_there(pair, mnist, monkeypatch, answer):
    encoder = open_encoder(pair / "encoder.onnx")
    style = np.zeros((1, STYLE_DIM), np.float32)
    monkeypatch.setattr(encoder, "_session", type("Fake", (), {"run": lambda *_: [answer, style]})())
    with pytest.raises(AaeError, match=r"encoder\.onnx gives no numbers as its label_prob, or not as many"):
        encoder(mnist.test_image[:1])


def test_drawings_that_are_not_as_the_file_says_stop_there(pair, monkeypatch):
    decoder = open_decoder(pair / "decoder.onnx")
    wide = np.zeros((1, 1, 28, 29), np.float32)
    monkeypatch.setattr(decoder, "_session", type("Fake", (), {"run": lambda *_: [wide]})())
    with pytest.raises(AaeError, match=r"decoder\.onnx gives no numbers as its image"):
        decoder(np.eye(10, dtype=np.float32)[:1], np.zeros((1, STYLE_DIM), np.float32))


def test_onnxruntime_gets_what_was_checked_and_not_the_file(pair, monkeypatch):
    started = []
    whole = session._start
    monkeypatch.setattr(session, "_start", lambda path, body, *rest: started.append(body) or whole(path, body, *rest))
    open_encoder(pair / "encoder.onnx")
    (body,) = started
    assert body == check_model((pair / "encoder.onnx").read_bytes()).body
    assert body != (pair / "encoder.onnx").read_bytes()


def test_onnxruntimes_own_format_is_not_even_tried(pair):
    """Should such bytes get past the check, the session takes them for ONNX and nothing else."""
    with pytest.raises(AaeError, match="onnxruntime can open"):
        session._start(Path("x"), b"\x18\x00\x00\x00ORTM" + bytes(99), "cpu", 1)


def test_a_model_that_may_not_be_the_one_that_is_meant(in_empty_folder, pair):
    released = released_folders()[-1] / "encoder.onnx"
    assert doubt(released, None) == ""
    (in_empty_folder / "model.pt").touch()
    assert "model.pt was never exported, so the released model is used" in doubt(released, None)
    (in_empty_folder / "exports").mkdir()
    path = Path("exports/encoder.onnx")
    path.touch()
    os.utime("model.pt", (10**9, 10**9))
    assert doubt(path, None) == ""
    os.utime(path, (10**9 - 5, 10**9 - 5))
    assert "exports/encoder.onnx is older than model.pt" in doubt(path, None)
    # Whoever names it means it.
    assert doubt(path, path) == doubt(released, released) == ""
