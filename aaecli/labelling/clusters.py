"""Labelling by clusters: a model finds them without any label, a person names each, and its sure members get the name.

A sure member is a picture whose cluster has a probability of at least ``SURE``. The others stay without a label: they
may be of a neighbouring cluster, and a wrong label costs more than a missing one.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from aaecli.checkpoint.file import Checkpoint
from aaecli.data.dataset import Dataset
from aaecli.data.readers.image_folder.classes import confusable_names
from aaecli.errors import AaeError, did_you_mean
from aaecli.files.opening import read_text
from aaecli.models.batch import image_batches
from aaecli.models.networks import answering
from aaecli.text import from_csv

SURE = 0.9
"""The least probability of a cluster with which a picture is a sure member of it."""
MIXED = "mixed"
"""The name of a cluster whose pictures are of several classes: they get no label."""
_MAX_LIST_BYTES = 2**20
_DELIMITERS = ",;\t"


class Cluster(NamedTuple):
    """The pictures without a label that are of one cluster.

    Attributes:
        number: From 1, that of the model.
        members: int64 (M,), places of its sure members among the training images, the surest first.
        num_unsure: How many more are likelier to be of this cluster than of any other.
        guess: The class of most of the labelled pictures that are sure members, where there are any; None otherwise.
        share: The fraction of those that are of it; None likewise.
    """

    number: int
    members: NDArray[np.int64]
    num_unsure: int
    guess: str | None
    share: float | None


def find_clusters(model: Checkpoint, dataset: Dataset) -> list[Cluster]:
    """Sort the pictures without a label into the clusters of a model, by number; of copies of a picture the first.

    Args:
        model: A model of clusters.
        dataset: The pictures, in its form.
    """
    prob = _cluster_prob(model, dataset.train_image)
    cluster, confidence = prob.argmax(1), prob.max(1)
    waiting = dataset.unlabelled()
    labelled = np.flatnonzero((dataset.train_label >= 0) & (confidence >= SURE))
    found = []
    for index in range(prob.shape[1]):
        own = waiting[cluster[waiting] == index]
        own = own[np.argsort(-confidence[own], kind="stable")]
        sure = own[confidence[own] >= SURE]
        counts = np.bincount(dataset.train_label[labelled[cluster[labelled] == index]], minlength=1)
        known = int(counts.sum())
        guess = dataset.classes[int(counts.argmax())] if known else None
        found.append(
            Cluster(index + 1, sure, len(own) - len(sure), guess, float(counts.max() / known) if known else None)
        )
    return found


def without_labels(dataset: Dataset) -> Dataset:
    """Give pictures to find clusters of: without the labels that some may have, and without test images."""
    return dataclasses.replace(
        dataset,
        classes=(),
        train_label=np.full(len(dataset.train_label), -1),
        test_image=dataset.test_image[:0],
        test_label=dataset.test_label[:0],
        test_name=(),
        is_validation=None,
        findings=None,
        faults=(),
    )


def tile(dataset: Dataset, cluster: Cluster, rows: int, columns: int) -> NDArray[np.uint8]:
    """Lay sure members of a cluster side by side, from the surest to the least sure one, evenly spaced.

    Returns:
        uint8 (rows · (H + 1) - 1, columns · (W + 1) - 1), in colour with 3 behind; black where there are too few.
    """
    count = min(rows * columns, len(cluster.members))
    chosen = cluster.members[np.linspace(0, len(cluster.members) - 1, count).round().astype(int)]
    height, width, *channels = dataset.train_image.shape[1:]
    sheet = np.zeros((rows * (height + 1), columns * (width + 1), *channels), np.uint8)
    for place, index in enumerate(chosen.tolist()):
        top, left = place // columns * (height + 1), place % columns * (width + 1)
        sheet[top : top + height, left : left + width] = dataset.train_image[index]
    return sheet[:-1, :-1]


def encode_clusters(clusters: Iterable[Cluster]) -> str:
    """Give the clusters as a CSV file to fill in.

    Returns:
        Columns ``cluster``, ``label`` (empty), ``guess``, ``pictures`` (sure members) and ``unsure`` (other members).
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("cluster", "label", "guess", "pictures", "unsure"))
    writer.writerows(
        (entry.number, "", entry.guess or "", len(entry.members), entry.num_unsure)
        for entry in clusters
        if len(entry.members)
    )
    return text.getvalue()


def read_names(path: Path, clusters: Sequence[Cluster], known: Sequence[str]) -> dict[int, str]:
    """Read the names of clusters from a list that was filled in.

    Args:
        path: The list: columns ``cluster`` and ``label``, parted by commas, semicolons or tabs.
        clusters: The clusters.
        known: The classes; any name is one where there are none.

    Returns:
        The name of each cluster that has one, by its number; ``mixed`` and ``-`` are none.

    Raises:
        AaeError: The file cannot be read or is no such list, names a cluster that there is not, or one twice; or a name
            is no class, or two differ in their case only.
    """
    hint = "It starts with the line `cluster,label`; then a cluster a line, its number and the name of its class."
    text = read_text(path, _MAX_LIST_BYTES, hint=hint)
    first = text.partition("\n")[0]
    try:
        rows = list(csv.DictReader(io.StringIO(text), delimiter=max(_DELIMITERS, key=first.count)))
    except csv.Error as error:
        raise AaeError(f"{path} is not a CSV file: {error}.", hint) from error
    if not rows or not {"cluster", "label"} <= rows[0].keys():
        raise AaeError(f"{path} has no columns 'cluster' and 'label', or no row below them.", hint)
    found: dict[int, str] = {}
    numbers = {str(entry.number): entry.number for entry in clusters}
    seen = set()
    for row in rows:
        number, name = (row["cluster"] or "").strip(), from_csv((row["label"] or "").strip())
        if number not in numbers:
            raise AaeError(f"{path} names a cluster '{number}', and the numbers are 1 to {len(clusters)}.", hint)
        if number in seen:
            raise AaeError(f"{path} names cluster {number} twice.", "Leave one of its lines.")
        seen.add(number)
        if name and name not in (MIXED, "-"):
            found[numbers[number]] = name
    _check_names(path, list(dict.fromkeys(found.values())), known)
    return found


def _check_names(path: Path, names: Sequence[str], known: Sequence[str]) -> None:
    if not names:
        raise AaeError(f"{path} has no name in its column 'label'.", "Fill in the names of the classes first.")
    for name in names:
        if not name.isprintable():
            raise AaeError(f"{path} has a name that is more than one line of text.", "Give plain names.")
        if known and name not in known:
            raise AaeError(
                f"{path} has the label '{name}', which is no class yet.",
                f"{did_you_mean(name, known)} Add what is new with --classes.",
            )
    if alike := confusable_names(tuple(names)):
        raise AaeError(f"{path} names classes that are hardly told apart: {', '.join(alike[0])}.", "Write them alike.")


def _cluster_prob(model: Checkpoint, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the probabilities of the clusters (N, C)."""
    with answering(model.encoder):
        parts = [model.encoder(batch).label().numpy() for _, batch in image_batches(torch.from_numpy(image))]
    return np.concatenate(parts)
