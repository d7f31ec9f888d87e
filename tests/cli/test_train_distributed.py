"""``aaecli train`` as torchrun starts it: several processes that talk with one voice and end together."""

from __future__ import annotations

import json
import signal
import time

import pytest

from tests import processes
from tests.training.distributed.pair import free_port, variables, write_drawings

WORDS = (
    "train --data ../data --labels 40 --preset tutorial --batch-size 24 --size 12 --no-figures --resume-or-start --json"
)


@pytest.fixture
def start(tmp_path):
    """Start two processes of one training; gives both."""
    write_drawings(tmp_path / "data")
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "mine.toml").write_text(
        "[schedule]\nlabelled_batch_size = 24\n[network]\nencoder_options = { hidden = [16] }\n"
        "decoder_options = { hidden = [16] }\ndiscriminator_hidden = [16]\n"
    )

    def begin(name, *more):
        words = [word for word in WORDS.split() if word not in ("--size", "12")] + ["--config", "mine.toml", *more]
        port = free_port()
        return [
            processes.start(
                words,
                tmp_path / "here",
                tmp_path / f"{name}-{rank}",
                environment={"OMP_NUM_THREADS": "1"} | variables(rank, port),
            )
            for rank in (0, 1)
        ]

    return begin


def wait_for(path):
    until = time.monotonic() + processes.PATIENCE
    while not path.exists():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_all_end_together_and_go_on_together(start, tmp_path):
    run = tmp_path / "here" / "runs" / "semisupervised-40-001"
    endless = ("--steps", "400000", "--save-every", "1s")
    first, second = start("signalled", *endless)
    wait_for(run / "last.pt")
    second.kill(signal.SIGTERM)
    ends = [process.wait() for process in (first, second)]
    assert [end.code for end in ends] == [128 + signal.SIGINT, 128 + signal.SIGTERM]
    assert "Stopped after step" in ends[0].err
    assert "`torchrun --standalone --nproc-per-node 2 -m aaecli train --resume runs/" in ends[0].err
    assert ends[1].err == ends[1].out == ""

    (run / "last.pt").unlink()
    first, second = start("killed", *endless)
    wait_for(run / "last.pt")
    second.kill(signal.SIGKILL)
    end = first.wait()
    assert end.code == 1
    assert "Another process of this training cannot be reached" in end.err
    assert "--resume" in end.err
    assert json.loads((run / "environment.json").read_text())["processes"] == 2
    assert [path.name for path in run.parent.iterdir()] == [run.name]


def test_a_fault_that_the_first_finds_ends_all(start, tmp_path):
    (tmp_path / "here" / "runs").write_text("in the way")
    ends = [process.wait() for process in start("refused", "--steps", "2")]
    assert [end.code for end in ends] == [1, 1]
