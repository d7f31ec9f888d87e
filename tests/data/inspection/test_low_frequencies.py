"""What is compared of pictures stays when they are resized, recompressed and shifted, and differs otherwise."""

from __future__ import annotations

import io

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from aaecli.data.dataset import Dataset
from aaecli.data.inspection.low_frequencies import RINGS, amplitudes, differences, equalised, ring_of, waves
from aaecli.data.inspection.near_duplicates import LEAST

REACH = 1 / 28


def even(*images: NDArray[np.uint8]) -> NDArray[np.complex64]:
    """Give what is compared of pictures of any sizes."""
    return equalised(np.concatenate([amplitudes(image[None])[0] for image in images]))


def difference(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> float:
    one, other = even(first, second)
    return float(differences(one[None], other[None], REACH)[0])


def jpeg(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    body = io.BytesIO()
    Image.fromarray(image).save(body, "JPEG", quality=75)
    return np.asarray(Image.open(body))


def test_a_wave_has_one_amplitude() -> None:
    down, across = waves()
    place = (np.arange(32) + 0.5) / 32
    image = 0.5 + 0.4 * np.cos(2 * np.pi * (2 * place[:, None] + 3 * place))
    found, colour, _ = amplitudes(np.rint(255 * image).astype(np.uint8)[None])
    here = (down == 2) & (across == 3)
    np.testing.assert_allclose(found[0, here], 0.2, atol=1e-3)
    assert np.abs(found[0, ~here]).max() < 1e-3
    np.testing.assert_allclose(colour, 0.5, atol=1e-3)


def test_of_each_wave_and_its_negative_there_is_one() -> None:
    pairs = set(zip(*(axis.tolist() for axis in waves()), strict=True))
    assert len(pairs) == len(waves()[0])
    assert not pairs & {(-down, -across) for down, across in pairs}
    assert set(ring_of().tolist()) == set(range(RINGS))


def test_all_rings_have_the_same_energy(mnist: Dataset) -> None:
    found = equalised(amplitudes(mnist.test_image[:20])[0])
    energy = np.square(np.abs(found)) @ np.eye(RINGS)[ring_of()]
    np.testing.assert_allclose(energy.sum(1), 1, rtol=1e-5)
    assert energy.min() > 0.05


@pytest.mark.parametrize("size", [(21, 21), (24, 24), (32, 32), (42, 42), (56, 56), (60, 45)])
def test_a_resized_picture_differs_little(mnist: Dataset, size: tuple[int, int]) -> None:
    image = mnist.test_image[0]
    assert difference(image, np.asarray(Image.fromarray(image).resize(size))) < LEAST


@pytest.mark.parametrize("shift", [(1, 0), (0, -1), (1, 1), (-1, 1)])
def test_a_shifted_picture_differs_in_nothing(mnist: Dataset, shift: tuple[int, int]) -> None:
    # A 7, whose border is black.
    image = mnist.test_image[0]
    assert difference(image, np.roll(image, shift, (0, 1))) < 1e-4
    assert difference(image, np.roll(image, (4, 4), (0, 1))) > 10 * LEAST


def test_small_images_have_fewer_rings() -> None:
    image = np.zeros((2, 8, 8), np.uint8)
    image[0, 2:5, 2], image[0, 4, 2:5] = 200, 100
    image[1] = np.roll(image[0], 1, 1)
    found = amplitudes(image)[0]
    assert (found[:, ring_of() > 4] == 0).all()
    even_found = equalised(found)
    assert differences(even_found[:1], even_found[1:], 1 / 8)[0] < 1e-4


def test_a_recompressed_picture_differs_little(mnist: Dataset) -> None:
    assert difference(mnist.test_image[0], jpeg(mnist.test_image[0])) < LEAST


def test_other_pictures_differ(mnist: Dataset) -> None:
    image = mnist.test_image[mnist.test_label == 7][:12]
    assert min(difference(image[0], other) for other in image[1:]) > 5 * LEAST
    for other in (image[0].T, image[0][::-1], image[0][:, ::-1], 255 - image[0]):
        assert difference(image[0], other) > 5 * LEAST


def test_colour_is_compared_as_grey_beside_its_mean(mnist: Dataset) -> None:
    image = mnist.test_image[:1]
    grey, mean, _ = amplitudes(image)
    in_colour, means, _ = amplitudes(np.repeat(image[..., None], 3, 3))
    np.testing.assert_allclose(in_colour, grey, atol=1e-6)
    np.testing.assert_allclose(means, mean, atol=1e-6)


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (3, 2)])
@pytest.mark.parametrize("shade", [0, 255])
def test_a_picture_with_nothing_in_it_has_numbers_too(shape: tuple[int, int], shade: int) -> None:
    found = even(np.full(shape, shade, np.uint8), np.zeros((5, 5), np.uint8))
    assert np.isfinite(differences(found[:1], found[1:], REACH)).all()


def test_copies_of_photographs_are_expected_to_differ_more(mnist: Dataset) -> None:
    rng = np.random.default_rng(0)
    photograph = np.asarray(Image.fromarray(rng.integers(0, 256, (9, 9)).astype(np.uint8)).resize((70, 70)))
    flat = (100 + photograph // 40).astype(np.uint8)
    of_digits = amplitudes(mnist.test_image[:50])[2]
    assert np.median(of_digits) < 0.001
    first, second = photograph[:64, :64], photograph[1:65, 1:65]
    found = amplitudes(np.stack([first, second]))
    even_found = equalised(found[0])
    assert 0.003 < differences(even_found[:1], even_found[1:], REACH)[0] < found[2].min()
    assert amplitudes(flat[None])[2][0] > 3 * amplitudes(photograph[None])[2][0]
