"""A training as a whole: the run folder, determinism, stopping and going on, and that it learns."""

from __future__ import annotations

import csv
import dataclasses
import functools
import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from aaecli.checkpoint.file import load_model
from aaecli.config.models import FAMILY
from aaecli.config.resolve import resolve
from aaecli.config.schema import from_table, to_table
from aaecli.config.toml_file import read_toml
from aaecli.data.inspection.findings import Findings
from aaecli.data.loading import load_dataset
from aaecli.data.split import split
from aaecli.errors import AaeError
from aaecli.evaluation.predict import predict_stored
from aaecli.metrics import temperature
from aaecli.models import devices
from aaecli.training import losses, novelty, optimisers, step, validation
from aaecli.training import run as training
from aaecli.training.checkpoint_interval import CheckpointInterval
from aaecli.training.resume import resume
from aaecli.training.trainer import Trainer
from tests.conftest import idx_bytes, write_idx
from tests.small_models import shrunk

TIMES = ("seconds", "images_per_second")


class Watcher:
    """Records what a training tells, and asks to stop where it is told to."""

    def __init__(self, stop_after=None):
        self.stop_after = stop_after
        self.plan, self.rows, self.number, self.pauses = None, [], 0, []

    def begin(self, plan):
        self.plan = plan

    def step(self, number, losses):
        self.number = number

    def pause(self, reason):
        self.pauses.append((self.number, reason))

    def epoch(self, row):
        self.rows.append(row)

    def stopping(self):
        return self.number == self.stop_after


@pytest.fixture
def small(write_dataset, small_config):
    """Settings for a training of six steps, two an epoch, on a data set of random images."""
    folder = write_dataset(train=tuple(range(4)) * 9, test=tuple(range(4)) * 2, size=(9, 9))

    def make(**flags):
        return small_config(**{"data": str(folder), "labels": 8} | flags)

    return make


def train(config, root, watcher=None):
    return training.train(config, root / "runs", None, root / "model.pt", watcher or Watcher())


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """Give a function that trains a preset to the end, once for all tests: its settings, run folder and watcher."""
    folder = tmp_path_factory.mktemp("uninterrupted")
    write_idx(folder / "some", range(4), 9, (9, 9))

    @functools.cache
    def to_the_end(preset, propagates_every=None):
        flags = {}
        if propagates_every is not None:
            flags["propagation"] = {"every": propagates_every} | ({"until": 6} if propagates_every else {})
        config, watcher = shrunk(preset, data=str(folder / "some"), labels=8, **flags), Watcher()
        return config, Path(train(config, folder, watcher)["run"]), watcher

    return to_the_end


def rows_without_times(run):
    with (run / "metrics.csv").open() as file:
        return [{name: value for name, value in row.items() if name not in TIMES} for row in csv.DictReader(file)]


def weights_of(path):
    content = torch.load(path, weights_only=True)["weights"]
    return {f"{part}.{name}": value for part, state in content.items() for name, value in state.items()}


def assert_same_weights(first, second):
    a, b = weights_of(first), weights_of(second)
    assert a.keys() == b.keys()
    assert all(torch.equal(a[name], b[name]) for name in a)


@pytest.mark.parametrize(
    ("preset", "model"), [("default", "semisupervised"), ("tutorial", "semisupervised"), ("tutorial", "baseline")]
)
def test_a_run_folder_tells_everything(tmp_path, small, preset, model):
    config = small(preset=preset, model=model)
    watcher = Watcher()
    summary = train(config, tmp_path, watcher)
    run = tmp_path / "runs" / f"{model}-8-001"
    assert {entry.name for entry in run.iterdir()} == {
        "config.toml",
        "environment.json",
        "labels.csv",
        "metrics.csv",
        "summary.json",
        "model.pt",
        "last.pt",
        ".lock",
    }
    assert from_table(read_toml(run / "config.toml")) == config
    assert json.loads((run / "summary.json").read_text()) == summary
    assert summary["state"] == "done"
    assert summary["steps"] == 6
    assert 0 <= summary["test_accuracy_interval"][0] <= summary["test_accuracy"] <= summary["test_accuracy_interval"][1]
    assert json.loads((run / "environment.json").read_text())["versions"]["torch"] == torch.__version__
    with (run / "labels.csv").open() as file:
        labelled = list(csv.DictReader(file))
    dataset = load_dataset(config.data)
    assert len(labelled) == 8
    assert all(dataset.classes[dataset.train_label[int(row["index"])]] == row["label"] for row in labelled)
    rows = rows_without_times(run)
    assert [float(row["epoch"]) for row in rows] == [row["epoch"] for row in watcher.rows]
    assert rows[-1]["step"] == "6"
    assert (tmp_path / "model.pt").read_bytes() == (run / "model.pt").read_bytes()


def test_the_model_has_the_temperature_that_its_validation_images_fit(tmp_path, small, monkeypatch):
    config = small(preset="tutorial", model="baseline")
    few = train(config, tmp_path)
    assert (few["temperature"], few["num_temperature_images"]) == (1.0, 0)
    monkeypatch.setattr(temperature, "MIN_IMAGES", 1)
    monkeypatch.setattr(temperature, "MIN_MISREAD", 1)
    summary = train(config, tmp_path)
    assert summary["num_temperature_images"] == summary["num_validation"]
    model, before = (load_model(Path(run["run"]) / "model.pt") for run in (summary, few))
    assert_same_weights(*(Path(run["run"]) / "model.pt" for run in (summary, few)))
    assert model.encoder.temperature == summary["temperature"] != 1
    dataset = load_dataset(config.data)
    tempered, untempered = (
        predict_stored(each, dataset.test_image, dataset.test_label).label_prob for each in (model, before)
    )
    np.testing.assert_allclose(tempered, temperature.with_temperature(untempered, summary["temperature"]), atol=1e-5)
    assert few["test_expected_calibration_error"] == few["test_expected_calibration_error_uncalibrated"]
    assert summary["test_expected_calibration_error_uncalibrated"] == pytest.approx(
        few["test_expected_calibration_error"], abs=1e-5
    )


def test_a_training_goes_on_without_the_temperature_of_a_model_made_of_it(small, monkeypatch):
    monkeypatch.setattr(temperature, "MIN_IMAGES", 1)
    monkeypatch.setattr(temperature, "MIN_MISREAD", 1)
    config = small()
    dataset = load_dataset(config.data)
    parts = split(dataset, config.labels, config.seed)
    going_on = Trainer(config, dataset, parts, torch.device("cpu"), torch.float32)
    assert going_on.result().encoder.temperature != 1
    assert going_on.encoder.temperature == 1


def test_a_training_that_knows_every_label_says_so_of_every_image(tmp_path, small):
    config = small(labels="all")
    dataset = load_dataset(config.data)
    parts = split(dataset, config.labels, config.seed)
    knowing = Trainer(config, dataset, parts, torch.device("cpu"), torch.float32)
    batch = knowing.batch(0)
    same = (knowing.batches.image[:, None] == batch.unlabelled).flatten(2).all(2)  # (N, U)
    assert torch.equal(knowing.batches.label[same.int().argmax(0)], batch.pool_label)
    some = dataclasses.replace(parts, labelled=parts.labelled[:-1])
    assert Trainer(config, dataset, some, torch.device("cpu"), torch.float32).batch(0).pool_label is None


@pytest.mark.parametrize(("labels", "passes", "steps"), [(8, 3, 8), (8, 5, 10), ("all", 3, None)])
def test_a_training_sees_every_label_as_often_as_asked(labels, passes, steps, small):
    config = small(labels=labels)
    sizes = {"steps": 8, "min_labelled_epochs": passes, "batch_size": 4, "labelled_batch_size": 4}
    config = dataclasses.replace(config, schedule=dataclasses.replace(config.schedule, **sizes))
    dataset = load_dataset(config.data)
    parts = split(dataset, config.labels, config.seed)
    # Where all have labels, eight images of a step are named instead of four.
    expected = steps or math.ceil(passes * len(parts.labelled) / 8)
    assert expected >= 8
    assert Trainer(config, dataset, parts, torch.device("cpu"), torch.float32).num_steps == expected


def test_runs_are_numbered_and_never_overwritten(tmp_path, small):
    first, second = train(small(), tmp_path), train(small(), tmp_path)
    assert [summary["run"][-3:] for summary in (first, second)] == ["001", "002"]


@pytest.mark.parametrize("preset", ["best", "default", "tutorial"])
def test_one_seed_gives_the_same_weights_twice(tmp_path, uninterrupted, preset):
    config, first, _ = uninterrupted(preset)
    second = Path(train(config, tmp_path)["run"])
    assert_same_weights(first / "model.pt", second / "model.pt")
    assert rows_without_times(first) == rows_without_times(second)


def test_another_seed_draws_other_labels_and_other_weights(tmp_path, small):
    runs = [tmp_path / "runs" / f"semisupervised-8-00{number}" for number in (1, 2)]
    for seed in (0, 1):
        train(small(seed=seed), tmp_path)
    assert (runs[0] / "labels.csv").read_text() != (runs[1] / "labels.csv").read_text()
    a, b = weights_of(runs[0] / "model.pt"), weights_of(runs[1] / "model.pt")
    assert not torch.equal(a["encoder.label_head.weight"], b["encoder.label_head.weight"])


@pytest.mark.parametrize(
    ("preset", "model"),
    [
        ("default", "aae"),
        ("tutorial", "supervised"),
        ("default", "clustering"),
        pytest.param("tutorial", "aae", marks=pytest.mark.slow),
        pytest.param("default", "supervised", marks=pytest.mark.slow),
        pytest.param("tutorial", "clustering", marks=pytest.mark.slow),
    ],
)
def test_every_model_goes_on_as_if_it_had_not_stopped(tmp_path, small, preset, model):
    config = small(preset=preset, model=model, labels=FAMILY[model].default_labels)
    whole = train(config, tmp_path)
    stopped = train(config, tmp_path, Watcher(3))
    assert stopped["state"] == "stopped"
    torch.manual_seed(999)
    resumed = resume(Path(stopped["run"]), tmp_path / "model.pt", Watcher())
    assert resumed["state"] == "done"
    assert_same_weights(whole["model_path"], resumed["model_path"])


@pytest.mark.parametrize(
    ("preset", "stop_after"),
    [
        pytest.param(preset, stop_after, marks=() if preset == "default" or stop_after == 3 else pytest.mark.slow)
        for preset in ("best", "default", "tutorial")
        for stop_after in (1, 2, 3, 5)
    ],
)
def test_going_on_ends_where_the_uninterrupted_run_ends(tmp_path, uninterrupted, preset, stop_after):
    config, whole, _ = uninterrupted(preset)
    stopped = train(config, tmp_path, Watcher(stop_after))
    assert stopped["state"] == "stopped"
    assert stopped["steps"] == stop_after
    broken = Path(stopped["run"])
    assert not (broken / "summary.json").exists()
    torch.manual_seed(999)
    summary = resume(broken, tmp_path / "model.pt", Watcher())
    assert summary["state"] == "done"
    assert_same_weights(whole / "model.pt", broken / "model.pt")
    assert rows_without_times(whole) == rows_without_times(broken)


@pytest.mark.parametrize("tensors_first", [True, False])
def test_a_training_goes_on_where_rates_are_kept_in_another_way(tmp_path, small, monkeypatch, tensors_first):
    # As on CUDA, and going on with --no-cuda-graph.
    def begin(rates_as_tensors):
        given = functools.partial(optimisers.make_optimisers, rates_as_tensors=rates_as_tensors)
        monkeypatch.setattr(step, "make_optimisers", lambda networks, settings, **flags: given(networks, settings))

    whole = train(small(), tmp_path)
    begin(tensors_first)
    stopped = train(small(), tmp_path, Watcher(3))
    (optimiser,) = torch.load(Path(stopped["run"]) / "last.pt", weights_only=True)["optimisers"].values()
    assert {isinstance(group["lr"], torch.Tensor) for group in optimiser["param_groups"]} == {tensors_first}
    begin(not tensors_first)
    resumed = resume(Path(stopped["run"]), tmp_path / "model.pt", Watcher())
    expected, found = weights_of(whole["model_path"]), weights_of(resumed["model_path"])
    for name, weight in expected.items():
        torch.testing.assert_close(found[name], weight, msg=name)


@pytest.mark.parametrize("stop_after", [2, 3, 5])
def test_labels_from_neighbours_are_the_same_after_a_stop(tmp_path, uninterrupted, stop_after):
    config, whole, watcher = uninterrupted("default", 2)
    _, plain, _ = uninterrupted("default", 0)
    assert watcher.pauses == [(2, "propagating labels"), (4, "propagating labels")]
    stopped = train(config, tmp_path, Watcher(stop_after))
    torch.manual_seed(999)
    resume(Path(stopped["run"]), tmp_path / "model.pt", Watcher())
    assert_same_weights(whole / "model.pt", Path(stopped["run"]) / "model.pt")
    weights = [weights_of(run / "model.pt")["encoder.label_head.weight"] for run in (whole, plain)]
    assert not torch.equal(*weights)


def test_rows_that_the_checkpoint_does_not_know_are_taken_back(tmp_path, small):
    train(small(), tmp_path)
    train(small(), tmp_path, Watcher(3))
    whole, broken = (tmp_path / "runs" / f"semisupervised-8-00{number}" for number in (1, 2))
    # As if the machine had died after a row was written and before the state was.
    with (broken / "metrics.csv").open("a") as file:
        file.write((whole / "metrics.csv").read_text().splitlines()[4] + "\n")
    resume(broken, tmp_path / "model.pt", Watcher())
    assert rows_without_times(whole) == rows_without_times(broken)


def test_what_cannot_go_on_says_why(tmp_path, small):
    with pytest.raises(AaeError, match="not the folder of a run"):
        resume(tmp_path, tmp_path / "model.pt", Watcher())
    summary = train(small(), tmp_path)
    with pytest.raises(AaeError, match="is done"):
        resume(tmp_path / "runs/semisupervised-8-001", tmp_path / "model.pt", Watcher())
    assert summary["state"] == "done"


def test_a_loss_that_is_not_finite_stops_the_training_and_names_the_term(tmp_path, small, monkeypatch):
    honest = losses.reconstruction
    monkeypatch.setattr(losses, "reconstruction", lambda drawn, image: honest(drawn, image) * float("nan"))
    with pytest.raises(AaeError, match="reconstruction is not a finite number") as caught:
        train(small(), tmp_path)
    assert "--lr" in caught.value.hint


def test_a_rate_that_is_far_too_high_is_found_out(tmp_path, small):
    config = small(optimiser={"lr": 1e30, "warmup_steps": 0})
    with pytest.raises(AaeError, match="is not a finite number by step") as caught:
        train(config, tmp_path)
    assert "--lr 3e+29" in caught.value.hint
    assert not (tmp_path / "runs/semisupervised-8-001/model.pt").exists()


def test_the_last_good_state_outlives_a_divergence(tmp_path, small, monkeypatch):
    honest = losses.reconstruction
    seen = []

    def spoilt(drawn, image):
        seen.append(None)
        return honest(drawn, image) * (float("nan") if len(seen) > 4 else 1)

    monkeypatch.setattr(losses, "reconstruction", spoilt)
    run = tmp_path / "runs/semisupervised-8-001"
    with pytest.raises(AaeError, match="reconstruction is not a finite number by step 5") as caught:
        training.train(
            small(), tmp_path / "runs", None, tmp_path / "model.pt", Watcher(), save_every=CheckpointInterval(1, 0)
        )
    assert f"The last good state is in {run / 'last.pt'}." in caught.value.hint
    state = torch.load(run / "last.pt", weights_only=True)
    assert state["number"] == 4
    assert all(value.isfinite().all() for value in state["networks"].values())
    # What made it diverge is gone, and the training ends as it would have.
    monkeypatch.setattr(losses, "reconstruction", honest)
    resume(run, tmp_path / "model.pt", Watcher())
    train(small(), tmp_path)
    assert_same_weights(run / "model.pt", tmp_path / "runs/semisupervised-8-002/model.pt")


def test_other_images_are_not_gone_on_with(tmp_path, small, write_dataset):
    config = small()
    train(config, tmp_path, Watcher(2))
    write_dataset(
        train=tuple(range(4)) * 9, test=tuple(range(4)) * 2, size=(9, 9), names="{part}-{kind}.idx{dims}-ubyte"
    )
    for path in sorted((tmp_path / "some").glob("*-idx*")):
        path.unlink()
    labels = tmp_path / "some/train-labels.idx1-ubyte.gz"
    labels.write_bytes(idx_bytes([1, 0, 2, 3] * 9))
    with pytest.raises(AaeError, match="was trained on other images"):
        resume(tmp_path / "runs/semisupervised-8-001", tmp_path / "model.pt", Watcher())


def test_a_precision_that_was_measured_once_stays(tmp_path, small, monkeypatch):
    monkeypatch.setattr(devices, "_has_bfloat16_units", lambda: True)
    stopped = train(small(precision="auto"), tmp_path, Watcher(2))
    assert stopped["precision"] == "bf16"
    monkeypatch.setattr(devices, "_has_bfloat16_units", lambda: False)
    summary = resume(tmp_path / "runs/semisupervised-8-001", tmp_path / "model.pt", Watcher())
    assert summary["precision"] == "bf16"


def test_epochs_are_passes_over_the_pool(tmp_path, small):
    watcher = Watcher()
    config = small(schedule={"epochs": 3, "batch_size": 10, "labelled_batch_size": 4})
    assert config.schedule.steps == 0
    train(config, tmp_path, watcher)
    # 36 images, 6 of them for validation: 3 steps of 10 see the pool once.
    assert watcher.plan["num_steps"] == 9
    assert [row["epoch"] for row in watcher.rows] == pytest.approx([number / 3 for number in range(1, 10)], abs=1e-3)


def test_a_short_training_on_mnist_reads_eight_digits_of_ten(tmp_path, tenth_of_mnist):
    lengths = {"steps": 40, "validate_every": 40}
    flags = {"data": str(tenth_of_mnist), "schedule": lengths, "optimiser": {"warmup_steps": 10}}
    config = resolve(flags=flags)
    summary = train(config, tmp_path)
    assert summary["test_accuracy"] > 0.80
    model = load_model(tmp_path / "model.pt")
    assert to_table(model.config) == to_table(config)
    errors = model.summary["novelty"]["reconstruction_error"]
    assert np.all(np.diff(errors) > 0)
    # A decoder that has learnt nothing but the mean image is at 0.067.
    assert errors[0] < 0.06


@pytest.mark.parametrize(("num_steps", "least", "most"), [(5, 5, 5), (21, 5, 10), (800, 10, 10), (4501, 9, 10)])
def test_a_training_looks_at_the_validation_images_about_ten_times(small, num_steps, least, most):
    config = small(schedule={"steps": num_steps, "batch_size": 16, "labelled_batch_size": 8})
    every = validation.interval(config, num_steps)
    assert least <= math.ceil(num_steps / every) <= most


def test_how_often_depends_on_the_steps_and_not_on_the_number_of_images(tmp_path, small_config, write_dataset):
    rows = []
    for repeats in (9, 90):
        folder = write_dataset(f"of{repeats}", train=tuple(range(4)) * repeats, test=tuple(range(4)) * 2, size=(9, 9))
        watcher = Watcher()
        lengths = {"steps": 12, "batch_size": 16, "labelled_batch_size": 8, "validate_every": 5}
        train(small_config(data=str(folder), labels=8, schedule=lengths), tmp_path, watcher)
        rows.append([row["step"] for row in watcher.rows])
    assert rows == [[5, 10, 12], [5, 10, 12]]


@pytest.mark.parametrize("preset", ["default", "best", "tutorial"])
def test_looking_at_the_validation_images_changes_nothing(tmp_path, small, preset):
    for every in (1, 6):
        lengths = {"steps": 6, "batch_size": 16, "labelled_batch_size": 8, "validate_every": every}
        options = {"dropout": 0.5} if preset == "tutorial" else {"channels": [4], "features": 8}
        network = {"encoder_options": options, "style_dim": 3, "input_noise": 0.2}
        config = small(preset=preset, schedule=lengths, network=network)
        training.train(config, tmp_path / f"every{every}", None, tmp_path / f"{every}.pt", Watcher())
    assert_same_weights(tmp_path / "1.pt", tmp_path / "6.pt")


def test_means_in_a_row_are_over_the_steps_since_the_last_one(tmp_path, small):
    lengths = {"batch_size": 16, "labelled_batch_size": 8}
    each, some = Watcher(), Watcher()
    train(small(schedule=lengths | {"steps": 7, "validate_every": 1}), tmp_path, each)
    train(small(schedule=lengths | {"steps": 7, "validate_every": 3}), tmp_path, some)
    single = [row["classification"] for row in each.rows]
    means = [sum(single[:3]) / 3, sum(single[3:6]) / 3, single[6]]
    assert [row["classification"] for row in some.rows] == pytest.approx(means, rel=1e-5)


def test_the_label_prior_is_kept_as_it_was_resolved(tmp_path, small):
    frequency = (1.0, 2.0, 3.0, 4.0)
    train(small(prior={"label_frequency": list(frequency)}), tmp_path)
    model = load_model(tmp_path / "model.pt")
    assert model.label_prior == pytest.approx([share / 10 for share in frequency])
    train(small(), tmp_path)
    assert load_model(tmp_path / "model.pt").label_prior == (0.25,) * 4


def test_where_every_image_is_labelled_the_prior_is_as_the_labels_are(tmp_path, small_config, write_dataset):
    folder = write_dataset(train=(0, 1, 1, 1) * 30, test=(0, 1) * 2, size=(9, 9))
    for labels, expected in (("all", 0.25), (8, 0.5)):
        train(small_config(data=str(folder), labels=labels), tmp_path)
        assert load_model(tmp_path / "model.pt").label_prior[0] == pytest.approx(expected, abs=0.02)


def test_where_a_part_of_a_folders_labels_is_drawn_the_prior_does_not_follow_the_draw(tmp_path, small_config):
    from tests.data.drawings import drawing, write_pictures

    places = ("ring", "bar", "bar", "bar", "unlabelled")
    write_pictures(tmp_path / "x", {f"{places[n % 5]}/{n}.png": drawing(min(n % 5, 1), n) for n in range(50)})
    # Of ten of one class and thirty of the other, nine are a draw of four and five; all of them tell the frequencies.
    for labels, expected in (("all", 25 / 34), (9, 0.5)):
        train(small_config(data=str(tmp_path / "x"), labels=labels), tmp_path)
        assert load_model(tmp_path / "model.pt").label_prior[0] == pytest.approx(expected)


def test_reference_errors_are_of_a_draw_and_not_of_the_first_images(small, monkeypatch):
    config = small()
    dataset = load_dataset(config.data)
    order = np.argsort(dataset.train_label, kind="stable")
    sorted_by_class = dataclasses.replace(
        dataset,
        train_image=dataset.train_image[order],
        train_label=dataset.train_label[order],
        train_name=tuple(map(str, range(36))),
        findings=Findings({}, (), (), (), (), (), 0, 36),
    )
    monkeypatch.setattr(novelty, "_MOST_REFERENCES", 12)
    parts = split(sorted_by_class, 8, 0)
    chosen = Trainer(config, sorted_by_class, parts, torch.device("cpu"), torch.float32).results.reference_image
    known = {image.tobytes(): label for image, label in zip(dataset.train_image, dataset.train_label, strict=True)}
    assert len(chosen) == 12
    assert len({known[image.tobytes()] for image in chosen[:].numpy()}) == 4
