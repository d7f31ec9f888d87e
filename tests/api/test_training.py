"""``train`` and ``resume`` against ``aaecli train``, to the bit; ``Run`` and what it opens."""

from __future__ import annotations

import logging
import threading
from functools import partial
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

import aaecli
from aaecli.checkpoint.file import load_model
from aaecli.cli import main
from aaecli.data.dataset import Dataset
from tests.conftest import write_idx

pytestmark = pytest.mark.usefixtures("translated_once")

SETTINGS = {
    "preset": "default",
    "network": {
        "encoder": "mlp",
        "discriminator_hidden": [16],
        "encoder_options": {"hidden": [16, 16], "batch_norm": True},
        "decoder_options": {"hidden": [16]},
    },
    "schedule": {"steps": 12, "batch_size": 16, "labelled_batch_size": 8, "validate_every": 4},
    "threads": 1,
}
TOML = """
preset = "default"
threads = 1
[network]
encoder = "mlp"
discriminator_hidden = [16]
[network.encoder_options]
hidden = [16, 16]
batch_norm = true
[network.decoder_options]
hidden = [16]
[schedule]
steps = 12
batch_size = 16
labelled_batch_size = 8
validate_every = 4
"""


@pytest.fixture
def here(in_empty_folder: Path) -> Path:
    write_idx(in_empty_folder / "some", (3, 5, 8), 12, (10, 9))
    (in_empty_folder / "small.toml").write_text(TOML)
    return in_empty_folder


def weights(run: Path) -> dict[str, torch.Tensor]:
    model = load_model(run / "model.pt")
    return model.encoder.state_dict() | {f"decoder.{name}": w for name, w in model.decoder.state_dict().items()}


def assert_same(one: Path, other: Path) -> None:
    first, second = weights(one), weights(other)
    assert first.keys() == second.keys()
    for name, value in first.items():
        assert torch.equal(value, second[name]), name


def typed(*words: str) -> None:
    with pytest.raises(SystemExit) as end:
        main(["train", "--data", "some", "--quiet", "--config", "small.toml", "--out", "typed", *words])
    assert not end.value.code


@pytest.mark.parametrize("preset", ["default", "tutorial"])
def test_it_comes_to_the_weights_of_the_command_line(here: Path, preset: str, capfd) -> None:
    typed("--labels", "6", "--preset", preset, "--seed", "5")
    capfd.readouterr()
    (there,) = (here / "typed").iterdir()
    run = aaecli.train("some", labels=6, preset=preset, seed=5, settings=SETTINGS)
    assert capfd.readouterr() == ("", "")
    assert_same(run.path, there)
    assert run.path == here / "runs" / there.name
    assert run.path.joinpath("config.toml").read_text() == there.joinpath("config.toml").read_text()
    (here / "model.pt").unlink()  # the command's
    told = []

    def stop_at_seven(progress: aaecli.Progress) -> bool:
        told.append(progress)
        return progress.step == 7

    stopped = aaecli.train("some", labels=6, preset=preset, seed=5, settings="small.toml", progress=stop_at_seven)
    assert (stopped.state, stopped.summary["steps"], stopped.summary["num_steps"]) == ("stopped", 7, 12)
    assert [progress.step for progress in told] == list(range(1, 8))
    assert {progress.num_steps for progress in told} == {12}
    assert [progress.step for progress in told if progress.row] == [4]
    assert told[3].row["step"] == 4
    assert all(np.isfinite(loss) for progress in told for loss in progress.losses.values())
    told.clear()
    done = aaecli.resume(stopped, progress=told.append)
    assert [progress.step for progress in told] == list(range(8, 13))
    assert told[-1].row is not None
    assert done.state == "done"
    assert_same(done.path, there)
    assert not (here / "model.pt").exists()


def test_torch_is_left_as_it_was_and_threads_take_turns(here: Path) -> None:
    torch.manual_seed(9)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    runs: list[aaecli.Run] = []
    settings = SETTINGS | {"schedule": SETTINGS["schedule"] | {"steps": 4}}
    workers = [
        threading.Thread(target=lambda: runs.append(aaecli.train("some", labels=6, settings=settings)))
        for _ in range(2)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert_same(runs[0].path, runs[1].path)
    assert runs[0].path != runs[1].path
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_a_run_is_exported_and_opened(here: Path) -> None:
    run = aaecli.train("some", labels=6, settings=SETTINGS)
    again = aaecli.load_run(run.path)
    assert repr(again) == f"Run({str(run.path)!r})"
    assert again.summary == run.summary
    assert again.settings["schedule"]["steps"] == 12
    np.testing.assert_array_equal(again.metrics["step"], [4, 8, 12])
    read = run.classifier(top_k=3)
    assert read.path == run.path / "exports" / "encoder.onnx"
    assert read.classes == ("3", "5", "8")
    assert read.image_shape == (10, 9)
    written = read.path.stat().st_mtime_ns
    assert run.generator().sample(4).shape == (4, 10, 9)
    assert read.path.stat().st_mtime_ns == written
    assert sorted(run.export("elsewhere")) == ["decoder", "encoder"]
    assert aaecli.Classifier("elsewhere").sha256 == read.sha256
    run.export("joined", cascade=run, precision="fp16", max_loss=100)
    for wrong in ({"precision": "bf16"}, {"max_loss": float("nan")}, {"max_loss": -1}):
        with pytest.raises(aaecli.AaeError, match=r"precision|loss"):
            run.export("refused", **wrong)
    assert not Path("refused").exists()
    joined = onnx.load("joined/encoder.onnx")
    assert {"aaecli.cascade", "aaecli.precision"} <= {entry.key for entry in joined.metadata_props}
    images = np.random.default_rng(0).integers(0, 256, (4, 10, 9)).astype(np.uint8)
    np.testing.assert_allclose(aaecli.Classifier("joined").predict_proba(images), read.predict_proba(images), atol=0.01)


def test_nothing_is_exported_through_a_link_in_a_run(here: Path) -> None:
    run = here / "runs" / "x-001"
    (here / "elsewhere").mkdir()
    run.mkdir(parents=True)
    (run / "config.toml").write_text('model = "semisupervised"')
    (run / "model.pt").write_bytes(b"")
    (run / "exports").symlink_to(here / "elsewhere")
    for attempt in (aaecli.load_run(run).classifier, partial(aaecli.load_run(run).export, "runs/x-001/exports/new")):
        with pytest.raises(aaecli.AaeError, match="exports is a link, and nothing is written through links"):
            attempt()
    assert [*(here / "elsewhere").iterdir()] == []


def test_what_is_odd_about_the_data_is_logged(here: Path, mnist: Dataset, caplog, capfd) -> None:
    from PIL import Image

    for number in range(12):
        name = here / "pictures" / str(mnist.train_label[number]) / f"{number}.png"
        name.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(mnist.train_image[number]).save(name)
    (name.parent / "damaged.png").write_bytes(b"no picture")
    with caplog.at_level(logging.WARNING, "aaecli"), pytest.raises(aaecli.AaeError):
        aaecli.train("pictures", settings=SETTINGS, out="pictures/runs")
    with caplog.at_level(logging.WARNING, "aaecli"):
        run = aaecli.train("pictures", settings=SETTINGS)
    assert run.settings["labels"] == "all"
    assert "damaged.png" in caplog.text
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"data": "absent"}, "absent"),
        ({"preset": "defualt"}, "Did you mean 'default'"),
        ({"model": "semisuper"}, "semisuper"),
        ({"labels": 1}, "3"),
        ({"settings": {"schedule": {"stepz": 5}}}, "Did you mean"),
        ({"settings": {"schedule": {"generated_batch_size": 8}}, "model": "baseline"}, "has no effect"),
        ({"settings": "absent.toml"}, "absent.toml"),
        ({"name": "a/b"}, "not a name"),
        ({"save_every": "often"}, "often"),
        ({"model": "baseline", "augment": "strokes"}, "augment"),
    ],
)
def test_what_is_wrong_is_said_before_there_is_a_folder(here: Path, arguments: dict, sentence: str) -> None:
    with pytest.raises(aaecli.AaeError, match=sentence):
        aaecli.train(**({"data": "some"} | arguments))
    assert not (here / "runs").exists()


def test_arrays_are_sent_where_they_are_taken(here: Path, mnist: Dataset) -> None:
    with pytest.raises(TypeError, match=r"data is a path.*of the type tuple. Arrays go to `AAEClassifier.fit`"):
        aaecli.train((mnist.train_image, mnist.train_label))  # type: ignore[arg-type]
    assert not (here / "runs").exists()


def test_what_is_no_run_is_said(here: Path) -> None:
    for ask in (aaecli.load_run, aaecli.resume):
        with pytest.raises(aaecli.AaeError, match="some is not the folder of a run"):
            ask("some")
    run = aaecli.train("some", labels=6, settings=SETTINGS)
    with pytest.raises(aaecli.AaeError, match="is done"):
        aaecli.resume(run)


def test_an_exception_of_the_callback_reaches_the_caller(here: Path) -> None:
    class Enough(Exception):  # noqa: N818
        pass

    def fail(progress: aaecli.Progress) -> None:
        if progress.step == 6:
            raise Enough

    with pytest.raises(Enough):
        aaecli.train("some", labels=6, settings=SETTINGS, save_every="2", progress=fail)
    (folder,) = (here / "runs").iterdir()
    assert aaecli.load_run(folder).state == "stopped"
    whole = aaecli.train("some", labels=6, settings=SETTINGS)
    assert_same(aaecli.resume(folder).path, whole.path)
