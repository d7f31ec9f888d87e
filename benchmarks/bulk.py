"""Whether ``aaecli bulk`` answers as ``aaecli classify`` does however often it is killed, how fast, in how much memory.

    python benchmarks/bulk.py folder/ --model exports/ --pictures 1000000

The pictures are MNIST's 70,000, each as often as it takes. ``classify --json`` answers for these as PNG files, ``bulk``
for all of them in ten tar files at one go, and in a parquet file while it is killed (SIGKILL) at random moments: in
turn one of its two workers and the command itself. Each row of the one is compared with that of ``classify``, and each
of the other with it, to the bit. Then come 20,000 pictures by ``classify`` and ``bulk`` at the same time, and 2,000 tar
files without a picture.

``--part`` does one of ``classify``, ``tar``, ``parquet``, ``beside``, ``empty``. With ``--seconds``, ``parquet`` stops
after so many, and the same command continues it. ``--keep`` writes the figures into ``results/bulk.json``.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import measured
import numpy as np
import psutil
import pyarrow as pa
import pyarrow.parquet as pq
from bulk_runs import (
    Killed,
    begin,
    command_of,
    compare,
    compare_folders,
    end,
    parts_of,
    seconds_of,
    side_by_side,
    workers,
)
from PIL import Image

from aaecli.data.loading import load_dataset

NUM_TARS, NUM_SHARDS, NUM_EMPTY = 10, 100, 2000
FIRST, FEW, ROUNDS = 2000, 20_000, 3
_GROUP = 1000
_WATCH_SECONDS = 0.2
_Figures = dict[str, float]


def encoded() -> list[bytes]:
    """Give MNIST's training and test images as PNG files."""
    mnist = load_dataset()
    found = []
    for image in (*mnist.train_image, *mnist.test_image):
        body = io.BytesIO()
        Image.fromarray(image).save(body, "PNG", compress_level=1)
        found.append(body.getvalue())
    return found


def key_of(number: int, num_unique: int) -> str:
    """Name a picture: how often it was there before, and which one it is."""
    return f"{number // num_unique:03d}/{number % num_unique:05d}.png"


def write_inputs(folder: Path, count: int) -> None:
    """Write the unique pictures as files, and ``count`` pictures in tar files and in a parquet file."""
    picture = encoded()[:count]
    (folder / "pictures").mkdir(parents=True)
    for index, data in enumerate(picture):
        (folder / "pictures" / f"{index:05d}.png").write_bytes(data)
    schema = pa.schema([("id", pa.string()), ("image", pa.binary())])
    with pq.ParquetWriter(folder / "in.parquet", schema) as parquet:
        for tar in range(NUM_TARS):
            chosen = range(tar * count // NUM_TARS, (tar + 1) * count // NUM_TARS)
            write_tar(folder / f"in-{tar}.tar", picture, chosen)
            for start in range(chosen.start, chosen.stop, _GROUP):
                rows = range(start, min(start + _GROUP, chosen.stop))
                columns = [[key_of(row, len(picture)) for row in rows], [picture[row % len(picture)] for row in rows]]
                parquet.write_table(pa.table(columns, schema=schema))
    (folder / "count.json").write_text(json.dumps(count))


def write_tar(path: Path, picture: list[bytes], numbers: range) -> None:
    """Write some pictures by their numbers, which go on from the last unique one to the first."""
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as archive:
        for number in numbers:
            info = tarfile.TarInfo(key_of(number, len(picture)))
            info.size = len(picture[number % len(picture)])
            archive.addfile(info, io.BytesIO(picture[number % len(picture)]))


def classify(folder: Path, model: Path) -> _Figures:
    """Classify the unique pictures."""
    words = ["classify", "pictures", "--json", "--top-k", "3", "--quiet", "--model", str(model)]

    with (folder / "classified.jsonl").open("wb") as out:
        subprocess.run([sys.executable, "-m", "aaecli", *words], cwd=folder, check=True, stdout=out)
    return {}


def expected_rows(folder: Path) -> list[dict[str, Any]]:
    """Read what ``classify`` printed, in the order of the pictures."""
    with (folder / "classified.jsonl").open() as file:
        return sorted((json.loads(line) for line in file), key=lambda row: row["image"])


def count_of(folder: Path) -> int:
    """Give how many pictures there are in all."""
    return int((folder / "count.json").read_text())


def shard_size(folder: Path) -> int:
    """Give how many pictures a shard has."""
    return count_of(folder) // NUM_SHARDS


def at_one_go(folder: Path, model: Path) -> _Figures:
    """Classify the tar files with two workers, whose memory is watched."""
    inputs = [f"in-{tar}.tar" for tar in range(NUM_TARS)]
    memory: list[tuple[int, float]] = []

    process = begin(folder, model, *inputs, "--out", "tar", "--processes", 2, "--shard-size", shard_size(folder))
    watched = psutil.Process(process.pid)
    while process.poll() is None:
        memory.append((len(parts_of(folder / "tar")), max(map(_megabytes, workers(watched)), default=0.0)))
        time.sleep(_WATCH_SECONDS)
    end(process)
    compare(folder / "tar", expected_rows(folder), count_of(folder))
    early = max(size for done, size in memory if done <= memory[-1][0] / 4)
    return {"memory-quarter": early, "memory": max(size for _, size in memory)}


def _megabytes(process: psutil.Process) -> float:
    try:
        return float(process.memory_info().rss / 2**20)
    except psutil.Error:
        return 0.0


def killed(folder: Path, model: Path, kills: int, seconds: float) -> _Figures:
    """Classify the parquet file with two workers, killed again and again."""
    out = folder / "parquet"
    words = ("in.parquet", "--key", "id", "--out", "parquet", "--processes", 2, "--shard-size", shard_size(folder))
    run = Killed(lambda: begin(folder, model, *words), out, NUM_SHARDS, kills)
    if not run.run(seconds):
        print(f"parquet: {len(parts_of(out))} shards are done; the same command continues")
        return {}
    run.check()
    compare_folders(folder / "tar", out)
    return {"kills": len(run.redone), "redone": max(run.redone)}


def beside_classify(folder: Path, model: Path) -> _Figures:
    """Give the CPU time of a picture by ``classify``, and by ``bulk`` in one process and in two, all at the same time.

    It is what many take longer than few: starting does not count.
    """
    rounds = []
    for number in range(ROUNDS):
        first, whole = (np.array(_spent_beside(folder, model, number, count)) for count in (FIRST, FEW))
        rounds.append(1000 * (whole - first) / (FEW - FIRST))
    return dict(zip(("classify", "one", "two"), np.median(rounds, 0).tolist(), strict=True))


def _spent_beside(folder: Path, model: Path, number: int, count: int) -> list[float]:
    picture = [(folder / "pictures" / f"{index:05d}.png").read_bytes() for index in range(count)]
    write_tar(folder / f"{count}.tar", picture, range(count))
    (folder / f"{count}.txt").write_text("\n".join(f"pictures/{index:05d}.png" for index in range(count)))
    words = [sys.executable, "-m", "aaecli", "classify", "--files-from", f"{count}.txt", "--json", "--top-k", "3"]
    bulk = (f"{count}.tar", "--shard-size", 1000, "--quiet", "--out")
    return side_by_side(
        folder,
        [*words, "--model", str(model), "--quiet"],
        command_of(model, *bulk, f"one-{count}-{number}", "--processes", 1),
        command_of(model, *bulk, f"two-{count}-{number}", "--processes", 2),
    )


def empty(folder: Path, model: Path) -> _Figures:
    """Answer for tar files without a picture, each a shard."""
    (folder / "nothing").mkdir(exist_ok=True)
    for number in range(NUM_EMPTY):
        (folder / "nothing" / f"{number:04d}.tar").write_bytes(bytes(tarfile.RECORDSIZE))
    began = time.monotonic()
    words = ("nothing/*.tar", "--out", "empty", "--processes", 2)
    spent = seconds_of(lambda: end(begin(folder, model, *words)))
    if len(parts_of(folder / "empty")) != NUM_EMPTY:
        raise SystemExit("an empty shard has no part")
    return {"empty": spent, "empty-clock": time.monotonic() - began}


def entries(found: _Figures, count: int) -> list[measured.Measurement]:
    """Give the figures as measurements."""
    phrases = {
        "classify": ("CPU time of a picture by `classify --json`, of PNG files", "ms", 3),
        "one": ("CPU time of a picture by `bulk --processes 1`, of a tar file", "ms", 3),
        "two": ("CPU time of a picture by `bulk --processes 2`, of a tar file", "ms", 3),
        "memory": ("memory of a process of `bulk`", "MiB", 0),
        "memory-quarter": ("memory of a process of `bulk` in the first quarter", "MiB", 0),
        "kills": ("times that `bulk` was killed", "", 0),
        "redone": ("shards that were under way at a kill, at most", "", 0),
        "empty": ("CPU time of 2,000 shards without a picture", "s", 1),
        "empty-clock": ("time of 2,000 shards without a picture", "s", 1),
    }
    where = {"command": measured.command(), **measured.here()}
    notes = dict.fromkeys(("classify", "one", "two"), f"{FEW:,} pictures beyond the first {FIRST:,}.") | {"empty": ""}
    whole = f"{count:,} pictures in {NUM_SHARDS} shards."
    return [
        measured.Measurement(
            f"bulk/{name}",
            phrases[name][0],
            values=(value,),
            unit=phrases[name][1],
            digits=phrases[name][2],
            note=notes.get(name, whole),
            **where,
        )
        for name, value in found.items()
    ]


def main() -> None:
    """Do what was named, and print its figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--model", type=Path, required=True)
    parser.add_argument("--pictures", type=int, default=1_000_000, help="a multiple of 100,000")
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--part", choices=("classify", "tar", "parquet", "beside", "empty"))
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    folder, model = options.folder.absolute(), options.model.absolute()
    if not (folder / "count.json").exists():
        write_inputs(folder, options.pictures)
    parts: dict[str, Callable[[Path, Path], _Figures]] = {
        "classify": classify,
        "tar": at_one_go,
        "parquet": partial(killed, kills=options.kills, seconds=options.seconds),
        "beside": beside_classify,
        "empty": empty,
    }
    for name in [options.part] if options.part else parts:
        found = parts[name](folder, model)
        print(json.dumps({key: round(value, 3) for key, value in found.items()}), flush=True)
        if options.keep and found:
            measured.write(entries(found, count_of(folder)))


if __name__ == "__main__":
    main()
