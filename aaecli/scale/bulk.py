"""``aaecli bulk``: answers for many pictures, a shard at a time; started again, it continues with what is left."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol

from aaecli import __version__
from aaecli.errors import AaeError
from aaecli.files.opening import exists, is_folder
from aaecli.files.outputs import check_outside
from aaecli.files.writing import check_no_link, making_folder
from aaecli.scale.executors import Engine
from aaecli.scale.manifest import (
    SCHEMA,
    Manifest,
    Options,
    check_same,
    read_manifest,
    strokes_of,
    write_manifest,
)
from aaecli.scale.parquet_files import IMAGE, pyarrow
from aaecli.scale.plan import Shard, make_plan
from aaecli.scale.shard import Job, Report, answer_shard, fail, sessions
from aaecli.scale.share import Share
from aaecli.scale.status import left, parts_of, sweep
from aaecli.scale.tasks import run_all
from aaecli.serve.device import Device
from aaecli.serve.discovery import find_encoder
from aaecli.serve.novelty import check_scores

SHARD_SIZE = 10_000
"""Pictures in a shard where nobody says another number."""


@dataclass(frozen=True)
class Request:
    """What to answer, and where to.

    Attributes:
        inputs: Pictures, folders, tar and parquet files, and patterns of them.
        folder: Gets the answers.
        files_from: A list of names of pictures; empty for none.
        recursive: Search folders of folders too.
        model: See ``find_encoder``.
        device: Where the model runs.
        invert: See ``Recipe``.
        normalise: False: only resize.
        style: Write the style of each picture too.
        top_k: Number of classes that each row names.
        threshold: Below this probability the label is ``unsure``.
        novelty: Give every picture its novelty score, not only the doubtful ones.
        image: Column of the pictures in parquet files.
        key: Column of their names; empty for none.
        shard_size: Pictures in a shard.
        share: Which part of the shards is this command's; None for all.
    """

    inputs: tuple[str, ...]
    folder: Path
    files_from: str = ""
    recursive: bool = False
    model: Path | None = None
    device: Device = "auto"
    invert: bool | None = None
    normalise: bool = True
    style: bool = False
    top_k: int = 1
    threshold: float = 0.0
    novelty: bool = False
    image: str = IMAGE
    key: str = ""
    shard_size: int = SHARD_SIZE
    share: Share | None = None


class Reporter(Protocol):
    """Whoever watches."""

    def begin(self, num_shards: int, num_left: int) -> None:
        """Called once with how many shards are this command's, and how many of them are left."""

    def shard(self, shard: Shard, report: Report) -> None:
        """Called after each shard."""


def prepare(request: Request, warn: Callable[[AaeError], None]) -> Job:
    """Settle what is to be done: make the plan, or check that the folder's is of the same request.

    Args:
        request: What to do.
        warn: Called with what is left out of the plan.

    Raises:
        AaeError: The folder is of another request or no folder of answers, an input is not there, the model cannot be
            used, or pyarrow is not installed.
    """
    pyarrow()
    folder = request.folder
    check_no_link(folder)
    if exists(folder) and not is_folder(folder):
        raise AaeError(f"{folder} is a file, not a folder.", "Name a new folder with --out.")
    for name in request.inputs:
        if is_folder(name):
            check_outside(folder, Path(name))
    model = find_encoder(request.model)
    encoder, decoder = sessions(os.path.abspath(model), request.device)  # noqa: PTH100 - links stay
    options = Options(
        version=__version__,
        encoder=encoder.sha256,
        decoder=decoder.sha256 if decoder else "",
        strokes=strokes_of(request.invert),
        normalise=request.normalise,
        style=request.style,
        top_k=request.top_k,
        threshold=request.threshold,
        novelty=request.novelty,
        image=request.image,
        key=request.key,
        inputs=request.inputs,
        files_from=request.files_from,
        recursive=request.recursive,
        shard_size=request.shard_size,
    )
    if request.style and not encoder.has_style:
        raise AaeError(f"{model} has no style: it was trained as {encoder.metadata.model}.", "Leave out --style.")
    if not encoder.has_label:
        raise AaeError(
            f"{model} was trained as {encoder.metadata.model}: it has a style, but no classes.",
            "Train one that learns classes, such as `aaecli train --labels 1000`, and export it.",
        )
    if request.novelty:
        check_scores(encoder, decoder)
    tasks = request.share.count if request.share else 0
    manifest = _settled(folder, options, tasks, warn)
    return Job(os.path.abspath(folder), os.getcwd(), str(encoder.path), request.device, manifest)  # noqa: PTH100, PTH109


def _settled(folder: Path, options: Options, tasks: int, warn: Callable[[AaeError], None]) -> Manifest:
    manifest = read_manifest(folder)
    if manifest is None:
        making_folder(folder)
        if parts := parts_of(folder):
            raise AaeError(
                f"{folder} holds {min(parts)}, and no manifest that says what it is.", "Name a new folder with --out."
            )
        plan, num_shards = make_plan(folder, options, warn)
        write_manifest(folder, Manifest(SCHEMA, options, plan, num_shards, tasks))
        # Of several that were started at once, the last one to write has settled it for all.
        manifest = read_manifest(folder)
        assert manifest is not None  # noqa: S101 - it was just written
    check_same(folder, manifest, options, tasks)
    return manifest


def shards_left(job: Job, share: Share | None) -> list[Shard]:
    """Give the shards of this command that have no part yet; those that failed are tried again."""
    return [shard for shard in left(Path(job.folder), job.manifest) if share is None or share.has(shard.id)]


def num_shards(job: Job, share: Share | None) -> int:
    """Count the shards of this command, those that are done among them."""
    total = job.manifest.num_shards
    return total if share is None else len(range(share.index, total, share.count))


def run(job: Job, shards: Sequence[Shard], engine: Engine, reporter: Reporter) -> int:
    """Answer the pictures of shards.

    Args:
        job: From ``prepare``.
        shards: From ``shards_left``.
        engine: Who runs them.
        reporter: Is called after each.

    Returns:
        How many shards failed.

    Raises:
        AaeError: Something that concerns all shards. What is done stays.
    """
    num_failed = 0
    for shard, result in run_all(engine, partial(answer_shard, job), shards):
        report = fail(job, shard, result) if isinstance(result, AaeError) else result
        num_failed += bool(report.error)
        reporter.shard(shard, report)
    return num_failed


def tidy(job: Job) -> None:
    """Remove what killed workers left behind, once all shards are done: then nobody writes one any more."""
    folder = Path(job.folder)
    if len(parts_of(folder)) == job.manifest.num_shards:
        sweep(folder)
