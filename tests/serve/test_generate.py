"""Sheets of drawn digits, and the files they become."""

from __future__ import annotations

import io
import unicodedata
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image

from aaecli.errors import AaeError
from aaecli.serve import album, generate
from aaecli.serve.generate import Code
from aaecli.serve.session import open_decoder, open_encoder
from tests.serve.pair import STYLE_DIM, shared_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory, mnist):
    return shared_pair(tmp_path_factory, mnist)


@pytest.fixture(scope="module")
def decoder(pair):
    return open_decoder(pair / "decoder.onnx")


def test_styles_follow_the_prior_and_the_seed(decoder):
    style = generate.draw_styles(decoder, 4000, seed=3)
    assert style.shape == (4000, STYLE_DIM)
    assert style.mean(0) == pytest.approx(np.zeros(STYLE_DIM), abs=0.06)
    assert style.std(0) == pytest.approx(np.ones(STYLE_DIM), abs=0.05)
    assert np.array_equal(style, generate.draw_styles(decoder, 4000, seed=3))
    assert not np.array_equal(style, generate.draw_styles(decoder, 4000, seed=4))


def test_grid_has_one_style_a_row_and_one_class_a_column(pair, decoder):
    sheet = generate.grid(decoder, generate.draw_styles(decoder, 600, 0))
    assert sheet.images.shape == (600, 10, 28, 28)
    assert sheet.images.dtype == np.uint8
    label_prob, _ = open_encoder(pair / "encoder.onnx")(sheet.images.reshape(-1, 28, 28))
    read = label_prob.argmax(1).reshape(600, 10)
    assert (read == np.arange(10)).mean() > 0.9
    assert not np.array_equal(sheet.images[0], sheet.images[1])


def test_one_class_fills_rows_and_leaves_the_rest_empty(decoder):
    sheet = generate.of_class(decoder, 7, generate.draw_styles(decoder, 13, 0))
    assert sheet.images.shape == (2, 10, 28, 28)
    assert sheet.num_images == 13
    assert sheet.names[1] == ("7-00010", "7-00011", "7-00012")
    assert not sheet.images[1, 3:].any()
    assert sheet.images[1, 2].any()


def test_interpolation_starts_and_ends_where_it_should(decoder):
    one_hot = np.eye(10, dtype=np.float32)
    style = generate.draw_styles(decoder, 2, 0)
    start, end = Code(one_hot[3], style[0]), Code(one_hot[8], style[1])
    sheet = generate.interpolate(decoder, start, end, 9)
    ends = generate.decode(decoder, one_hot[[3, 8]], style)
    assert np.array_equal(sheet.images[0, [0, -1]], ends)
    step = np.abs(np.diff(sheet.images[0].astype(int), axis=0)).mean((1, 2))
    assert step.max() < 3 * step.min() + 1


def test_vary_moves_one_dimension_a_row(decoder):
    code = Code(np.eye(10, dtype=np.float32)[2], np.zeros(STYLE_DIM, np.float32))
    sheet = generate.vary(decoder, code, 5)
    assert sheet.images.shape == (STYLE_DIM, 5, 28, 28)
    # The middle step is the style itself, in every row.
    assert all(np.array_equal(sheet.images[row, 2], sheet.images[0, 2]) for row in range(STYLE_DIM))
    assert all(not np.array_equal(sheet.images[row, 0], sheet.images[row, 4]) for row in range(STYLE_DIM))


def test_unknown_class_gets_the_nearest_name():
    with pytest.raises(AaeError, match="no class 'coot'") as caught:
        generate.class_index("coot", ("coat", "bag"))
    assert "coat" in caught.value.hint


def test_png_is_the_tiled_sheet(decoder):
    sheet = generate.grid(decoder, generate.draw_styles(decoder, 2, 0))
    picture = np.asarray(Image.open(io.BytesIO(album.png(sheet, scale=3))))
    assert picture.shape == (3 * (2 * 30 - 2), 3 * (10 * 30 - 2))
    assert np.array_equal(picture[::3, ::3][30:58, 90:118], sheet.images[1, 3])


@pytest.mark.parametrize(("frames", "size", "count"), [("row", (298, 28), 4), ("column", (28, 118), 18)])
def test_gif_walks_there_and_back(decoder, frames, size, count):
    grid = generate.grid(decoder, generate.draw_styles(decoder, 4 if frames == "column" else 3, 0))
    sheet = generate.Sheet(grid.images, grid.names, frames)
    with Image.open(io.BytesIO(album.gif(sheet))) as animation:
        assert animation.size == size
        assert animation.n_frames == count
        assert animation.info["loop"] == 0


def test_folder_holds_single_pictures(decoder, tmp_path):
    sheet = generate.of_class(decoder, 4, generate.draw_styles(decoder, 3, 0))
    files = dict(album.singles(sheet))
    assert list(files) == ["4-00000.png", "4-00001.png", "4-00002.png"]
    saved = np.asarray(Image.open(io.BytesIO(files["4-00002.png"])))
    assert np.array_equal(saved, sheet.images[0, 2])


@pytest.mark.parametrize(
    "classes",
    [
        ("+", "-", "=", "*", "/", ":"),
        ("a", "A", "a-2"),
        ("é", "e\N{COMBINING ACUTE ACCENT}"),
        ("x", "x", "y"),
        ("", "."),
    ],
)
def test_every_class_has_files_of_its_own(classes, decoder):
    names = generate._column_names(classes, range(len(classes)))
    assert len({unicodedata.normalize("NFC", name).casefold() for name in names}) == len(classes)
    assert all(name and not set(name) & set('/\\:*?"<>|') and name[0] not in ".-" for name in names)


def test_styles_between_two(decoder):
    first, last = generate.draw_styles(decoder, 2, 0)
    walk = generate.between(first, last, 5)
    np.testing.assert_allclose(walk, [first + (last - first) * step / 4 for step in range(5)], atol=1e-6)


def test_an_image_is_drawn_large_enough_to_be_looked_at():
    sizes = [album.default_scale(side, side) * side for side in (8, 28, 32, 64, 200)]
    assert sizes == [112, 112, 128, 128, 200]


def test_captions_stand_beside_the_images(decoder):
    code = Code(generate.one_class(decoder.classes, 3), np.zeros(STYLE_DIM, np.float32))
    sheet = generate.vary(decoder, code, 3)
    assert sheet.column_captions == ("-2.0", "+0.0", "+2.0")
    drawn = np.asarray(Image.open(io.BytesIO(album.png(sheet, 4))))
    plain = np.asarray(Image.open(io.BytesIO(album.png(replace(sheet, row_captions=()), 4))))
    height, width = plain.shape
    np.testing.assert_array_equal(drawn[-height:, -width:], plain)
    assert drawn[:-height].any()
    assert drawn[:, :-width].any()
    # Where they would not be read, there are none.
    assert Image.open(io.BytesIO(album.png(sheet, 1))).height == STYLE_DIM * 30 - 2
