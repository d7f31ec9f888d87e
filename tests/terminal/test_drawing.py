"""Pictures as text."""

from __future__ import annotations

import re

import numpy as np

from aaecli.terminal.drawing import draw

ESCAPE = re.compile(r"\x1b\[[0-9;]*m")
EDGE = np.zeros((28, 28), np.uint8)
EDGE[:14] = 255


def test_half_blocks_show_every_pixel():
    image = np.zeros((4, 3), np.uint8)
    image[1, 2] = 255
    lines = draw(image, 80, colour=True)
    assert [ESCAPE.sub("", line) for line in lines] == ["▀▀▀", "▀▀▀"]
    # The one white pixel is the lower half of the last character of the first line.
    assert re.findall(r"38;5;(\d+);48;5;(\d+)m", lines[0]) == [("16", "16"), ("16", "16"), ("16", "255")]
    assert all(line.endswith("\x1b[0m") for line in lines)


def test_an_odd_last_row_is_kept():
    image = np.full((3, 2), 255, np.uint8)
    assert "38;5;255;48;5;16" in draw(image, 80, colour=True)[1]


def test_wide_picture_is_drawn_four_pixels_a_character():
    image = np.zeros((28, 300), np.uint8)
    image[:, 150:] = 255
    lines = draw(image, 100, colour=True)
    plain = [ESCAPE.sub("", line) for line in lines]
    assert {len(line) for line in plain} == {100}
    # 28 rows of 300 pixels become 19 of 200; the last character stands on an empty row.
    assert len(lines) == 10


def test_quadrants_follow_an_edge():
    image = np.zeros((2, 4), np.uint8)
    image[:, 1:] = 255
    (line,) = draw(image, 2, colour=True)
    assert ESCAPE.sub("", line) == "▐ "


def test_without_colour_letters_do():
    lines = draw(EDGE, 80, colour=False)
    assert len(lines) == 14
    assert lines[0] == "@" * 28
    assert lines[-1] == ""
    assert all("\x1b" not in line for line in draw(EDGE, 80, colour=True, blocks=False))
    assert max(map(len, draw(EDGE, 10, colour=False))) == 10


def test_colours_are_drawn_as_they_are():
    image = np.zeros((3, 2, 3), np.uint8)
    image[0, 0] = (255, 10, 0)
    image[1, 1] = (0, 0, 7)
    lines = draw(image, 80, colour=True)
    assert [ESCAPE.sub("", line) for line in lines] == ["▀▀", "▀▀"]
    assert lines[0].startswith("\x1b[38;2;255;10;0;48;2;0;0;0m")
    assert "48;2;0;0;7m" in lines[0]
    assert [len(ESCAPE.sub("", line)) for line in draw(np.zeros((8, 200, 3), np.uint8), 50, colour=True)] == [50]


def test_without_colour_a_coloured_picture_is_drawn_by_its_brightness():
    white = np.full((28, 28, 3), 255, np.uint8)
    assert draw(white, 80, colour=False) == ["@" * 28] * 14
