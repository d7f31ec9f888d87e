"""Picture files become what the model sees, in order, and whatever cannot be read takes nobody else's place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aaecli.data.preprocessing.normalise import BLANK
from aaecli.data.preprocessing.prepare import Recipe, prepare, prepare_chunk
from aaecli.errors import AaeError
from tests.data.drawings import drawing, write_pictures

RAMP = np.arange(16 * 24, dtype=np.float32).reshape(16, 24).astype(np.uint8)
AS_IT_IS = Recipe((8, 12), normalise=False)


def test_one_picture(tmp_path: Path) -> None:
    write_pictures(tmp_path, {"ring.png": drawing(1, 0), "blank.png": np.zeros((40, 50), np.uint8)})
    ring, blank = (prepare(str(tmp_path / name), Recipe()) for name in ("ring.png", "blank.png"))
    np.testing.assert_array_equal(ring.image, drawing(1, 0))
    assert ring.warnings == ()
    assert not blank.image.any()
    assert blank.warnings == (BLANK,)
    with pytest.raises(AaeError, match=r"absent\.png"):
        prepare(str(tmp_path / "absent.png"), Recipe())


def test_each_picture_keeps_its_place(tmp_path: Path) -> None:
    large = np.kron(drawing(2, 5), np.ones((4, 4), np.uint8))
    write_pictures(tmp_path, {"a.png": drawing(0, 0), "b.png": large, "d.png": drawing(1, 1)})
    lost = AaeError("No file matches c*.", "")
    sources = [str(tmp_path / "a.png"), lost, str(tmp_path / "b.png"), str(tmp_path / "c.png"), str(tmp_path / "d.png")]
    batch = prepare_chunk(sources, Recipe())
    assert batch.names == [sources[0], "", *sources[2:]]
    assert batch.outcomes[1] is lost
    assert isinstance(batch.outcomes[3], AaeError)
    assert [batch.outcomes[place] for place in (0, 2, 4)] == [(), (), ()]
    assert (batch.images.shape, batch.images.dtype) == ((3, 28, 28), np.uint8)
    np.testing.assert_array_equal(batch.images[[0, 2]], [drawing(0, 0), drawing(1, 1)])
    # The large cross is cut and centred, so it is like the small one, not like the others.
    angles = [np.vdot(batch.images[1].astype(float), drawing(kind, 5).astype(float)) for kind in range(3)]
    assert np.argmax(angles) == 2


@pytest.mark.parametrize("recipe", [Recipe(), Recipe((20, 30), normalise=False, channels=3)])
def test_nothing_readable_is_no_images_of_the_right_shape(recipe: Recipe) -> None:
    batch = prepare_chunk([AaeError("lost", "")], recipe)
    assert batch.images.shape == (0, *recipe.stored_shape)
    assert batch.images.dtype == np.uint8


@pytest.mark.parametrize("invert", [True, False])
@pytest.mark.parametrize("scale", [1, 5])
def test_the_polarity_that_was_named_is_believed(tmp_path: Path, invert: bool, scale: int) -> None:
    # A thick frame: which of the two is ink cannot be seen.
    pixels = np.zeros((28, 28), np.uint8)
    pixels[:4] = pixels[-4:] = pixels[:, :4] = pixels[:, -4:] = 255
    pixels[11:17, 11:17] = 255
    write_pictures(tmp_path, {"a.png": np.kron(pixels, np.ones((scale, scale), np.uint8))})
    image = prepare(str(tmp_path / "a.png"), Recipe(invert=invert)).image
    # Dark ink is the ring between frame and spot, light ink leaves a spot in the middle.
    assert (image[14, 14] > 128) != invert


def as_it_is(tmp_path: Path, pixels: np.ndarray, recipe: Recipe) -> np.ndarray:
    write_pictures(tmp_path, {"a.png": pixels})
    return prepare(str(tmp_path / "a.png"), recipe).image


def test_a_larger_picture_is_averaged(tmp_path: Path) -> None:
    # Every second pixel alone, or a smooth curve through them, would lose a line that is one pixel wide.
    lines = np.zeros((16, 24), np.uint8)
    lines[:, 1::4] = 200
    np.testing.assert_array_equal(as_it_is(tmp_path, lines, AS_IT_IS), np.tile([100, 0], (8, 6)))
    np.testing.assert_array_equal(as_it_is(tmp_path, lines[:8], AS_IT_IS), np.tile([100, 0], (8, 6)))
    only_lower = as_it_is(tmp_path, lines.T, Recipe((12, 16), normalise=False))
    np.testing.assert_array_equal(only_lower, np.tile([[100], [0]], (6, 16)))
    np.testing.assert_array_equal(
        as_it_is(tmp_path, lines.T, Recipe((12, 8), normalise=False)), np.tile([[100], [0]], (6, 8))
    )


@pytest.mark.parametrize("shape", [(4, 6), (4, 24), (16, 6), (16, 10)])
def test_a_smaller_picture_grows_smoothly(tmp_path: Path, shape: tuple[int, int]) -> None:
    pixels = RAMP[: shape[0], : shape[1]]
    expected = Image.fromarray(pixels).resize((12, 8), Image.Resampling.BICUBIC)
    np.testing.assert_array_equal(as_it_is(tmp_path, pixels, AS_IT_IS), expected)


def test_a_picture_of_that_size_stays_as_it_is(tmp_path: Path) -> None:
    np.testing.assert_array_equal(as_it_is(tmp_path, RAMP, Recipe((16, 24), normalise=False)), RAMP)
    inverted = as_it_is(tmp_path, RAMP, Recipe((16, 24), invert=True, normalise=False))
    np.testing.assert_array_equal(inverted, 255 - RAMP)
    colour = as_it_is(tmp_path, RAMP, Recipe((16, 24), normalise=False, channels=3))
    np.testing.assert_array_equal(colour, np.repeat(RAMP[..., None], 3, 2))


@pytest.mark.parametrize("channels", [1, 3])
@pytest.mark.parametrize("invert", [None, True])
def test_pictures_of_that_size_come_out_as_others_do(tmp_path: Path, channels: int, invert: bool | None) -> None:
    """Those are looked at together: each is what it would be alone, and an even one is still called blank."""
    pixels = np.random.default_rng(0).integers(0, 256, (3, 8, 12, 3) if channels == 3 else (3, 8, 12)).astype(np.uint8)
    files = {f"{index}.png": each for index, each in enumerate(pixels)}
    files |= {"even.png": np.full_like(pixels[0], 7), "large.png": pixels[0].repeat(2, 0).repeat(2, 1)}
    write_pictures(tmp_path, files)
    recipe = Recipe((8, 12), invert=invert, normalise=False, channels=channels)
    batch = prepare_chunk([str(tmp_path / name) for name in files], recipe)
    expected = [*pixels, np.full_like(pixels[0], 7), pixels[0]]
    np.testing.assert_array_equal(batch.images, 255 - np.array(expected) if invert else expected)
    assert batch.outcomes == [(), (), (), (BLANK,), ()]
