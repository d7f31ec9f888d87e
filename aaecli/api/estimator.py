"""``AAEClassifier``: the adversarial autoencoder as an estimator of scikit-learn."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aaecli.api.estimator_settings import settings_for
from aaecli.api.plain_weights import made_of, remembered, weights_of
from aaecli.api.tables import Table, as_rows, fitting_table, shape_of
from aaecli.api.target import class_index, classes_of, is_unlabelled, of_one_type
from aaecli.api.torch_state import needing, one_training_at_a_time
from aaecli.config.schema import to_table

with needing("AAEClassifier", "sklearn"):
    from sklearn.base import BaseEstimator, ClassifierMixin, ClassNamePrefixFeaturesOutMixin, TransformerMixin
    from sklearn.utils import check_random_state
    from sklearn.utils.multiclass import check_classification_targets
    from sklearn.utils.validation import check_is_fitted, validate_data

if TYPE_CHECKING:
    from aaecli.checkpoint.file import Checkpoint

_DTYPES = (np.float64, np.float32, np.uint8)


class AAEClassifier(ClassNamePrefixFeaturesOutMixin, TransformerMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """Learns classes from a few labelled rows and many unlabelled ones, and a style of what the class leaves open.

    A row of ``X`` is an image: of P numbers a square one where P is a square, else one of a single row. Arrays
    (N, H, W) and (N, H, W, 3) are taken as well. uint8 and floats in [0, 1] are pixels as they are; of other numbers
    the smallest in the training data is black and the largest white. Images are kept in 256 grey values.

    Trains in memory, without files; torch's random state and threads are left as they were. Estimators that train in
    threads take turns. A pickled estimator runs code as it is read, as every pickle does: keep it for yourself, and
    give others what ``export`` writes.

    Args:
        preset: Settings to start from: ``auto``, which takes ``pictures``, adapted to how the images look, for images
            of 8 × 8 and more and ``quick`` for other rows; or the name of another preset.
        steps: Training steps, 1 or more; the preset's number where None.
        image_shape: Shape of the image that a row is, (H, W) or (H, W, 3).
        style_dim: Number Z of dimensions of the style, 1 or more.
        augment: Augmentation set: ``strokes``, ``digits``, ``natural``, ``none``, one of a plug-in, or ``auto``: as
            ``pictures`` is adapted; with another preset, strokes for square grey images of 8 × 8 and more, else none.
        settings: Further settings as nested tables, such as ``{"optimiser": {"lr": 0.002}}``.
        unlabelled: What stands in ``y`` for no label; None where every row has one. In an array of objects, None
            stands for no label too.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        start: The model whose weights, networks and style it starts from: ``released``, a model.pt, or the folder of a
            run; random weights where None. Classes are matched by name. ``auto`` is then the preset ``fine-tune``.
        random_state: Seed, generator or None, as everywhere in scikit-learn. The same number gives the same bits.

    Attributes:
        classes_: (C,), the labels, sorted.
        n_features_in_: Numbers P of a row.
        feature_names_in_: (P,), names of the columns, where ``X`` had names.
        image_shape_: Shape of an image.
        data_min_: The number that is black.
        data_max_: The number that is white.
        n_iter_: Steps that were taken.
        history_: The rows that metrics.csv of a training has: ``step``, the losses, ``seconds``…
        weights_: The weights of encoder and decoder, arrays by name.

    Examples:
        >>> import numpy as np
        >>> from sklearn.datasets import load_digits
        >>> from aaecli import AAEClassifier
        >>> X, y = load_digits(return_X_y=True)
        >>> y = np.where(np.arange(len(y)) < 200, y, -1)
        >>> model = AAEClassifier(steps=5, random_state=0).fit(X, y)
        >>> model.predict_proba(X[:3]).shape, model.transform(X[:3]).shape
        ((3, 10), (3, 10))
        >>> model.sample(4, label=7).shape
        (4, 64)
    """

    def __init__(
        self,
        *,
        preset: str = "auto",
        steps: int | None = None,
        image_shape: tuple[int, ...] | None = None,
        style_dim: int = 10,
        augment: str = "auto",
        settings: Mapping[str, Any] | None = None,
        unlabelled: Any = -1,
        device: Literal["auto", "cpu", "cuda", "mps"] = "auto",
        start: str | os.PathLike[str] | None = None,
        random_state: Any = None,
    ) -> None:
        self.preset = preset
        self.steps = steps
        self.image_shape = image_shape
        self.style_dim = style_dim
        self.augment = augment
        self.settings = settings
        self.unlabelled = unlabelled
        self.device = device
        self.start = start
        self.random_state = random_state

    def fit(self, X: Any, y: ArrayLike) -> AAEClassifier:
        """Learn from rows, of which some have labels.

        Args:
            X: (N, P), (N, H, W) or (N, H, W, 3), 2 rows or more.
            y: (N,), labels, and the marker where there is none.

        Returns:
            The estimator itself.

        Raises:
            ValueError: A shape or a number is wrong, fewer than two classes have labels, or ``y`` is of strings in
                which the marker is lost.
            AaeError: A setting is wrong, the device cannot be had, torch is missing, or the training diverged.
        """
        rows, inner = as_rows(X)
        # Where rows have no label, y may hold None, which no check of scikit-learn knows.
        rows, labels = validate_data(self, rows, y, dtype=_DTYPES, ensure_min_samples=2)
        unlabelled = is_unlabelled(labels, self.unlabelled)
        known = of_one_type(labels[~unlabelled])
        check_classification_targets(known)
        label = np.full(len(labels), -1, np.int64)
        classes, label[~unlabelled] = classes_of(known)
        table = fitting_table(rows, shape_of(rows.shape[1], self.image_shape or inner))
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        images = table.to_images(rows)
        config = settings_for(
            images,
            label,
            seed=seed,
            preset=self.preset,
            steps=self.steps,
            style_dim=self.style_dim,
            augment=self.augment,
            settings=self.settings or {},
            device=self.device,
            start=self.start,
        )
        with needing("AAEClassifier"):
            from aaecli.training.in_memory import train_in_memory

            with one_training_at_a_time():
                model, history = train_in_memory(config, images, label, tuple(map(str, classes)))
        self.classes_ = classes
        self.image_shape_ = table.shape
        self.data_min_, self.data_max_ = table.low, table.high
        self.history_ = history
        self.n_iter_ = int(model.summary["steps"])
        # What is fitted is arrays and plain values.
        self.weights_ = weights_of(model)
        self.settings_ = to_table(model.config)
        self.label_prior_ = model.label_prior
        self.novelty_ = model.summary.get("novelty", {})
        return self

    def predict(self, X: Any) -> NDArray[Any]:
        """Name the class of each row: (N,), of ``classes_``."""
        label_prob = self.predict_proba(X)
        return np.asarray(self.classes_[label_prob.argmax(1)])

    def predict_proba(self, X: Any) -> NDArray[np.float32]:
        """Give the probability of each class for each row: float32 (N, C), rows sum to 1, columns are ``classes_``."""
        return self._read(X)[0]

    def transform(self, X: Any) -> NDArray[np.float32]:
        """Give the style of each row: float32 (N, Z), about as N(0, 1) is."""
        return self._read(X)[1]

    def inverse_transform(self, X: ArrayLike, *, label: Any) -> NDArray[np.float32]:
        """Draw rows of given styles and classes.

        Args:
            X: (N, Z), styles, such as ``transform`` gives.
            label: One of ``classes_``, or (N,) of them.

        Returns:
            float32 (N, P), in the numbers of the training data.

        Raises:
            ValueError: A class is unknown, or a shape does not fit.
        """
        model = self._model()
        style = np.asarray(X, np.float32)
        if style.ndim != 2 or style.shape[1] != self._n_features_out:
            raise ValueError(f"Styles are (N, {self._n_features_out}), and these are {style.shape}.")
        index = class_index(self.classes_, label, len(style))
        from aaecli.evaluation.predict import draw_codes

        assert model.decoder is not None  # noqa: S101 - the model draws
        one_hot = np.eye(len(self.classes_), dtype=np.float32)[index]
        return self._table().to_rows(draw_codes(model.decoder, one_hot, style))

    def sample(self, n_samples: int = 1, *, label: Any = None, random_state: Any = None) -> NDArray[np.float32]:
        """Draw new rows, with styles from the prior.

        Args:
            n_samples: Number of rows N, 1 or more.
            label: One of ``classes_``, or (N,) of them; None: drawn as often as the prior on the label has them.
            random_state: Seed, generator or None.

        Returns:
            float32 (N, P), in the numbers of the training data.

        Raises:
            ValueError: A class is unknown, or ``n_samples`` is less than 1.
        """
        if n_samples < 1:
            raise ValueError("n_samples is 1 or more.")
        from aaecli.priors.style_prior import STYLE_PRIORS

        model, random = self._model(), check_random_state(random_state)
        if label is None:
            label = random.choice(self.classes_, n_samples, p=model.label_frequency)
        prior = model.config.prior
        rng = np.random.default_rng(random.randint(2**31 - 1))
        style = STYLE_PRIORS[prior.style].sample(n_samples, self._n_features_out, prior.style_std, rng)
        return self.inverse_transform(style, label=label)

    def score(self, X: Any, y: ArrayLike, sample_weight: ArrayLike | None = None) -> float:
        """Give the share of the labelled rows that are read rightly, in [0, 1]; rows without a label are left out.

        Raises:
            ValueError: No row has a label.
        """
        labels = np.asarray(y)
        known = ~is_unlabelled(labels, self.unlabelled)
        if not known.any():
            raise ValueError("No row of y has a label, so nothing tells how many are right.")
        if known.all():
            return float(super().score(X, labels, sample_weight))
        weight = None if sample_weight is None else np.asarray(sample_weight)[known]
        rows = X.loc[known] if hasattr(X, "loc") else np.asarray(X)[known]
        return float(super().score(rows, of_one_type(labels[known]), weight))

    def export(self, folder: str | os.PathLike[str] = "exports", *, force: bool = False) -> dict[str, Path]:
        """Write the model as ONNX files, which ``Classifier`` and ``Generator`` open without torch.

        They read and draw pixels in [0, 1]: ``(X - data_min_) / (data_max_ - data_min_)``.

        Args:
            folder: Where the files go.
            force: Replace files that aaecli did not write.

        Returns:
            The files, ``encoder`` and ``decoder``.

        Raises:
            AaeError: A file cannot be written, or an image is longer than 1024 pixels.
        """
        from aaecli.files.outputs import Outputs

        model = self._model()
        with needing("Exporting"):
            from aaecli.export.onnx import export_onnx

            report = export_onnx(model, Path(folder), lambda _: None, Outputs(force=force))
        return {part: Path(entry["path"]) for part, entry in report.items()}

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.three_d_array = True
        # Batches of other sizes differ in the last bits of float32, which is what comes out.
        tags.transformer_tags.preserves_dtype = []
        return tags

    @property
    def _n_features_out(self) -> int:
        return int(self.settings_["network"]["style_dim"])

    def _model(self) -> Checkpoint:
        """Give the networks that the fitted arrays stand for."""
        check_is_fitted(self)
        return remembered(self, self.weights_, self._made)

    def _made(self) -> Checkpoint:
        names, weights, settings = tuple(map(str, self.classes_)), self.weights_, self.settings_
        known = {"label_prior": self.label_prior_, "novelty": self.novelty_}
        return made_of(weights, settings, self.image_shape_, names, **known)

    def _table(self) -> Table:
        return Table(tuple(self.image_shape_), self.data_min_, self.data_max_)

    def _read(self, X: Any) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Give label probabilities (N, C) and styles (N, Z)."""
        model = self._model()
        rows = validate_data(self, as_rows(X)[0], dtype=_DTYPES, reset=False)
        from aaecli.evaluation.predict import encode_stored

        label_prob, style = encode_stored(model, self._table().to_images(rows), self.device)
        assert label_prob is not None and style is not None  # noqa: S101, PT018 - the model has both
        return label_prob, style
