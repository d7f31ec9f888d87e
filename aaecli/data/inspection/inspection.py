"""What is in a data set: its counts, its split, and a single image as a picture file."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Literal

import numpy as np

from aaecli.data.dataset import Dataset
from aaecli.data.encode import encode_picture
from aaecli.data.split import split
from aaecli.errors import AaeError

_FORMATS = {
    ".png": "PNG",
    ".bmp": "BMP",
    ".gif": "GIF",
    ".tif": "TIFF",
    ".tiff": "TIFF",
    ".webp": "WEBP",
    ".pgm": "PPM",
    ".jpg": "JPEG",
    ".jpeg": "JPEG",
}

Part = Literal["train", "test"]


def inspect_dataset(dataset: Dataset, *, checksums_ok: bool | None) -> dict[str, Any]:
    """Count what a data set holds.

    Args:
        dataset: The data set.
        checksums_ok: Whether its files are those that were published; None where that is not known.

    Returns:
        ``name``; ``image``: height and width in pixels; ``channels``; ``classes``: a list with ``class``, ``train`` and
        ``test``, the numbers of its images; ``num_train``, ``num_test``, ``num_unlabelled``; ``split``: how training
        on its labels divides the training images into ``pool`` and ``validation``; ``checksums_ok``; ``remarks`` on how
        IDX files were understood; ``faults``, what keeps classes of arrays from being learnt; ``findings`` about the
        pictures of a folder, or None.

    Raises:
        AaeError: The data set is too small to be split.
    """
    parts = split(dataset, 0, 0, learns_labels=bool((dataset.train_label >= 0).any()))
    counts = [
        np.bincount(label[label >= 0], minlength=len(dataset.classes)).tolist()
        for label in (dataset.train_label, dataset.test_label)
    ]
    return {
        "name": dataset.name,
        "image": list(dataset.image_shape[1:]),
        "channels": dataset.image_shape[0],
        "classes": [
            {"class": name, "train": train, "test": test}
            for name, train, test in zip(dataset.classes, *counts, strict=True)
        ],
        "num_train": len(dataset.train_label),
        "num_test": len(dataset.test_label),
        "num_unlabelled": int((dataset.train_label < 0).sum()),
        "split": {"pool": len(parts.pool), "validation": len(parts.validation)},
        "checksums_ok": checksums_ok,
        "remarks": list(dataset.remarks),
        "faults": [list(fault) for fault in dataset.faults],
        "findings": asdict(dataset.findings) if dataset.findings else None,
    }


def encode_image(dataset: Dataset, part: Part, index: int, suffix: str = ".png") -> tuple[bytes, str]:
    """Encode one image as a picture file, as it is stored.

    Returns:
        The file's bytes and the name of the image's class; an empty one where it has no label.

    Raises:
        AaeError: The index is out of range or pictures of this suffix cannot be written.
    """
    images, labels = {
        "train": (dataset.train_image, dataset.train_label),
        "test": (dataset.test_image, dataset.test_label),
    }[part]
    if not len(images):
        raise AaeError(f"{dataset.name} has no {part} images.", "Leave --split out.")
    if not 0 <= index < len(images):
        raise AaeError(
            f"{dataset.name} has no {part} image {index}: they are numbered from 0 to {len(images) - 1}.",
            "`aaecli data` tells how many images of each kind there are.",
        )
    if suffix.lower() not in _FORMATS:
        raise AaeError(
            f"Pictures cannot be written as '{suffix}'." if suffix else "The picture's name has no ending.",
            "Let the name end in one of: " + ", ".join(_FORMATS) + ".",
        )
    from PIL import Image

    body = encode_picture(Image.fromarray(images[index]), _FORMATS[suffix.lower()])
    return body, dataset.classes[labels[index]] if labels[index] >= 0 else ""
