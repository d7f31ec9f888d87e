"""Runs that are done, and given more steps."""

from __future__ import annotations

import json

import pytest

from aaecli.config.resolve import read_toml
from aaecli.errors import AaeError
from aaecli.training.resume import resume
from tests.training.test_run import Watcher, assert_same_weights, rows_without_times, small, train  # noqa: F401


@pytest.mark.parametrize("first", [4, 5])
def test_a_longer_run_is_what_it_would_have_been_from_the_start(tmp_path, small, first):  # noqa: F811
    # Five steps end between two validations: the row after them is the mean over the one step that follows.
    settings = {"preset": "tutorial", "model": "baseline"}
    short = {"steps": first, "batch_size": 16, "validate_every": 2}
    one = train(small(**settings, schedule=short), tmp_path / "lengthened")
    folder = tmp_path / "lengthened" / "runs" / "baseline-8-001"
    assert one["steps"] == first
    watcher = Watcher()
    longer = resume(folder, tmp_path / "model.pt", watcher, steps=8)
    assert watcher.plan["number"] == first
    assert (longer["state"], longer["steps"], longer["num_steps"]) == ("done", 8, 8)
    assert json.loads((folder / "summary.json").read_text()) == longer
    assert read_toml(folder / "config.toml")["schedule"]["steps"] == 8
    train(small(**settings, schedule=short | {"steps": 8}), tmp_path / "at once")
    at_once = tmp_path / "at once" / "runs" / "baseline-8-001"
    assert_same_weights(folder / "model.pt", at_once / "model.pt")
    rows, expected = rows_without_times(folder), rows_without_times(at_once)
    assert [row for row in rows if int(row["step"]) % 2 == 0 and int(row["step"]) != first + 1] == [
        row for row in expected if int(row["step"]) != first + 1
    ]


def test_the_interval_of_the_validations_stays(tmp_path, small):  # noqa: F811
    train(small(preset="tutorial", model="baseline", schedule={"steps": 4, "batch_size": 16}), tmp_path)
    folder = tmp_path / "runs" / "baseline-8-001"
    resume(folder, None, Watcher(), steps=6)
    assert read_toml(folder / "config.toml")["schedule"]["validate_every"] == 1


def test_a_stopped_run_may_be_lengthened_too(tmp_path, small):  # noqa: F811
    config = small(preset="tutorial", model="baseline", schedule={"steps": 4, "batch_size": 16})
    train(config, tmp_path, Watcher(stop_after=2))
    summary = resume(tmp_path / "runs" / "baseline-8-001", None, Watcher(), steps=6)
    assert (summary["state"], summary["steps"]) == ("done", 6)


def test_a_schedule_that_has_ended_is_not_continued(tmp_path, small):  # noqa: F811
    train(small(), tmp_path)
    folder = tmp_path / "runs" / "semisupervised-8-001"
    before = {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()}
    with pytest.raises(AaeError, match="follows a cosine that ends at 0") as caught:
        resume(folder, None, Watcher(), steps=12)
    assert f"aaecli train --config {folder / 'config.toml'} --steps 12" in caught.value.hint
    with pytest.raises(AaeError, match="is done") as caught:
        resume(folder, None, Watcher())
    assert f"aaecli train --config {folder / 'config.toml'} --steps 12" in caught.value.hint
    assert {path.name: path.read_bytes() for path in folder.iterdir() if path.is_file()} == before


def test_a_length_that_leaves_nothing_to_do_is_refused(tmp_path, small):  # noqa: F811
    train(small(preset="tutorial", model="baseline", schedule={"steps": 4, "batch_size": 16}), tmp_path)
    folder = tmp_path / "runs" / "baseline-8-001"
    with pytest.raises(AaeError, match="has 4 steps already") as caught:
        resume(folder, None, Watcher(), steps=4)
    assert f"aaecli train --resume {folder} --steps 8" in caught.value.hint
    assert (folder / "summary.json").is_file()
    with pytest.raises(AaeError, match="is done") as caught:
        resume(folder, None, Watcher())
    assert f"aaecli train --resume {folder} --steps 8" in caught.value.hint
    (folder / "last.pt").unlink()
    with pytest.raises(AaeError, match=r"has no last\.pt") as caught:
        resume(folder, None, Watcher(), steps=8)
    assert "--steps 8" in caught.value.hint
