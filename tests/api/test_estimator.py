"""``AAEClassifier`` and ``LabelledSplit``, by scikit-learn's own checks and beside its own tools."""

from __future__ import annotations

import pickle
from itertools import starmap

import joblib
import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.datasets import load_digits
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV, GroupKFold, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import MinMaxScaler
from sklearn.utils.estimator_checks import estimator_checks_generator

import aaecli
from aaecli import AAEClassifier, LabelledSplit

pytestmark = pytest.mark.usefixtures("translated_once")

SMALL = {
    "preset": "quick",
    "steps": 30,
    "style_dim": 3,
    "random_state": 0,
    "device": "cpu",
    "settings": {
        "network": {
            "encoder": "mlp",
            "discriminator_hidden": [32],
            "encoder_options": {"hidden": [64], "batch_norm": True},
            "decoder_options": {"hidden": [32]},
        },
        "optimiser": {"warmup_steps": 5},
    },
}
QUICK = {
    "check_no_attributes_set_in_init",
    "check_get_params_invariance",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_estimator_sparse_tag",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_mixin_order",
    "check_estimators_unfitted",
    "check_classifiers_one_label",
    "check_classifiers_regression_target",
    "check_supervised_y_no_nan",
    "check_fit_idempotent",
    "check_methods_subset_invariance",
    "check_estimators_pickle",
}
EXPECTED = {"check_classifiers_classes": "its classes are {-1, 1}, and here -1 says that there is no label"}
WITHOUT_THE_PACKAGE = {"check_array_api_input", "check_classifier_data_not_an_array"}
"""Skipped by scikit-learn itself where array-api-strict or pandas is not installed."""


def outcome(estimator, check) -> str:
    """Run one check, and say how it went."""
    from unittest import SkipTest

    name = getattr(check, "func", check).__name__
    try:
        check(estimator)
    except SkipTest:
        assert name in WITHOUT_THE_PACKAGE, name
        return "skipped"
    except (AssertionError, ValueError) as error:
        if name in EXPECTED and estimator.unlabelled == -1:
            return "expected" if "two or more are needed" in str(error) else f"failed: {error}"
        raise
    return "passed"


def checks(unlabelled, names=None):
    # Every step of the slow ones, which ask for some accuracy.
    settings = SMALL if names is None else SMALL | {"steps": 4}
    for estimator, check in estimator_checks_generator(AAEClassifier(unlabelled=unlabelled, **settings)):
        if names is None or getattr(check, "func", check).__name__ in names:
            yield estimator, check


def test_a_share_of_the_checks_of_scikit_learn() -> None:
    assert list(starmap(outcome, checks(-1, QUICK))) == ["passed"] * len(QUICK)


@pytest.mark.slow
@pytest.mark.parametrize("unlabelled", [None, -1])
@pytest.mark.filterwarnings("ignore")
def test_every_check_of_scikit_learn(unlabelled) -> None:
    found = list(starmap(outcome, checks(unlabelled)))
    assert found.count("expected") == (0 if unlabelled is None else 1)
    assert found.count("passed") >= 57


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    y = y.copy()
    given = np.concatenate([np.flatnonzero(y == value)[:10] for value in range(10)])
    marked = np.full(len(y), -1)
    marked[given] = y[given]
    return X, y, marked


@pytest.fixture(scope="module")
def fitted(digits) -> AAEClassifier:
    X, _, marked = digits
    return AAEClassifier(**SMALL | {"steps": 100}).fit(X, marked)


def test_it_learns_from_a_few_labels(fitted, digits) -> None:
    X, y, marked = digits
    assert fitted.score(X, y) > 0.7  # a tenth by chance
    known = marked >= 0
    assert fitted.score(X, marked) == fitted.score(X[known], y[known])
    prob, style = fitted.predict_proba(X), fitted.transform(X)
    assert (prob.dtype, prob.shape) == (np.float32, (len(X), 10))
    np.testing.assert_allclose(prob.sum(1), 1, atol=1e-5)
    assert (style.dtype, style.shape) == (np.float32, (len(X), 3))
    assert fitted.image_shape_ == (8, 8)
    assert (fitted.data_min_, fitted.data_max_) == (0, 16)
    assert fitted.n_iter_ == 100
    assert fitted.history_[-1]["step"] == 100
    assert list(fitted.get_feature_names_out()) == [f"aaeclassifier{k}" for k in range(3)]


def test_it_draws(fitted, digits) -> None:
    X, y, _ = digits
    drawn = fitted.inverse_transform(fitted.transform(X), label=y)
    assert (drawn.dtype, drawn.shape) == (np.float32, X.shape)
    assert drawn.min() >= 0
    assert drawn.max() <= 16
    assert np.square(drawn - X).mean() < np.square(X - X.mean(0)).mean()
    new = fitted.sample(6, random_state=3)
    np.testing.assert_array_equal(new, fitted.sample(6, random_state=3))
    assert fitted.sample(2, label=[3, 4]).shape == (2, 64)
    with pytest.raises(ValueError, match="no class 11"):
        fitted.sample(2, label=11)
    with pytest.raises(ValueError, match="n_samples"):
        fitted.sample(0)
    with pytest.raises(ValueError, match=r"Styles are \(N, 3\)"):
        fitted.inverse_transform(np.zeros((2, 4)), label=1)
    with pytest.raises(NotFittedError):
        AAEClassifier().sample()


def test_what_is_exported_answers_alike(fitted, digits, tmp_path) -> None:
    X = digits[0][:200]
    assert sorted(fitted.export(tmp_path)) == ["decoder", "encoder"]
    read = aaecli.Classifier(tmp_path)
    assert (read.classes, read.image_shape) == (tuple("0123456789"), (8, 8))
    found = read.predict_proba(X.reshape(-1, 8, 8) / 16)
    filled = X.any(1)
    np.testing.assert_allclose(found[filled], fitted.predict_proba(X)[filled], atol=1e-4)


def test_it_is_kept_and_copied(fitted, digits, tmp_path) -> None:
    X = digits[0][:50]
    expected = fitted.predict_proba(X)
    joblib.dump(fitted, tmp_path / "model.joblib")
    mapped = joblib.load(tmp_path / "model.joblib", mmap_mode="r")
    for other in (pickle.loads(pickle.dumps(fitted)), mapped):  # noqa: S301 - its own
        np.testing.assert_array_equal(other.predict_proba(X), expected)
    with pytest.raises(NotFittedError):
        clone(fitted).predict(X)


def test_torch_is_left_as_it_was_and_a_seed_gives_the_same_bits(digits) -> None:
    X, _, marked = digits
    torch.manual_seed(3)
    before, threads = torch.get_rng_state(), torch.get_num_threads()
    one, other = (AAEClassifier(**SMALL | {"steps": 4}).fit(X, marked) for _ in range(2))
    for name, value in one.weights_.items():
        np.testing.assert_array_equal(value, other.weights_[name])
    assert torch.equal(torch.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_it_stands_in_pipelines_and_searches(digits) -> None:
    X, marked = digits[0][:600], digits[2][:600]
    model = AAEClassifier(**SMALL | {"steps": 4})
    pipeline = make_pipeline(MinMaxScaler(), model).fit(X, marked)
    assert pipeline.predict(X[:5]).shape == (5,)
    search = GridSearchCV(model, {"style_dim": [2, 3]}, cv=LabelledSplit(2, random_state=0)).fit(X, marked)
    assert set(search.cv_results_["param_style_dim"]) == {2, 3}
    assert cross_val_score(model, X, marked, cv=LabelledSplit(2)).shape == (2,)


def test_labels_may_be_strings_beside_a_marker_of_another_type(digits) -> None:
    X, y, marked = digits
    names = np.array(["zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"])
    tiny = SMALL | {"steps": 2}
    for none in (-1, None):
        labels = np.where(marked < 0, none, names[y].astype(object))
        model = AAEClassifier(**tiny).fit(X, labels)
        assert sorted(names) == list(model.classes_)
        assert set(model.predict(X[:20])) <= set(names)
        assert 0 <= model.score(X, labels) <= 1
    with pytest.raises(ValueError, match=r"array of strings.*use dtype object"):
        AAEClassifier(**tiny).fit(X, np.where(marked < 0, "-1", names[y]))
    assert list(AAEClassifier(**tiny, unlabelled="?").fit(X, np.where(marked < 0, "?", names[y])).classes_) == sorted(
        names
    )


def test_images_may_be_arrays_of_three_and_four_dimensions(digits) -> None:
    X, y, marked = digits
    tiny = SMALL | {"steps": 2}
    flat, square = AAEClassifier(**tiny).fit(X, marked), AAEClassifier(**tiny).fit(X.reshape(-1, 8, 8), marked)
    np.testing.assert_array_equal(flat.predict_proba(X), square.predict_proba(X.reshape(-1, 8, 8)))
    assert AAEClassifier(**tiny, image_shape=(4, 16)).fit(X, marked).image_shape_ == (4, 16)
    colour = np.repeat((X.reshape(-1, 8, 8, 1) * 15).astype(np.uint8), 3, 3)
    model = AAEClassifier(**tiny).fit(colour, y)
    assert model.image_shape_ == (8, 8, 3)
    assert model.n_features_in_ == 192
    assert model.sample(2).shape == (2, 192)


@pytest.mark.parametrize(
    ("options", "change", "error", "sentence"),
    [
        ({}, lambda X, y: (X, y[:-1]), ValueError, "inconsistent numbers of samples"),
        ({}, lambda X, y: (X, np.full(len(X), -1)), ValueError, "labels no class"),
        ({}, lambda X, y: (X, np.where(y == 3, 3, -1)), ValueError, "labels one class"),
        ({}, lambda X, y: (X[:, None, None, :4], y), ValueError, r"Images are \(N, H, W\)"),
        ({"image_shape": (5, 5)}, lambda X, y: (X, y), ValueError, r"image_shape \(5, 5\) does not fit"),
        ({"preset": "quik"}, lambda X, y: (X, y), aaecli.AaeError, "Did you mean 'quick'"),
        ({"augment": "stroke"}, lambda X, y: (X, y), aaecli.AaeError, "no augmentation set 'stroke'"),
        ({"settings": {"labels": 3}}, lambda X, y: (X, y), aaecli.AaeError, "has no effect in an estimator"),
        ({"settings": {"scedule": {}}}, lambda X, y: (X, y), aaecli.AaeError, "Did you mean 'schedule'"),
        ({"steps": 0}, lambda X, y: (X, y), ValueError, "steps is 1 or more, not 0"),
    ],
)
def test_what_is_wrong_is_said_in_a_sentence(digits, options, change, error, sentence) -> None:
    X, _, marked = digits
    with pytest.raises(error, match=sentence):
        AAEClassifier(**SMALL | options).fit(*change(X, marked))
    with pytest.raises(ValueError, match="No row of y has a label"):
        AAEClassifier().score(X, np.full(len(X), -1))


def test_the_labelled_rows_alone_are_tested_on(digits) -> None:
    X, _, marked = digits
    tested = []
    for train, test in LabelledSplit(5, random_state=0).split(X, marked):
        assert (marked[test] >= 0).all()
        assert not np.intersect1d(train, test).size
        assert len(train) + len(test) == len(X)
        assert np.bincount(marked[test]).tolist() == [2] * 10
        tested.append(test)
    np.testing.assert_array_equal(np.sort(np.concatenate(tested)), np.flatnonzero(marked >= 0))
    groups = np.arange(len(X)) % 7
    by_group = LabelledSplit(GroupKFold(3))
    assert by_group.get_n_splits() == 3
    for train, test in by_group.split(X, marked.astype(object), groups):
        known = train[marked[train] >= 0]
        assert not set(groups[known]) & set(groups[test])
    assert repr(LabelledSplit(3)) == "LabelledSplit(cv=3)"


def test_unpickled_without_torch_it_says_what_to_install(fitted, tmp_path) -> None:
    from tests.api.test_imports import run

    (tmp_path / "model.pickle").write_bytes(pickle.dumps(fitted))
    script = f"""
import pickle, numpy as np
model = pickle.loads(open({str(tmp_path / "model.pickle")!r}, "rb").read())
try:
    model.predict(np.zeros((2, 64)))
except ImportError as error:
    print(error)
"""
    assert run(script, "torch").startswith("AAEClassifier needs torch, which is not installed.")
    script = "import aaecli\ntry: aaecli.AAEClassifier\nexcept aaecli.AaeError as error: print(error)"
    assert "python -m pip install 'aaecli[sklearn]'" in run(script, "sklearn")
