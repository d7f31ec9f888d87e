"""Answering one shard: what every worker runs, in this process, in another one or on another machine."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from aaecli import __version__
from aaecli.data.decoding.tar import UnreadError, damaged, read_tar
from aaecli.data.naming.files import read_bytes
from aaecli.data.preprocessing.prepare import Encoded, Recipe, prepare_chunk
from aaecli.data.workers import CHUNK
from aaecli.errors import AaeError
from aaecli.files.opening import exists
from aaecli.files.writing import replacing
from aaecli.scale import rows
from aaecli.scale.manifest import NAME, Manifest, read_manifest, recipe_of
from aaecli.scale.parquet_files import read_parquet
from aaecli.scale.plan import Shard, names_of
from aaecli.serve.classify import answer_batch
from aaecli.serve.device import Device
from aaecli.serve.discovery import decoder_beside
from aaecli.serve.session import Decoder, Encoder, open_decoder, open_encoder

_CHUNK_BYTES = 2**21
"""Of picture files that are decoded together: a hundred times as much in pixels."""


@dataclass(frozen=True)
class Job:
    """What all shards of a run have in common.

    Attributes:
        folder: The folder of answers, as an absolute path.
        base: Folder that relative names of inputs are counted from.
        model: The encoder, as an absolute path.
        device: Where the model runs.
        manifest: What the folder is made of.
    """

    folder: str
    base: str
    model: str
    device: Device
    manifest: Manifest


@dataclass(frozen=True)
class Report:
    """What became of a shard.

    Attributes:
        num_pictures: Rows that were written.
        num_unreadable: Those of them whose picture could not be read.
        error: Why the shard failed; empty where it is done.
        hint: What to do about it.
    """

    num_pictures: int
    num_unreadable: int
    error: str = ""
    hint: str = ""


class _InputError(Exception):
    """The input of a shard cannot be read to its end: the shard fails, and the others do not."""

    def __init__(self, reason: AaeError) -> None:
        super().__init__(reason.message)
        self.reason = reason


def answer_shard(job: Job, shard: Shard) -> Report:
    """Answer for the pictures of a shard, and write its part.

    Args:
        job: What all shards have in common.
        shard: Which pictures.

    Returns:
        What became of it. A shard whose input cannot be read to its end has no part, but a file that says why.

    Raises:
        AaeError: The folder cannot be written or is another's by now, or the model is another one here.
    """
    folder = Path(job.folder)
    path = folder / shard.part
    if __version__ != job.manifest.options.version:
        raise AaeError(
            f"A worker has aaecli {__version__}, and the command {job.manifest.options.version}.",
            "Install the same version on every machine.",
        )
    if read_manifest(folder) != job.manifest:
        raise AaeError(f"{folder / NAME} has changed meanwhile.", "Give every command a folder of its own.")
    if exists(path):
        return report_of(path)
    encoder, decoder, recipe = _opened(job)
    options = job.manifest.options
    style_dim = encoder.metadata.style_dim if options.style else 0
    columns = rows.schema(len(encoder.names), style_dim, has_decoder=bool(options.decoder))
    try:
        with rows.part(path, columns, job.manifest.plan) as part:
            for chunk in _chunks(_guarded(_pictures(job, shard), shard)):
                batch = prepare_chunk(chunk, recipe)
                answered = answer_batch(
                    batch,
                    encoder,
                    decoder,
                    top_k=options.top_k,
                    threshold=options.threshold,
                    novelty=options.novelty,
                )
                part.add(answered)
    except _InputError as error:
        return fail(job, shard, error.reason)
    (folder / shard.failure).unlink(missing_ok=True)
    return Report(part.num_rows, part.num_unreadable)


def fail(job: Job, shard: Shard, error: AaeError) -> Report:
    """Write down why a shard failed."""
    path = Path(job.folder) / shard.failure
    record = {"shard": shard.id, "input": shard.input, "first": shard.first, "error": error.message, "hint": error.hint}
    with replacing(path) as temporary:
        temporary.write_text(json.dumps(record) + "\n", encoding="utf-8")
    return Report(0, 0, error.message, error.hint)


def report_of(path: Path) -> Report:
    """Read from a part how many rows it has.

    Raises:
        AaeError: It is damaged.
    """
    num_rows, metadata = rows.footer(path)
    return Report(num_rows, int(metadata.get(rows.UNREADABLE, "0")))


def _guarded(pictures: Iterable[Encoded | AaeError], shard: Shard) -> Iterator[Encoded | AaeError]:
    try:
        yield from pictures
    except AaeError as error:
        raise _InputError(error) from error
    except OSError as error:
        reason = AaeError(f"Cannot read {shard.input}: {error.strerror}.", "Copy it again, or to another disk.")
        raise _InputError(reason) from error


def _chunks(pictures: Iterable[Encoded | AaeError]) -> Iterator[list[Encoded | AaeError]]:
    """Gather as many pictures as ``classify`` prepares together, and fewer of large ones, which take memory."""
    chunk: list[Encoded | AaeError] = []
    num_bytes = 0
    for picture in pictures:
        chunk.append(picture)
        num_bytes += 0 if isinstance(picture, AaeError) else len(picture.data)
        if len(chunk) == CHUNK or num_bytes > _CHUNK_BYTES:
            yield chunk
            chunk, num_bytes = [], 0
    if chunk:
        yield chunk


def _pictures(job: Job, shard: Shard) -> Iterator[Encoded | AaeError]:
    options = job.manifest.options
    # Where it is the same folder, errors name a file as it was typed.
    base = "" if os.getcwd() == job.base else job.base  # noqa: PTH109
    if shard.kind == "names":
        for name in names_of(Path(job.folder), shard):
            yield _named(name, os.path.join(base, name))  # noqa: PTH118
        return
    path = os.path.join(base, shard.input)  # noqa: PTH118 - a name as it was typed
    if shard.bytes >= 0 and exists(path) and Path(path).stat().st_size != shard.bytes:
        raise damaged(shard.input, "its size is another than when the shards were made; start in a new folder")
    if shard.kind == "tar":
        yield from read_tar(path, shard.input, shard.offset, shard.count)
    else:
        yield from read_parquet(path, shard.input, options.image, options.key, shard.first, shard.count)


def _named(name: str, path: str) -> Encoded | AaeError:
    try:
        return Encoded(name, read_bytes(path))
    except AaeError as error:
        return UnreadError(name, error.message)


def _opened(job: Job) -> tuple[Encoder, Callable[[], Decoder | None], Recipe]:
    # onnxruntime's making of sessions is not safe in several threads, of which a worker of Dask may have some.
    with _opening:
        encoder, decoder = sessions(job.model, job.device)
    options = job.manifest.options
    if encoder.sha256 != options.encoder or (decoder.sha256 if decoder else "") != options.decoder:
        raise AaeError(
            f"{job.model} is another model than the one that the answers in {job.folder} are from.",
            "Name that one with --model, or a new folder with --out.",
        )
    return encoder, lambda: decoder, recipe_of(options, encoder.metadata.recipe)


@lru_cache(maxsize=1)
def sessions(model: str, device: Device) -> tuple[Encoder, Decoder | None]:
    """Open a model, and the decoder beside it where it has one, once in a process: sessions cannot be pickled."""
    encoder = open_encoder(Path(model), device)
    beside = decoder_beside(encoder.path)
    return encoder, open_decoder(beside, device) if beside else None


_opening = threading.Lock()
