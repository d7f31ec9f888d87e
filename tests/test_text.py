"""Names of strangers become text that nothing obeys: no terminal, spreadsheet, browser or file system."""

from __future__ import annotations

import csv
import io
import json
import re
import warnings

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aaecli import text

ANY = st.text(st.characters(exclude_categories=()), max_size=30)
"""Surrogates included."""
HOSTILE = [
    "[/b]", "[ok]", "$\\frac{$", "\x1b[31mred\x1b[0m", "\x9b31m", "\u202eabc", "\u2066abc", "a\u200bb", "=1+1",
    "\udc80", "x" * 10_000, "two\nlines", "<script>alert(1)</script>", "\x00", "\ufeff", "\r", "__init__", "a|b",
    "`rm`", "\U000e0041",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE)
def test_a_terminal_gets_one_line_of_printable_letters(name: str) -> None:
    shown = text.for_terminal(name)
    assert shown.isprintable()
    assert 0 < len(shown) <= text.LIMIT
    shown.encode()


@given(ANY)
def test_a_terminal_gets_nothing_to_obey_whatever_the_name(name: str) -> None:
    assert all(letter.isprintable() or letter.isspace() for letter in text.for_terminal(name))
    assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\ud800-\udfff]", text.for_terminal(name))


def test_what_can_be_shown_stays_as_it_is() -> None:
    for name in ("größe", "数字", "семь", "a b", "C:\\pictures", "😀", "全\u3000角"):
        assert text.for_terminal(name) == name


def test_of_a_long_name_both_ends_are_shown() -> None:
    shown = text.for_terminal("begin" + "x" * 10**7 + "end.png", 20)
    assert len(shown) == 20
    assert shown.startswith("beginxxxxxxx")
    assert shown.endswith("end.png"[-6:])
    assert text.for_terminal("x" * 300, None) == "x" * 300


def test_lines_stay_where_lines_are_meant() -> None:
    assert text.for_lines("a\x1b\nb\n") == "a\\x1b\nb\n"


@given(ANY)
def test_json_is_exact_and_harmless(name: str) -> None:
    line = text.for_json({"name": name})
    assert json.loads(line) == {"name": name}
    assert line.isprintable()


def test_json_keeps_letters_that_can_be_read() -> None:
    assert text.for_json(["größe", "\x9b"]) == '["größe", "\\u009b"]'


@given(ANY | st.sampled_from(["=1+1", "+1+1", "-1-1", "@SUM(A1)", "''=x", "'x", "-1.5", "1e5", "\t=1", "\uff1dx"]))
def test_a_csv_cell_is_no_formula_and_can_be_read_back(name: str) -> None:
    cell = text.for_csv(name)
    is_number = re.fullmatch(r"[+-]?[\d.]+(e[+-]?\d+)?", cell, re.IGNORECASE)
    assert cell[:1] not in tuple("=+-@\t\r\n\uff1d\uff0b\uff0d\uff20") or is_number
    assert text.from_csv(cell) == text.for_terminal(name, None)
    file = io.StringIO()
    csv.writer(file).writerow([cell])
    assert next(csv.reader(io.StringIO(file.getvalue(), newline=""))) == [cell]


def test_numbers_stay_numbers() -> None:
    assert [text.for_csv(cell) for cell in (-1.5, "-1.5", "+3", 7, None, "-", "-1.5x", "-inf")] == [
        "-1.5", "-1.5", "+3", "7", "", "'-", "'-1.5x", "'-inf",
    ]  # fmt: skip


@given(ANY)
def test_rich_reads_no_markup(name: str) -> None:
    assert text.for_rich(name).plain == text.for_terminal(name)


def test_html_and_markdown_say_what_the_name_says() -> None:
    assert text.for_html('<script>"&') == "&lt;script&gt;&quot;&amp;"
    assert text.for_markdown("a|b `c` [d](e) <f> & *g*") == (
        "a\\|b \\`c\\` \\[d\\]\\(e\\) &lt;f&gt; &amp; \\*g\\*"
    )  # fmt: skip


@pytest.mark.parametrize("name", [*HOSTILE, "$", "$$", "$a$", "\\$", "a$b$c$d", "^{", "_hidden"])
def test_matplotlib_draws_the_letters_of_a_name(name: str) -> None:
    from matplotlib import cbook
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = text.for_figure(name)
    assert not cbook.is_math_text(shown)
    figure = Figure()
    axes = figure.add_subplot()
    axes.plot([0, 1], label=shown)
    assert [entry.get_text() for entry in axes.legend().get_texts()] == [shown]
    with warnings.catch_warnings():
        FigureCanvasAgg(figure).draw()


@given(
    ANY
    | st.sampled_from(["CON", "nul.txt", "com1", "LPT¹", "aux .png", "..", ".", "", " ", "-rf", ".hidden", "x" * 999])
)
def test_a_file_name_is_one_everywhere(name: str) -> None:
    made = text.for_file_name(name, 40)
    assert 0 < len(made.encode()) <= 40
    assert made.isprintable()
    assert not re.search(r'[/\\:*?"<>|]', made)
    assert made[0] not in "-. "
    assert made[-1] not in ". "
    assert not re.fullmatch(r"(?i)(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³]) *(\..*)?", made)


def test_a_file_name_keeps_what_is_harmless() -> None:
    for name in ("7", "größe", "数", "a-b.c", "+", "=", "a b", "COM"):
        assert text.for_file_name(name) == name
    assert text.for_file_name("a/b:c") == "a_b_c"


@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "cp932", "utf-16", "utf-8", "latin-1"])
def test_every_encoding_gets_something_for_every_letter(encoding: str) -> None:
    said = "28 × 28 – 99.2 % · 数 \udc80 😀 █"
    spelt = said.encode(encoding, text.SPELL).decode(encoding)
    assert "\\udc80" in spelt
    assert spelt == said.replace("\udc80", "\\udc80") or "28 x 28 - 99.2 % ." in spelt or "×" in spelt


@given(st.text(st.characters(exclude_categories=())))
def test_a_name_as_text_is_text(name: str) -> None:
    assert text.as_text(text.as_text(name)) == text.as_text(name)
    assert text.as_text(name) == name or "\\" in text.as_text(name)
    text.as_text(name).encode()


def test_bytes_that_are_no_text_stand_as_escapes() -> None:
    assert text.as_text("é\udcff") == "é\\xff"
    assert text.as_text("a\ud800") == "a\\ud800"


def test_one_has_no_plural() -> None:
    said = [text.number_of(number, "picture") for number in (0, 1, 2000)]
    assert said == [
        "0 pictures",
        "1 picture",
        "2,000 pictures",
    ]
