"""How far a folder of answers is: told by the names of its files, and by reading all of them where that is wanted."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from aaecli.errors import AaeError
from aaecli.files.opening import exists, is_folder, open_regular, read_bytes, shown
from aaecli.scale import rows
from aaecli.scale.manifest import NAME, Manifest, read_manifest
from aaecli.scale.parquet_files import pyarrow
from aaecli.scale.plan import Shard, digest, read_plan

_PART = re.compile(r"part-[0-9]{5,}\.parquet", re.ASCII)
_TEMPORARY = re.compile(r"\.part-[0-9]{5,}\.parquet\.\w{8}", re.ASCII)
_MAX_FAILURE = 2**16


@dataclass
class Status:
    """How far a folder is.

    Attributes:
        num_shards: Of the plan.
        num_done: Those that have their part.
        num_pictures: Rows of the parts.
        num_unreadable: Those of them whose picture could not be read.
        failures: For shards that have failed, their number and why.
        seconds: Between the first and the last part that was written.
        faults: What ``verify`` found: a sentence for each part that is not as it should be.
    """

    num_shards: int
    num_done: int = 0
    num_pictures: int = 0
    num_unreadable: int = 0
    failures: dict[int, str] = field(default_factory=dict)
    seconds: float = 0.0
    faults: list[str] = field(default_factory=list)

    @property
    def num_left(self) -> int:
        """Shards that are neither done nor have failed."""
        return self.num_shards - self.num_done - len(self.failures)

    def as_object(self) -> dict[str, Any]:
        """Give what ``--json`` prints."""
        return {
            "shards": self.num_shards,
            "done": self.num_done,
            "failed": len(self.failures),
            "left": self.num_left,
            "pictures": self.num_pictures,
            "unreadable": self.num_unreadable,
        }


def parts_of(folder: Path) -> set[str]:
    """Name the parts that a folder has: those shards are done."""
    with os.scandir(folder) as entries:
        return {entry.name for entry in entries if _PART.fullmatch(entry.name)}


def sweep(folder: Path) -> None:
    """Remove parts that a killed worker began; to be called when no shard is left that one could be writing."""
    for entry in folder.iterdir():
        if _TEMPORARY.fullmatch(entry.name):
            entry.unlink(missing_ok=True)


def opened(folder: Path) -> Manifest:
    """Read the manifest of a folder that has to have one.

    Raises:
        AaeError: It has none, or it is damaged.
    """
    if not exists(folder):
        raise AaeError(f"{shown(folder)} does not exist.", "Name the folder of --out.")
    manifest = read_manifest(folder) if is_folder(folder) else None
    if manifest is None:
        raise AaeError(f"{folder} holds no answers of `aaecli bulk`: it has no {NAME}.", "Name the folder of --out.")
    return manifest


def status(folder: Path) -> Status:
    """Tell how far a folder is, from the names of its files and the ends of its parts.

    Raises:
        AaeError: It is no folder of answers, or a file of it is damaged.
    """
    manifest = opened(folder)
    found = Status(manifest.num_shards)
    parts = parts_of(folder)
    times = []
    for shard in read_plan(folder, manifest):
        if shard.part in parts:
            found.num_done += 1
            try:
                num_rows, metadata = rows.footer(folder / shard.part)
            except AaeError as error:
                found.faults.append(error.message)
                continue
            found.num_pictures += num_rows
            found.num_unreadable += _number(metadata.get(rows.UNREADABLE))
            times.append((folder / shard.part).stat().st_mtime)
        elif (reason := _failure(folder / shard.failure)) is not None:
            found.failures[shard.id] = reason
    found.seconds = max(times) - min(times) if times else 0.0
    return found


def verify(folder: Path, tell: Callable[[int, int], None]) -> Status:
    """Read everything back: the plan by its digest, each part by the checksums of its pages, its columns and its rows.

    Args:
        folder: The folder of answers.
        tell: Called after each part with the number of parts read, and of those that there are.

    Raises:
        AaeError: It is no folder of answers, or the plan is not as it was made.
    """
    manifest = opened(folder)
    if digest(folder) != manifest.plan:
        raise AaeError(f"The plan in {folder} is not as it was made.", "Start again in a new folder.")
    found = status(folder)
    found.faults.clear()
    parts = parts_of(folder)
    columns = None
    for number, shard in enumerate((each for each in read_plan(folder, manifest) if each.part in parts), 1):
        path = folder / shard.part
        try:
            columns = _check(path, shard, manifest, columns)
        except AaeError as error:
            found.faults.append(error.message)
        tell(number, found.num_done)
    return found


def _check(path: Path, shard: Shard, manifest: Manifest, columns: Any) -> Any:
    """Read a part to its end; gives its columns, which those of the next have to equal."""
    arrow = pyarrow()
    num_rows, metadata = rows.footer(path)
    if metadata.get(rows.PLAN) != manifest.plan:
        raise AaeError(f"{path} is of another plan.")
    if shard.count >= 0 and num_rows != shard.count:
        raise AaeError(f"{path} has {num_rows:,} rows, and its shard {shard.count:,} pictures.")
    with open_regular(path) as file:
        try:
            part = arrow.parquet.ParquetFile(file, page_checksum_verification=True)
            for group in range(part.metadata.num_row_groups):
                part.read_row_group(group, use_threads=False).validate(full=True)
            found = part.schema_arrow.remove_metadata()
        except (arrow.lib.ArrowException, ValueError, OSError) as error:
            raise AaeError(f"{path} is damaged.") from error
    if columns is not None and found != columns:
        raise AaeError(f"{path} has other columns than the parts before it.")
    return found


def _failure(path: Path) -> str | None:
    """Read why a shard failed; None where it has not."""
    try:
        record = json.loads(read_bytes(path, _MAX_FAILURE))
    except AaeError:
        return None
    except (ValueError, RecursionError):
        record = None
    error = record.get("error") if isinstance(record, dict) else None
    return error if isinstance(error, str) else "The file that says why is damaged."


def _number(spelt: str | None) -> int:
    return int(spelt) if spelt and spelt.isascii() and spelt.isdigit() and len(spelt) < 20 else 0


def left(folder: Path, manifest: Manifest) -> Iterator[Shard]:
    """Give the shards of a folder that have no part yet."""
    parts = parts_of(folder)
    return (shard for shard in read_plan(folder, manifest) if shard.part not in parts)
