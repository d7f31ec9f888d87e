"""The target of an estimator."""

from __future__ import annotations

import numpy as np
import pytest

from aaecli.api.target import classes_of
from aaecli.config.models import MAX_CLASSES


def test_a_model_has_from_two_classes_to_as_many_as_files_may_name() -> None:
    classes, index = classes_of(np.arange(MAX_CLASSES)[::-1])
    assert (len(classes), index[0]) == (MAX_CLASSES, MAX_CLASSES - 1)
    with pytest.raises(ValueError, match="y names 4,097 classes; at most 4,096 are learnt"):
        classes_of(np.arange(MAX_CLASSES + 1))
    with pytest.raises(ValueError, match="y labels one class, a,"):
        classes_of(np.array(["a", "a"]))
