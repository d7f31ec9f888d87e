"""Every setting of a training, as frozen dataclasses that check themselves."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from aaecli.config.models import FAMILY
from aaecli.config.parsing import build, plain, require
from aaecli.config.priors import STYLE_PRIORS
from aaecli.errors import AaeError

MAX_THREADS = 1024
MIN_SIZE, MAX_SIZE = 8, 64
"""Bounds of the side that pictures of a folder may be brought to, in pixels."""


@dataclass(frozen=True)
class Network:
    """The shapes of encoder, decoder and discriminators.

    Attributes:
        encoder: Kind of encoder: ``mlp``, the article's fully connected one, or ``convolutional``.
        hidden: Widths of the hidden layers of a fully connected encoder.
        decoder_hidden: Widths of the hidden layers of the decoder; where empty, those of ``hidden`` in reverse.
        channels: Channels of each stage of a convolutional encoder; each stage after the first halves the image.
        features: Width of the last layer of a convolutional encoder.
        discriminator_hidden: Widths of the hidden layers of each discriminator.
        style_dim: Number of dimensions of the style z.
        batch_norm: Batch normalisation after each hidden layer of encoder and decoder.
        initialisation: ``kaiming`` (He et al. 2015), or ``normal``: N(0, 0.01²) as in the article's code.
        dropout: Probability that a hidden unit of the encoder is dropped while training.
        input_noise: Standard deviation of Gaussian noise on the encoder's input while training (pixels are in [0, 1]).
        style_noise: Standard deviation of Gaussian noise on the style while training: the paper's Gaussian posterior
            (section 2). What would be hidden in fine differences of the style drowns in it.
        discriminator_noise: Standard deviation of Gaussian noise on the discriminators' inputs while training.
        conditional_discriminator: The discriminator of the style is told the label too, so that the style of every
            single class has to look like the prior and says nothing of the class (the paper, section 2.3).
        test_time_shift: Once trained, the label is read from the image and from four copies of it, each moved by so
            many pixels to one side (test-time augmentation): five times the work; 0 reads the image alone.
    """

    encoder: Literal["mlp", "convolutional"] = "mlp"
    hidden: tuple[int, ...] = (1000, 1000)
    decoder_hidden: tuple[int, ...] = ()
    channels: tuple[int, ...] = (32, 64)
    features: int = 256
    discriminator_hidden: tuple[int, ...] = (1000, 1000)
    style_dim: int = 10
    batch_norm: bool = False
    initialisation: Literal["kaiming", "normal"] = "kaiming"
    dropout: float = 0.0
    input_noise: float = 0.0
    style_noise: float = 0.0
    discriminator_noise: float = 0.0
    conditional_discriminator: bool = False
    test_time_shift: int = 0

    def __post_init__(self) -> None:
        for key in ("hidden", "decoder_hidden", "channels", "discriminator_hidden"):
            widths = getattr(self, key)
            rule = "a list of 1 to 32 widths, each from 1 to 65536"
            fewest = 0 if key == "decoder_hidden" else 1
            holds = fewest <= len(widths) <= 32 and all(1 <= width <= 2**16 for width in widths)
            require(holds, f"network.{key}", rule, list(widths))
        require(1 <= self.features <= 2**16, "network.features", "at least 1 and at most 65536", self.features)
        require(1 <= self.style_dim <= 2**16, "network.style_dim", "at least 1 and at most 65536", self.style_dim)
        require(0 <= self.dropout < 1, "network.dropout", "in [0, 1)", self.dropout)
        for key in ("input_noise", "style_noise", "discriminator_noise"):
            require(getattr(self, key) >= 0, f"network.{key}", "0 or more", getattr(self, key))
        require(0 <= self.test_time_shift <= 32, "network.test_time_shift", "from 0 to 32", self.test_time_shift)


@dataclass(frozen=True)
class Prior:
    """What the discriminators hold the encoder to.

    Attributes:
        style: Name of the prior on z in ``aaecli.config.priors``.
        style_std: Standard deviation of the Gaussian prior on z (5 in the article, 1 in the paper).
        label: How often the categorical prior on y draws a class: ``uniform``, all alike, or ``labelled``, as often as
            it occurs among the labelled images. ``auto``: labelled where every label that is known is used; uniform
            where a part of them is drawn, as many of each class.
        label_frequency: The same as numbers of any sum, one for each class in order; goes before ``label``.
    """

    style: Literal["gaussian", "mixture", "swiss-roll"] = "gaussian"
    style_std: float = 1.0
    label: Literal["auto", "uniform", "labelled"] = "auto"
    label_frequency: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        require(self.style_std > 0, "prior.style_std", "more than 0", self.style_std)
        holds = all(share > 0 for share in self.label_frequency)
        require(holds, "prior.label_frequency", "a list of numbers above 0", list(self.label_frequency))


@dataclass(frozen=True)
class Objective:
    """The weight of each term of the step; a term of weight 0 is not computed.

    Attributes:
        reconstruction: Weight of the squared error, averaged over pixels and images.
        regularisation: Weight of the encoder's loss against both discriminators.
        classification: Weight of the cross-entropy on the labelled images.
        consistency: Weight of the cross-entropy between the averaged teacher's label for an unlabelled image and the
            student's answer for the same image warped (FixMatch, Sohn et al. 2020, with a mean teacher).
        pseudo_labels: What the teacher gives: ``hard``, its best label where it is sure of it (FixMatch), or ``soft``,
            its probabilities of every image (Hu et al. 2017), which is the better start where nobody tells a label.
        distribution_alignment: Whether the teacher's probabilities are scaled so that every class is as frequent as
            the prior on y says (Berthelot et al. 2020).
        confidence_threshold: A hard label counts where its probability exceeds this.
        mutual_information: Weight of ln K less the mutual information of an unlabelled image and its label (Krause et
            al. 2010).
        marginal_entropy: Within that term, weight of the entropy of the mean label (its divergence from the prior on
            y), against that of the entropy of each image's own (the μ of Hu et al. 2017).
        generation: Weight of the cross-entropy between the label that the decoder was given, with a style drawn from
            the prior, and the teacher's answer for what it drew. The article's decoder reads off the style much of
            what the label should say, so that the class asked for is often not the class drawn.
    """

    reconstruction: float = 1.0
    regularisation: float = 1.0
    classification: float = 1.0
    consistency: float = 0.0
    pseudo_labels: Literal["hard", "soft"] = "hard"
    distribution_alignment: bool = True
    confidence_threshold: float = 0.9
    mutual_information: float = 0.0
    marginal_entropy: float = 1.0
    generation: float = 0.0

    def __post_init__(self) -> None:
        weights = (
            "reconstruction",
            "regularisation",
            "classification",
            "consistency",
            "mutual_information",
            "generation",
        )
        for key in (*weights, "marginal_entropy"):
            require(getattr(self, key) >= 0, f"objective.{key}", "0 or more", getattr(self, key))
        require(
            0 <= self.confidence_threshold < 1, "objective.confidence_threshold", "in [0, 1)", self.confidence_threshold
        )


@dataclass(frozen=True)
class Optimiser:
    """How the weights move.

    Attributes:
        update: ``alternating``: the article's five updates a step, each with its own optimiser and encoder pass.
            ``joint``: one encoder pass serves all phases and one optimiser takes one update.
        lr: Learning rate of encoder and decoder (at its highest, where it is scheduled).
        discriminator_lr: Learning rate of the discriminators.
        beta1: Adam's first decay rate for encoder and decoder.
        beta2: Adam's second decay rate, for every network.
        discriminator_beta1: Adam's first decay rate for the discriminators.
        weight_decay: Decoupled weight decay of the weight matrices (AdamW).
        warmup_steps: Steps over which the rate rises from 0.
        decay: ``constant``, or ``cosine``: down to 0 at the last step.
        ema_decay: Decay of the exponential moving average of the weights that is saved and that teaches; 0 for none.
    """

    update: Literal["alternating", "joint"] = "joint"
    lr: float = 1e-3
    discriminator_lr: float = 1e-3
    beta1: float = 0.9
    beta2: float = 0.999
    discriminator_beta1: float = 0.9
    weight_decay: float = 0.0
    warmup_steps: int = 0
    decay: Literal["constant", "cosine"] = "constant"
    ema_decay: float = 0.0

    def __post_init__(self) -> None:
        for key in ("lr", "discriminator_lr"):
            require(getattr(self, key) > 0, f"optimiser.{key}", "more than 0", getattr(self, key))
        for key in ("beta1", "beta2", "discriminator_beta1", "ema_decay"):
            require(0 <= getattr(self, key) < 1, f"optimiser.{key}", "in [0, 1)", getattr(self, key))
        require(self.weight_decay >= 0, "optimiser.weight_decay", "0 or more", self.weight_decay)
        require(self.warmup_steps >= 0, "optimiser.warmup_steps", "0 or more", self.warmup_steps)


@dataclass(frozen=True)
class Image:
    """What the pictures of a folder become; of images in IDX files only ``transpose`` says anything.

    Attributes:
        size: Side in pixels of the square that they are brought to.
        channels: 1 for grey, 3 for colour.
        normalise: ``strokes``: what is drawn or written is found, turned light on black, scaled and centred, here and
            whenever the model is shown a picture. ``none``: pictures are only resized. ``auto``: strokes where they are
            grey.
        transpose: Whether rows and columns of images in IDX files are swapped. ``auto``: where the files' names begin
            with ``emnist-``, whose images lie on their sides.
    """

    size: int = 28
    channels: int = 1
    normalise: Literal["auto", "strokes", "none"] = "auto"
    transpose: Literal["auto", "yes", "no"] = "auto"

    def __post_init__(self) -> None:
        require(MIN_SIZE <= self.size <= MAX_SIZE, "image.size", f"in {MIN_SIZE} to {MAX_SIZE}", self.size)
        require(self.channels in (1, 3), "image.channels", "1 (grey) or 3 (colour)", self.channels)
        if self.channels == 3:
            require(self.normalise != "strokes", "image.normalise", "'none' in colour, since ink has none", "strokes")

    @property
    def has_strokes(self) -> bool:
        """Whether pictures are brought into the form of strokes, light on black."""
        return self.normalise == "strokes" or (self.normalise == "auto" and self.channels == 1)


@dataclass(frozen=True)
class Schedule:
    """How long, and how many images at a time.

    Attributes:
        steps: Number of training steps; 0 where ``epochs`` says it.
        epochs: Number of passes over the pool; 0 where ``steps`` says it. Exactly one of the two is set.
        min_labelled_epochs: Least number of passes over the labelled images; training is made longer for them.
        batch_size: Images of a step: unlabelled ones, or labelled ones where a model learns from labels alone.
        labelled_batch_size: Labelled images of a step, drawn beside the unlabelled ones.
        decoder_batch_size: At most so many unlabelled images of a step are redrawn by the decoder; 0 for all of them.
        generated_batch_size: Images of a step that the decoder draws for the ``generation`` term.
        validate_every: Steps after which the validation images are read and metrics.csv gets a row, as it does after
            the last step; 0 for a twentieth of the training.
    """

    steps: int = 10_000
    epochs: int = 0
    min_labelled_epochs: int = 0
    batch_size: int = 100
    labelled_batch_size: int = 100
    decoder_batch_size: int = 0
    generated_batch_size: int = 64
    validate_every: int = 0

    def __post_init__(self) -> None:
        for key in ("steps", "epochs", "min_labelled_epochs", "validate_every"):
            # Beyond a thousand years of training, numbers only break what computes with them.
            value = getattr(self, key)
            require(0 <= value <= 10**12, f"schedule.{key}", "0 or more, up to a million million", value)
        lengths = {"steps": self.steps, "epochs": self.epochs}
        require((self.steps > 0) != (self.epochs > 0), "schedule", "given in steps or in epochs, one of them", lengths)
        require(self.batch_size >= 2, "schedule.batch_size", "at least 2", self.batch_size)
        for key in ("batch_size", "labelled_batch_size"):
            require(getattr(self, key) <= 2**24, f"schedule.{key}", f"at most {2**24}", getattr(self, key))
        require(self.labelled_batch_size >= 2, "schedule.labelled_batch_size", "at least 2", self.labelled_batch_size)
        drawn = self.decoder_batch_size
        require(drawn == 0 or drawn >= 2, "schedule.decoder_batch_size", "0, or at least 2", drawn)
        require(
            self.generated_batch_size >= 2, "schedule.generated_batch_size", "at least 2", self.generated_batch_size
        )


@dataclass(frozen=True)
class Propagation:
    """Labels for unlabelled images from their neighbours, for the ``consistency`` term to start from.

    A teacher that learnt from one label a class can be sure and wrong; who looks like whom to its encoder says better
    which images belong together (Iscen et al. 2019; the propagation is that of Calder et al. 2020).

    Attributes:
        every: Steps after which labels are propagated, again and again; 0 for never.
        until: Step from which the teacher alone labels what has no label.
        labels_per_class: With more labelled images a class than this, on average, the teacher knows as much as the
            neighbours do, and they are not asked.
        augmentation_scale: Factor on ``augmentation.scale`` and ``augmentation.elastic`` for a model that propagates
            labels, all through its training: the fewer labels, the more kinds of image each of them stands for.
        max_class_weight: Largest factor by which a class is weighted up, or its inverse down, to come out as frequent
            as the prior on y says: 2 is the paper's, 1 ignores the prior. Where the prior is only about right, a
            large factor makes whole groups of similar images change their class.
        num_images: Images of the pool among which labels are propagated, drawn anew each time.
        num_neighbours: Nearest neighbours of an image, by what the averaged encoder makes of it.
    """

    every: int = 0
    until: int = 0
    labels_per_class: int = 20
    augmentation_scale: float = 1.0
    max_class_weight: float = 2.0
    num_images: int = 20_000
    num_neighbours: int = 10

    def __post_init__(self) -> None:
        for key in ("every", "until", "labels_per_class"):
            require(0 <= getattr(self, key) <= 10**12, f"propagation.{key}", "0 or more", getattr(self, key))
        require(self.augmentation_scale >= 0, "propagation.augmentation_scale", "0 or more", self.augmentation_scale)
        require(
            1 <= self.max_class_weight <= 1000, "propagation.max_class_weight", "in 1 to 1000", self.max_class_weight
        )
        require(2 <= self.num_images <= 10**6, "propagation.num_images", "in 2 to 1000000", self.num_images)
        require(1 <= self.num_neighbours <= 1000, "propagation.num_neighbours", "in 1 to 1000", self.num_neighbours)

    def applies(self, num_labelled: int, num_classes: int) -> bool:
        """Whether labels are propagated from so many labelled images."""
        return self.every > 0 and 0 < num_labelled <= self.labels_per_class * num_classes


@dataclass(frozen=True)
class Augmentation:
    """The warp of the images that the encoder learns from; each is drawn uniformly from [-value, value]. 0 for none.

    Attributes:
        rotation: Degrees.
        scale: Natural logarithm of the factor, drawn for each axis.
        shear: Tangent of the angle.
        shift: Pixels, drawn for each axis.
        elastic: Standard deviation in pixels of a smooth displacement field (after Simard et al. 2003).
        stroke_width: How far strokes get thicker or thinner, as a fraction of one pixel on each side.
        cutout: Side in pixels of a square that is blanked (DeVries and Taylor 2017).
        horizontal_flip: Turn every other image left to right, which no character survives.
        brightness: Natural logarithm of a factor on the pixels.
        contrast: Natural logarithm of a factor on the pixels' distances from their mean.
        fraction: Fraction of a step's images that are augmented. Warping also blurs: an encoder that never sees an
            image as it is classifies such images worse, and their styles do not match the prior.
    """

    rotation: float = 0.0
    scale: float = 0.0
    shear: float = 0.0
    shift: float = 0.0
    elastic: float = 0.0
    stroke_width: float = 0.0
    cutout: int = 0
    horizontal_flip: bool = False
    brightness: float = 0.0
    contrast: float = 0.0
    fraction: float = 1.0

    def __post_init__(self) -> None:
        for entry in dataclasses.fields(self):
            value = getattr(self, entry.name)
            require(value >= 0, f"augmentation.{entry.name}", "0 or more", value)
        for key in ("stroke_width", "fraction"):
            require(getattr(self, key) <= 1, f"augmentation.{key}", "from 0 to 1", getattr(self, key))

    def augmented_fraction(self) -> float:
        """Share of a step's images that come out changed: ``fraction``, or 0 where no change is asked for."""
        return 0.0 if dataclasses.replace(self, fraction=1.0) == Augmentation() else self.fraction

    def scaled(self, factor: float) -> Augmentation:
        """Give the same changes with ``scale`` and ``elastic`` multiplied."""
        return dataclasses.replace(self, scale=self.scale * factor, elastic=self.elastic * factor)


AUGMENTATIONS = {
    # Those of the preset `default`, where they were measured.
    "strokes": Augmentation(rotation=12.0, scale=0.1, shear=0.2, shift=2.0, elastic=0.6, fraction=0.75),
    "natural": Augmentation(
        rotation=6.0, scale=0.15, shear=0.05, shift=2.0, cutout=6, horizontal_flip=True, fraction=0.75
    ),
    "none": Augmentation(),
}
"""What ``--augment`` offers."""


@dataclass(frozen=True)
class Config:
    """One training, complete: what ``--print-config`` prints and a checkpoint carries.

    Attributes:
        model: What is trained: which codes it has, what its decoder reads and what labels are for.
        preset: Name of the preset that the settings started from.
        labels: Number of labelled images (shared evenly among the classes), or ``all``; 0 for a model that learns
            without labels.
        clusters: Number of values of the label of ``clustering``; the other models have one for each class.
        seed: Seed of the label draw, the weights, the batches and the noise.
        data: Folder of a data set; the embedded MNIST where empty.
        holdout: Share of the labelled pictures of a folder that are not learnt from, to judge the model by; ``auto``:
            a fifth, or none where the folder has a ``test`` folder. IDX files always keep a sixth.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        threads: Threads of the processor that training computes with; 0 for as many as it has cores to itself.
        precision: ``auto``, ``fp32`` or ``bf16`` for the matrix products of training.
        compile: Have torch compile the joint step before the first one is taken (the alternating one stays as it is).
        cuda_graph: On CUDA, record the step as a graph and replay it; elsewhere it changes nothing.
        image: What the pictures of a folder become.
        network: Shapes of the networks.
        prior: Distributions of the latent code.
        objective: Weights of the terms.
        optimiser: Optimiser settings.
        schedule: Steps and batch sizes.
        propagation: Labels from neighbours.
        augmentation: Warp of the training images.
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
        require(2 <= self.clusters <= 2**16, "clusters", "at least 2 and at most 65536", self.clusters)
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
    table: dict[str, Any] = plain(dataclasses.asdict(config))
    return table
