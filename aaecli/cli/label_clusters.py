"""``aaecli label --clusters``: clusters are found without labels, and their names label the sure pictures."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import typer

from aaecli.cli.asking import Where, ask
from aaecli.errors import AaeError
from aaecli.files.opening import is_file
from aaecli.runs.paths import NEWEST_MODEL, RUNS, newest_run
from aaecli.suggestions import suggest_aaecli, suggest_resuming
from aaecli.terminal import console
from aaecli.text import number_of

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aaecli.checkpoint.file import Checkpoint
    from aaecli.cli.labelling import Row
    from aaecli.data.dataset import Dataset
    from aaecli.files.outputs import Outputs
    from aaecli.labelling.clusters import Cluster, Clustering

_SHEET = (4, 4)
"""Rows and columns of the members of a cluster on a sheet."""
_IN_TERMINAL = 6
"""Most members of a cluster that the terminal shows, in a row."""


class Request(NamedTuple):
    """What the command line asks for.

    Attributes:
        num_clusters: Number of clusters.
        model: The model that finds them; None to take the newest of the folder, or to train one.
        image: What pictures become: settings of ``[image]``.
        seed: Seed of the training; None for that of the newest model.
        threads: CPU threads.
        added: Classes that no picture has yet.
        words: The options that say what pictures become, as they are typed.
    """

    num_clusters: int
    model: Path | None
    image: dict[str, Any]
    seed: int | None
    threads: int | None
    added: list[str]
    words: list[str]


@dataclass
class Naming:
    """Names of clusters on their way into labels.csv; a label that a person gave is never changed.

    Attributes:
        folder: The folder of pictures.
        dataset: Its pictures.
        clustering: Its pictures without a label, in clusters.
        names: The name of each cluster that has one so far, by its number.
        given: The labels that came of the names, by the path of the picture.
    """

    folder: Path
    dataset: Dataset
    clustering: Clustering
    names: dict[int, str] = field(default_factory=dict)
    given: dict[str, str] = field(default_factory=dict)

    def keep(self, names: Mapping[int, str]) -> None:
        """Give clusters names, an empty one to take it back; returns when the labels are on the disk."""
        from aaecli.data.readers.image_folder.folder import keep_labels, list_folder
        from aaecli.labelling.clusters import MIXED

        no_names = {""} if MIXED in self.dataset.classes else {"", MIXED}
        self.names = {number: name for number, name in (self.names | dict(names)).items() if name not in no_names}
        assigned = self.clustering.assign(self.names)
        wanted = {self.dataset.train_name[index]: name for index, name in assigned.items()}
        listing = list_folder(self.folder)
        # Somebody may have labelled pictures meanwhile, or taken some away.
        now = dict(zip(listing.train, listing.train_class, strict=True))
        free = [path for path in {**self.given, **wanted} if path in now and now[path] == self.given.get(path)]
        changed = {path: wanted.get(path, "") for path in free if wanted.get(path) != now[path]}
        if changed:
            keep_labels(self.folder, listing, changed)
        self.given = {path: wanted[path] for path in free if path in wanted}


def label_clusters(
    folder: Path, request: Request, out: Path | None, names: Path | None, outputs: Outputs, where: Where
) -> int:
    """Find clusters, and write a list of them, take one that was filled in, or ask for their names.

    Args:
        folder: The folder of pictures.
        request: What to look for.
        out: The list to write; None to ask.
        names: A list that was filled in.
        outputs: What has claimed ``out`` and its sheet.
        where: Where to ask.

    Returns:
        The number of pictures that have got a label.
    """
    from aaecli.data.readers.image_folder.folder import list_folder
    from aaecli.files.outputs import check_folder
    from aaecli.labelling.clusters import find_clusters, read_names

    # A name that cannot be kept is not to be asked for.
    check_folder(folder / list_folder(folder).sheet)
    path, model, dataset = _model_and_pictures(folder, request, may_train=names is None)
    with console.status("Sorting the pictures into clusters"):
        clustering = find_clusters(model, dataset)
    filled = [entry for entry in clustering.clusters if len(entry.members)]
    if not filled:
        raise AaeError(f"Every picture in {folder} has a label, or a copy that has.", "There is nothing to name.")
    console.say(f"{len(clustering.image_index):,} pictures without a label are in {len(filled)} clusters by {path}.")
    again: list[str | Path] = ["label", folder, "--clusters", str(request.num_clusters), "--model", path]
    again += request.words
    if out is not None:
        _write_list(outputs, out, dataset, clustering)
        console.say(f"Fill in the column 'label' of {out}, then: {suggest_aaecli(*again, '--names', out)}")
        return 0
    naming = Naming(folder, dataset, clustering)
    known = list(dict.fromkeys([*dataset.classes, *request.added]))
    if names is not None:
        naming.keep(read_names(names, clustering.clusters, known))
        _say_what_was_given(naming)
        return len(naming.given)
    try:
        _ask_names(naming, filled, known, where)
    finally:
        _say_what_was_given(naming)
        if len(naming.names) < len(filled):
            console.say(f"To name others, or all anew: {suggest_aaecli(*again)}")
    return len(naming.given)


def _write_list(outputs: Outputs, out: Path, dataset: Dataset, clustering: Clustering) -> None:
    """Write the list of clusters, and a sheet of their pictures beside it."""
    from aaecli.labelling.clusters import encode_clusters

    outputs.write(out.with_suffix(".png"), _sheet(dataset, clustering))
    outputs.write(out, encode_clusters(clustering.clusters))
    console.put(str(out))
    console.put(str(out.with_suffix(".png")))


def _ask_names(naming: Naming, clusters: list[Cluster], known: list[str], where: Where) -> None:
    """Ask for the name of each cluster, the largest first."""
    from aaecli.labelling.clusters import MIXED

    by_title = {_title(entry): entry for entry in sorted(clusters, key=lambda entry: -len(entry.members))}

    def rows() -> list[Row]:
        shape = _SHEET if where.web else _tiles_in_terminal(naming.dataset.train_image)
        tiles = [(entry, _tile(naming.dataset, entry, shape)) for entry in by_title.values()]
        return [(_title(entry), tile, entry.guess, entry.share) for entry, tile in tiles]

    def keep(title: str, name: str) -> None:
        naming.keep({by_title[title].number: name})
        if not where.web:
            console.say(f"{_count(naming)} so far.")

    ask(naming.folder, rows(), [*known, *([] if MIXED in known else [MIXED])], keep, rows, where)


def _tiles_in_terminal(image: NDArray[np.uint8]) -> tuple[int, int]:
    """Give rows and columns of the members of a cluster that the terminal shows, of images (N, H, W[, 3])."""
    # Of grey pictures, a character shows two pixels side by side where they would not fit otherwise.
    has_halves = image.ndim == 3 and console.has_colour(sys.stderr) and console.has_blocks(sys.stderr)
    room = shutil.get_terminal_size().columns * (2 if has_halves else 1)
    return 1, max(1, min(_IN_TERMINAL, room // (image.shape[2] + 1)))


def _title(cluster: Cluster) -> str:
    return f"cluster {cluster.number}: {number_of(len(cluster.members), 'picture')}"


def _tile(dataset: Dataset, cluster: Cluster, shape: tuple[int, int] = _SHEET) -> Any:
    from aaecli.labelling.clusters import tile

    return tile(dataset, cluster, *shape)


def _sheet(dataset: Dataset, clustering: Clustering) -> bytes:
    """Give all clusters as a PNG, each with its number."""
    import numpy as np

    from aaecli.data.inspection.contact_sheet import encode_contact_sheet

    return encode_contact_sheet(np.stack([_tile(dataset, entry) for entry in clustering.clusters]))


def _count(naming: Naming) -> str:
    return f"{len(naming.given):,} of {len(naming.clustering.image_index):,} pictures labelled"


def _say_what_was_given(naming: Naming) -> None:
    from aaecli.data.readers.image_folder.labels import NAME
    from aaecli.labelling.clusters import SURE

    where = f" in {naming.folder / NAME}" if naming.given else ""
    plural = "" if len(naming.names) == 1 else "s"
    console.put(f"{_count(naming)}{where}, by the names of {len(naming.names)} cluster{plural}")
    if naming.names and not naming.given:
        console.say(
            f"A picture is labelled where the clusters of one name have a probability of {SURE} together: none has. "
            "Name more clusters, or let another model find them: --seed 1."
        )


def _model_and_pictures(folder: Path, request: Request, *, may_train: bool) -> tuple[Path, Checkpoint, Dataset]:
    """Take the model that is named, or the newest one of the folder's clusters, or train one; and load the pictures."""
    from aaecli.checkpoint.file import load_model
    from aaecli.cli.loading import load

    path = request.model
    if path is None and request.seed is None:
        path = _newest(folder, request)
    if path is None:
        if not may_train:
            raise AaeError("--names is about the clusters of a model, and there is none.", "Name it with --model.")
        return _trained(folder, request)
    model = load_model(path)
    if model.config.model != "clustering" or model.config.clusters != request.num_clusters:
        has = f"{model.config.clusters} clusters" if model.config.model == "clustering" else "no clusters"
        raise AaeError(
            f"{path} has {has}, and --clusters asks for {request.num_clusters}.", "Name another --model, or none."
        )
    dataset = load(folder, model.config.image)
    if model.image_shape != dataset.image_shape:
        raise AaeError(f"{path} takes images of another shape than those of {folder}.", "Leave --model out.")
    return path, model, dataset


def _newest(folder: Path, request: Request) -> Path | None:
    """Find the model of the newest run that has found as many clusters in this folder."""
    from aaecli.checkpoint.file import load_model

    run = newest_run(RUNS, f"clustering-{request.num_clusters}")
    if run is None or not is_file(path := run / NEWEST_MODEL.name):
        return None
    config = load_model(path).config
    differs = any(getattr(config.image, name) != value for name, value in request.image.items())
    is_of_folder = bool(config.data) and Path(config.data).resolve() == folder.resolve()
    return path if is_of_folder and config.model == "clustering" and not differs else None


def _trained(folder: Path, request: Request) -> tuple[Path, Checkpoint, Dataset]:
    from aaecli.checkpoint.file import load_model
    from aaecli.cli.displays.training import TrainingDisplay
    from aaecli.cli.loading import load
    from aaecli.cli.training_outcome import exit_code
    from aaecli.files.outputs import check_outside
    from aaecli.labelling.clusters import without_labels
    from aaecli.training.checkpoint_interval import CheckpointInterval
    from aaecli.training.own_pictures import settle

    check_outside(RUNS, folder)
    given = {"seed": request.seed, "threads": request.threads, "image": request.image or None}
    flags = {"data": str(folder), "model": "clustering", "clusters": request.num_clusters}
    flags |= {name: value for name, value in given.items() if value is not None}
    config, _ = settle(None, None, flags, None, load=load, tell=console.say)
    dataset = load(folder, config.image)
    with TrainingDisplay(quiet=False) as display:
        from aaecli.training import run as training

        # Of the labels that some pictures may have, clusters know nothing.
        pictures = without_labels(dataset)
        summary = training.train(config, RUNS, None, None, display, pictures, save_every=CheckpointInterval())
    run = Path(summary["run"])
    if summary["state"] == "stopped":
        # Where some pictures have labels, these are not the images that the training would find in the folder.
        later = "The same command begins anew." if dataset.classes else f"{suggest_resuming(run, 1)} finishes it."
        console.say(f"The training was stopped. {later}")
        raise typer.Exit(exit_code(summary, display))
    path = run / NEWEST_MODEL.name
    return path, load_model(path), dataset
