"""`aaecli benchmark`: each run is done once, whatever stops it, and the table is that of all runs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
import tomllib

import pytest
from PIL import Image

from aaecli.cli import main
from aaecli.cli.displays.benchmark import BenchmarkDisplay
from aaecli.config import resolve
from aaecli.experiments.results import read_results
from aaecli.training import run as training
from tests import processes
from tests.cli.test_train import SMALL as PRESET
from tests.conftest import write_idx


@pytest.fixture
def here(in_empty_folder, write_dataset, monkeypatch):
    write_dataset("here/data", train=tuple(range(4)) * 9, test=tuple(range(4)) * 2)
    monkeypatch.setenv("AAECLI_DATA", "data")
    return in_empty_folder


@pytest.fixture
def benchmark(aaecli, here, no_figure_is_drawn, monkeypatch):
    """Give a function that runs the command with presets shrunk to moments."""
    monkeypatch.setenv("AAECLI_DATA", "data")
    monkeypatch.setattr(resolve, "read_preset", lambda *_: tomllib.loads(PRESET))

    def run(*words):
        # By itself, a data set of its own is looked at for the settings that suit it.
        preset = () if {"--preset", "--config"} & set(words) else ("--preset", "default")
        return aaecli("benchmark", "--device", "cpu", "--data", "data", "--labels", 8, *preset, *words)

    return run


def test_every_combination_is_run_once(benchmark, monkeypatch, here):
    started = []
    real = training.train
    monkeypatch.setattr(training, "train", lambda config, *rest: started.append(config) or real(config, *rest))
    first = benchmark("--labels", 4, "--model", "semisupervised", "--model", "baseline", "--seeds", 2)
    assert first.code == 0, first.err
    assert len(started) == 8
    # Seed by seed, so that a benchmark cut short has something of each.
    assert [config.seed for config in started] == [0] * 4 + [1] * 4
    table = first.out
    assert benchmark("--labels", 4, "--model", "semisupervised", "--model", "baseline", "--seeds", 2).out == table
    assert len(started) == 8
    assert benchmark("--model", "baseline", "--seeds", 3).code == 0
    assert [(config.model, config.labels, config.seed) for config in started[8:]] == [("baseline", 8, 2)]
    folder = here / "benchmark"
    assert {path.name for path in folder.iterdir()} == {
        "accuracy.png", "results.csv", "results.json", "results.md", "runs",
    }  # fmt: skip
    assert not list(folder.glob("runs/*/last.pt"))
    assert not (here / "model.pt").exists()


def test_the_results_are_those_of_the_runs(benchmark, here):
    done = benchmark("--seeds", 2, "--json")
    results = json.loads(done.out)["results"]
    for entry in results:
        summary = json.loads(
            (here / f"benchmark/runs/semisupervised-default-8-seed{entry['seed']}-001/summary.json").read_text()
        )
        assert entry["test_accuracy"] == summary["test_accuracy"]
        assert entry["steps"] == 6
        assert entry["curve_step"][-1] == 6


def test_results_without_their_runs_are_kept(benchmark, here):
    benchmark("--seeds", 2)
    before = (here / "benchmark/results.json").read_bytes()
    shutil.rmtree(here / "benchmark/runs")
    assert benchmark("--seeds", 2).code == 0
    assert (here / "benchmark/results.json").read_bytes() == before
    assert not (here / "benchmark/runs").exists()


def test_runs_of_other_settings_are_done_again(benchmark, here, monkeypatch):
    benchmark("--seeds", 1)
    monkeypatch.setattr(resolve, "read_preset", lambda *_: tomllib.loads(PRESET.replace("steps = 6", "steps = 7")))
    benchmark("--seeds", 1)
    (result,) = read_results(here / "benchmark/results.json")
    assert result.steps == 7
    assert len(list((here / "benchmark/runs").iterdir())) == 2


def test_no_mean_is_over_two_kinds_of_settings(benchmark, here, monkeypatch):
    def found(model):
        results = read_results(here / "benchmark/results.json")
        return [(result.seed, result.steps) for result in results if result.model == model]

    benchmark("--seeds", 3, "--model", "semisupervised", "--model", "baseline")
    changed = PRESET.replace("steps = 6", "steps = 7")
    monkeypatch.setattr(resolve, "read_preset", lambda *_: tomllib.loads(changed))
    assert benchmark("--seeds", 1).err.count("other settings: 3 results") == 1
    assert found("semisupervised") == [(0, 7)]
    assert found("baseline") == [(0, 6), (1, 6), (2, 6)]
    # The folders of the old runs are still there, and a command that asks for another model finds them.
    benchmark("--seeds", 1, "--model", "baseline")
    assert found("semisupervised") == [(0, 7)]
    assert found("baseline") == [(0, 7)]


def test_a_benchmark_that_was_killed_goes_on(aaecli, here):
    (here / "small.toml").write_text(PRESET)
    words = [
        "benchmark",
        "--device",
        "cpu",
        "--data",
        "data",
        "--labels",
        "8",
        "--seeds",
        "3",
        "--config",
        "small.toml",
    ]
    assert aaecli(*words, "--out", "whole").code == 0
    started = processes.start(words, here, here.parent / "notes")
    deadline = time.monotonic() + processes.PATIENCE
    while len(list(here.glob("benchmark/runs/*/summary.json"))) < 1 and time.monotonic() < deadline:
        time.sleep(0.01)
    started.kill()
    started.process.join()
    finished = {path: path.stat().st_mtime_ns for path in here.glob("benchmark/runs/*/summary.json")}
    assert finished
    assert aaecli(*words).code == 0
    assert {path: path.stat().st_mtime_ns for path in finished} == finished
    assert len(list(here.glob("benchmark/runs/*"))) == 3

    def accuracies(folder):
        return {
            (entry.group, entry.seed): entry.test_accuracy for entry in read_results(here / folder / "results.json")
        }

    assert accuracies("benchmark") == accuracies("whole")


def test_a_stop_says_how_to_go_on(benchmark, here, monkeypatch):
    def stop(self, number, losses):
        if number == 2:
            self.signal_number = signal.SIGINT

    monkeypatch.setattr(BenchmarkDisplay, "step", stop)
    stopped = benchmark("--seeds", 2)
    assert stopped.code == 130
    assert "The same command continues from there" in stopped.err
    monkeypatch.undo()


def test_a_wrong_name_is_told_before_anything_runs(aaecli, in_empty_folder):
    wrong = aaecli("benchmark", "--preset", "defualt")
    assert wrong.code == 1
    assert "'default'" in wrong.err
    assert not (in_empty_folder / "benchmark").exists()
    assert aaecli("benchmark", "--labels", "many").code == 2


def found(folder):
    return {(entry.group[:3], entry.seed): entry for entry in read_results(folder / "results.json")}


def test_each_settings_file_is_a_row_of_its_own(benchmark, here):
    (here / "sets").mkdir()
    (here / "sets/short.toml").write_text('preset = "default"\nschedule.steps = 4\n')
    (here / "sets/plain.toml").write_text('model = "baseline"\npreset = "tutorial"\n')
    (here / "long.toml").write_text('preset = "default"\nschedule.steps = 9\n')
    done = benchmark("--config", "sets", "--config", "long.toml", "--seeds", "10-11")
    assert done.code == 0, done.err
    results = found(here / "benchmark")
    assert {group: results[group, seed].steps for group, seed in results if seed == 10} == {
        ("semisupervised", "default", "long"): 9,
        ("semisupervised", "default", "short"): 4,
        ("baseline", "tutorial", "plain"): 6,
    }
    assert {seed for _, seed in results} == {10, 11}
    assert all(word in done.out for word in ("variant", "long", "short", "plain"))
    # Flags go before files, and what is known is not done again.
    runs = sorted((here / "benchmark/runs").iterdir())
    assert benchmark("--config", "long.toml", "--seeds", "10-11").code == 0
    assert sorted((here / "benchmark/runs").iterdir()) == runs
    # Without a file: the preset as it is, beside the variants.
    assert benchmark("--seeds", "11-11").code == 0
    assert {group[2] for group, _ in found(here / "benchmark")} == {"", "long", "short", "plain"}


def test_files_that_cannot_be_rows_are_refused_before_anything_runs(benchmark, here):
    (here / "a").mkdir()
    (here / "b").mkdir()
    for name in ("a/same.toml", "b/same.toml", "a b.toml", "twin.toml", "twin2.toml"):
        (here / name).write_text('preset = "default"\nschedule.steps = 4\n')
    (here / "empty").mkdir()
    for words, expected in (
        (("a", "b"), "same.toml"),
        (("a b.toml",), "a b.toml"),
        (("twin.toml", "twin2.toml"), "same settings"),
        (("empty",), "no TOML file"),
        (("gone.toml",), "gone.toml"),
    ):
        refused = benchmark(*(part for word in words for part in ("--config", word)))
        assert refused.code == 1
        assert expected in refused.err
    assert not (here / "benchmark").exists()


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("3", [0, 1, 2]), ("10-12", [10, 11, 12]), ("0,3,7", [0, 3, 7]), ("0, 4-5,4", [0, 4, 5]), ("7-7", [7])],
)
def test_seeds_are_counted_or_listed(text, seeds):
    from aaecli.cli.benchmark import parse_seeds

    assert parse_seeds(text) == seeds


@pytest.mark.parametrize(
    "text", ["", "0", "-1", "5-3", "1-", "a", "1,,2", "1.5", "0-999999999", "9999999", "٣", "9" * 60]
)
def test_no_seeds_are_wrong_usage(aaecli, in_empty_folder, text):
    refused = aaecli("benchmark", f"--seeds={text}")
    assert refused.code == 2
    assert "10-14" in refused.err
    assert list(in_empty_folder.iterdir()) == []


def test_runs_of_train_are_taken_over(aaecli, benchmark, here):
    (here / "short.toml").write_text('preset = "default"\nschedule.steps = 4\n')
    common = ("--device", "cpu", "--preset", "default", "--data", "data", "--labels", 8, "-q")
    for seed in (10, 11):
        assert aaecli("train", *common, "--config", "short.toml", "--seed", seed, "--name", f"any{seed}").code == 0
        assert aaecli("train", *common, "--seed", seed).code == 0
    assert aaecli("train", *common[:-3], "--labels", 4, "--seed", 10).code == 0
    (here / "runs/broken-001").mkdir()
    (here / "runs/broken-001/config.toml").write_text("gone = 1\n")
    (here / "runs/broken-001/summary.json").write_text("{}")
    done = benchmark("--config", "short.toml", "--seeds", "10-12", "--collect", "runs")
    assert done.code == 0, done.err
    assert {(key[0][2], key[1]): entry.steps for key, entry in found(here / "benchmark").items()} == {
        ("short", 10): 4,
        ("short", 11): 4,
    }
    assert "1 run to do" in done.err
    assert "3 results" in done.err
    assert "broken-001" in done.err
    assert not (here / "benchmark/runs").exists()
    # One folder alone, and the plain preset: a row beside the other.
    assert benchmark("--seeds", "10-10", "--collect", "runs/semisupervised-8-001").code == 0
    assert {group[2] for group, _ in found(here / "benchmark")} == {"", "short"}
    refused = benchmark("--collect", "data")
    assert refused.code == 1
    assert "no run in data" in refused.err


def test_clusters_are_compared_by_their_accuracy_and_what_reads_no_label_is_refused(aaecli, here, monkeypatch):
    monkeypatch.setattr(resolve, "read_preset", lambda *_: tomllib.loads(PRESET))
    words = ("benchmark", "--device", "cpu", "--seeds", 1)
    assert aaecli(*words, "--model", "clustering").code == 0
    with Image.open(here / "benchmark/accuracy.png") as figure:
        assert min(figure.size) > 300
    assert [entry.labels for entry in read_results(here / "benchmark/results.json")] == [0]
    refused = aaecli(*words, "--model", "aae")
    assert refused.code == 1
    assert "semisupervised" in refused.err


@pytest.mark.parametrize("name", ["results.csv", "results.md", "accuracy.png"])
def test_what_somebody_else_wrote_is_not_replaced(benchmark, here, name):
    (here / "benchmark").mkdir()
    (here / "benchmark" / name).write_text("mine")
    refused = benchmark("--seeds", 1)
    assert refused.code == 1
    assert "--force" in refused.err
    assert [path.name for path in (here / "benchmark").iterdir()] == [name]
    assert (here / "benchmark" / name).read_text() == "mine"
    assert benchmark("--seeds", 1, "--force").code == 0
    # From then on the folder is a benchmark's.
    assert benchmark("--seeds", 1).code == 0


def test_nothing_is_written_through_a_link_or_into_the_data(benchmark, here):
    (here / "elsewhere.csv").write_text("mine")
    (here / "benchmark").mkdir()
    (here / "benchmark/results.csv").symlink_to(here / "elsewhere.csv")
    assert benchmark("--seeds", 1, "--force").code == 1
    assert (here / "elsewhere.csv").read_text() == "mine"
    assert not (here / "benchmark/runs").exists()
    assert benchmark("--seeds", 1, "--out", "data/benchmark").code == 1
    assert not (here / "data/benchmark").exists()


def test_results_that_are_no_file_are_refused_at_once(benchmark, here):
    (here / "benchmark").mkdir()
    os.mkfifo(here / "benchmark/results.json")
    refused = benchmark("--seeds", 1)
    assert refused.code == 1
    assert "results.json" in refused.err


@pytest.fixture(scope="module")
def with_a_run(tmp_path_factory):
    """Give a folder with data and a run of `aaecli train` with the settings that the benchmarks here have."""
    folder = tmp_path_factory.mktemp("with_a_run")
    write_idx(folder / "data", range(4), 9, (28, 28))
    words = ("train", "--device", "cpu", "--preset", "default", "--data", "data", "--labels", "8", "-q")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setattr(resolve, "read_preset", lambda *_: tomllib.loads(PRESET))
        with pytest.raises(SystemExit) as left:
            main(words)
    assert not left.value.code
    return folder


def test_a_run_that_is_whole_is_taken_over(benchmark, here, with_a_run):
    shutil.copytree(with_a_run, here, dirs_exist_ok=True)
    done = benchmark("--seeds", 1, "--collect", "runs")
    assert done.code == 0, done.err
    assert len(read_results(here / "benchmark/results.json")) == 1


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("summary.json", {"test_accuracy": "NaN"}),
        ("summary.json", {"test_accuracy": 7}),
        ("summary.json", {"steps": [1]}),
        ("summary.json", {"seconds": 1e999}),
        ("environment.json", {"machine": "[red]=1+1|\x1b[2J"}),
        ("environment.json", {"versions": None}),
        ("config.toml", {"preset": "[/b]"}),
    ],
    ids=range(7),
)
def test_a_strangers_run_that_is_damaged_is_left_out_and_named(benchmark, here, with_a_run, name, change):
    shutil.copytree(with_a_run, here, dirs_exist_ok=True)
    path = here / "runs/semisupervised-8-001" / name
    if name == "config.toml":
        path.write_text(path.read_text().replace('preset = "default"', f'preset = "{change["preset"]}"'))
    else:
        path.write_text(json.dumps(json.loads(path.read_text()) | change))
    done = benchmark("--seeds", 1, "--collect", "runs")
    assert done.code == 0, done.err
    assert "semisupervised-8-001" in done.err
    assert "\x1b" not in done.err
    assert read_results(here / "benchmark/results.json") == []


def test_only_files_that_were_written_are_named(capsys, tmp_path):
    display = BenchmarkDisplay(quiet=False)
    (tmp_path / "results.json").touch()
    (tmp_path / "results.md").touch()
    display.render([], tmp_path, as_json=False)
    assert capsys.readouterr().err == f"Results in {tmp_path}: results.json, results.md.\n"
