"""``aaecli train`` as torchrun starts it: several processes that talk with one voice and end together."""

from __future__ import annotations

import json
import random
import signal
import socket
import time
from contextlib import ExitStack

import pytest

from tests import processes
from tests.training.distributed.pair import free_port, variables, write_drawings
from tests.training.test_run import assert_same_weights, rows_without_times

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


def wait_for(condition):
    until = time.monotonic() + processes.PATIENCE
    while not condition():
        assert time.monotonic() < until
        time.sleep(0.05)


def test_all_end_together_and_go_on_together(start, tmp_path):
    run = tmp_path / "here" / "runs" / "semisupervised-40-001"
    endless = ("--steps", "400000", "--save-every", "1s")
    first, second = start("signalled", *endless)
    wait_for((run / "last.pt").exists)
    second.kill(signal.SIGTERM)
    ends = [process.wait() for process in (first, second)]
    assert [end.code for end in ends] == [128 + signal.SIGINT, 128 + signal.SIGTERM]
    assert "Stopped after step" in ends[0].err
    assert "`torchrun --standalone --nproc-per-node 2 -m aaecli train --resume runs/" in ends[0].err
    assert ends[1].err == ends[1].out == ""

    (run / "last.pt").unlink()
    first, second = start("killed", *endless)
    wait_for((run / "last.pt").exists)
    second.kill(signal.SIGKILL)
    end = first.wait()
    assert end.code == 1
    assert "Another process of this training cannot be reached" in end.err
    assert "--resume" in end.err
    assert json.loads((run / "environment.json").read_text())["processes"] == 2
    assert [path.name for path in run.parent.iterdir()] == [run.name]


@pytest.mark.slow
def test_killed_at_twenty_random_moments_they_come_to_the_same(start, tmp_path):
    """They are started as torchrun does it, and again; as it does, the test ends the one that is left."""
    (tmp_path / "here" / "drawing.toml").write_text(
        "[schedule]\nlabelled_batch_size = 24\ndecoder_batch_size = 12\ngenerated_batch_size = 12\n"
        "[network]\nencoder_options = { channels = [4, 6], features = 16 }\n"
        "decoder_options = { hidden = [16] }\ndiscriminator_hidden = [16]\n"
        "[propagation]\nevery = 100\nuntil = 700\nnum_images = 150\n"
    )
    words = ("--preset", "default", "--config", "drawing.toml", "--steps", "800", "--save-every", "20")
    rng = random.Random(0)
    ends = [process.wait() for process in start("whole", *words)]
    assert [end.code for end in ends] == [0, 0]
    whole, killed = (tmp_path / "here" / "runs" / f"semisupervised-40-{number}" for number in ("001", "002"))
    saved = killed / "last.pt"
    for number in range(20):
        before = saved.stat().st_mtime_ns if saved.exists() else 0
        both = start(f"killed-{number}", *words)
        if rng.random() < 0.7:
            wait_for(lambda: saved.exists() and saved.stat().st_mtime_ns > before)  # noqa: B023
        time.sleep(rng.uniform(0, 0.5))
        rng.shuffle(both)
        both[0].kill(signal.SIGKILL)
        both[1].kill(signal.SIGTERM)
        ended = [process.wait() for process in both]
        assert ended[0].code == -signal.SIGKILL, (number, ended)
    assert not (killed / "summary.json").exists()
    ends = [process.wait() for process in start("last", *words)]
    assert [end.code for end in ends] == [0, 0]
    assert_same_weights(whole / "model.pt", killed / "model.pt")
    assert rows_without_times(whole) == rows_without_times(killed)


@pytest.mark.parametrize("rank", [0, 1])
def test_one_that_waits_for_another_that_never_comes_ends_at_once(tmp_path, rank):
    write_drawings(tmp_path / "data")
    (tmp_path / "here").mkdir()
    words, port = ["train", "--data", "../data", "--labels", "40", "--no-figures", "--json"], free_port()
    with ExitStack() as stack:
        listening = stack.enter_context(socket.create_server(("127.0.0.1", port))) if rank else None
        started = processes.start(words, tmp_path / "here", tmp_path / "notes", environment=variables(rank, port))
        if listening is None:
            wait_for(lambda: is_open(port))
        else:
            listening.settimeout(processes.PATIENCE)
            stack.enter_context(listening.accept()[0])
        started.kill(signal.SIGTERM)
        # Not by Python's handler: torch waits, and would do so for half an hour.
        assert started.wait(30).code == -signal.SIGTERM


def is_open(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def test_a_fault_that_the_first_finds_ends_all(start, tmp_path):
    (tmp_path / "here" / "runs").write_text("in the way")
    ends = [process.wait() for process in start("refused", "--steps", "2")]
    assert [end.code for end in ends] == [1, 1]
