"""``_manifest.json``: what a folder of answers is made of, and that nothing else may be added to it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from aaecli.config.parsing import build, plain
from aaecli.data.preprocessing.prepare import Recipe
from aaecli.errors import AaeError
from aaecli.files.opening import exists, read_bytes
from aaecli.files.writing import replacing

NAME = "_manifest.json"
"""The underscore has Spark and pyarrow, which read whole folders, leave the file alone."""
SCHEMA = 1
_MAX_BYTES = 2**24
_STROKES: dict[bool | None, Literal["found", "dark", "light"]] = {None: "found", True: "dark", False: "light"}
_NEW_FOLDER = "Name a new folder with --out, or repeat the options of before."
_FLAGS = {
    "encoder": "the model",
    "decoder": "the decoder beside the model",
    "version": "the version of aaecli",
    "strokes": "--invert/--no-invert",
    "normalise": "--no-normalise",
    "files_from": "--files-from",
    "shard_size": "--shard-size",
    "top_k": "--top-k",
}


@dataclass(frozen=True)
class Options:
    """All that the rows of an answer depend on, but the pictures.

    Attributes:
        version: Of aaecli.
        encoder: SHA-256 of the encoder's file, in hexadecimal.
        decoder: That of the decoder beside it; empty where there is none.
        strokes: Whether they are darker or lighter than the paper, or that is found for each picture.
        normalise: See ``Recipe``.
        style: Whether the rows hold the style.
        top_k: Number of classes that each row names.
        threshold: Below this probability the label is ``unsure``.
        novelty: Whether every row has a novelty score.
        image: Column of the pictures in parquet files.
        key: Column of their names; empty for a name out of the file's and the row's number.
        inputs: As they were typed.
        files_from: Likewise; empty where there was none.
        recursive: Whether folders of folders are searched.
        shard_size: Pictures in a shard.
    """

    version: str
    encoder: str
    decoder: str
    strokes: Literal["found", "dark", "light"]
    normalise: bool
    style: bool
    top_k: int
    threshold: float
    novelty: bool
    image: str
    key: str
    inputs: tuple[str, ...]
    files_from: str
    recursive: bool
    shard_size: int

    @property
    def invert(self) -> bool | None:
        """``Recipe.invert``."""
        return {"found": None, "dark": True, "light": False}[self.strokes]


def strokes_of(invert: bool | None) -> Literal["found", "dark", "light"]:
    """Name what ``Recipe.invert`` says."""
    return _STROKES[invert]


@dataclass(frozen=True)
class Manifest:
    """What a folder of answers is made of.

    Attributes:
        schema: Version of the files.
        options: See ``Options``.
        plan: SHA-256 of the files of the plan, in hexadecimal.
        num_shards: Shards in the plan.
        tasks: Into how many parts ``--task`` divided them first; 0 for none.
    """

    schema: int
    options: Options
    plan: str
    num_shards: int
    tasks: int = 0


def read_manifest(folder: Path) -> Manifest | None:
    """Read the manifest of a folder; None where it has none.

    Raises:
        AaeError: It is damaged, or of another version.
    """
    path = folder / NAME
    return _parsed(read_bytes(path, _MAX_BYTES), path) if exists(path) else None


@lru_cache(maxsize=1)
def _parsed(data: bytes, path: Path) -> Manifest:
    # A worker looks at the file before each shard, which may be small.
    hint = "Name another folder with --out."
    try:
        table = json.loads(data)
        if isinstance(table, dict) and table.get("schema") not in (SCHEMA, None):
            raise AaeError(f"{path} is of another version of aaecli.", hint)
        manifest = build(Manifest, table)
        asdict(manifest)
    except (ValueError, TypeError, RecursionError) as error:
        raise AaeError(f"{path} is damaged: it is no manifest of `aaecli bulk`.", hint) from error
    return manifest


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest of a folder: from then on its plan is settled."""
    with replacing(folder / NAME) as temporary:
        temporary.write_text(json.dumps(plain(manifest), indent=2) + "\n", encoding="utf-8")


def check_same(folder: Path, found: Manifest, options: Options, tasks: int) -> None:
    """Check that a folder is of the same options.

    Raises:
        AaeError: It is not; the sentence names the first that differs.
    """
    before, now = asdict(found.options), asdict(options)
    for name, value in now.items():
        if before[name] != value:
            spelt = _FLAGS.get(name, "the inputs" if name == "inputs" else f"--{name}")
            was = "" if name in ("encoder", "decoder", "inputs") else f" It was {before[name]!r}, and is {value!r}."
            raise AaeError(f"{folder} holds answers with another value of {spelt}.{was}", _NEW_FOLDER)
    if tasks and found.tasks and tasks != found.tasks:
        raise AaeError(
            f"{folder} was begun in {found.tasks} parts, and --task now names {tasks}: some shards would be done "
            "twice, and some by nobody.",
            f"Use --task I/{found.tasks}; without --task, what is left is done here.",
        )


def recipe_of(options: Options, recipe: Recipe) -> Recipe:
    """Give how a picture becomes the model's input, as ``classify`` does with the same options."""
    return Recipe(recipe.shape, options.invert, recipe.normalise and options.normalise, recipe.channels)
