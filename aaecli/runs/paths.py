"""Where things are: run folders and the newest model."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from aaecli.errors import AaeError
from aaecli.files.opening import is_file, is_folder, open_regular
from aaecli.files.writing import check_no_link
from aaecli.suggestions import suggest, suggest_aaecli

RUNS = Path("runs")
NEWEST_MODEL = Path("model.pt")
EXPORTS = Path("exports")
STATE = "last.pt"
"""The state to resume from; of an unfinished run, its weights are the model."""
MODEL_CARD = "README.md"
_HINT = "`aaecli train` writes models as model.pt."
_RUN_FILES = (
    *("config.toml", "environment.json", "labels.csv", "metrics.csv", "summary.json", "model.pt", "last.pt"),
    *(".lock", "figures", "tensorboard"),
)
"""Files that a run writes into its folder."""


def released_folders() -> list[Path]:
    """Where the released model is: in the installed package, or in the checkout that the package runs from."""
    package = Path(__file__).resolve().parents[1]
    return [package / "pretrained", package.parent / "exports" / "pretrained"]


def check_run_folder(folder: Path, names: Iterable[str] = _RUN_FILES) -> None:
    """Check that a run folder can be written to without following a link.

    Args:
        folder: The folder.
        names: The files to be written; by default all that a run writes.

    Raises:
        AaeError: The folder, or one of the files and folders of these names, is a link.
    """
    if folder.is_symlink():
        raise AaeError(
            f"{folder} is a link, and nothing is written through links.",
            f"Name the folder itself: {suggest(Path(os.path.realpath(folder)))}",
        )
    for name in names:
        check_no_link(folder / name)


def new_run(root: Path, stem: str) -> Path:
    """Make the next folder ``root/<stem>-001``, numbered up from the highest there is.

    Two runs that start at the same moment get different numbers: creating a folder that exists fails.

    Raises:
        AaeError: The folder cannot be made.
    """
    with _listing_runs(root):
        root.mkdir(parents=True, exist_ok=True)
        number = max(_numbered(root, stem), default=0) + 1
        while True:
            run = root / f"{stem}-{number:03d}"
            try:
                run.mkdir()
            except FileExistsError:
                number += 1
            else:
                return run


def newest_run(root: Path, stem: str) -> Path | None:
    """Find the folder that ``new_run`` made last, or None.

    Raises:
        AaeError: ``root`` cannot be read.
    """
    with _listing_runs(root):
        numbered = _numbered(root, stem) if is_folder(root) else {}
    return numbered[max(numbered)] if numbered else None


@contextmanager
def _listing_runs(root: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise AaeError(
            f"Cannot make a run folder in {root}: {error.strerror}.", "Name a folder you can write to with --out."
        ) from error


def _numbered(root: Path, stem: str) -> dict[int, Path]:
    pattern = re.compile(re.escape(stem) + r"-(\d+)")
    return {int(found[1]): entry for entry in root.iterdir() if (found := pattern.fullmatch(entry.name))}


def find_model(named: Path | None) -> Path:
    """Find the model to use: the one named, or that in the folder named (a run's, or one of exports).

    Where none is named: ``./model.pt``, else that of the newest run.

    Raises:
        AaeError: There is none, or the named one is no file that can be read.
    """
    if named is not None and is_folder(named):
        for name in (NEWEST_MODEL.name, "encoder.onnx", STATE):
            if is_file(named / name):
                return named / name
        raise AaeError(f"There is no model in {named}.", "Name a .pt or .onnx file, or a run that has saved something.")
    if named is not None:
        if named.suffix != ".onnx":
            # A misspelt name is said before torch is imported, which takes seconds.
            open_regular(named, hint=_HINT).close()
        return named
    if is_file(NEWEST_MODEL):
        return NEWEST_MODEL
    if models := _in_runs(NEWEST_MODEL.name):
        return models[-1]
    if states := _in_runs(STATE):
        resume = suggest_aaecli("train", "--resume", states[-1].parent)
        raise AaeError("There is no trained model here, only a run that stopped.", f"{resume} continues it.")
    raise AaeError("There is no model here.", "Train one with `aaecli train --labels 1000`, or name its path.")


def _in_runs(name: str) -> list[Path]:
    """Find the files of this name in the runs here, the newest last."""
    return sorted((path for path in RUNS.glob(f"*/{name}") if is_file(path)), key=lambda path: path.stat().st_mtime)
