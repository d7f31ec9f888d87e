"""What the pictures of a folder are brought to where nobody says."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Picture

from aaecli.config.image import Image
from aaecli.data.readers.image_folder import form
from aaecli.data.readers.image_folder.form import find_form


def write(folder: Path, side: int, *, colour: bool, num: int = 12) -> None:
    rng = np.random.default_rng(0)
    (folder / "a").mkdir(parents=True, exist_ok=True)
    for number in range(num):
        shape = (side, side, 3) if colour else (side, side)
        Picture.fromarray(rng.integers(0, 256, shape, np.uint8)).save(folder / "a" / f"{number}-{colour}.png")


@pytest.mark.parametrize(
    ("side", "colour", "found"),
    [
        (28, False, Image(28, 1, "none")),
        (32, True, Image(32, 3, "none")),
        (64, False, Image(64, 1, "none")),
        (200, True, Image(64, 3, "none")),
        (200, False, Image(28, 1, "strokes")),
        (5, False, Image(8, 1, "none")),
    ],
)
def test_the_form_follows_size_and_colour(tmp_path, side, colour, found):
    write(tmp_path, side, colour=colour)
    assert find_form(tmp_path) == found


@pytest.mark.parametrize("paper", [0, 255])
def test_small_strokes_are_normalised_where_they_are_asked_for(tmp_path, paper):
    pixels = np.full((20, 20), paper, np.uint8)
    pixels[4:16, 8:12] = 255 - paper
    (tmp_path / "a").mkdir()
    Picture.fromarray(pixels).save(tmp_path / "a" / "stroke.png")
    assert find_form(tmp_path) == Image(20, 1, "none")
    assert find_form(tmp_path, strokes=True) == Image(28, 1, "strokes")
    write(tmp_path, 20, colour=False)
    assert find_form(tmp_path, strokes=True) == Image(20, 1, "none")


def test_a_colour_picture_among_many_grey_ones_changes_nothing(tmp_path):
    write(tmp_path, 16, colour=False, num=40)
    write(tmp_path, 16, colour=True, num=1)
    assert find_form(tmp_path).channels == 1


def test_a_picture_that_cannot_be_read_says_nothing(tmp_path):
    write(tmp_path, 16, colour=False, num=2)
    (tmp_path / "a" / "broken.png").write_bytes(b"none")
    assert find_form(tmp_path).size == 16


def test_pictures_from_all_over_the_folder_are_looked_at(tmp_path, monkeypatch):
    monkeypatch.setattr(form, "_SAMPLE", 5)
    write(tmp_path, 16, colour=False, num=9)
    (tmp_path / "a").rename(tmp_path / "grey")
    write(tmp_path, 16, colour=True, num=9)
    (tmp_path / "a").rename(tmp_path / "in colour")
    assert find_form(tmp_path).channels == 3
