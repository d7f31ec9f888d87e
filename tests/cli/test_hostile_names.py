"""Names of classes, pictures and runs that want to be more than names, through every command that shows one."""

from __future__ import annotations

import csv
import io
import json
import os
import re
from pathlib import Path

import pytest

from aaecli.cli import gallery
from aaecli.text import for_csv, from_csv
from tests.cli.conftest import Outcome, Run
from tests.cli.test_train import SMALL
from tests.data.drawings import drawing, write_pictures

pytestmark = pytest.mark.usefixtures("translated_once")

LONG = "x" * 10_000
CLASSES = (
    "[/b]", "[red]ok", "$\\frac{$", "\x1b[31mred", "\x9b31m", "\u202eabc", "=1+1", "-2+3", "two\nlines",
    "<script>alert(1)</script>", "|a`", "_x", "数", "CON",
)  # fmt: skip
PICTURES = ("\x1b]0;owned\x07.png", "[/b].png", "=cmd.png", "$a$.png", "new\nline.png", os.fsdecode(b"\xff.png"))
OBEYED = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@pytest.fixture
def here(in_empty_folder: Path) -> Path:
    """Give a folder with a data set ``names``: two pictures of each class, and some without a label."""
    names = {
        f"{number}-{kind}.png": drawing(kind % 3, 20 * number + kind)
        for number in range(4)
        for kind in range(len(CLASSES))
    }
    write_pictures(
        in_empty_folder / "names", names | {name: drawing(0, 900 + place) for place, name in enumerate(PICTURES)}
    )
    rows = [(f"{number}-{kind}.png", CLASSES[kind]) for number in range(4) for kind in range(len(CLASSES))]
    with (in_empty_folder / "names/labels.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("path", "label"), *rows])
    (in_empty_folder / "small.toml").write_text(SMALL)
    return in_empty_folder


def shown(result: Outcome, code: int = 0) -> str:
    """Give what a command wrote, once it is known to be harmless."""
    assert result.code == code, result.err
    written = result.out + result.err
    assert "Traceback" not in written
    assert not OBEYED.search(written), OBEYED.search(written)
    return written


@pytest.mark.slow
def test_names_are_shown_and_not_obeyed(aaecli: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The others take time, and show no other names.
    monkeypatch.setattr(gallery, "GALLERY", {name: gallery.GALLERY[name] for name in ("curves", "latent", "confusion")})
    text = shown(aaecli("data", "--data", "names"))
    for name in ("[/b]", "[red]ok", "$\\frac{$", "\\x1b[31mred", "\\x9b31m", "\\u202eabc", "two\\nlines", "数"):
        assert name in text, name
    assert {entry["class"] for entry in json.loads(aaecli("data", "--data", "names", "--json").out)["classes"]} == set(
        CLASSES
    )
    shown(aaecli("train", "--data", "names", "--config", "small.toml", "--holdout", "0.3", "--steps", "4"))
    run = next((here / "runs").iterdir())
    hostile = run.with_name("[b]$\\frac{$\x1b[31m")
    run.rename(hostile)
    shown(aaecli("runs"))
    for words in (["eval", "model.pt"], ["export", "--onnx"], ["generate", "--json"]):
        shown(aaecli(*words))
    assert json.loads(aaecli("eval", "model.pt", "--json").out)["classes"]
    page = here / "report"
    shown(aaecli("plot", "all", hostile, "--out", page))
    html = (page / "report.html").read_text(encoding="utf-8")
    assert "<script" not in html
    assert not OBEYED.search(html)

    pictures = [here / "names" / name for name in PICTURES]
    shown(aaecli("classify", "--no-normalise", *pictures))
    shown(aaecli("classify", "--show", *pictures))
    exact = [json.loads(line) for line in shown(aaecli("classify", "--json", "-q", *pictures)).splitlines()]
    assert [answer["image"] for answer in exact] == [str(path) for path in pictures]
    rows = list(csv.DictReader(io.StringIO(shown(aaecli("classify", "--csv", "-q", "--top-k", "14", *pictures)))))
    for row in rows:
        assert not any(re.match(r"[=+@\t\r]|-[^0-9.]", cell) for cell in row.values())
        found = {from_csv(cell) for name, cell in row.items() if name.startswith("label")}
        assert found == {from_csv(for_csv(name)) for name in CLASSES}

    shown(aaecli("label", "names", "--count", "6", "--out", "ask.csv"))
    sheet = (here / "ask.csv").read_text(encoding="utf-8")
    assert not OBEYED.search(sheet)


def test_a_long_name_is_not_shown_whole(aaecli: Run, here: Path) -> None:
    with (here / "names/labels.csv").open("a", newline="", encoding="utf-8") as file:
        csv.writer(file).writerow((PICTURES[1], LONG))
    text = shown(aaecli("data", "--data", "names"))
    assert "xxx…xxx" in text
    assert LONG not in text
    asked = (("eval", LONG), ("train", "--data", LONG), ("classify", f"{LONG}.png"), ("generate", "--digit", LONG))
    for words in asked:
        said = aaecli(*words)
        assert said.code == 1
        assert "Traceback" not in said.err
        assert len(said.err) < 5000


def test_wrong_usage_shows_what_was_typed_and_obeys_nothing(aaecli: Run) -> None:
    text = shown(aaecli("train", "--steps", "\x1b[31m[/b]\u202e"), 2)
    assert "\\x1b[31m[/b]\\u202e" in text
