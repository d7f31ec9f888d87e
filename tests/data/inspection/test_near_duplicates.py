"""Groups of near duplicates among digits of MNIST."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from aaecli.data.dataset import Dataset
from aaecli.data.inspection.low_frequencies import amplitudes
from aaecli.data.inspection.near_duplicates import LEAST, NearDuplicates, find_near_duplicates


def found_in(image: NDArray[np.uint8]) -> NearDuplicates:
    return find_near_duplicates(*amplitudes(image), 1 / 28)


def test_planted_copies_are_found_among_others(mnist: Dataset) -> None:
    image = mnist.test_image[mnist.test_label != 1][:1500].copy()
    image[1000:1100] = np.roll(image[:100], 1, 2)
    image[1100:1200] = image[:100]
    found = found_in(image)
    assert found.group == tuple((number, number + 1000, number + 1100) for number in range(100))
    assert max(found.difference) < 1e-3


def test_a_chain_of_copies_is_a_group(mnist: Dataset) -> None:
    digit = mnist.test_image[0]
    chain = np.stack([np.roll(digit, number, 1) for number in range(4)])
    assert found_in(np.concatenate([mnist.test_image[1:20], chain])).group == ((19, 20, 21, 22),)


def test_another_brightness_or_colour_is_another_picture(mnist: Dataset) -> None:
    digit = mnist.test_image[:1]
    assert found_in(np.concatenate([digit, digit // 2])).group == ()
    red, blue = np.zeros((2, 1, 28, 28, 3), np.uint8)
    red[..., 0] = blue[..., 2] = digit
    assert found_in(np.concatenate([red, blue])).group == ()
    assert found_in(np.concatenate([red, red])).group == ((0, 1),)


def test_photographs_may_differ_more(mnist: Dataset) -> None:
    rng = np.random.default_rng(0)
    small = rng.integers(0, 256, (40, 9, 9)).astype(np.uint8)
    large = np.stack([np.asarray(Image.fromarray(image).resize((70, 70))) for image in small])
    # Cut out of a picture, one a pixel further than the other: what comes in at the border is new.
    found = found_in(np.concatenate([large[:, 2:66, 2:66], large[:, 3:67, 3:67]]))
    assert found.group == tuple((number, number + 40) for number in range(40))
    assert max(found.difference) > LEAST
    assert max(found_in(mnist.test_image[:300]).difference, default=0) <= LEAST


def test_a_few_digits_are_no_copies(mnist: Dataset) -> None:
    for num in (2, 20, 60, 200):
        assert found_in(mnist.test_image[:num]).group == ()


def test_nothing_and_pictures_with_nothing_in_them() -> None:
    assert found_in(np.empty((0, 28, 28), np.uint8)) == NearDuplicates((), ())
    assert found_in(np.full((5, 28, 28), 200, np.uint8)) == NearDuplicates((), ())


def test_a_thousand_copies_are_one_group(mnist: Dataset) -> None:
    image = np.repeat(mnist.test_image[:2], 600, 0)
    assert found_in(image).group == (tuple(range(600)), tuple(range(600, 1200)))
