"""`aaecli bulk` as it is typed: its rows are those of `classify`, and the folder alone says what is done."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from tests.scale.pictures import png, write_parquet, write_tar
from tests.serve.pair import shared_pair, write_pair

NUM = 300


@pytest.fixture(scope="module")
def pair(tmp_path_factory, mnist):
    return shared_pair(tmp_path_factory, mnist)


@pytest.fixture(scope="module")
def members(mnist):
    """Pictures: digits, one that is upside down, an empty sheet, noise, pages, and two that cannot be read."""
    rng = np.random.default_rng(0)
    found = {f"digits/{number:03d}.png": png(mnist.test_image[number]) for number in range(NUM)}
    found["digits/010.png"] = png(255 - mnist.test_image[10])
    found["digits/020.png"] = png(np.full((50, 50), 255, np.uint8))
    found["digits/030.png"] = png(np.pad(255 * rng.integers(0, 2, (20, 20)), 4).astype(np.uint8))
    found["digits/040.png"] = found["digits/040.png"][:150]
    found["digits/050.png"] = b"no picture"
    return found


@pytest.fixture
def here(in_empty_folder, members):
    """A folder that holds the same pictures three times: as files, in a tar and in a parquet file."""
    (in_empty_folder / "digits").mkdir()
    for name, data in members.items():
        (in_empty_folder / name).write_bytes(data)
    pages = [Image.fromarray(np.full((30, 30), level, np.uint8)) for level in (9, 90)]
    pages[0].save(in_empty_folder / "digits" / "pages.tif", save_all=True, append_images=pages[1:])
    everything = members | {"digits/pages.tif": (in_empty_folder / "digits" / "pages.tif").read_bytes()}
    write_tar(in_empty_folder / "in.tar", everything)
    write_parquet(in_empty_folder / "in.parquet", everything, group=90)
    return in_empty_folder


@pytest.fixture
def run(aaecli, pair, here, monkeypatch):
    """Run a command with the small pair."""
    monkeypatch.setenv("AAECLI_MODEL", str(pair))
    return aaecli


@pytest.fixture
def bulk(run):
    return lambda *words: run("bulk", *words, "--processes", 1)


def rows(folder="answers"):
    return [row for path in sorted_parts(folder) for row in pq.read_table(path).to_pylist()]


def sorted_parts(folder="answers"):
    return sorted(Path(folder).glob("part-*.parquet"))


def as_printed(row):
    """Give a row as `classify --json` prints it."""
    rounded = {"probability": round(row["probability"], 6)}
    error, novelty = row["reconstruction_error"], row["novelty"]
    return {
        "image": row["key"],
        "label": row["label"],
        **rounded,
        "top": [entry | {"probability": round(entry["probability"], 6)} for entry in row["top"]],
        "reconstruction_error": None if error is None else round(error, 6),
        "novelty": None if novelty is None else round(novelty, 6),
        "warnings": row["warnings"],
    }


@pytest.mark.parametrize(
    "inputs",
    [("digits",), ("in.tar",), ("in.parquet", "--key", "id"), ("--files-from", "list.txt"), ("digits/*.*",)],
    ids=lambda inputs: inputs[0],
)
def test_the_rows_are_those_of_classify(run, bulk, here, inputs):
    names = sorted(f"digits/{path.name}" for path in (here / "digits").iterdir())
    (here / "list.txt").write_text("\n".join(names))
    classified = run("classify", "digits", "--json", "--top-k", 3)
    printed = [json.loads(line) for line in classified.out.splitlines()]
    outcome = bulk(*inputs, "--out", "answers", "--top-k", 3, "--style", "--shard-size", 100)
    assert outcome.code == 0, outcome.err
    found = rows()
    assert [row["key"] for row in found] == names
    readable = [row for row in found if row["error"] is None]
    assert [as_printed(row) for row in readable] == printed
    assert {row["key"] for row in found} - {row["key"] for row in readable} == {"digits/040.png", "digits/050.png"}
    for row in found:
        if row["error"]:
            assert row["key"] in row["error"]
            assert all(value is None for name, value in row.items() if name not in ("key", "error"))
        else:
            assert len(row["style"]) == 3
            assert row["probability"] == pytest.approx(max(row["label_prob"]))
            assert sum(row["label_prob"]) == pytest.approx(1, abs=1e-5)
    assert "301 pictures in " in outcome.out
    assert "2 pictures could not be read" in outcome.err


def test_every_row_has_a_novelty_score_where_it_is_asked_for(run, bulk, here, mnist):
    classified = run("classify", "digits", "--json", "--novelty")
    printed = [json.loads(line) for line in classified.out.splitlines()]
    assert bulk("in.tar", "--out", "answers", "--novelty").code == 0
    assert [as_printed(row)["novelty"] for row in rows() if row["error"] is None] == [
        answer["novelty"] for answer in printed
    ]
    assert None not in {answer["novelty"] for answer in printed}
    assert "another value of --novelty" in bulk("in.tar", "--out", "answers").err
    write_pair(here / "baseline", mnist.train_image[:500], mnist.train_label[:500], baseline=True)
    outcome = run("bulk", "in.tar", "--out", "x", "--novelty", "--model", "baseline")
    assert outcome.code == 1
    assert "gives no novelty score" in outcome.err
    assert not Path("x").exists()


def test_what_is_done_stays_done(bulk, here):
    words = ("in.parquet", "--out", "answers", "--shard-size", 100)
    assert bulk(*words).code == 0
    before = {path: path.stat().st_mtime_ns for path in sorted_parts()}
    assert len(before) == 4
    first, second, *_ = before
    again = rows()
    first.unlink()
    second.rename(here / "answers" / f".{second.name}.abcd1234")  # as a killed worker leaves it
    outcome = bulk(*words, "--json")
    found = json.loads(outcome.out)
    assert (found["shards"], found["failed"], found["pictures"]) == (2, 0, 180)
    assert rows() == again
    after = {path: path.stat().st_mtime_ns for path in sorted_parts()}
    assert {path for path in after if after[path] == before[path]} == {*before} - {first, second}
    assert [path.name for path in (here / "answers").iterdir() if path.name.startswith(".")] == []
    (here / "answers" / f".{first.name}.abcd1234").touch()  # where it was killed after the last part
    assert json.loads(bulk(*words, "--json").out)["shards"] == 0
    assert [path.name for path in (here / "answers").iterdir() if path.name.startswith(".")] == []


def test_two_parts_of_the_work_are_the_whole(bulk, run, here):
    words = ("in.parquet", "--out", "answers", "--shard-size", 100)
    outcome = bulk(*words, "--task", "1/2")
    assert outcome.code == 0
    assert "Part 1 of 2" in outcome.err
    assert [path.name for path in sorted_parts()] == ["part-00001.parquet", "part-00003.parquet"]
    status = json.loads(run("bulk", "status", "answers", "--json").out)
    assert (status["shards"], status["done"], status["left"]) == (4, 2, 2)
    changed = bulk(*words, "--task", "0/3")
    assert changed.code == 1
    assert "begun in 2 parts" in changed.err
    assert bulk(*words, "--task", "0/2").code == 0
    whole = rows()
    assert bulk(*words[:2], "other", *words[3:]).code == 0
    assert rows("other") == whole


@pytest.mark.parametrize(
    ("more", "named"),
    [
        (("--top-k", 2), "--top-k. It was 1, and is 2."),
        (("--style",), "--style"),
        (("--no-normalise",), "--no-normalise"),
        (("--invert",), "--invert"),
        (("in.parquet",), "the inputs"),
        (("--model", "other"), "the model"),
    ],
)
def test_other_options_are_refused_in_the_same_folder(bulk, here, mnist, more, named):
    write_pair(here / "other", mnist.train_image[:500], mnist.train_label[:500])
    assert bulk("in.tar", "--out", "answers").code == 0
    outcome = bulk("in.tar", "--out", "answers", *more)
    assert outcome.code == 1
    assert named in outcome.err.replace("\n", " ")


def test_a_folder_of_somebody_else_is_left_alone(bulk, here):
    (here / "answers").mkdir()
    (here / "answers" / "part-00000.parquet").write_bytes(b"mine")
    outcome = bulk("in.tar", "--out", "answers")
    assert outcome.code == 1
    assert "no manifest" in outcome.err
    assert (here / "answers" / "part-00000.parquet").read_bytes() == b"mine"
    for folder in ("digits/answers", "in.tar"):
        assert bulk("digits", "--out", folder).code == 1
    (here / "link").symlink_to(here / "digits")
    assert "link" in bulk("in.tar", "--out", "link").err


def test_the_status_of_no_folder_says_so(run, here):
    assert "error: nowhere does not exist" in run("bulk", "status", "nowhere").err


def test_a_damaged_input_costs_its_shard_alone(bulk, run, here):
    whole = (here / "in.tar").read_bytes()
    (here / "a.tar").write_bytes(whole)
    (here / "b.tar").write_bytes(whole[:100_000])
    outcome = bulk("?.tar", "--out", "answers")
    assert outcome.code == 1
    assert "shard 1 failed: b.tar is damaged" in outcome.err
    assert [path.name for path in sorted_parts()] == ["part-00000.parquet"]
    status = run("bulk", "status", "answers")
    assert status.code == 1
    assert "1 of 2 done, 1 failed, 0 left" in status.out
    assert "shard 1: b.tar is damaged" in status.out
    (here / "b.tar").write_bytes(whole)
    assert bulk("?.tar", "--out", "answers").code == 0
    assert not list((here / "answers" / "_failed").iterdir())
    assert run("bulk", "status", "answers", "--verify").code == 0


def test_a_file_that_changed_is_no_slice_of_the_plan(bulk, here, members):
    assert bulk("in.parquet", "--out", "answers", "--task", "0/2", "--shard-size", 100).code == 0
    write_parquet(here / "in.parquet", dict(list(members.items())[::-1]), group=120)
    outcome = bulk("in.parquet", "--out", "answers", "--task", "1/2", "--shard-size", 100)
    assert outcome.code == 1
    assert "its size is another" in outcome.err


def test_verify_reads_all_back(bulk, run, here):
    assert bulk("in.parquet", "--out", "answers", "--shard-size", 100).code == 0
    assert json.loads(run("bulk", "status", "answers", "--verify", "--json").out)["faults"] == []
    first, second, third, fourth = sorted_parts()
    body = bytearray(first.read_bytes())
    body[200] ^= 255
    first.write_bytes(body)
    second.write_bytes(third.read_bytes())
    fourth.write_bytes(b"PAR1")
    outcome = run("bulk", "status", "answers", "--verify", "--json")
    assert outcome.code == 1
    faults = json.loads(outcome.out)["faults"]
    assert len(faults) == 2, faults  # a copy of another part of as many rows is not seen
    assert "part-00000.parquet is damaged" in faults[0]
    (here / "answers" / "_shards.jsonl").write_text("{}\n")
    assert "plan in answers" in run("bulk", "status", "answers", "--verify").err


def test_an_empty_tar_is_a_part_without_rows(bulk, here):
    write_tar(here / "empty.tar", {"note.txt": b"no picture"})
    assert bulk("empty.tar", "--out", "answers").code == 0
    assert rows() == []


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (("nothing/*.tar", "--out", "x"), "No file matches"),
        (("missing.tar", "--out", "x"), "missing.tar"),
        (("missing.parquet", "--out", "x"), "missing.parquet"),
        (("-", "--out", "x"), "stdin"),
        (("x.tar.gz", "--out", "x"), "compressed"),
        (("in.parquet", "--image", "picture", "--out", "x"), "no column 'picture'"),
        (("in.tar", "--out", "x", "--task", "2/2"), "no part 2 of 2"),
        (("in.tar", "--out", "x", "--cluster", "head"), "--cluster"),
    ],
)
def test_a_sentence_for_what_cannot_be(run, here, words, reason):
    outcome = run("bulk", *words)
    assert outcome.code == 1
    assert reason in outcome.err
    assert not list((here / "x").glob("_manifest.json")) or "cluster" in words[-2]


@pytest.mark.parametrize("words", [(), ("in.tar",), ("--out", "x"), ("in.tar", "--out", "x", "--shard-size", 0)])
def test_wrong_usage(run, words):
    assert run("bulk", *words).code == 2


def test_a_model_without_classes_or_style_is_refused(run, here, mnist):
    write_pair(here / "baseline", mnist.train_image[:500], mnist.train_label[:500], baseline=True)
    outcome = run("bulk", "in.tar", "--out", "x", "--style", "--model", "baseline")
    assert outcome.code == 1
    assert "has no style" in outcome.err
    assert run("bulk", "in.tar", "--out", "x", "--model", "baseline").code == 0
    assert "reconstruction_error" not in rows("x")[0]


def test_names_that_are_no_text(bulk, here, members):
    name = b"\xff\xfe.png".decode("utf-8", "surrogateescape")
    (here / "odd").mkdir()
    (here / "odd" / name).write_bytes(members["digits/000.png"])
    (here / "odd" / "line\nbreak.png").write_bytes(members["digits/001.png"])
    assert bulk("odd", "--out", "answers").code == 0
    assert [row["key"] for row in rows()] == ["odd/line\nbreak.png", r"odd/\udcff\udcfe.png"]


def test_without_pyarrow_there_is_a_sentence(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    outcome = run("bulk", "in.tar", "--out", "x")
    assert outcome.code == 1
    assert "aaecli bulk needs pyarrow, which is not installed." in outcome.err
    assert "'aaecli[bulk]'" in outcome.err


def test_without_distributed_there_is_a_sentence(run, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    outcome = run("bulk", "in.tar", "--out", "x", "--cluster", "tcp://127.0.0.1:1")
    assert outcome.code == 1
    assert "--cluster needs distributed, which is not installed." in outcome.err
    assert "'aaecli[cluster]'" in outcome.err


@pytest.mark.parametrize("words", [["--help"], ["classify", "digits/000.png"], ["train", "--print-config"]])
def test_other_commands_import_neither_pyarrow_nor_dask(pair, here, words):
    script = (
        "import sys; from aaecli.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code\n"
        "print(sorted({'pyarrow', 'dask', 'distributed', 'aaecli.scale'} & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script, *words]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_help_of_status_names_no_inputs(run):
    assert "aaecli bulk status [OPTIONS] {DIR}" in run("bulk", "status", "--help").out
    assert "status" in run("bulk", "--help").out
