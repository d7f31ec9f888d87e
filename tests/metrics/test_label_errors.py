"""Labels that are probably wrong: found by answers that did not see them."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from aaecli.metrics.label_errors import probable_errors


def test_the_least_probable_label_comes_first():
    prob = np.array([[0.9, 0.1, 0.0], [0.5, 0.2, 0.3], [0.1, 0.3, 0.6], [0.45, 0.05, 0.5], [0.3, 0.4, 0.3]])
    label = np.array([0, 1, 2, 1, 2])
    # The fourth label is less probable than the second, whose likeliest class is as much surer.
    index, guess = probable_errors(prob, label)
    assert index.tolist() == [3, 1, 4]
    # Nothing else is labelled as 0 but the first.
    assert guess.tolist() == [2, 0, 1]


def test_the_most_suspicious_come_first_and_absent_classes_are_no_guess():
    prob = np.array([[0.05, 0.9, 0.05], [0.2, 0.7, 0.1], [0.1, 0.8, 0.1], [0.9, 0.05, 0.05], [0.3, 0.1, 0.6]])
    label = np.array([0, 0, 1, 0, 0])
    index, guess = probable_errors(prob, label)
    assert index.tolist() == [0, 1]
    assert guess.tolist() == [1, 1]
    label[1] = 1
    assert probable_errors(prob, label)[0].tolist() == [0]


def test_labels_that_are_right_are_not_suspected():
    prob = np.full((20, 4), 0.1)
    label = np.arange(20) % 4
    prob[np.arange(20), label] = 0.7
    assert probable_errors(prob, label)[0].tolist() == []


@pytest.mark.parametrize("seed", range(3))
def test_of_one_in_twenty_labels_that_were_changed_four_in_five_are_found(seed):
    images, label = load_digits(return_X_y=True)
    rng = np.random.default_rng(seed)
    changed = rng.choice(len(label), len(label) // 20, replace=False)
    given = label.copy()
    given[changed] = (label[changed] + rng.integers(1, 10, len(changed))) % 10
    prob = cross_val_predict(KNeighborsClassifier(10), images, given, method="predict_proba")
    index, guess = probable_errors(prob, given)
    found = index[: len(changed)]
    assert np.isin(found, changed).mean() >= 0.8
    assert (guess[: len(changed)] == label[found]).mean() >= 0.8
