"""Asking for labels: in the terminal, and by a list."""

from __future__ import annotations

import csv
import io
import os
from pathlib import Path

import pytest
from PIL import Image

from aaecli.cli.labelling import Answers
from aaecli.data.readers.image_folder.folder import list_folder
from tests.cli.conftest import Run
from tests.cli.test_own_pictures import SMALL
from tests.data.drawings import drawing, write_classes, write_pictures


def test_what_a_line_means() -> None:
    answers = Answers(["cat", "cow", "Dog"])
    assert answers.read("\n", "cow") == ("cow", "")
    assert answers.read("", None)[0] is None
    assert answers.read("d\n", None) == ("Dog", "")
    assert answers.read("DOG", None) == ("Dog", "")
    assert answers.read("c", None) == (None, "'c' may be cat or cow.")
    label, told = answers.read("cwo", "cat")
    assert label is None
    assert told == "There is no class 'cwo' yet. Did you mean 'cow'? To add 'cwo', type it once more."
    assert answers.read("cwo", None) == ("cwo", "")
    assert answers.classes[-1] == "cwo"


def test_a_number_is_no_beginning_of_another() -> None:
    answers = Answers(["0", "10"])
    assert answers.read("1", None) == (
        None, "There is no class '1' yet. So far: 0, 10. To add '1', type it once more."
    )  # fmt: skip
    assert answers.read("1", None) == ("1", "")
    assert answers.read("010", None) == ("10", "")


def typed(monkeypatch: pytest.MonkeyPatch, *lines: str) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))


def test_a_cold_start_in_the_terminal(aaecli: Run, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_pictures(Path("shapes"), {f"{n}.png": drawing(n % 3, n) for n in range(30)})
    # A new class is typed twice; one question is skipped, one answer taken back and given anew; then the user stops.
    typed(monkeypatch, "ring", "ring", "?", "-", "<", "<", "ri", "cross", "cross", ".")
    done = aaecli("label", "shapes", "--count", 5, "--classes", "bar")
    assert done.code == 0, done.err
    assert "2 of 5 pictures labelled" in done.out
    assert "by their pixels" in done.err
    assert "bar, ring" in done.err
    with Path("shapes/labels.csv").open(newline="") as file:
        rows = list(csv.reader(file))
    # An answer that is given again is in the place of the first.
    assert [row[1] for row in rows] == ["label", "ring", "cross"]
    assert rows[1][0] != rows[2][0]

    # The next questions are others.
    typed(monkeypatch)
    again = aaecli("label", "shapes", "--count", 28)
    assert "0 of 28 pictures labelled" in again.out
    assert f": {rows[1][0]}" not in again.err


def given_in(folder: str) -> int:
    with (Path(folder) / "labels.csv").open(newline="") as file:
        return sum(bool(row["label"]) for row in csv.DictReader(file))


class Interrupted(io.StringIO):
    """A terminal at which Ctrl-C is pressed after what was typed."""

    def readline(self, size: int | None = -1) -> str:  # type: ignore[override]
        line = super().readline(-1)
        if not line:
            raise KeyboardInterrupt
        return line


@pytest.mark.parametrize(
    ("lines", "said"), [("bar\n", "1 of 5 pictures labelled in "), ("", "0 of 5 pictures labelled\n")]
)
def test_ctrl_c_keeps_the_answers_and_says_how_many(
    aaecli: Run, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch, lines: str, said: str
) -> None:
    write_pictures(Path("shapes"), {f"{n}.png": drawing(n % 3, n) for n in range(30)})
    monkeypatch.setattr("sys.stdin", Interrupted(lines))
    done = aaecli("label", "shapes", "--count", 5, "--classes", "bar")
    assert done.code == 130
    assert said in done.out
    assert Path("shapes/labels.csv").is_file() == bool(lines)


def test_where_no_answer_can_be_kept_none_is_asked_for(
    aaecli: Run, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_pictures(Path("shapes"), {f"{n}.png": drawing(n % 3, n) for n in range(3)})
    # Whoever is root may write anywhere.
    monkeypatch.setattr("os.access", lambda path, mode: mode == os.R_OK)
    typed(monkeypatch, "ring", "ring")
    done = aaecli("label", "shapes")
    assert done.code == 1
    assert "shapes may not be written to" in done.err
    assert "1 of 3" not in done.err


def test_answers_for_names_that_a_spreadsheet_has_changed(aaecli: Run, in_empty_folder: Path) -> None:
    write_pictures(Path("shapes"), {f"000{n}.png": drawing(n % 3, n) for n in range(3)})
    for written, why in (("1.png", "zeros"), ("0001.jpg", "ending")):
        Path("ask.csv").write_text(f"number;path;label\n1;{written};ring\n2;0002.png;bar\n")
        done = aaecli("label", "shapes", "--answers", "ask.csv")
        assert done.code == 1
        assert f"ask.csv names {written}, which is no picture in shapes" in done.err
        assert "If 0001.png is meant, write it so" in done.err
        assert why in done.err
        assert not Path("shapes/labels.csv").exists()
    Path("ask.csv").write_text("sep=;\nnumber;path;label\n1;0001;ring\n2;0002.png;bar\n", encoding="utf-16")
    assert aaecli("label", "shapes", "--answers", "ask.csv").code == 0


def test_a_list_to_fill_in(aaecli: Run, in_empty_folder: Path) -> None:
    write_classes(Path("shapes"), 2, 10)
    done = aaecli("label", "shapes", "--count", 12, "--out", "ask.csv")
    assert done.code == 0, done.err
    assert done.out.split() == ["ask.csv", "ask.png"]
    with Image.open("ask.png") as sheet:
        assert sheet.size == (10 * 90 + 6, 2 * 104 + 6)
    with Path("ask.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["number"] for row in rows] == [str(number) for number in range(1, 13)]
    assert all(row["path"].startswith("unlabelled/") for row in rows)
    assert "no label in its column" in aaecli("label", "shapes", "--answers", "ask.csv").err

    with Path("ask.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(row | {"label": Path(row["path"]).stem.rstrip("0123456789")} for row in rows[:7])
    done = aaecli("label", "shapes", "--answers", "ask.csv")
    assert (done.code, done.out.split()[0]) == (0, "7")
    assert given_in("shapes") == 7
    assert "17 of them without a label" not in aaecli("data", "--data", "shapes").out
    Path("other.csv").write_text("path,label\nnowhere.png,ring\n")
    assert "nowhere.png, which is no picture" in aaecli("label", "shapes", "--answers", "other.csv").err
    assert given_in("shapes") == 7


@pytest.mark.parametrize("kept", ["ask.csv", "ask.png"])
def test_a_list_replaces_no_file(aaecli: Run, in_empty_folder: Path, kept: str) -> None:
    write_classes(Path("shapes"), 2, 4)
    Path(kept).write_text("number,path,label,guess\n1,unlabelled/a.png,ring,\n")
    done = aaecli("label", "shapes", "--out", "ask.csv")
    assert done.code == 1
    assert f"There is a file {kept} already" in done.err
    assert Path(kept).read_text().endswith("ring,\n")
    assert sorted(path.name for path in in_empty_folder.iterdir()) == [kept, "shapes"]
    assert aaecli("label", "shapes", "--out", "ask.csv", "--force").code == 0
    assert Path("ask.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("out", ["shapes/labels.csv", "shapes/ask.csv", "shapes/ring/ask.csv", "way/ask.csv"])
def test_a_list_does_not_lie_among_the_pictures(aaecli: Run, in_empty_folder: Path, out: str) -> None:
    write_classes(Path("shapes"), 2, 4)
    Path("shapes/labels.csv").write_text("path,label\nunlabelled/a.png,ring\n")
    Path("way").symlink_to("shapes")
    before = sorted(Path("shapes").rglob("*"))
    done = aaecli("label", "shapes", "--out", out, "--force")
    assert done.code == 1
    assert "would lie in shapes" in done.err
    assert sorted(Path("shapes").rglob("*")) == before
    assert Path("shapes/labels.csv").read_text().endswith("ring\n")
    hint = done.err.rpartition("such as ")[2].split()[0]
    assert aaecli("label", "shapes", "--out", hint).code == 0


@pytest.mark.parametrize("out", ["ask.png", "ask", "ask.xlsx"])
def test_a_list_is_a_csv_file(aaecli: Run, in_empty_folder: Path, out: str) -> None:
    write_classes(Path("shapes"), 2, 4)
    done = aaecli("label", "shapes", "--out", out)
    assert done.code == 1
    assert "Name it ask.csv" in done.err
    assert [path.name for path in in_empty_folder.iterdir()] == ["shapes"]


def test_answers_are_not_written_through_a_link(
    aaecli: Run, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_classes(Path("shapes"), 2, 4)
    Path("precious.csv").write_text("path,label\n")
    Path("answers.csv").write_text("path,label\nring/ring00.png,cross\n")
    Path("shapes/labels.csv").symlink_to("../precious.csv")
    typed(monkeypatch, "ring")
    for more in ((), ("--answers", "answers.csv"), ("--out", "ask.csv")):
        done = aaecli("label", "shapes", *more)
        assert (done.code, done.out) == (1, "")
        assert "shapes/labels.csv is a link" in done.err
    assert Path("precious.csv").read_text() == "path,label\n"


def test_a_model_of_the_folder_guesses_and_chooses(
    aaecli: Run, in_empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("small.toml").write_text(SMALL)
    write_classes(Path("shapes"), 10, 8)
    assert aaecli("train", "--data", "shapes", "--config", "small.toml", "--holdout", 0).code == 0
    typed(monkeypatch, *[""] * 9)
    done = aaecli("label", "shapes", "--count", 9)
    assert "by model.pt" in done.err
    assert "9 of 9 pictures labelled" in done.out
    listing = list_folder(Path("shapes"))
    given = {
        name: label
        for name, label in zip(listing.train, listing.train_class, strict=True)
        if label and name.startswith("unlabelled/")
    }
    assert sum(Path(name).stem.rstrip("0123456789") == label for name, label in given.items()) >= 8

    # A model of another folder is not asked.
    write_classes(Path("others"), 3, 3)
    typed(monkeypatch)
    assert "by their pixels" in aaecli("label", "others").err
    done = aaecli("label", "others", "--rule", "badge")
    assert done.code == 1
    assert "Train one first" in done.err


def fill(labels: dict[str, str]) -> None:
    with Path("filled.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(("path", "label"))
        writer.writerows(labels.items())


def test_a_slip_in_a_list_is_no_class(aaecli: Run, in_empty_folder: Path) -> None:
    write_pictures(Path("set"), {f"{kind}/{n}.png": drawing(kind, n) for kind in range(2) for n in range(3)})
    write_pictures(Path("set"), {f"unlabelled/{n}.png": drawing(2, n) for n in range(6)})
    slips = {"seven": "the others are 0, 1", "O": "the others are", "2": "the others are", " 01 ": "did you mean '1'?"}
    for slip, said in slips.items():
        fill({"unlabelled/0.png": "1", "unlabelled/1.png": slip})
        done = aaecli("label", "set", "--answers", "filled.csv")
        assert (done.code, done.out) == (1, "")
        assert f"has the label '{slip.strip()}' once, which is no class yet: {said}" in done.err
        assert not Path("set/labels.csv").exists()
    # The command in the hint works as it stands.
    fill({"unlabelled/0.png": "1", "unlabelled/1.png": "2"})
    assert "--classes 2`" in aaecli("label", "set", "--answers", "filled.csv").err
    done = aaecli("label", "set", "--answers", "filled.csv", "--classes", "2")
    assert (done.code, done.out) == (0, "2 labels taken into set/labels.csv: 1 × 1, 2 × 1\n")


@pytest.mark.parametrize(
    ("labels", "slip"),
    [
        (["0", "1", "2", "seven"], "seven"),
        (["stamp", "stamp", "coin", "stanp"], "stanp"),
        (["cat", "cat", "Cat"], "Cat"),
        (["1", "1", "01"], "01"),
        (["A", "a", "B", "b"], None),
        (["cat", "dog", "cow"], None),
    ],
)
def test_a_slip_among_the_first_labels(aaecli: Run, in_empty_folder: Path, labels: list[str], slip: str | None) -> None:
    write_pictures(Path("set"), {f"{n}.png": drawing(n % 3, n) for n in range(8)})
    fill({f"{n}.png": label for n, label in enumerate(labels)})
    done = aaecli("label", "set", "--answers", "filled.csv")
    assert (done.code == 1) == (slip is not None), done.err
    if slip is not None:
        assert f"has the label '{slip}' once" in done.err
        every = ",".join(sorted(set(labels)))
        assert f"--classes {every}`" in done.err
        done = aaecli("label", "set", "--answers", "filled.csv", "--classes", every)
    assert done.code == 0
    assert done.out.startswith(f"{len(labels)} labels taken into set/labels.csv: ")


def test_answers_that_are_taken_again_replace_themselves(aaecli: Run, in_empty_folder: Path) -> None:
    write_pictures(Path("set"), {f"{n}.png": drawing(n % 3, n) for n in range(8)})
    for _ in range(3):
        fill({f"{n}.png": "bar" if n % 2 else "ring" for n in range(8)})
        assert aaecli("label", "set", "--answers", "filled.csv").code == 0
        assert len(Path("set/labels.csv").read_text().splitlines()) == 9


def test_nothing_to_ask(aaecli: Run, in_empty_folder: Path) -> None:
    write_classes(Path("shapes"), 2, 0)
    assert "Every picture in shapes has a label" in aaecli("label", "shapes").err
    assert "not a folder of pictures" in aaecli("label", "absent").err
    assert aaecli("label", "shapes", "--out", "a.csv", "--answers", "b.csv").code == 2


def test_nobody_is_asked_twice_about_one_picture(aaecli: Run, in_empty_folder: Path) -> None:
    write_pictures(Path("set"), {f"bar/{n}.png": drawing(0, n) for n in range(3)})
    write_pictures(Path("set"), {f"ring/{n}.png": drawing(1, n) for n in range(3)})
    copies = {"told": drawing(0, 1), "new": drawing(2, 1), "new again": drawing(2, 1), "other": drawing(2, 2)}
    write_pictures(Path("set"), {f"unlabelled/{name}.png": pixels for name, pixels in copies.items()})
    # One picture that is labelled as two classes.
    write_pictures(Path("set"), {"bar/x.png": drawing(2, 9), "ring/y.png": drawing(2, 9)})
    assert aaecli("label", "set", "--count", 9, "--out", "ask.csv").code == 0
    with Path("ask.csv").open(newline="") as file:
        asked = {row["path"] for row in csv.DictReader(file)}
    assert asked == {"unlabelled/new.png", "unlabelled/other.png"} or asked == {
        "unlabelled/new again.png", "unlabelled/other.png"
    }  # fmt: skip
    fill({f"unlabelled/{name}.png": "bar" for name in ("new", "new again", "other", "told")})
    assert aaecli("label", "set", "--answers", "filled.csv").code == 0
    assert "Every picture in set has a label, or a copy" in aaecli("label", "set").err


def test_a_corrected_label_among_folders_of_classes_leaves_the_others(aaecli: Run, in_empty_folder: Path) -> None:
    write_classes(Path("shapes"), 4, 0, 1)
    before = list_folder(Path("shapes"))
    wrong = before.train[0]
    meant = next(name for name in before.classes if name != before.train_class[0])
    Path("answers.csv").write_text(f"path,label\n{wrong},{meant}\n")
    assert aaecli("label", "shapes", "--answers", "answers.csv").code == 0
    after = list_folder(Path("shapes"))
    assert dict(zip(after.train, after.train_class, strict=True)) == {
        **dict(zip(before.train, before.train_class, strict=True)), wrong: meant
    }  # fmt: skip
    assert after.test_class == before.test_class
