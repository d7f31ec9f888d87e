"""``Classifier``: every kind of picture comes to what ``aaecli classify`` makes of its file."""

from __future__ import annotations

import copy
import io
import itertools
import json
import pickle
import shutil
import warnings
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from aaecli.api.classifier import Classifier
from aaecli.api.generator import Generator
from aaecli.cli import main
from aaecli.errors import AaeError
from aaecli.serve.classify import Answer, Failure
from tests.data.redraw import REDRAWINGS
from tests.serve.pair import shared_pair, write_pair


@pytest.fixture(scope="module")
def pair(tmp_path_factory, mnist) -> Path:
    return shared_pair(tmp_path_factory, mnist)


@pytest.fixture(scope="module")
def read(pair) -> Classifier:
    return Classifier(pair, top_k=3)


@pytest.fixture(scope="module")
def folder(tmp_path_factory, mnist) -> Path:
    """Pictures of all kinds: redrawn, plain, in colour, palettes, 16 bits, damaged, blank, with several pages."""
    target, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    redrawn = [REDRAWINGS[number % len(REDRAWINGS)](mnist.test_image[number], rng) for number in range(len(REDRAWINGS))]
    for number, body in enumerate(redrawn):
        (target / f"redrawn-{number:03d}").write_bytes(body)
    for number in range(60, 130):
        Image.fromarray(mnist.test_image[number]).save(target / f"plain-{number:03d}.png")
    digit = Image.fromarray(np.kron(mnist.test_image[3], np.ones((5, 5), np.uint8)))
    digit.convert("P").save(target / "palette.gif")
    digit.save(target / "pages.gif", save_all=True, append_images=[digit.rotate(90)])
    digit.resize((1500, 1500)).convert("RGB").save(target / "large.jpg")
    digit.convert("CMYK").save(target / "print.jpg")
    Image.fromarray(np.asarray(digit).astype(np.uint16) * 257).save(target / "deep.png")
    digit.convert("LA").save(target / "alpha.png")
    Image.new("L", (50, 40), 255).save(target / "blank.png")
    (target / "damaged.png").write_bytes(redrawn[0][:500])
    (target / "text.txt").write_text("no picture")
    (target / "empty.png").touch()
    return target


def told(pair: Path, names: list[str], capsys, *options: str) -> dict[str, dict]:
    with pytest.raises(SystemExit):
        main(["classify", *names, "--model", str(pair), "--json", "--quiet", "--top-k", "3", *options])
    return {entry["image"]: entry for entry in map(json.loads, capsys.readouterr().out.splitlines())}


def as_told(answer: Answer) -> dict[str, object]:
    error, novelty = answer.reconstruction_error, answer.novelty
    return {
        "image": answer.image,
        "label": answer.label,
        "probability": round(answer.probability, 6),
        "top": [{"label": name, "probability": round(share, 6)} for name, share in answer.top],
        "reconstruction_error": None if error is None else round(error, 6),
        "novelty": None if novelty is None else round(novelty, 6),
        "warnings": list(answer.warnings),
    }


def test_a_stream_of_paths_answers_as_the_command_line(read, pair, folder, capsys) -> None:
    names = sorted(map(str, folder.iterdir()))
    expected = told(pair, names, capsys)
    answers = list(read.stream(names))
    assert [answer.image for answer in answers] == names
    assert {answer.image: as_told(answer) for answer in answers if isinstance(answer, Answer)} == expected
    failed = {Path(answer.image).name for answer in answers if isinstance(answer, Failure)}
    assert failed == {"damaged.png", "text.txt", "empty.png"}
    assert capsys.readouterr() == ("", "")


def test_every_way_to_give_a_picture_comes_to_the_same_image(read, folder) -> None:
    unreadable = {folder / name for name in ("text.txt", "damaged.png", "empty.png")}
    for path in sorted(set(folder.iterdir()) - unreadable - set(folder.glob("plain-*"))):
        by_path = read(path)
        with Image.open(path) as opened, path.open("rb") as file:
            given = [str(path), path.read_bytes(), file, opened]
            for picture in given:
                answer = read(picture)
                np.testing.assert_array_equal(answer.seen, by_path.seen, str(path))
                assert answer[1:7] == by_path[1:7]


def test_every_answer_has_a_novelty_score_where_it_is_asked_for(pair, folder, capsys) -> None:
    names = sorted(map(str, folder.glob("plain-*")))
    answers = list(Classifier(pair, top_k=3, novelty=True).stream(names))
    assert {answer.image: as_told(answer) for answer in answers} == told(pair, names, capsys, "--novelty")
    assert None not in {answer.novelty for answer in answers}
    assert copy.copy(Classifier(pair, novelty=True))(names[0]).novelty == answers[0].novelty


def test_an_image_of_pillow_is_left_as_it_was(read, folder) -> None:
    for name in ("large.jpg", "redrawn-003", "pages.gif"):
        with Image.open(folder / name) as image:
            image.load()
            before = (image.mode, image.size, image.tobytes(), dict(image.info))
            read(image)
            assert (image.mode, image.size, image.tobytes(), dict(image.info)) == before


def test_of_a_file_with_frames_the_chosen_one_is_read(read, folder) -> None:
    with Image.open(folder / "pages.gif") as image:
        first = read(image)
        image.seek(1)
        second = read(image)
        np.testing.assert_array_equal(second.seen, read(image.convert("L")).seen)
    assert "frames" in first.warnings[-1]
    assert not np.array_equal(first.seen, second.seen)


def test_arrays_are_read_as_their_files(read, mnist, folder) -> None:
    images = mnist.test_image[60:130]
    names = [folder / f"plain-{number:03d}.png" for number in range(60, 130)]
    expected = read.predict_proba(names)
    assert expected.shape == (70, 10)
    assert expected.dtype == np.float32
    for pictures in (images, list(images), images / 255, images.astype(np.float32) / 255):
        np.testing.assert_array_equal(read.predict_proba(pictures), expected)
        assert read.predict(pictures) == [read.classes[k] for k in expected.argmax(1)]
    np.testing.assert_array_equal(read.predict_proba(np.repeat(images[..., None], 3, 3)), expected)
    label_prob, style = read.encode(images)
    np.testing.assert_array_equal(label_prob, expected)
    assert style.shape == (70, 3)
    assert [part.shape for part in read.encode([])] == [(0, 10), (0, 3)]
    assert read.predict([]) == []
    assert read.predict_proba(images[:0]).shape == (0, 10)


def test_what_holds_nothing_is_unsure(read) -> None:
    blank = np.zeros((3, 28, 28), np.uint8)
    assert read.predict(blank) == ["unsure"] * 3
    np.testing.assert_allclose(read.predict_proba(blank), 0.1)
    assert read(blank[0]).label == "unsure"


def test_options_act_as_those_of_the_command(pair, folder, capsys) -> None:
    names = sorted(map(str, folder.glob("redrawn-00[0-3]*")))
    for options, words in (
        ({"threshold": 0.9}, ["--threshold", "0.9"]),
        ({"invert": True}, ["--invert"]),
        ({"normalise": False}, ["--no-normalise"]),
    ):
        other = Classifier(pair, top_k=3, **options)
        expected = told(pair, names, capsys, *words)
        assert {answer.image: as_told(answer) for answer in other.stream(names)} == expected
        assert other.predict(names) == [entry["label"] for entry in expected.values()]


def test_other_processes_give_the_same_answers(read, folder) -> None:
    names = sorted(map(str, folder.iterdir()))
    alone, together = list(read.stream(names)), list(read.stream(names, processes=2))
    assert [answer[:2] for answer in together if isinstance(answer, Answer)] == [
        answer[:2] for answer in alone if isinstance(answer, Answer)
    ]
    assert len(together) == len(names)
    with pytest.raises(TypeError, match="paths of files"):
        list(read.stream([np.zeros((28, 28))], processes=1))


def test_threads_share_a_classifier(read, folder) -> None:
    names = sorted(path for path in folder.iterdir() if "redrawn" not in path.name)
    before = list(warnings.filters)
    expected = list(map(repr, read.stream(names)))
    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(lambda _: list(map(repr, read.stream(names))), range(4)))
    assert found == [expected] * 4
    assert warnings.filters == before


def test_it_is_pickled_by_path_and_sha256(read, pair, mnist, tmp_path) -> None:
    shutil.copytree(pair, tmp_path / "pair")
    original = Classifier(tmp_path / "pair", threshold=0.5)
    body = pickle.dumps(original)
    assert len(body) < 2000
    images = mnist.test_image[:20]
    for other in (pickle.loads(body), copy.deepcopy(original)):  # noqa: S301 - its own
        assert other.predict(images) == original.predict(images)
        assert (other.sha256, other.path, repr(other)) == (original.sha256, original.path, repr(original))
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        assert pool.submit(original.predict, images).result(120) == original.predict(images)
    write_pair(tmp_path / "pair", mnist.train_image[:500], mnist.train_label[:500])
    with pytest.raises(AaeError, match="its sha256 differs"):
        pickle.loads(body)  # noqa: S301


@pytest.mark.parametrize(
    ("picture", "error", "sentence"),
    [
        ("absent.png", AaeError, "Cannot read absent.png"),
        (b"", AaeError, "picture 0 is empty"),
        (b"no picture", AaeError, "picture 0 is not a picture"),
        (io.StringIO("text"), TypeError, "a file of text"),
        (3, TypeError, "is of the type int"),
        (None, TypeError, "is of the type NoneType"),
        (np.zeros(784), AaeError, r"an array of shape \(784,\)"),
        (np.zeros((2, 28, 28)), AaeError, r"Several pictures go to `predict`"),
        (np.zeros((28, 28, 4), np.uint8), AaeError, r"an array of shape \(28, 28, 4\)"),
        (np.zeros((0, 28), np.uint8), AaeError, r"an array of shape \(0, 28\)"),
        (np.zeros((28, 28), np.int64), TypeError, "is an array of int64: give uint8"),
        (np.full((28, 28), 255.0), AaeError, "has values from 255 to 255"),
        (np.full((28, 28), np.nan), AaeError, "has values from nan to nan"),
    ],
)
def test_what_is_no_picture_is_said_in_a_sentence(read, picture, error, sentence) -> None:
    with pytest.raises(error, match=sentence):
        read(picture)
    with pytest.raises(error, match=sentence):
        read.predict([picture])


@pytest.mark.parametrize(
    ("pictures", "error", "sentence"),
    [
        ("digit.png", TypeError, "this is a str"),
        (7, TypeError, "this is a int"),
        (np.zeros((28, 28), np.uint8), AaeError, r"is \(N, 28, 28\) or \(N, 28, 28, 3\) for this model"),
        (np.zeros((28, 28, 3), np.uint8), AaeError, r"this one is \(28, 28, 3\)"),
        (np.array(0.5), AaeError, r"this one is \(\)"),
        (np.zeros((5, 28, 28)) - 1, AaeError, "floats are pixels"),
    ],
)  # fmt: skip
def test_many_pictures_are_never_guessed_at(read, pictures, error, sentence) -> None:
    for ask in (read.predict, read.predict_proba, read.encode):
        with pytest.raises(error, match=sentence):
            ask(pictures)


def test_a_model_that_is_not_there_or_knows_no_classes(tmp_path, mnist, pair) -> None:
    with pytest.raises(AaeError, match="There is no model"):
        Classifier(tmp_path / "absent")
    with pytest.raises(ValueError, match="top_k"):
        Classifier(pair, top_k=0)
    for opens in (Classifier, Generator):
        with pytest.raises(TypeError, match="model is a path, as str or Path, or None; this is of the type int"):
            opens(3)
    read = Classifier(write_pair(tmp_path, mnist.train_image[:500], mnist.train_label[:500], baseline=True).parent)
    assert read.encode(mnist.test_image[:2]).style is None
    read._encoder.has_label = False  # as an autoencoder's: it finds a style alone
    read._encoder.has_style = True
    read._encoder._run = lambda names, feed: [np.zeros((len(feed["image"]), 2), np.float32)]
    assert read.encode(mnist.test_image[:2]).label_prob is None
    for ask in (read.predict, read.predict_proba, lambda images: read(images[0])):
        with pytest.raises(AaeError, match="it has a style, but no classes"):
            ask(mnist.test_image[:2])


def test_a_name_is_a_path(read, tmp_path, monkeypatch, mnist) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("-", "*.png", "~"):
        Image.fromarray(mnist.test_image[0]).save(tmp_path / name, "PNG")
    assert [answer.label for answer in read.stream(["-", "*.png", "~"])] == [read(mnist.test_image[0]).label] * 3


@settings(max_examples=30)
@given(
    values=st.one_of(
        arrays.arrays(np.uint8, arrays.array_shapes(min_dims=2, max_dims=2, min_side=1, max_side=40)),
        arrays.arrays(
            np.float32,
            st.tuples(st.integers(1, 30), st.integers(1, 30), st.just(3)),
            elements=st.floats(0, 1, width=32),
        ),
    )
)
def test_an_array_of_any_size_has_an_answer(read, values) -> None:
    answer = read(values)
    assert answer.seen.shape == (28, 28)
    assert answer.label in (*read.classes, "unsure")
    assert 0 <= answer.probability <= 1


def test_a_stream_asks_for_no_more_than_a_batch(read, mnist) -> None:
    asked = itertools.count()
    stream = read.stream(mnist.test_image[next(asked)] for _ in range(1000))
    next(stream)
    assert next(asked) <= 128


def test_an_answer_is_printed_without_its_pixels(read, mnist) -> None:
    assert "seen=<uint8 (28, 28)>" in repr(read(mnist.test_image[0]))
