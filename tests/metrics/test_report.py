"""The metrics agree with scikit-learn, and with their definitions spelt out where it has none."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference

from aaecli.errors import AaeError
from aaecli.metrics.calibration import expected_calibration_error
from aaecli.metrics.confusion import confusion_matrix
from aaecli.metrics.energy_distance import energy_distance
from aaecli.metrics.registry import METRICS, Estimate, metric
from aaecli.metrics.report import calibration_note, columns, evaluate, for_summary, shown_numbers, tables
from aaecli.metrics.wilson_interval import wilson_interval

seeds = st.integers(0, 2**32 - 1)


def draw_answers(seed: int, num_images: int, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Draw float32 probabilities that are often right, and labels; some classes may be missing from either."""
    rng = np.random.default_rng(seed)
    label = rng.integers(0, num_classes, num_images)
    score = rng.gumbel(size=(num_images, num_classes))
    score[np.arange(num_images), label] += 2
    prob = np.exp(score)
    return (prob / prob.sum(1, keepdims=True)).astype(np.float32), label


@given(seed=seeds, num_images=st.integers(1, 60), num_classes=st.integers(2, 12))
def test_evaluate_agrees_with_scikit_learn(seed: int, num_images: int, num_classes: int) -> None:
    prob, label = draw_answers(seed, num_images, num_classes)
    names = tuple(f"class {value}" for value in range(num_classes))
    result = evaluate(prob, label, names)

    predicted = prob.argmax(1)
    known = np.arange(num_classes)
    assert result["num_images"] == num_images
    assert result["accuracy"] == pytest.approx(reference.accuracy_score(label, predicted))
    assert result["error"] == pytest.approx(reference.zero_one_loss(label, predicted))
    assert result["confusion"] == reference.confusion_matrix(label, predicted, labels=known).tolist()
    expected = reference.precision_recall_fscore_support(label, predicted, labels=known, zero_division=0)
    for key, values in zip(("precision", "recall", "f1", "num_images"), expected, strict=True):
        assert [entry[key] for entry in result["classes"]] == pytest.approx(values.tolist())
    assert [entry["class"] for entry in result["classes"]] == list(names)
    low, high = result["accuracy_interval"]
    assert 0 <= low <= result["accuracy"] <= high <= 1


def test_rows_of_the_confusion_matrix_are_true_classes() -> None:
    matrix = confusion_matrix(np.array([1, 1, 0, 2]), np.array([0, 0, 0, 2]), 3)
    assert matrix.tolist() == [[1, 2, 0], [0, 0, 0], [0, 0, 1]]


@pytest.mark.parametrize(
    ("num_correct", "num_total", "expected"),
    # Newcombe 1998, table I, method 3.
    [(81, 263, (0.2553, 0.3662)), (15, 148, (0.0624, 0.1605)), (0, 20, (0.0, 0.1611)), (1, 29, (0.0061, 0.1718))],
)
def test_wilson_interval_gives_the_published_examples(
    num_correct: int, num_total: int, expected: tuple[float, float]
) -> None:
    assert wilson_interval(num_correct, num_total) == pytest.approx(expected, abs=5e-5)


@given(num_total=st.integers(1, 10**6), data=st.data())
def test_wilson_interval_holds_the_proportion_and_mirrors(num_total: int, data: st.DataObject) -> None:
    num_correct = data.draw(st.integers(0, num_total))
    low, high = wilson_interval(num_correct, num_total)
    assert 0 <= low <= num_correct / num_total <= high <= 1
    other_low, other_high = wilson_interval(num_total - num_correct, num_total)
    assert (1 - other_high, 1 - other_low) == pytest.approx((low, high), abs=1e-9)


def calibration_error_by_definition(prob: np.ndarray, label: np.ndarray, num_bins: int) -> float:
    """Guo et al. 2017, equation 3, one bin after the other: bin m holds confidences in ((m-1)/M, m/M]."""
    confidence, correct = prob.max(1).astype(np.float64), prob.argmax(1) == label
    total = 0.0
    for place in range(num_bins):
        inside = (confidence > place / num_bins) & (confidence <= (place + 1) / num_bins)
        if inside.any():
            gap = abs(correct[inside].mean() - confidence[inside].mean())
            total += inside.mean() * gap
    return total


@given(seed=seeds, num_images=st.integers(1, 200), num_bins=st.integers(1, 20))
def test_calibration_error_follows_its_definition(seed: int, num_images: int, num_bins: int) -> None:
    prob, label = draw_answers(seed, num_images, 4)
    expected = calibration_error_by_definition(prob, label, num_bins)
    assert expected_calibration_error(prob, label, num_bins) == pytest.approx(expected, abs=1e-6)


def test_calibration_error_takes_fifteen_bins_unless_told_otherwise() -> None:
    prob, label = draw_answers(0, 200, 4)
    expected = calibration_error_by_definition(prob, label, 15)
    assert expected_calibration_error(prob, label) == pytest.approx(expected, abs=1e-6)
    assert evaluate(prob, label, tuple("abcd"))["expected_calibration_error"] == pytest.approx(expected, abs=1e-6)


def test_calibration_error_of_the_sure() -> None:
    sure = np.eye(4, dtype=np.float32)
    label = np.arange(4)
    assert expected_calibration_error(sure, label) == 0
    assert expected_calibration_error(sure, (label + 1) % 4) == 1
    assert math.isclose(expected_calibration_error(sure, np.array([0, 1, 2, 0])), 0.25)


def test_a_confidence_on_the_edge_belongs_to_the_bin_below() -> None:
    # 0.5 and 0.4 share the bin (0, 0.5]; apart they would have gaps of 0.5 and 0.6, together they cancel to 0.05.
    prob = np.array([[0.5, 0.3, 0.2], [0.4, 0.3, 0.3]])
    assert expected_calibration_error(prob, np.array([0, 1]), num_bins=2) == pytest.approx(0.05)


def test_energy_distance_tells_distributions_apart() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.standard_normal((2, 800, 3))
    assert abs(energy_distance(first, second)) < 0.02
    assert energy_distance(first, 0.8 * second) > 0.02
    # Far apart, the distances between the two groups are all but their gap.
    far = energy_distance(first, second + np.array([1000.0, 0, 0]))
    assert far == pytest.approx(2000, rel=0.01)


def test_energy_distance_equals_its_definition() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.standard_normal((5, 2)), rng.standard_normal((4, 2)) + 1

    def mean(x: np.ndarray, y: np.ndarray, *, same: bool) -> float:
        pairs = [(i, j) for i in range(len(x)) for j in range(len(y)) if not (same and i == j)]
        return float(np.mean([np.linalg.norm(x[i] - y[j]) for i, j in pairs]))

    expected = 2 * mean(a, b, same=False) - mean(a, a, same=True) - mean(b, b, same=True)
    assert energy_distance(a, b) == pytest.approx(expected)


def test_energy_distance_takes_integers_and_half_precision_for_what_they_are() -> None:
    # Squares of these would not fit.
    a, b = np.array([[0], [300]], np.int16), np.array([[200], [-100]], np.int16)
    assert energy_distance(a, b) == pytest.approx(energy_distance(a.astype(float), b.astype(float)))
    assert energy_distance(a.astype(np.float16), b.astype(np.float16)) == pytest.approx(2 * 200 - 300 - 300)


def test_purity_counts_the_most_frequent_class_of_each_cluster() -> None:
    cluster_prob = np.eye(4, dtype=np.float32)[[0, 0, 0, 1, 1, 3]]
    label = np.array([2, 2, 0, 1, 0, 0])
    report = evaluate(np.eye(3, dtype=np.float32)[label], label, ("a", "b", "c"), cluster_prob)
    assert report["cluster_purity"] == pytest.approx((2 + 1 + 1) / 6)
    assert "cluster_purity" not in evaluate(np.eye(3, dtype=np.float32)[label], label, ("a", "b", "c"))


def test_the_keys_are_those_that_scripts_rest_on() -> None:
    report = evaluate(*draw_answers(0, 9, 3), ("a", "b", "c"))
    assert [*report] == [
        "num_images", "accuracy", "accuracy_interval", "error", "expected_calibration_error", "classes", "confusion"
    ]  # fmt: skip
    assert [*report["classes"][0]] == ["class", "precision", "recall", "f1", "num_images"]
    assert [*for_summary(report)] == ["accuracy", "accuracy_interval", "expected_calibration_error"]


@pytest.fixture
def added() -> Iterator[Callable[..., None]]:
    """Give a function that registers a metric until the test ends."""
    yield lambda name, compute, **how: METRICS.add(name, metric(name, **how)(compute))
    METRICS.forget("the program")


def test_where_a_metric_is_shown_follows_from_what_it_gives(added: Callable[..., None]) -> None:
    added("half", lambda prob, label: 0.5, outputs=("model_card",))
    added("sure", lambda prob, label: Estimate(0.75, 0.5, math.inf), is_fraction=True)
    added("each", lambda prob, label: np.arange(prob.shape[1]))
    added("pairs", lambda prob, label: np.full((3, 3), np.nan))
    report = evaluate(*draw_answers(0, 9, 3), ("a", "b", "c"))
    assert (report["half"], report["sure"], report["sure_interval"]) == (0.5, 0.75, [0.5, None])
    assert [row["each"] for row in report["classes"]] == [0, 1, 2]
    assert report["pairs"] == [[None] * 3] * 3
    assert [name for name, _ in shown_numbers(report, "report")][-1] == "sure"
    assert [name for name, _ in shown_numbers(report, "model_card")][-2:] == ["half", "sure"]
    assert [*for_summary(report)][-2:] == ["sure", "sure_interval"]
    assert [name for name, _ in columns(report)][-1] == "each"
    assert [name for name, _ in tables(report)] == ["confusion", "pairs"]
    assert [METRICS["sure"].shown(value) for value in (0.25, 3, None)] == ["25.00%", "3", "–"]


@pytest.mark.parametrize("result", [np.zeros(2), np.zeros((3, 4)), "good", None])
def test_what_is_no_result_of_a_metric_is_said(added: Callable[..., None], result: object) -> None:
    added("mine", lambda prob, label: result)
    with pytest.raises(AaeError, match="metric 'mine' gives") as caught:
        evaluate(*draw_answers(0, 9, 3), ("a", "b", "c"))
    assert "a table" in caught.value.hint


@pytest.mark.parametrize("name", ["classes", "accuracy_interval", "two-words", "model"])
def test_a_metric_takes_no_name_of_another_key(added: Callable[..., None], name: str) -> None:
    with pytest.raises(AaeError, match="breaks its contract"):
        added(name, lambda prob, label: 0.5)
    with pytest.raises(AaeError, match="it is no Metric"):
        METRICS.add("plain", lambda prob, label: 0.5)


def test_the_calibration_error_says_what_it_was_before_the_temperature() -> None:
    report = {"temperature": 1.5, "expected_calibration_error_uncalibrated": 0.1234}
    said = calibration_note(report, "expected_calibration_error")
    assert said == "0.1234 before temperature 1.50"
    said = calibration_note(report | {"images": "holdout"}, "expected_calibration_error")
    assert said == "0.1234 before temperature 1.50, which was fitted on these images"
    assert calibration_note(report, "accuracy") == ""
    for without in ({}, report | {"temperature": 1.0}):
        assert calibration_note(without, "expected_calibration_error") == ""
