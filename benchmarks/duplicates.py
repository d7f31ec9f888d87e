"""How many planted copies ``aaecli data duplicates`` finds, how many it calls copies that are none, and how fast.

    python benchmarks/duplicates.py

It writes MNIST's 70,000 images as PNG files into a temporary folder, of 1,000 of them a resized copy, of others a
recompressed one, a shifted one, and one that is all three. The time of a million is put together: the processor time
of the workers for these files, divided by two cores, and the search among a million images, MNIST's mirrored,
transposed and thickened. Copies of photographs are those of tiles of 128 × 128 pixels of scikit-learn's two sample
photographs, which overlap; a shifted one is cut out a pixel further.
"""

from __future__ import annotations

import io
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "suite"))

import measured
import numpy as np
import sources
from numpy.typing import NDArray
from PIL import Image

from aaecli.data.inspection.copies import Copies, find_copies
from aaecli.data.inspection.low_frequencies import amplitudes
from aaecli.data.inspection.near_duplicates import find_near_duplicates
from aaecli.data.loading import load_dataset

NUM_PLANTED = 1000
SIZES = (100_000, 1_000_000)
_ROWS = 1000
TILE, STRIDE = 128, 48
KINDS = {
    "resized": "resized to between 21 and 56 pixels",
    "recompressed": "saved as JPEG with a quality of 50 to 95",
    "shifted": "shifted by a pixel",
    "all": "resized, shifted and recompressed",
}


def resized(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Resize an image to between three quarters and twice its side."""
    side = int(rng.integers(3 * len(image) // 4, 2 * len(image) + 1))
    way = (Image.Resampling.BILINEAR, Image.Resampling.BICUBIC, Image.Resampling.LANCZOS)[rng.integers(3)]
    return np.asarray(Image.fromarray(image).resize((side, side), way))


def shifted(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """Shift an image by a pixel in one of eight directions; what comes in is black."""
    down, across = ((-1, -1), (-1, 0), (-1, 1), (0, -1), (0, 1), (1, -1), (1, 0), (1, 1))[rng.integers(8)]
    padded = np.pad(image, 1)
    height, width = image.shape
    return padded[1 - down : 1 - down + height, 1 - across : 1 - across + width]


def recompressed(image: NDArray[np.uint8], rng: np.random.Generator) -> bytes:
    """Encode an image as JPEG."""
    return encoded(image, "JPEG", quality=int(rng.integers(50, 96)))


def encoded(image: NDArray[np.uint8], form: str = "PNG", **options: int) -> bytes:
    """Encode an image."""
    body = io.BytesIO()
    Image.fromarray(image).save(body, form, **options)
    return body.getvalue()


def plant(folder: Path, images: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.int64]:
    """Write all images, and a copy of some; give the numbers of these, a row (1000,) a kind."""
    for number, image in enumerate(images):
        (folder / f"{number}.png").write_bytes(encoded(image))
    chosen = rng.permutation(len(images))[: len(KINDS) * NUM_PLANTED].reshape(len(KINDS), NUM_PLANTED)
    for kind, numbers in zip(KINDS, chosen.tolist(), strict=True):
        for number in numbers:
            (folder / f"{number}-{kind}.{'jpg' if kind in ('recompressed', 'all') else 'png'}").write_bytes(
                copied(images[number], kind, rng)
            )
    return chosen


def copied(image: NDArray[np.uint8], kind: str, rng: np.random.Generator) -> bytes:
    """Give a copy of an image as a file."""
    if kind == "recompressed":
        return recompressed(image, rng)
    if kind == "all":
        return recompressed(shifted(resized(image, rng), rng), rng)
    return encoded((resized if kind == "resized" else shifted)(image, rng))


def shares(found: Copies, chosen: NDArray[np.int64]) -> dict[str, float]:
    """Give the share of each kind of copy that is in a group with its original, and of pictures falsely in one."""
    group_of = {Path(copy.image).stem: number for number, group in enumerate(found.groups) for copy in group.copies}
    result = {}
    for kind, numbers in zip(KINDS, chosen.tolist(), strict=True):
        pairs = ((group_of.get(str(number)), group_of.get(f"{number}-{kind}")) for number in numbers)
        result[kind] = 100 * float(np.mean([one is not None and one == other for one, other in pairs]))
    num_false = 0
    for group in found.groups:
        originals = {Path(copy.image).stem.partition("-")[0] for copy in group.copies}
        num_false += len(originals) if len(originals) > 1 else 0
    return result | {"false": 100 * num_false / (found.num_images - chosen.size)}


def photograph_share(rng: np.random.Generator) -> dict[str, float]:
    """Give the share of each kind of copy of tiles of photographs that is found."""
    tiles, moved = [], []
    for photograph in sources.photographs():
        height, width = photograph.shape[:2]
        for top in range(1, height - TILE, STRIDE):
            for left in range(1, width - TILE, STRIDE):
                down, across = rng.integers(-1, 2, 2).tolist()
                tiles.append(photograph[top : top + TILE, left : left + TILE])
                moved.append(photograph[top + down : top + down + TILE, left + across : left + across + TILE])
    result = {}
    for kind in KINDS:
        sources_of = moved if kind in ("shifted", "all") else tiles
        copies = [resized(tile, rng) if kind in ("resized", "all") else tile for tile in sources_of]
        if kind in ("recompressed", "all"):
            copies = [np.asarray(Image.open(io.BytesIO(recompressed(tile, rng)))) for tile in copies]
        parts = [amplitudes(image[None]) for image in (*tiles, *copies)]
        groups = find_near_duplicates(*map(np.concatenate, zip(*parts, strict=True)), 1 / 28).group
        group_of = {index: number for number, group in enumerate(groups) for index in group}
        pairs = [(group_of.get(index), group_of.get(index + len(tiles))) for index in range(len(tiles))]
        result[kind] = 100 * float(np.mean([one is not None and one == other for one, other in pairs]))
        num_false = sum(len({index % len(tiles) for index in group}) > 1 for group in groups)
        print(f"{len(tiles)} tiles, {kind}: {result[kind]:.1f} %, {num_false} false groups", flush=True)
    return result


def million(images: NDArray[np.uint8]) -> Iterator[NDArray[np.uint8]]:
    """Give sixteen times as many images: mirrored, upside down, transposed, and all of these with thick strokes too."""
    for thick in (images, np.maximum(np.maximum(images, np.roll(images, 1, 1)), np.roll(images, 1, 2))):
        for down in (1, -1):
            for across in (1, -1):
                turned = thick[:, ::down, ::across]
                yield from (turned, turned.transpose(0, 2, 1))


def search(images: NDArray[np.uint8], rng: np.random.Generator) -> dict[int, tuple[float, float]]:
    """Give the processor time of a search for each of ``SIZES``, and the share of 1,000 copies of all kinds found."""
    parts = [
        amplitudes(part[start : start + _ROWS]) for part in million(images) for start in range(0, len(part), _ROWS)
    ]
    columns = [np.concatenate(column) for column in zip(*parts, strict=True)]
    # The first of them are the images as they are.
    chosen = rng.permutation(len(images))[:NUM_PLANTED]
    bodies = [copied(images[number], "all", rng) for number in chosen.tolist()]
    copies = [amplitudes(np.asarray(Image.open(io.BytesIO(body)))[None]) for body in bodies]
    others = rng.permutation(np.setdiff1d(np.arange(len(columns[0])), chosen))
    found = {}
    for size in SIZES:
        kept = np.concatenate([chosen, others[: size - 2 * NUM_PLANTED]])
        both = [
            np.concatenate([*(copy[column] for copy in copies), values[kept]]) for column, values in enumerate(columns)
        ]
        start = time.process_time()
        groups = find_near_duplicates(*both, 1 / 28).group
        seconds = time.process_time() - start
        group_of = {index: number for number, group in enumerate(groups) for index in group}
        pairs = ((group_of.get(index), group_of.get(index + NUM_PLANTED)) for index in range(NUM_PLANTED))
        share = 100 * float(np.mean([one is not None and one == other for one, other in pairs]))
        found[size] = (seconds, share)
        print(f"{size:,}: {seconds:.1f} s, {len(groups)} groups, {share:.1f} % found", flush=True)
    return found


def main() -> None:
    """Measure, print and write."""
    mnist, rng = load_dataset(), np.random.default_rng(0)
    images = np.concatenate([mnist.train_image, mnist.test_image])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        chosen = plant(folder, images, rng)
        found = find_copies(name)
    of_workers = resource.getrusage(resource.RUSAGE_CHILDREN)
    reading = (of_workers.ru_utime + of_workers.ru_stime) / found.num_images
    figures = shares(found, chosen)
    print(figures, f"reading {1e6 * reading:.0f} µs a picture", flush=True)
    of_photographs = photograph_share(rng)
    searching = search(images, rng)
    same = {"command": measured.command(), **measured.here()}
    measured.write(
        [
            *(
                measured.Measurement(
                    f"duplicates/{kind}",
                    f"1,000 copies, {what}, that are found",
                    values=(figures[kind],),
                    digits=1,
                    **same,
                )
                for kind, what in KINDS.items()
            ),
            *(
                measured.Measurement(
                    f"duplicates/photographs-{kind}",
                    f"copies of tiles of photographs, {what.replace('21 and 56', '96 and 256')}, that are found",
                    values=(of_photographs[kind],),
                    digits=1,
                    **same,
                )
                for kind, what in KINDS.items()
            ),
            measured.Measurement(
                "duplicates/false",
                "MNIST's images that are called near duplicates of another one",
                values=(figures["false"],),
                digits=3,
                note="Nearly all of them are ones of a single stroke.",
                **same,
            ),
            *(
                measured.Measurement(
                    f"duplicates/search-{size}",
                    f"near duplicates among {size:,} images, without reading files, one thread",
                    values=(searching[size][0],),
                    unit="s",
                    digits=0,
                    note="Processor time.",
                    **same,
                )
                for size in SIZES
            ),
            measured.Measurement(
                "duplicates/all-million",
                "1,000 copies, resized, shifted and recompressed, that are found among a million images",
                values=(searching[SIZES[-1]][1],),
                digits=1,
                **same,
            ),
            measured.Measurement(
                "duplicates/million",
                "near duplicates among a million picture files of 28 × 28 pixels, two cores",
                values=(reading * 1e6 / 2 + searching[SIZES[-1]][0],),
                unit="s",
                digits=0,
                note="Processor time: of reading, from 74,000 files, on two cores; of the search, on one.",
                **same,
            ),
        ]
    )


if __name__ == "__main__":
    main()
