"""``aaecli serve``: the images that its map of styles shows."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from aaecli.cli import serve
from aaecli.data import loading


def test_the_map_shows_a_draw_of_a_folder_that_is_sorted_by_class(monkeypatch, mnist) -> None:
    order = np.argsort(mnist.train_label[:2000], kind="stable")
    image, label = mnist.train_image[:2000][order], mnist.train_label[:2000][order]
    dataset = SimpleNamespace(
        train_image=image, train_label=label, classes=mnist.classes, image_shape=mnist.image_shape
    )
    monkeypatch.setattr(loading, "load_dataset", lambda *args: dataset)
    monkeypatch.setattr(serve, "_NUM_EXAMPLES", 100)
    metadata = SimpleNamespace(image_shape=(1, 28, 28), normalise=False, on_embedded=False)
    load = serve._examples(SimpleNamespace(metadata=metadata), Path("pictures"))
    images, names = load()
    assert len(images) == len(names) == 100
    assert set(names) == set(mnist.classes)
    name_of = {one.tobytes(): mnist.classes[of] for one, of in zip(image, label, strict=True)}
    assert [name_of[one.tobytes()] for one in images] == names


def test_of_mnist_the_map_shows_images_that_validate(monkeypatch, mnist) -> None:
    monkeypatch.setattr(serve, "_NUM_EXAMPLES", 30)
    metadata = SimpleNamespace(image_shape=(1, 28, 28), normalise=True, on_embedded=True)
    images, _ = serve._examples(SimpleNamespace(metadata=metadata), None)()
    kept = {image.tobytes() for image in mnist.train_image[50_000:]}
    assert {image.tobytes() for image in images} <= kept
