"""``LabelledSplit``: cross-validation where some rows have no label."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from aaecli.api.target import is_unlabelled
from aaecli.api.torch_state import needing

with needing("LabelledSplit", "sklearn"):
    from sklearn.base import BaseEstimator
    from sklearn.model_selection import StratifiedKFold, check_cv


class LabelledSplit(BaseEstimator):  # type: ignore[misc]
    """Cross-validation over the labelled rows; all others are in every training part, and in no test part.

    scikit-learn's own splitters would take the marker for one more class, and judge by rows that nobody has labelled.

    Args:
        cv: Number of parts, or a splitter of scikit-learn that divides the labelled rows.
        unlabelled: The marker in ``y``; None stands for no label in any case.
        shuffle: Whether rows are shuffled before they are divided, where ``cv`` is a number.
        random_state: Seed of the shuffle.

    Examples:
        >>> import numpy as np
        >>> from aaecli import LabelledSplit
        >>> y = np.array([0, 1, -1, 0, 1, -1])
        >>> for train, test in LabelledSplit(2, shuffle=False).split(np.zeros((6, 4)), y):
        ...     print(train, test)
        [2 3 4 5] [0 1]
        [0 1 2 5] [3 4]
    """

    def __init__(
        self, cv: Any = 5, *, unlabelled: Any = -1, shuffle: bool = True, random_state: int | None = None
    ) -> None:
        self.cv = cv
        self.unlabelled = unlabelled
        self.shuffle = shuffle
        self.random_state = random_state

    def split(
        self, X: Any, y: ArrayLike, groups: ArrayLike | None = None
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
        """Divide the rows.

        Args:
            X: (N, P), of which only the number of rows matters.
            y: (N,), labels and markers.
            groups: (N,), for a splitter that asks for them.

        Yields:
            The indices to train on, rising, all rows without a label among them; and those to test on.

        Raises:
            ValueError: There are fewer labelled rows than parts, or the marker is lost in an array of strings.
        """
        labels = np.asarray(y)
        known = np.flatnonzero(~is_unlabelled(labels, self.unlabelled))
        others = np.setdiff1d(np.arange(len(labels)), known)
        chosen = labels[known]
        if chosen.dtype.kind == "O":
            chosen = np.asarray(chosen.tolist())
        parts = self._splitter(chosen).split(known, chosen, None if groups is None else np.asarray(groups)[known])
        for train, test in parts:
            yield np.sort(np.concatenate((known[train], others))), known[test]

    def get_n_splits(self, X: Any = None, y: Any = None, groups: Any = None) -> int:
        """Give the number of parts."""
        return int(self._splitter(None).get_n_splits(X, y, groups))

    def _splitter(self, y: Any) -> Any:
        if isinstance(self.cv, int):
            seed = self.random_state if self.shuffle else None
            return StratifiedKFold(self.cv, shuffle=self.shuffle, random_state=seed)
        return check_cv(self.cv, y, classifier=True)
