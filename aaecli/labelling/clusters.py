"""Labelling by clusters: a model finds them without any label, a person names each, and sure pictures get the names.

A picture is sure where the clusters of one name have a probability of at least ``SURE`` together. The others stay
without a label: a wrong label costs more than a missing one.
"""

from __future__ import annotations

import csv
import dataclasses
import io
from collections.abc import Iterable, Mapping, Sequence
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

SURE = 0.99
"""The least probability of a name with which a picture gets it as its label. Of 10,000 digits of MNIST and 30 clusters,
91 % get one, of which 99.4 % are right; from 0.9, 97 % and 98.7 %; by the probability of single clusters from 0.9, 58 %
and 98.5 % (seed 0)."""
MIXED = "mixed"
"""The name of a cluster whose pictures are of several classes: they get no label."""
_MAX_LIST_BYTES = 2**20
_DELIMITERS = ",;\t"


class Cluster(NamedTuple):
    """The pictures without a label that are likelier of one cluster than of any other.

    Attributes:
        number: From 1, that of the model.
        members: int64 (M,), their places among the training images, the surest first.
        guess: The class of most of the labelled pictures that are of it, where there are any; None otherwise.
        share: The fraction of those that are of that class; None likewise.
    """

    number: int
    members: NDArray[np.int64]
    guess: str | None
    share: float | None


class Clustering(NamedTuple):
    """The pictures without a label, sorted into the clusters of a model.

    Attributes:
        image_index: int64 (W,), their places among the training images; of copies of a picture the first.
        cluster_prob: float32 (W, C), rows sum to 1.
        clusters: The C clusters, by number.
    """

    image_index: NDArray[np.int64]
    cluster_prob: NDArray[np.float32]
    clusters: list[Cluster]

    def assign(self, names: Mapping[int, str]) -> dict[int, str]:
        """Give the label of each sure picture, by its place among the training images.

        Args:
            names: The name of each cluster that has one, by its number.
        """
        classes = list(dict.fromkeys(names.values()))
        if not classes:
            return {}
        class_prob = np.stack(
            [
                self.cluster_prob[:, [number - 1 for number in names if names[number] == name]].sum(1)
                for name in classes
            ],
            1,
        )  # (W, K)
        sure = np.flatnonzero(class_prob.max(1) >= SURE)
        likeliest = class_prob[sure].argmax(1).tolist()
        return {
            index: classes[position] for index, position in zip(self.image_index[sure].tolist(), likeliest, strict=True)
        }


def find_clusters(model: Checkpoint, dataset: Dataset) -> Clustering:
    """Sort the pictures without a label into the clusters of a model.

    Args:
        model: A model of clusters.
        dataset: The pictures, in its form.
    """
    prob = _cluster_prob(model, dataset.train_image)
    cluster, confidence = prob.argmax(1), prob.max(1)
    waiting, labelled = dataset.unlabelled(), np.flatnonzero(dataset.train_label >= 0)
    found = []
    for index in range(prob.shape[1]):
        members = waiting[cluster[waiting] == index]
        members = members[np.argsort(-confidence[members], kind="stable")]
        counts = np.bincount(dataset.train_label[labelled[cluster[labelled] == index]], minlength=1)
        known = int(counts.sum())
        guess = dataset.classes[int(counts.argmax())] if known else None
        found.append(Cluster(index + 1, members, guess, float(counts.max() / known) if known else None))
    return Clustering(waiting, prob[waiting], found)


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


def shown_members(cluster: Cluster, count: int) -> NDArray[np.int64]:
    """Give the members of a cluster that are shown: evenly spaced from the surest to the least sure, (≤ count,)."""
    positions = np.linspace(0, len(cluster.members) - 1, min(count, len(cluster.members))).round().astype(np.int64)
    return np.asarray(cluster.members[positions])


def tile(dataset: Dataset, cluster: Cluster, rows: int, columns: int) -> NDArray[np.uint8]:
    """Lay the ``shown_members`` of a cluster side by side.

    Returns:
        uint8 (rows · (H + 1) - 1, columns · (W + 1) - 1), in colour with 3 behind; black where there are too few.
    """
    chosen = shown_members(cluster, rows * columns)
    height, width, *channels = dataset.train_image.shape[1:]
    sheet = np.zeros((rows * (height + 1), columns * (width + 1), *channels), np.uint8)
    for position, index in enumerate(chosen.tolist()):
        top, left = position // columns * (height + 1), position % columns * (width + 1)
        sheet[top : top + height, left : left + width] = dataset.train_image[index]
    return sheet[:-1, :-1]


def encode_clusters(clusters: Iterable[Cluster]) -> str:
    """Give the clusters as a CSV file to fill in.

    Returns:
        Columns ``cluster``, ``label`` (empty), ``guess`` and ``pictures`` (how many are of it).
    """
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(("cluster", "label", "guess", "pictures"))
    writer.writerows(
        (entry.number, "", entry.guess or "", len(entry.members)) for entry in clusters if len(entry.members)
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
        raise AaeError(f"{path} names classes that look alike: {', '.join(alike[0])}.", "Write them alike.")


def _cluster_prob(model: Checkpoint, image: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Give the probabilities of the clusters (N, C)."""
    with answering(model.encoder):
        parts = [model.encoder(batch).label().numpy() for _, batch in image_batches(torch.from_numpy(image))]
    return np.concatenate(parts)
