"""`aaecli classify` as it is typed: streams, forms, exit codes, and bad pictures among good ones."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import os
import subprocess
import sys
import threading
import time

import numpy as np
import pytest
from PIL import Image

from aaecli.cli.displays import classify as classify_display
from aaecli.serve.session import open_encoder
from tests.data.redraw import dark_on_white, encode
from tests.serve.pair import shared_pair, write_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory, mnist):
    return shared_pair(tmp_path_factory, mnist)


@pytest.fixture
def here(in_empty_folder, pair, monkeypatch):
    """An empty folder, with the small pair named by the environment once ``aaecli`` has cleaned it."""
    return in_empty_folder


@pytest.fixture
def classify(aaecli, pair, here, monkeypatch):
    monkeypatch.setenv("AAECLI_MODEL", str(pair))
    return lambda *words: aaecli("classify", *words)


def save(path, pixels):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path)


def lines_of(outcome):
    return [json.loads(line) for line in outcome.out.splitlines()]


def test_one_picture(classify, here, mnist):
    save(here / "digit.png", mnist.test_image[0])
    outcome = classify("digit.png")
    assert outcome.code == 0
    assert outcome.out.split()[:2] == ["digit.png", "7"]
    assert outcome.out.count("\n") == 1
    assert [line.partition(":")[0] for line in outcome.err.splitlines()] == ["Model"]


def test_json_has_stable_keys(classify, here, mnist):
    save(here / "digit.png", mnist.test_image[0])
    (answer,) = lines_of(classify("digit.png", "--json", "--top-k", 3))
    assert list(answer) == ["image", "label", "probability", "top", "reconstruction_error", "novelty", "warnings"]
    assert answer["image"] == "digit.png"
    assert answer["label"] == "7"
    assert [sorted(entry) for entry in answer["top"]] == [["label", "probability"]] * 3
    assert answer["top"][0]["probability"] == answer["probability"] >= answer["top"][1]["probability"]
    assert answer["warnings"] == []


def test_csv_has_a_header_and_a_row_for_each(classify, here, mnist):
    for number in range(3):
        save(here / f"{number}.png", mnist.test_image[number])
    rows = list(csv.DictReader(io.StringIO(classify(".", "--csv", "--top-k", 2).out)))
    assert [row["image"] for row in rows] == [f"./{number}.png" for number in range(3)]
    assert [row["label"] for row in rows] == ["7", "2", "1"]
    assert list(rows[0]) == [
        "image",
        "label",
        "probability",
        "label_2",
        "probability_2",
        "reconstruction_error",
        "novelty",
        "warnings",
    ]


def test_pictures_are_answered_as_their_raw_arrays(classify, here, pair, mnist):
    """Through PNG files, workers and batches: the very predictions of the arrays, in order."""
    images = mnist.test_image[:400]
    for number, image in enumerate(images):
        save(here / "many" / f"{number:04d}.png", image)
    answers = lines_of(classify("many", "--json"))
    label_prob, _ = open_encoder(pair / "encoder.onnx")(images)
    assert [answer["image"] for answer in answers] == [f"many/{number:04d}.png" for number in range(400)]
    assert [int(answer["label"]) for answer in answers] == label_prob.argmax(1).tolist()
    assert [answer["probability"] for answer in answers] == pytest.approx(label_prob.max(1).tolist(), abs=2e-6)


def test_bad_pictures_among_good_ones(classify, here, mnist):
    good = encode(mnist.test_image[0])
    names = []
    rng = np.random.default_rng(0)
    for number in range(120):
        name = f"{number:03d}.png"
        data = good if number % 2 else bytes(rng.integers(0, 256, 300).astype(np.uint8))
        (here / name).write_bytes(data if number % 4 else good[: 40 + number])
        names.append(name)
    outcome = classify(*names, "missing.png", "--json")
    assert outcome.code == 1
    assert [answer["image"] for answer in lines_of(outcome)] == names[1::2]
    assert outcome.err.count("error:") == 61
    assert "Traceback" not in outcome.err
    assert "missing.png" in outcome.err


def test_folder_without_pictures(classify, here):
    (here / "empty").mkdir()
    outcome = classify("empty")
    assert (outcome.code, outcome.out) == (1, "")
    assert "holds no pictures" in outcome.err


def test_no_model_names_the_remedy(aaecli, here, mnist, monkeypatch):
    monkeypatch.setattr("aaecli.serve.discovery.released_folders", list)
    save(here / "digit.png", mnist.test_image[0])
    outcome = aaecli("classify", "digit.png")
    assert (outcome.code, outcome.out) == (1, "")
    assert "aaecli train" in outcome.err
    assert "aaecli export --onnx" in outcome.err


def test_decoder_where_an_encoder_is_due(classify, here, pair, mnist):
    save(here / "digit.png", mnist.test_image[0])
    outcome = classify("digit.png", "--model", pair / "decoder.onnx")
    assert outcome.code == 1
    assert "is a decoder, and an encoder is needed" in outcome.err


@pytest.mark.parametrize(
    "words", [(), ("--json", "--csv", "x.png"), ("x.png", "--top-k", 0), ("x.png", "--device", "tpu")]
)
def test_wrong_usage(classify, words):
    outcome = classify(*words)
    assert (outcome.code, outcome.out) == (2, "")


def test_stdin_is_a_picture_or_a_list(pair, here, mnist):
    save(here / "a b.png", mnist.test_image[0])
    save(here / "c.png", mnist.test_image[1])
    command = [sys.executable, "-m", "aaecli", "classify", "--model", str(pair), "--json"]

    def piped(data, *words):
        done = subprocess.run([*command, *words], input=data, capture_output=True, check=True, timeout=300)
        return [json.loads(line) for line in done.stdout.splitlines()]

    (answer,) = piped((here / "c.png").read_bytes(), "-")
    assert (answer["image"], answer["label"]) == ("-", "2")
    answers = piped(b"a b.png\nc.png\n", "--files-from", "-")
    assert [(answer["image"], answer["label"]) for answer in answers] == [("a b.png", "7"), ("c.png", "2")]


def test_threshold_makes_the_label_unsure(classify, here, mnist):
    save(here / "digit.png", mnist.test_image[0])
    (sure,) = lines_of(classify("digit.png", "--json"))
    (unsure,) = lines_of(classify("digit.png", "--json", "--threshold", 1))
    assert unsure["label"] == "unsure"
    assert unsure["probability"] == sure["probability"]
    assert unsure["top"] == sure["top"]


def test_no_digit_is_warned_of(classify, here, mnist):
    rng = np.random.default_rng(0)
    save(here / "noise.png", np.pad(255 * rng.integers(0, 2, (20, 20)), 4).astype(np.uint8))
    save(here / "blank.png", np.full((50, 50), 255, np.uint8))
    save(here / "digit.png", mnist.test_image[0])
    outcome = classify("noise.png", "blank.png", "digit.png", "--json")
    noise, blank, digit = lines_of(outcome)
    assert noise["warnings"] == ["unlike the training images"]
    assert blank["warnings"] == ["blank: there is nothing in the picture"]
    # Nothing is seen, so no class is likelier than another.
    assert (blank["label"], blank["probability"]) == ("unsure", 0.1)
    assert set(blank) == set(digit)
    assert digit["warnings"] == []
    assert outcome.code == 0
    assert outcome.err.count("warning:") == 2
    assert classify("noise.png", "--quiet").err == ""


def test_every_picture_gets_a_novelty_score(classify, here, pair, mnist):
    rng = np.random.default_rng(0)
    save(here / "digit.png", mnist.test_image[0])
    save(here / "noise.png", np.pad(255 * rng.integers(0, 2, (20, 20)), 4).astype(np.uint8))
    save(here / "blank.png", np.full((50, 50), 255, np.uint8))
    names = ("digit.png", "noise.png", "blank.png")
    digit, noise, blank = lines_of(classify(*names, "--novelty", "--json"))
    assert 0 < digit["reconstruction_error"] < noise["reconstruction_error"]
    assert 0 < digit["novelty"] < 1 < noise["novelty"]
    assert blank["novelty"] >= 1
    assert noise["warnings"] == ["unlike the training images"]
    rows = list(csv.DictReader(io.StringIO(classify(*names, "--novelty", "--csv").out)))
    assert [float(row["novelty"]) for row in rows] == [digit["novelty"], noise["novelty"], blank["novelty"]]
    assert classify("digit.png", "--novelty").out.endswith(f"novelty {digit['novelty']:.2f}\n")
    assert f"novelty {noise['novelty']:.2f}" in classify("noise.png", "--novelty", "--show").out


def test_a_novelty_score_needs_a_decoder(classify, here, pair, mnist, tmp_path):
    save(here / "digit.png", mnist.test_image[0])
    path = write_pair(tmp_path / "plain", mnist.train_image[:1500], mnist.train_label[:1500], baseline=True)
    outcome = classify("digit.png", "--novelty", "--model", path)
    assert (outcome.code, outcome.out) == (1, "")
    assert "does not reconstruct images" in outcome.err
    alone = tmp_path / "alone" / "encoder.onnx"
    alone.parent.mkdir()
    alone.write_bytes((pair / "encoder.onnx").read_bytes())
    outcome = classify("digit.png", "--novelty", "--model", alone)
    assert (outcome.code, outcome.out) == (1, "")
    assert "has no decoder.onnx beside it" in outcome.err


def test_show_draws_what_the_model_saw(classify, here, mnist):
    (here / "photo.png").write_bytes(dark_on_white(mnist.test_image[0], np.random.default_rng(0)))
    drawn = classify("photo.png", "--show").out
    assert len(drawn.splitlines()) == 14
    assert "@" in drawn
    assert "photo.png" in drawn
    assert "\x1b" not in drawn


def test_what_the_model_saw_is_kept(classify, here, mnist):
    save(here / "a" / "digit.png", 255 - mnist.test_image[0])
    save(here / "b" / "digit.png", mnist.test_image[1])
    assert classify("a/digit.png", "b/digit.png", "--save-input", "seen").code == 0
    assert np.array_equal(np.asarray(Image.open(here / "seen" / "digit.png")), mnist.test_image[0])
    assert np.array_equal(np.asarray(Image.open(here / "seen" / "digit-2.png")), mnist.test_image[1])


@pytest.mark.parametrize("level", [0, 200])
def test_an_even_picture_has_no_answer_however_it_is_read(classify, here, level):
    save(here / "even.png", np.full((28, 28), level, np.uint8))
    for more in ((), ("--no-normalise",)):
        (answer,) = lines_of(classify("even.png", "--json", "--top-k", 3, *more))
        assert answer["label"] == "unsure"
        assert [entry["probability"] for entry in answer["top"]] == [0.1] * 3
    assert "unsure   10.00%" in classify("even.png").out


def kept(folder):
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("more", [(), ("--force",)])
def test_the_originals_stay(classify, here, mnist, more):
    (here / "p").mkdir()
    for name in ("a.png", "b.png"):
        (here / "p" / name).write_bytes(dark_on_white(mnist.test_image[0], np.random.default_rng(0)))
    save(here / "p" / "a.jpg", 255 - mnist.test_image[1])
    before = kept(here / "p")
    outcome = classify("p/a.jpg", "p/a.png", "p/b.png", "--save-input", "p", *more)
    after = kept(here / "p")
    assert {name: after[name] for name in before} == before
    if more:
        assert outcome.code == 0
        assert sorted(after.keys() - before.keys()) == ["a-2.png", "a-3.png", "b-2.png"]
    else:
        assert outcome.code == 1
        assert "holds files that --save-input did not write, such as a.jpg" in outcome.err
        assert after == before


def test_what_was_kept_does_not_lie_among_what_is_read(classify, here, mnist):
    save(here / "scans" / "a.png", mnist.test_image[0])
    for folder in ("scans", "scans/seen"):
        outcome = classify("scans", "--save-input", folder, "--force")
        assert outcome.code == 1
        assert "would lie in scans" in outcome.err
    assert list(kept(here / "scans")) == ["a.png"]


def test_every_picture_is_kept_under_a_name_of_its_own(classify, here, mnist):
    names = ["a.jpg", "a.png", "a-2.png", "A.png", "b/a.png"]
    for number, name in enumerate(names):
        save(here / name, mnist.test_image[number])
    for _ in range(2):
        assert classify(*names, "--save-input", "seen").code == 0
        found = kept(here / "seen")
        assert len({name.casefold() for name in found}) == len(found) == len(names)
    # What was kept may be read again, and then stays.
    before = (here / "seen" / "a.png").read_bytes()
    (here / "list.txt").write_text("b/a.png\n")
    for words in (("b/a.png", "seen/a.png"), ("b/a.png", "s*/a.png"), ("--files-from", "list.txt")):
        assert classify(*words, "--save-input", "seen").code == 0
        assert (here / "seen" / "a.png").read_bytes() == before
    # Drawings are not what was kept, though aaecli made them too.
    assert classify("a.png", "--save-input", "seen").code == 0
    (here / "seen" / "mine.png").write_bytes((here / "a.png").read_bytes())
    assert classify("a.png", "--save-input", "seen").code == 1


def test_invert_and_no_normalise(classify, here, mnist):
    large = np.asarray(Image.fromarray(mnist.test_image[0]).resize((280, 280)))
    save(here / "light.png", large)
    save(here / "dark.png", 255 - large)
    for words in (("light.png", "--no-invert"), ("dark.png", "--invert"), ("light.png", "--no-normalise")):
        (answer,) = lines_of(classify(*words, "--json"))
        assert answer["label"] == "7"
    assert classify("dark.png", "--no-normalise", "--save-input", "seen", "--invert").code == 0
    seen = np.asarray(Image.open(here / "seen" / "dark.png")).astype(int)
    assert np.abs(seen - mnist.test_image[0]).mean() < 8


def test_baseline_classifies(classify, here, mnist, tmp_path):
    path = write_pair(tmp_path / "plain", mnist.train_image[:1500], mnist.train_label[:1500], baseline=True)
    save(here / "digit.png", mnist.test_image[0])
    (answer,) = lines_of(classify("digit.png", "--json", "--model", path))
    assert answer["label"] == "7"
    assert answer["reconstruction_error"] is None


def test_names_cannot_steer_the_terminal(classify, here, mnist):
    save(here / "a\x1b[31mred.png", mnist.test_image[0])
    outcome = classify("a\x1b[31mred.png", "missing\x1b[31m.png")
    assert "\x1b" not in outcome.out + outcome.err


def test_interrupt_ends_workers_too(pair, here, mnist):
    """Ctrl-C in the midst of a long list: exit code 130, no traceback from any process."""
    save(here / "digit.png", mnist.test_image[0])
    command = [sys.executable, "-m", "aaecli", "classify", "--model", str(pair), "--files-from", "-"]
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
    feeder = threading.Thread(target=_feed, args=(process.stdin,))
    feeder.start()
    assert process.stdout.readline()
    time.sleep(0.1)
    os.killpg(process.pid, 2)
    drain = threading.Thread(target=process.stdout.read)
    drain.start()
    errors = process.stderr.read()
    assert process.wait(300) == 130, errors
    feeder.join(300)
    drain.join(300)
    process.stdout.close()
    process.stderr.close()
    assert b"Traceback" not in errors


def _feed(stream):
    with contextlib.suppress(OSError), stream:
        while True:
            stream.write(b"digit.png\n" * 100)


def test_classify_imports_nothing_heavy(pair, here, mnist):
    save(here / "digit.png", mnist.test_image[0])
    script = (
        "import sys; from aaecli.cli import main\n"
        "try: main(sys.argv[1:])\n"
        "except SystemExit as end: assert not end.code\n"
        "heavy = {'torch', 'onnx', 'matplotlib', 'rich', 'multiprocessing', 'statistics', 'aaecli.config.schema'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    command = [sys.executable, "-c", script, "classify", "digit.png", "--model", str(pair)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.splitlines()[-1] == "[]"


def test_the_counter_knows_the_total_of_folders_and_lists_not_of_pipes(classify, here, mnist, monkeypatch):
    for number in range(3):
        save(here / "many" / f"{number}.png", mnist.test_image[number])
    (here / "list.txt").write_text("many/0.png\nmany/1.png\n")
    monkeypatch.setenv("TERM", "xterm")  # a dumb terminal gets no counter
    totals = []
    counter = classify_display.Counter
    monkeypatch.setattr("aaecli.cli.classify.Counter", lambda **how: totals.append(how["total"]) or counter(**how))
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BufferedReader(io.BytesIO(b"many/0.png\n"))))
    for words in (("many",), ("--files-from", "list.txt"), ("--files-from", "-")):
        assert classify(*words).code == 0
    assert totals == [3, 2, None]


def test_pages_beyond_the_first_are_warned_of(classify, here, mnist):
    pages = [Image.fromarray(mnist.test_image[number]) for number in range(3)]
    pages[0].save(here / "scan.tif", save_all=True, append_images=pages[1:])
    outcome = classify("scan.tif", "--json")
    (answer,) = lines_of(outcome)
    assert answer["label"] == "7"
    assert answer["warnings"] == ["only the first of 3 pages or frames is used"]
    assert "warning: scan.tif: only the first of 3 pages" in outcome.err


def test_other_formats_in_a_folder_are_named_and_the_others_answered(classify, here, mnist):
    save(here / "album" / "a.png", mnist.test_image[0])
    (here / "album" / "._a.png").write_bytes(b"x")
    for number in range(12):
        (here / "album" / f"{number}.heic").write_bytes(b"x")
    outcome = classify("album")
    assert outcome.code == 1
    assert outcome.out.split()[:2] == ["album/a.png", "7"]
    assert "12 .heic files are left out, in album" in outcome.err


def test_names_that_no_file_can_have_leave_the_others_their_answers(classify, here, mnist):
    save(here / "a.png", mnist.test_image[0])
    (here / "list").write_bytes(b"x" * 5000 + b"\na.png\n\xff\xfe\n")
    outcome = classify("y" * 5000, "a.png", "--files-from", "list")
    assert outcome.code == 1
    assert [line.split()[:2] for line in outcome.out.splitlines()] == [["a.png", "7"]] * 2
    assert outcome.err.count("error:") == 3
