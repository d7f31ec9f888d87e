"""The model that a training has come to, and what the validation images show of it."""

from __future__ import annotations

import copy
import math
from typing import Any, NamedTuple

from aaecli.checkpoint.file import Checkpoint
from aaecli.config.models import FAMILY
from aaecli.config.schema import Config
from aaecli.data.dataset import Dataset
from aaecli.evaluation.predict import Prediction
from aaecli.metrics.calibration import expected_calibration_error
from aaecli.metrics.clusters import unnamed
from aaecli.metrics.temperature import fit_temperature, with_temperature
from aaecli.models.batch import Images
from aaecli.models.networks import Decoder, Encoder
from aaecli.training.novelty import novelty_summary
from aaecli.training.validation import Validation


class Look(NamedTuple):
    """What a look at the validation images shows while training goes on.

    Attributes:
        name: Of what was measured, as a column of metrics.csv: ``validation_accuracy``.
        value: The measurement; not a number where there are no such images.
        classes: Names of the classes.
        clusters: The class of each cluster; None for a model that looks for none.
    """

    name: str
    value: float
    classes: tuple[str, ...]
    clusters: list[int] | None


class Results:
    """Makes models of the networks of a training.

    Args:
        config: The settings.
        dataset: The images.
        validation: The validation images.
        reference_image: uint8 (R, H, W) or (R, H, W, 3), what the novelty score compares with.
        label_prior: The categorical prior as it was resolved; None without one.
    """

    def __init__(
        self,
        config: Config,
        dataset: Dataset,
        validation: Validation,
        reference_image: Images,
        label_prior: tuple[float, ...] | None,
    ) -> None:
        self.config = config
        self.dataset = dataset
        self.validation = validation
        self.reference_image = reference_image
        self.label_prior = label_prior

    def look(self, encoder: Encoder, decoder: Decoder | None) -> Look:
        """Measure the networks on the validation images, from one look at each."""
        prediction = self.validation.predict_once(encoder, decoder)
        model = self._model(encoder, decoder, prediction)
        value = self.validation.score(model, prediction)
        clusters = None if model.clusters is None else list(model.clusters)
        return Look(f"validation_{self.validation.measured}", value, model.classes, clusters)

    def final(self, encoder: Encoder, decoder: Decoder | None) -> Checkpoint:
        """Give the model to use, evaluated on the validation images.

        Its summary holds what the last row of metrics.csv does, from one look at each image. Where it looks at more of
        them once trained, ``validation_accuracy_deployed`` is what that comes to. The temperature is fitted here; the
        encoder of the training keeps its own, 1.
        """
        validation = self.validation
        prediction = validation.predict(encoder, decoder)
        model = self._model(encoder, decoder, prediction)
        calibration = self._calibration(prediction)
        name, found = f"validation_{validation.measured}", {}
        if encoder.test_time_shift:
            found[f"{name}_deployed"] = validation.score(model, prediction)
            prediction = validation.predict_once(encoder, decoder)
        found[name] = validation.score(model, prediction)
        model.summary |= {key: None if math.isnan(value) else value for key, value in found.items()} | calibration
        model.encoder = copy.copy(encoder)
        model.encoder.temperature = calibration.get("temperature", 1.0)
        reads_label = FAMILY[self.config.model].encodes_label
        if novelty := novelty_summary(model.encoder, decoder if reads_label else None, self.reference_image):
            model.summary["novelty"] = novelty
        return model

    def _calibration(self, prediction: Prediction | None) -> dict[str, Any]:
        """Fit the temperature, and say how far confidence and accuracy are apart before and after.

        A model of clusters has none: its probabilities are those of clusters. Nor has one that reads no label.
        """
        if not FAMILY[self.config.model].encodes_label or self.config.model == "clustering":
            return {}
        if prediction is None or prediction.label_prob is None:
            return {"temperature": 1.0, "num_temperature_images": 0}
        label_prob, label = prediction.label_prob, self.validation.label
        temperature = fit_temperature(label_prob, label)
        before, after = (with_temperature(label_prob, value) for value in (1.0, temperature.value))
        return {
            "temperature": temperature.value,
            "num_temperature_images": temperature.num_images,
            "validation_expected_calibration_error_uncalibrated": expected_calibration_error(before, label),
            "validation_expected_calibration_error": expected_calibration_error(after, label),
        }

    def _model(self, encoder: Encoder, decoder: Decoder | None, prediction: Prediction | None) -> Checkpoint:
        """Give the model as it is; its clusters are named by what it answers for the validation images."""
        classes, clusters = self.dataset.classes, self.validation.clusters(prediction)
        if self.config.model == "clustering" and not classes:
            classes, clusters = unnamed(self.config.clusters)
        return Checkpoint(
            self.config,
            classes,
            self.dataset.image_shape,
            encoder,
            decoder,
            clusters=clusters,
            label_prior=self.label_prior,
        )
