"""Every setting of a training, as frozen dataclasses that check themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aaecli.config.augmentation import Augmentation
from aaecli.config.image import Image
from aaecli.config.models import FAMILY, MAX_CLASSES
from aaecli.config.network import Network
from aaecli.config.objective import Objective
from aaecli.config.optimiser import Optimiser
from aaecli.config.parsing import build, require, table_of
from aaecli.config.prior import Prior
from aaecli.config.propagation import Propagation
from aaecli.config.rehearsal import Rehearsal
from aaecli.config.schedule import Schedule
from aaecli.config.start import Start
from aaecli.errors import AaeError
from aaecli.priors.style_prior import STYLE_PRIORS

MAX_THREADS = 1024


@dataclass(frozen=True)
class Config:
    """One training, complete: what ``--print-config`` prints and a checkpoint carries.

    Attributes:
        model: The model: which codes it has, what its decoder reads and what labels are used for.
        preset: Name of the preset that the settings started from.
        labels: Number of labelled images (shared evenly among the classes), or ``all``; 0 for a model that learns
            without labels.
        clusters: Number of clusters of the model ``clustering``; the label of other models has a value for each class.
        seed: Seed of the label draw, the weights, the batches and the noise.
        data: Folder of a data set; the embedded MNIST where empty.
        holdout: Fraction of the labelled pictures of a folder that is kept for validation; ``auto``: a fifth, or none
            where the folder has a test folder and the model learns from labels. IDX files always keep a sixth.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        threads: CPU threads; 0 for one per core.
        precision: ``auto``, ``fp32`` or ``bf16`` for the matrix products of training.
        compile: Have torch compile the joint step before the first one is taken (the alternating one stays as it is).
        cuda_graph: On CUDA, record the step as a graph and replay it; elsewhere it changes nothing.
        start: The model that the training starts from.
        rehearsal: Another data set that is learnt beside it.
        image: Preprocessing of the pictures of a folder.
        network: Shapes of the networks.
        prior: Distributions of the latent code.
        objective: Weights of the terms.
        optimiser: Optimiser settings.
        schedule: Steps and batch sizes.
        propagation: Label propagation over nearest neighbours.
        augmentation: Augmentation of the training images.
    """

    model: Literal["baseline", "autoencoder", "aae", "supervised", "semisupervised", "clustering"] = "semisupervised"
    preset: str = "default"
    labels: int | Literal["all"] = 1000
    clusters: int = 16
    seed: int = 0
    data: str = ""
    holdout: float | Literal["auto"] = "auto"
    device: Literal["auto", "cpu", "cuda", "mps"] = "auto"
    threads: int = 0
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    compile: bool = False
    cuda_graph: bool = True
    start: Start = field(default_factory=Start)
    rehearsal: Rehearsal = field(default_factory=Rehearsal)
    image: Image = field(default_factory=Image)
    network: Network = field(default_factory=Network)
    prior: Prior = field(default_factory=Prior)
    objective: Objective = field(default_factory=Objective)
    optimiser: Optimiser = field(default_factory=Optimiser)
    schedule: Schedule = field(default_factory=Schedule)
    propagation: Propagation = field(default_factory=Propagation)
    augmentation: Augmentation = field(default_factory=Augmentation)

    def __post_init__(self) -> None:
        traits = FAMILY[self.model]
        if traits.uses_labels:
            require(self.labels == "all" or int(self.labels) >= 1, "labels", "a positive number or 'all'", self.labels)
        elif self.labels != 0:
            raise AaeError(f"{self.model} learns from images alone: it has no use for labels.", "Leave out --labels.")
        require(2 <= self.clusters <= MAX_CLASSES, "clusters", f"at least 2 and at most {MAX_CLASSES}", self.clusters)
        require(self.holdout == "auto" or 0 <= self.holdout < 1, "holdout", "in [0, 1) or 'auto'", self.holdout)
        require(0 <= self.threads <= MAX_THREADS, "threads", f"in 0 to {MAX_THREADS}", self.threads)
        require(0 <= self.seed < 2**63, "seed", "in [0, 2^63)", self.seed)
        style_dim = STYLE_PRIORS[self.prior.style].style_dim
        if traits.encodes_style and style_dim is not None:
            is_plane = self.network.style_dim == style_dim
            rule = f"{style_dim} for the prior {self.prior.style}"
            require(is_plane, "network.style_dim", rule, self.network.style_dim)

    def label_dim(self, num_classes: int) -> int:
        """Give the number of values that the label has: clusters, or the classes of the data set."""
        # A model that knows no classes has no use for the number, and there may be none in its pictures.
        return self.clusters if self.model == "clustering" else max(1, num_classes)


def from_table(table: Mapping[str, Any]) -> Config:
    """Build a configuration from nested tables, such as those of a TOML file or a checkpoint.

    Raises:
        AaeError: A key is unknown (the hint names the nearest one), or a value has the wrong type or range.
    """
    return build(Config, table)


def to_table(config: Config) -> dict[str, Any]:
    """Give the configuration as nested plain tables: the inverse of ``from_table``."""
    return table_of(config)
