"""What run folders tell, whole, half-written, damaged and hostile."""

from __future__ import annotations

import json
import pickle
import zipfile
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from aaecli.config.resolve import to_toml
from aaecli.config.schema import Config
from aaecli.errors import AaeError
from aaecli.runs.listing import list_runs, newest_stopped, read_metrics, read_run
from aaecli.runs.lock import locked

DONE = {"state": "done", "test_accuracy": 0.985, "test_accuracy_interval": [0.98, 0.99], "seconds": 81.5, "steps": 3000}
METRICS = "epoch,step,images,validation_accuracy,seconds\n1,390,49920,0.91,10.5\n2,780,99840,0.955,21.0\n"


def write_run(
    root: Path,
    name: str = "semisupervised-1000-001",
    *,
    started: datetime | None = None,
    summary: dict[str, Any] | None = None,
    metrics: str = METRICS,
) -> Path:
    """Write a run folder as training does."""
    folder = root / name
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(to_toml(Config(seed=3)))
    environment = {
        "pid": 1,
        "started": (started or datetime.now(UTC)).isoformat(timespec="seconds"),
        "num_steps": 3000,
    }
    (folder / "environment.json").write_text(json.dumps(environment))
    (folder / "metrics.csv").write_text(metrics)
    if summary:
        (folder / "summary.json").write_text(json.dumps(summary))
    return folder


def test_a_run_that_is_done(tmp_path: Path) -> None:
    run = read_run(write_run(tmp_path, summary=DONE))
    assert (run.name, run.state, run.faults) == ("semisupervised-1000-001", "done", ())
    assert (run.model, run.labels, run.preset, run.seed) == ("semisupervised", 1000, "default", 3)
    assert (run.steps, run.num_steps, run.seconds) == (3000, 3000, 81.5)
    assert (run.validation_accuracy, run.test_accuracy, run.test_accuracy_interval) == (0.955, 0.985, (0.98, 0.99))


def test_a_run_that_a_training_holds(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    with locked(folder):
        run = read_run(folder)
    assert (run.state, run.steps, run.num_steps, run.seconds) == ("running", 780, 3000, 21.0)
    assert run.test_accuracy is None
    assert run.test_accuracy_interval is None
    assert read_run(folder).state == "stopped"


def test_a_run_that_has_just_begun(tmp_path: Path) -> None:
    folder = write_run(tmp_path, metrics="")
    run = read_run(folder)
    assert (run.state, run.steps, run.validation_accuracy, run.faults) == ("stopped", 0, None, ())
    (folder / "environment.json").unlink()
    (folder / "metrics.csv").unlink()
    run = read_run(folder)
    assert (run.state, run.started, run.seed, run.faults) == ("stopped", None, 3, ())


@pytest.mark.parametrize("rest", ["3,11", "3,1170,149760,0.9", "3"])
def test_a_row_that_is_being_written_is_waited_for(tmp_path: Path, rest: str) -> None:
    run = read_run(write_run(tmp_path, metrics=METRICS + rest))
    assert (run.validation_accuracy, run.seconds, run.faults) == (0.955, 21.0, ())


def test_the_last_row_of_a_long_file(tmp_path: Path) -> None:
    rows = "".join(f"{epoch},{epoch * 10},0,0.5,1\n" for epoch in range(1, 50_000))
    run = read_run(write_run(tmp_path, metrics=METRICS.splitlines()[0] + "\n" + rows))
    assert (run.validation_accuracy, run.faults) == (0.5, ())


def test_steps_of_a_stopped_run_are_those_that_are_saved(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    # Nothing is: what metrics.csv tells of would be trained again.
    assert read_run(folder).steps == 0
    write_state(folder, number=1234, seconds=8.5)
    run = read_run(folder)
    assert (run.state, run.steps, run.num_steps, run.seconds, run.faults) == ("stopped", 1234, 3000, 8.5, ())
    (folder / "last.pt").write_bytes(b"PK")
    (fault,) = read_run(folder).faults
    assert "last.pt is refused" in fault


def write_state(folder: Path, **content: Any) -> None:
    """Write a last.pt as torch does, of plain values alone."""
    whole = {"format": "aaecli", "schema": 1, "kind": "training"} | content
    with zipfile.ZipFile(folder / "last.pt", "w") as archive:
        archive.writestr("last/data.pkl", pickle.dumps(whole, protocol=2))


@pytest.mark.parametrize(
    "date", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "0001-01-01T00:00:00-23:59"]
)
def test_dates_at_either_end_of_time(tmp_path: Path, date: str) -> None:
    folder = write_run(tmp_path)
    (folder / "environment.json").write_text(json.dumps({"started": date}))
    assert read_run(folder).started is None
    assert [run.name for run in list_runs(tmp_path)] == [folder.name]


@pytest.mark.parametrize("metrics", ["epoch,loss\n1,2\n", "epoch,step\n1,nan\n", "epoch,step\n1,-5\n", "step\ninf\n"])
def test_metrics_without_steps_are_damaged(tmp_path: Path, metrics: str) -> None:
    with pytest.raises(AaeError, match=r"metrics\.csv is damaged: it has no column '(step|epoch)'") as caught:
        read_metrics(write_run(tmp_path, metrics=metrics))
    assert caught.value.hint


def test_a_start_that_failed_is_not_gone_on_with(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    assert newest_stopped(tmp_path) == folder
    (folder / "environment.json").unlink()
    with pytest.raises(AaeError, match="has stopped before its end"):
        newest_stopped(tmp_path)


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("config.toml", b"seed = "),
        ("config.toml", b"\xff"),
        ("environment.json", b"{"),
        ("environment.json", b"[1]"),
        ("environment.json", b"\xff\xfe\xfd"),
        ("environment.json", b'{"a":' * 100_000),
        ("environment.json", b'{"pid": ' + b"9" * 5000 + b"}"),
        ("summary.json", b""),
        ("summary.json", b'"done"'),
        ("metrics.csv", b"epoch,step\n1,2,3\n"),
        ("metrics.csv", b"epoch,step\n1,\xff\n"),
    ],
)
def test_a_damaged_file_is_named_and_the_others_are_read(tmp_path: Path, name: str, body: bytes) -> None:
    write_run(tmp_path, "a-001", summary=DONE)
    (write_run(tmp_path, "b-001", summary=DONE) / name).write_bytes(body)
    write_run(tmp_path, "c-001", summary=DONE)
    found = {run.name: run for run in list_runs(tmp_path)}
    assert found["a-001"].faults == found["c-001"].faults == ()
    (fault,) = found["b-001"].faults
    assert str(tmp_path / "b-001" / name) in fault
    assert fault.endswith(".")
    if name != "summary.json":
        assert found["b-001"].test_accuracy == 0.985


@pytest.mark.parametrize("name", ["environment.json", "summary.json", "metrics.csv"])
def test_a_folder_in_the_place_of_a_file(tmp_path: Path, name: str) -> None:
    folder = write_run(tmp_path, summary=DONE)
    (folder / name).unlink()
    (folder / name).mkdir()
    (fault,) = read_run(folder).faults
    assert fault == f"{folder / name} is a folder, not a file."


@pytest.mark.parametrize("nonsense", [None, "x", [], {}, True, -1, 2, 1e400, "nan", 10**400])
def test_values_that_cannot_be_are_left_out(tmp_path: Path, nonsense: object) -> None:
    folder = write_run(tmp_path, summary=dict.fromkeys(DONE, nonsense) | {"state": "done"})
    environment = dict.fromkeys(("pid", "host", "started", "num_steps"), nonsense)
    (folder / "environment.json").write_text(json.dumps(environment))
    (folder / "config.toml").write_text("model = 5\nlabels = [1]\npreset = 1979-05-27\nseed = 1.5")
    run = read_run(folder)
    assert run.state == "done"
    assert (run.model, run.labels, run.preset, run.seed, run.started) == (None,) * 5
    assert (run.test_accuracy, run.test_accuracy_interval) == (None, None)
    assert run.steps in (None, 2)
    assert run.num_steps in (None, 2)
    assert run.seconds in (None, -1, 2)


def test_the_largest_seed_is_exact(tmp_path: Path) -> None:
    folder = write_run(tmp_path)
    (folder / "config.toml").write_text(f'labels = "all"\nseed = {2**63 - 1}')
    run = read_run(folder)
    assert (run.seed, run.labels) == (2**63 - 1, "all")


def test_runs_stand_in_the_order_of_their_starts(tmp_path: Path) -> None:
    morning = datetime(2026, 1, 1, 8, 0, tzinfo=UTC)
    write_run(tmp_path, "c-001", started=morning)
    # Half past nine in India is four in the morning in Greenwich.
    write_run(tmp_path, "b-001", started=datetime(2026, 1, 1, 9, 30, tzinfo=timezone(timedelta(hours=5, minutes=30))))
    write_run(tmp_path, "a-001", started=morning + timedelta(hours=1))
    (write_run(tmp_path, "d-001") / "environment.json").unlink()
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes.txt").touch()
    assert [run.name for run in list_runs(tmp_path)] == ["d-001", "b-001", "c-001", "a-001"]


def test_a_folder_without_runs(tmp_path: Path) -> None:
    assert list_runs(tmp_path) == []
    assert list_runs(tmp_path / "absent") == []
    (tmp_path / "file").touch()
    with pytest.raises(AaeError, match="Cannot read the folder") as caught:
        list_runs(tmp_path / "file")
    assert "--out" in caught.value.hint


def test_the_run_to_go_on_with_is_the_newest_that_stands_still(tmp_path: Path) -> None:
    with pytest.raises(AaeError, match="has stopped before its end"):
        newest_stopped(tmp_path)
    noon = datetime(2026, 1, 1, 12, 0, tzinfo=UTC)
    for hour, name in enumerate(("b-001", "a-001", "running-001", "done-001")):
        folder = write_run(tmp_path, name, started=noon + timedelta(hours=hour))
    (folder / "summary.json").write_text(json.dumps(DONE))
    with locked(tmp_path / "running-001"):
        assert newest_stopped(tmp_path) == tmp_path / "a-001"
    assert newest_stopped(tmp_path) == tmp_path / "running-001"
