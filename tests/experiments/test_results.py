"""Records of runs, and the table that sums them up."""

from __future__ import annotations

import csv
import dataclasses
import json
import statistics
from pathlib import Path

import pytest

from aaecli.config.resolve import resolve
from aaecli.errors import AaeError
from aaecli.experiments.results import Result, by_group, fingerprint, markdown, read_results, row, write_results
from aaecli.training.revision import REVISION


def result(**changes):
    known = Result(
        model="semisupervised",
        preset="default",
        labels=1000,
        seed=0,
        settings="0123456789ab",
        test_accuracy=0.99,
        validation_accuracy=0.985,
        steps=5500,
        seconds=170.2,
        threads=2,
        device="cpu (2 threads)",
        precision="fp32",
        machine="Linux x86_64",
        versions="aaecli 1, torch 2",
        curve_step=(10, 20),
        curve_accuracy=(0.5, 0.985),
    )
    return dataclasses.replace(known, **changes)


def test_what_is_written_is_read_back(tmp_path):
    written = [result(seed=seed, labels=labels) for labels in ("all", 100) for seed in (1, 0)]
    write_results(tmp_path, written)
    read = read_results(tmp_path / "results.json")
    assert sorted(read, key=str) == sorted(written, key=str)
    assert [(entry.labels, entry.seed) for entry in read] == [(100, 0), (100, 1), ("all", 0), ("all", 1)]
    with (tmp_path / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [(entry["labels"], entry["seed"]) for entry in rows] == [
        ("100", "0"),
        ("100", "1"),
        ("all", "0"),
        ("all", "1"),
    ]
    assert (tmp_path / "results.md").read_text() == markdown(read)


def test_a_file_that_is_not_there_holds_no_results(tmp_path):
    assert read_results(tmp_path / "results.json") == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        '{"schema": 2, "results": []}',
        '{"schema": 1, "results": [{"seed": "0"}]}',
        '{"schema": 1, "results": ["x", 3, null]}',
        '{"schema": 1, "results": {"a": {}}}',
        '{"schema": 1, "results": "xy"}',
        "\udcff",
        "[" * 99999,
    ],
    ids=range(10),
)
def test_a_damaged_file_is_said_to_be(tmp_path, text):
    (tmp_path / "results.json").write_text(text, errors="surrogateescape")
    with pytest.raises(AaeError, match="damaged"):
        read_results(tmp_path / "results.json")


def test_a_group_is_its_mean_and_its_standard_deviation():
    accuracies = [0.9871, 0.9877, 0.9902]
    cells = row([result(seed=seed, test_accuracy=accuracy) for seed, accuracy in enumerate(accuracies)])
    assert cells["test accuracy"] == f"98.83 ± {100 * statistics.stdev(accuracies):.2f} %" == "98.83 ± 0.16 %"
    assert cells["seeds"] == "0–2"
    assert row([result(seed=3)])["test accuracy"] == "99.00 %"
    assert row([result(seed=3), result(seed=5)])["seeds"] == "3, 5"


def test_a_time_is_the_median_of_the_runs_with_the_most_threads():
    runs = [result(seed=n, seconds=s, threads=t) for n, (s, t) in enumerate([(100, 2), (20, 2), (61, 2), (900, 1)])]
    assert row(runs)["time a run"] == "1 min 1 s on 2 threads"
    assert row(runs[1:2])["time a run"] == "20 s on 2 threads"
    assert row(runs[3:])["time a run"] == "15 min 0 s on 1 thread"
    assert row([result(device="cuda (some card)", seconds=7)])["time a run"] == "7 s"


def test_groups_stand_in_order_and_no_run_is_lost():
    runs = [result(labels=n, seed=s, preset=p) for n in ("all", 1000, 100) for s in (1, 0) for p in ("quick", "best")]
    groups = by_group(runs)
    assert [(group.preset, group.labels) for group in groups] == [
        *(("best", labels) for labels in (100, 1000, "all")),
        *(("quick", labels) for labels in (100, 1000, "all")),
    ]
    assert all([member.seed for member in members] == [0, 1] for members in groups.values())
    lines = markdown(runs).splitlines()
    assert len([line for line in lines if line.startswith("| semi")]) == 6
    assert "Linux x86_64, fp32" in lines[-1]
    assert markdown([]) == ""


def test_variants_are_groups_of_their_own_and_have_a_column(tmp_path):
    runs = [
        result(seed=seed, variant=name, test_accuracy=accuracy)
        for name, accuracy in (("", 0.99), ("wide", 0.98))
        for seed in (0, 1)
    ]
    assert [group.variant for group in by_group(runs)] == ["", "wide"]
    heading, _, plain, wide, *_ = markdown(runs).splitlines()
    assert heading.startswith("| model | preset | variant | labels |")
    assert "| default |  | 1000 | 99.00 ± 0.00 %" in plain
    assert "| default | wide | 1000 | 98.00 ± 0.00 %" in wide
    assert "variant" not in markdown(runs[:2])
    write_results(tmp_path, runs)
    assert read_results(tmp_path / "results.json") == runs
    assert (tmp_path / "results.csv").read_text().startswith("model,preset,variant,labels,seed,")


def test_results_of_before_there_were_variants_are_read(tmp_path):
    write_results(tmp_path, [result()])
    path = tmp_path / "results.json"
    path.write_text(path.read_text().replace(', "variant": ""', ""))
    assert "variant" not in path.read_text()
    assert read_results(path) == [result()]


@pytest.mark.parametrize("machine", ["a|b", "=cmd()", "<b>", "a\nb", "\x1b[2J", "x" * 300, "@SUM(A1)", "-1+1"])
def test_no_machine_in_a_file_becomes_markup_or_a_formula(tmp_path, machine):
    with pytest.raises(AaeError, match="the machine of a result"):
        result(machine=machine)


@pytest.mark.parametrize(
    "machine",
    ["Linux x86_64, Intel(R) Xeon(R) CPU @ 2.20GHz (AVX512)", "Darwin arm64, Apple M2 Pro", "", "cuda (H200)"],
)
def test_machines_as_there_are_stand_as_they_are(machine):
    assert result(machine=machine).machine == machine


@pytest.mark.parametrize("changes", [{"test_accuracy": 1.5}, {"validation_accuracy": float("nan")}, {"steps": -1}])
def test_no_result_is_out_of_range(changes):
    with pytest.raises(AaeError, match="of a result"):
        result(**changes)


@pytest.mark.parametrize("name", ["[red]", "=1+1", "a|b", "a\nb", "../up", "-x", "\x1b[2J"])
def test_no_name_in_a_file_becomes_markup_a_formula_or_a_path(tmp_path, name):
    write_results(tmp_path, [result(variant="mine")])
    path = tmp_path / "results.json"
    path.write_text(path.read_text().replace('"mine"', json.dumps(name)))
    with pytest.raises(AaeError, match="damaged"):
        read_results(path)


def test_the_fingerprint_tells_settings_apart_and_runs_not():
    known = fingerprint(resolve(preset="default"))
    assert fingerprint(resolve(preset="default", flags={"seed": 4, "labels": 10, "device": "cpu"})) == known
    assert fingerprint(resolve(preset="default", flags={"optimiser": {"lr": 0.1}})) != known
    assert fingerprint(resolve(preset="default", flags={"data": "mine"})) != known
    presets = [fingerprint(resolve(preset=name)) for name in ("best", "default", "paper", "quick", "tutorial")]
    assert len(set(presets)) == 5


def test_results_of_other_training_code_have_another_fingerprint() -> None:
    config = resolve(preset="default")
    assert len({fingerprint(config, revision=revision) for revision in (1, 2, 3)}) == 3
    assert fingerprint(config) == fingerprint(config, revision=REVISION)


def test_the_table_beside_the_results_is_theirs():
    folder = Path(__file__).parents[2] / "benchmarks" / "mnist"
    results = read_results(folder / "results.json")
    assert results
    assert (folder / "results.md").read_text(encoding="utf-8") == markdown(results)
