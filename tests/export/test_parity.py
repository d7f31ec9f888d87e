"""The images that an export is compared on."""

from __future__ import annotations

import numpy as np

from aaecli.export.parity import _real_images


def test_real_images_are_a_draw_of_the_test_images(mnist) -> None:
    images = _real_images((1, 28, 28)).numpy()
    known = {image.tobytes(): index for index, image in enumerate(mnist.test_image)}
    index = np.array([known[image.tobytes()] for image in images])
    assert len(index) == 1000
    assert 4000 < np.median(index) < 6000, "the first ones are the easier half"
    assert _real_images((3, 14, 20)).shape == (1000, 14, 20, 3)
