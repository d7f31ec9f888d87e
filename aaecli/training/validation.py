"""The images that every choice is made on: how often a training looks at them, and what it sees."""

from __future__ import annotations

import math

import torch

from aaecli.checkpoint.file import Checkpoint
from aaecli.config.models import FAMILY
from aaecli.config.schema import Config
from aaecli.data.dataset import Dataset
from aaecli.data.split import Split
from aaecli.errors import AaeError
from aaecli.evaluation.predict import Prediction, evaluate_predictions, one_hot_true_label, predict
from aaecli.metrics.clusters import name_clusters
from aaecli.models.batch import Images
from aaecli.models.networks import Decoder, Encoder, without_test_time_augmentation
from aaecli.models.stored_images import ChosenImages

_NUM_VALIDATIONS = 10
"""Times that a training looks at them where the settings do not say: half as often at least, for the rounding."""


def interval(config: Config, num_steps: int) -> int:
    """Give the steps from one look to the next: a share of the training, so passes over the pool do not matter."""
    return config.schedule.validate_every or math.ceil(num_steps / _NUM_VALIDATIONS)


class Validation:
    """The validation images of a training, on the device that trains.

    Args:
        config: The settings.
        dataset: The images.
        split: Which of them are kept for validation; none may be.
        image: uint8 (N, H, W) or (N, H, W, 3), all training images.

    Attributes:
        image: uint8 (V, H, W) or (V, H, W, 3), no copies.
        label: int64 (V,).

    Raises:
        AaeError: Clusters are to be found, and no labelled image is kept back to name them by.
    """

    def __init__(self, config: Config, dataset: Dataset, split: Split, image: Images) -> None:
        self.config = config
        self.classes = dataset.classes
        self.image = ChosenImages(image, torch.from_numpy(split.validation))
        self.label = dataset.train_label[split.validation]
        if config.model == "clustering" and dataset.classes and not len(self.label):
            raise AaeError(
                "There is no labelled picture to name the clusters by.", "Keep some back, such as --holdout 0.2."
            )

    @property
    def measured(self) -> str:
        """What is measured: ``accuracy``, or the ``reconstruction_error`` of a model that knows no classes."""
        return "accuracy" if FAMILY[self.config.model].encodes_label else "reconstruction_error"

    def predict(self, encoder: Encoder, decoder: Decoder | None) -> Prediction | None:
        """Read the images, all that the encoder looks at of each; None where there are none. Draws nothing by lot."""
        if not len(self.label):
            return None
        drawing = None if FAMILY[self.config.model].encodes_label else decoder
        true_label = one_hot_true_label(self.config.model, self.label, len(self.classes), self.image.device)
        return predict(encoder, drawing, self.image, true_label)

    def predict_once(self, encoder: Encoder, decoder: Decoder | None) -> Prediction | None:
        """Read the images from one look at each: five would make a training of `best` a quarter longer."""
        with without_test_time_augmentation(encoder):
            return self.predict(encoder, decoder)

    def clusters(self, prediction: Prediction | None) -> tuple[int, ...] | None:
        """Name the clusters by the images; None for a model that looks for none."""
        if self.config.model != "clustering" or prediction is None or prediction.label_prob is None:
            return None
        return name_clusters(prediction.label_prob, self.label)

    def score(self, model: Checkpoint, prediction: Prediction | None) -> float:
        """Give what is measured: an accuracy in [0, 1] or an error; not a number where there are no images."""
        if prediction is None:
            return math.nan
        value: float = evaluate_predictions(model, prediction, self.label, has_named=True)[self.measured]
        return value
