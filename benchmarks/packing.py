"""How fast ``aaecli data pack`` is, how soon a large store is open, and what memory packing takes.

    python benchmarks/packing.py --part rate        # 20,000 pictures, beside decoding and normalising them alone
    python benchmarks/packing.py --part start       # a store of ten million images, opened and split without torch
    python benchmarks/packing.py --part memory      # a parquet file of 400,000 pictures

The pictures are MNIST's, the images of the large store 9 × 10 bytes by chance: opening one reads no images. Everything
is written into a temporary folder (``TMPDIR``), for ``start`` 2 GB. Memory is that which the system cannot take back,
``RssAnon``. ``--keep`` writes the figures into ``results/packing.json``.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import measured
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from bulk import encoded
from bulk_runs import seconds_of, side_by_side

from aaecli.data.loading import load_dataset

FIRST, RATE, ROUNDS = 2000, 20_000, 3
START, MEMORY = 10_000_000, 400_000
_GROUP = 5000
_DECODE = """
import sys
from aaecli.config.image import Image
from aaecli.data.picture_cache import prepared
from aaecli.data.readers.image_folder.collection import recipe_of
paths = open(sys.argv[1]).read().splitlines()
print(sum(len(batch.images) for batch in prepared(iter(paths), len(paths), recipe_of(Image()))))
"""
_OPEN = """
import json, sys, time
began = time.monotonic(), time.process_time()
from aaecli.data.loading import load_dataset
from aaecli.data.split import split
dataset = load_dataset(sys.argv[1])
split(dataset, 1000, 0)
took = time.monotonic() - began[0], time.process_time() - began[1]
print(json.dumps({"images": dataset.num_train, "clock": took[0], "cpu": took[1], "torch": "torch" in sys.modules}))
"""
_Figures = dict[str, float]


def rate(folder: Path) -> _Figures:
    """Pack pictures, and decode and normalise them alone, at the same time; gives the CPU time of a picture.

    It is what many take longer than few: starting does not count.
    """
    rounds = []
    for _ in range(ROUNDS):
        first, whole = (np.array(_spent(folder, count)) for count in (FIRST, RATE))
        rounds.append(1000 * (whole - first) / (RATE - FIRST))
    return dict(zip(("decode", "pack"), np.median(rounds, 0).tolist(), strict=True))


def _spent(folder: Path, count: int) -> list[float]:
    label, source = load_dataset().train_label, folder / f"pictures-{count}"
    for index, data in enumerate(encoded()[:count] if not source.exists() else ()):
        path = source / str(label[index]) / f"{index:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    (folder / "list").write_text("\n".join(map(str, sorted(source.glob("*/*.png")))))
    decode = [sys.executable, "-c", _DECODE, str(folder / "list")]
    pack = [sys.executable, "-m", "aaecli", "data", "pack", source.name, "--force", "--out", "store"]
    return side_by_side(folder, decode, pack)


def start(folder: Path) -> _Figures:
    """Pack ten million images, and open the store in a process of its own."""
    rng = np.random.default_rng(0)
    for kind, count in (("train", START), ("t10k", 1000)):
        with (folder / f"{kind}-images-idx3-ubyte").open("wb") as file:
            file.write(b"".join(part.to_bytes(4, "big") for part in (0x803, count, 9, 10)))
            for begin in range(0, count, 10**6):
                file.write(rng.bytes(90 * min(10**6, count - begin)))
        head = b"".join(part.to_bytes(4, "big") for part in (0x801, count))
        (folder / f"{kind}-labels-idx1-ubyte").write_bytes(head + rng.integers(0, 10, count, np.uint8).tobytes())
    spent = seconds_of(
        lambda: aaecli(folder, "data", "pack", ".", "--out", str(folder.parent / f"{folder.name}.store"))
    )
    found = [json.loads(run(folder, sys.executable, "-c", _OPEN, f"{folder}.store")) for _ in range(3)]
    if any(entry["torch"] for entry in found):
        raise SystemExit("torch was imported")
    print(f"packed in {spent:.0f} s of CPU time; opened: {found}")
    return {"start": float(np.median([entry["cpu"] for entry in found]))}


def memory(folder: Path) -> _Figures:
    """Pack a parquet file; gives the most memory of the command in MiB."""
    label, picture = load_dataset().train_label, encoded()[: len(load_dataset().train_label)]
    schema = pa.schema([("image", pa.binary()), ("label", pa.int64())])
    with pq.ParquetWriter(folder / "in.parquet", schema) as parquet:
        for begin in range(0, MEMORY, _GROUP):
            rows = [row % len(picture) for row in range(begin, begin + _GROUP)]
            parquet.write_table(pa.table([[picture[row] for row in rows], label[rows]], schema=schema))
    most, command = 0, [sys.executable, "-m", "aaecli", "data", "pack", "in.parquet", "--out", "store"]
    with subprocess.Popen(command, cwd=folder, stdout=subprocess.DEVNULL) as process:
        while process.poll() is None:
            text = Path(f"/proc/{process.pid}/status").read_text()
            most = max([most, *(int(line.split()[1]) for line in text.splitlines() if line.startswith("RssAnon"))])
            time.sleep(0.05)
    if process.returncode:
        raise SystemExit("pack failed")
    return {"memory": most / 1024}


def aaecli(folder: Path, *words: str) -> str:
    """Run a command."""
    return run(folder, sys.executable, "-m", "aaecli", *words)


def run(folder: Path, *words: str) -> str:
    """Run a program in a folder; gives what it printed."""
    return subprocess.run(words, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout


def entries(found: _Figures) -> list[measured.Measurement]:
    """Give the figures as measurements."""
    texts = {
        "decode": ("decoding and normalising a picture alone: CPU time", "ms", 3),
        "pack": ("`data pack` of a folder: CPU time of a picture", "ms", 3),
        "start": (f"opening and splitting a store of {START:,} images: CPU time", "s", 2),
        "memory": (f"`data pack` of a parquet file of {MEMORY:,} pictures: memory", "MiB", 0),
    }
    where = {"command": measured.command(), **measured.here()}
    return [
        measured.Measurement(
            f"packing/{name}", texts[name][0], values=(value,), unit=texts[name][1], digits=texts[name][2], **where
        )
        for name, value in found.items()
    ]


def main() -> None:
    """Measure one part."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--part", choices=("rate", "start", "memory"), required=True)
    parser.add_argument("--keep", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        (Path(name) / "work").mkdir()
        found = {"rate": rate, "start": start, "memory": memory}[options.part](Path(name) / "work")
    print(json.dumps({key: round(value, 3) for key, value in found.items()}))
    if options.keep:
        measured.write(entries(found))


if __name__ == "__main__":
    main()
