"""What the labels of a task are worth without this project: the anchors that its models are measured against.

Each takes the labelled pictures, the unlabelled ones and the test pictures, and gives its answers for the last.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from skimage.feature import hog
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.semi_supervised import LabelSpreading
from sklearn.svm import SVC

Images = NDArray[np.uint8]
Labels = NDArray[np.int64]


def features(image: Images) -> NDArray[np.float64]:
    """Give histograms of oriented gradients (N, F) of pictures (N, H, W[, 3]): seven cells a side."""
    side = max(2, image.shape[1] // 7)
    return np.stack(
        [
            hog(picture, 9, (side, side), (2, 2), channel_axis=-1 if picture.ndim == 3 else None, feature_vector=True)
            for picture in image
        ]
    )


def svm(labelled: NDArray[np.float64], label: Labels, test: NDArray[np.float64]) -> Labels:
    """Answer with a support vector machine with a Gaussian kernel."""
    model = make_pipeline(StandardScaler(), SVC(C=10))
    return np.asarray(model.fit(labelled, label).predict(test))


def label_spreading(
    labelled: NDArray[np.float64], label: Labels, unlabelled: NDArray[np.float64], test: NDArray[np.float64]
) -> Labels:
    """Answer by spreading the labels over the nearest neighbours of all pictures that may be learnt from."""
    known = np.concatenate([label, np.full(len(unlabelled), -1)])
    model = LabelSpreading(kernel="knn", n_neighbors=10, max_iter=200)
    return np.asarray(model.fit(np.concatenate([labelled, unlabelled]), known).predict(test))
