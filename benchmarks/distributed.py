"""One training over two processes: accuracy, and time of a step beside one process with two threads.

    python benchmarks/distributed.py --accuracy     # default, 100 labels, seeds 10 to 12, two processes
    python benchmarks/distributed.py --steps        # time of a step, 384 + 384 images and four times as many

Processes exchange by gloo. The time of a step is that of a long training less that of a short one, by the number of
steps between them. Writes ``results/distributed.json``.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import measured

SEEDS = (10, 11, 12)
"""The first of those of `default` in benchmarks/mnist, which are of one process."""
PROCESSES = (1, 2)
_COMMAND = "python benchmarks/distributed.py"
_SHORT, _LONG, _ROUNDS = 5, 25, 2


def train(processes: int, *words: object) -> dict[str, Any]:
    """Train with as many threads as processes; gives the summary."""
    launcher = ["-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    threads = PROCESSES[-1] // processes
    command = [sys.executable, *(launcher if processes > 1 else []), "-m", "aaecli", "train"]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(
            [*command, "--threads", str(threads), "--json", "--no-figures", *map(str, words)],
            cwd=folder,
            capture_output=True,
            text=True,
        )
    if done.returncode:
        raise SystemExit(done.stderr)
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def accuracies() -> list[measured.Measurement]:
    """Train over two processes with each seed."""
    values = []
    for seed in SEEDS:
        values.append(100 * train(2, "--labels", 100, "--seed", seed)["test_accuracy"])
        print(f"seed {seed}: {values[-1]:.2f} %", flush=True)
    what = "test accuracy of `default` with 100 labels, trained over two processes"
    return [
        measured.Measurement(
            "distributed/accuracy", what, f"{_COMMAND} --accuracy", tuple(values), seeds=SEEDS, **measured.here()
        )
    ]


def step_times() -> list[measured.Measurement]:
    """Time a step with each number of processes and each size of a batch, in turn."""
    times: dict[tuple[int, int], list[float]] = {(size, n): [] for size in (384, 1536) for n in PROCESSES}
    with tempfile.TemporaryDirectory() as folder:
        for _ in range(_ROUNDS):
            for (size, processes), values in times.items():
                settings = Path(folder, "batch.toml")
                lines = ("[schedule]", f"batch_size = {size}", f"labelled_batch_size = {size}", "validate_every = 1000")
                settings.write_text("\n".join(lines))
                short, long = (
                    train(processes, "--config", settings, "--steps", steps)["seconds"] for steps in (_SHORT, _LONG)
                )
                values.append((long - short) / (_LONG - _SHORT))
                print(f"{size} + {size} images, {processes} processes: {values[-1]:.3f} s a step", flush=True)
    return [
        measured.Measurement(
            f"distributed/step-{size}-{processes}",
            f"a step of {size} + {size} images by {'one process' if processes == 1 else f'{processes} processes'}, "
            "two threads in all",
            f"{_COMMAND} --steps",
            (statistics.median(values),),
            "s",
            **measured.here(),
        )
        for (size, processes), values in times.items()
    ]


def main() -> None:
    """Measure, and write the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--accuracy", action="store_true", help="accuracy of three seeds")
    parser.add_argument("--steps", action="store_true", help="time of a step")
    options = parser.parse_args()
    found = (accuracies() if options.accuracy else []) + (step_times() if options.steps else [])
    if not found:
        parser.error("name --accuracy, --steps or both")
    for entry in found:
        print(f"{entry.what}: {entry.text}")
    measured.write(found)


if __name__ == "__main__":
    main()
