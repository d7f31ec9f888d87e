"""The plan: which shards there are, made once. A shard is a slice of a list of names, of a tar or of a parquet file."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from itertools import chain
from pathlib import Path
from typing import Literal

from aaecli.config.parsing import build
from aaecli.data.decoding import tar
from aaecli.data.decoding.parquet import is_parquet
from aaecli.data.naming.files import STDIN, find
from aaecli.data.naming.name_lists import names_from
from aaecli.errors import AaeError
from aaecli.files.opening import exists, open_regular
from aaecli.files.writing import replacing
from aaecli.scale import parquet_files
from aaecli.scale.manifest import Manifest, Options

SHARDS = "_shards.jsonl"
NAMES = "_names.txt"
MAX_SHARDS = 1_000_000
_LONGEST_LINE = 2**16
_PART = 2**20
_DIGITS = 5


@dataclass(frozen=True)
class Shard:
    """Some pictures that are answered for together.

    Attributes:
        id: Its number, from 0.
        kind: What ``input`` is.
        input: A tar or parquet file, as it was named; for names, the list in the folder of answers.
        first: The first of its pictures, counted from 0: in the list, the tar, or the rows of the parquet file.
        count: How many they are; -1 for all to the end.
        offset: Byte of the list or of the tar at which they begin.
        bytes: Size of the file, where another size means that the slice is none of it any more; else -1.
    """

    id: int
    kind: Literal["names", "tar", "parquet"]
    input: str
    first: int
    count: int
    offset: int = 0
    bytes: int = -1

    @property
    def part(self) -> str:
        """Name of the file of its answers."""
        return f"part-{self.id:0{_DIGITS}d}.parquet"

    @property
    def failure(self) -> str:
        """Name of the file that says why it failed."""
        return f"_failed/{self.id:0{_DIGITS}d}.json"


def make_plan(folder: Path, options: Options, warn: Callable[[AaeError], None]) -> tuple[str, int]:
    """Find the pictures, cut them into shards, and write the plan into a folder.

    Args:
        folder: The folder of answers.
        options: The inputs among them.
        warn: Called with what is left out.

    Returns:
        SHA-256 of what was written, and the number of shards.

    Raises:
        AaeError: An input is not there or cannot be read, or there is none.
    """
    files, others = _sorted_inputs(options.inputs)
    number = 0
    with replacing(folder / SHARDS) as temporary, temporary.open("w", encoding="utf-8") as file:
        for shard in chain(_of_files(files, options), _of_names(folder, others, options, warn)):
            if number == MAX_SHARDS:
                raise AaeError(
                    f"These are more than {MAX_SHARDS:,} shards.", "Choose a larger --shard-size, or fewer inputs."
                )
            file.write(json.dumps(asdict(shard) | {"id": number}) + "\n")
            number += 1
        if not number:
            raise AaeError("There are no pictures in these inputs.", "Name pictures, folders, tar or parquet files.")
    return digest(folder), number


def digest(folder: Path) -> str:
    """Give the SHA-256 of the files of the plan."""
    found = hashlib.sha256()
    for name in (SHARDS, NAMES):
        if exists(folder / name):
            found.update(name.encode())
            with open_regular(folder / name) as file:
                while part := file.read(_PART):
                    found.update(part)
    return found.hexdigest()


def read_plan(folder: Path, manifest: Manifest) -> Iterator[Shard]:
    """Read the shards of the plan.

    Raises:
        AaeError: It is damaged.
    """
    number = 0
    with open_regular(folder / SHARDS) as file:
        while line := file.readline(_LONGEST_LINE):
            try:
                shard = build(Shard, json.loads(line))
            except (ValueError, TypeError, RecursionError, AaeError) as error:
                raise _damaged(folder) from error
            if shard.id != number:
                raise _damaged(folder)
            number += 1
            yield shard
    if number != manifest.num_shards:
        raise _damaged(folder)


def names_of(folder: Path, shard: Shard) -> list[str]:
    """Give the names of a shard of names."""
    found: list[bytes] = []
    with open_regular(folder / NAMES) as file:
        file.seek(shard.offset)
        rest = b""
        while len(found) < shard.count and (part := file.read(_PART)):
            *names, rest = (rest + part).split(b"\0")
            found += names
    if len(found) < shard.count:
        raise _damaged(folder)
    return [os.fsdecode(name) for name in found[: shard.count]]


def _sorted_inputs(inputs: Iterable[str]) -> tuple[list[str], list[str]]:
    """Part the inputs: tar and parquet files, patterns of them resolved, and what ``classify`` would take."""
    files: list[str] = []
    others: list[str] = []
    for name in inputs:
        if name == STDIN:
            raise AaeError("A picture on stdin is no input here.", "`aaecli classify -` reads one.")
        if tar.is_tar(name) or is_parquet(name):
            for source in find([name]):
                if isinstance(source, AaeError):
                    raise source
                files.append(source)
        else:
            others.append(name)
    return files, others


def _of_files(files: Iterable[str], options: Options) -> Iterator[Shard]:
    for name in files:
        if tar.is_tar(name):
            yield from _of_tar(name, options.shard_size)
        else:
            yield from _of_parquet(name, options)


def _of_tar(name: str, size: int) -> Iterator[Shard]:
    slices = tar.cut(name, size)
    if len(slices) == 1:
        yield Shard(0, "tar", name, 0, -1)
        return
    num_bytes = Path(name).stat().st_size
    for position, offset in enumerate(slices):
        count = -1 if position == len(slices) - 1 else size
        yield Shard(0, "tar", name, position * size, count, offset, num_bytes)


def _of_parquet(name: str, options: Options) -> Iterator[Shard]:
    slices = parquet_files.cut(name, options.image, options.key, options.shard_size)
    num_bytes = Path(name).stat().st_size
    for first, count in slices:
        yield Shard(0, "parquet", name, first, count, bytes=num_bytes)


def _of_names(folder: Path, inputs: list[str], options: Options, warn: Callable[[AaeError], None]) -> Iterator[Shard]:
    """Write the list of names, and give the shards that are slices of it."""
    if not inputs and not options.files_from:
        return
    sources = find(inputs, recursive=options.recursive)
    if options.files_from:
        sources = chain(sources, names_from(options.files_from))
    number = offset = begin = first = 0
    with replacing(folder / NAMES) as temporary, temporary.open("wb") as file:
        for source in sources:
            if isinstance(source, AaeError):
                warn(source)
                continue
            if number - first == options.shard_size:
                yield Shard(0, "names", NAMES, first, number - first, begin)
                first, begin = number, offset
            offset += file.write(os.fsencode(source) + b"\0")
            number += 1
        if number > first:
            yield Shard(0, "names", NAMES, first, number - first, begin)


def _damaged(folder: Path) -> AaeError:
    return AaeError(
        f"The plan in {folder} is damaged: {SHARDS} or {NAMES} is not as it was written.",
        "Start again in a new folder.",
    )
