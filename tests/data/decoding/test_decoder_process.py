"""Pictures that are decoded apart come out the same; the process that does it is ended and replaced when it must be."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aaecli.data.decoding import decoder_process, decoders, pictures
from aaecli.data.decoding.decoder_process import decode_apart
from aaecli.data.preprocessing.prepare import Recipe, prepare_chunk
from aaecli.errors import AaeError
from tests.data import stubborn

COLOUR = Image.fromarray(np.random.default_rng(0).integers(0, 256, (30, 40, 3), np.uint8))


@pytest.fixture(autouse=True)
def ended() -> Iterator[None]:
    """Leave no process behind."""
    yield
    if decoder_process._decoder is not None:
        decoder_process._decoder.end()
        decoder_process._decoder = None


@pytest.mark.parametrize("image", [COLOUR, COLOUR.convert("L")])
def test_it_gives_what_would_be_decoded_here(image: Image.Image) -> None:
    data = stubborn.file_of(image, "TIFF", save_all=True, append_images=[image, image])
    pixels, num_pages = decode_apart(data, "x")
    here = decoders.decode_here(data, "x")
    assert np.array_equal(pixels, here.pixels)
    assert num_pages == here.num_pages == 3


def test_one_process_decodes_all_and_says_what_is_wrong() -> None:
    decode_apart(stubborn.file_of(COLOUR, "TIFF"), "x")
    first = decoder_process._decoder
    for name in ("a.tif", "\udce4.tif", "x" * 5000):
        with pytest.raises(AaeError, match="is damaged or cut short") as caught:
            decode_apart(b"II*\0" + bytes(100), name)
        assert caught.value.hint
    assert decoder_process._decoder is first


@pytest.mark.parametrize("name", list(stubborn.SLOW)[::3])
def test_what_takes_too_long_is_ended(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_process, "SECONDS", 0.15)
    data = stubborn.SLOW[name]()
    began = time.process_time()
    with pytest.raises(AaeError, match=r"x\.png takes more than 0\.15 seconds to decode") as caught:
        pictures.decode(data, "x.png")
    assert caught.value.hint == "Save it as PNG or JPEG, or smaller."
    assert time.process_time() - began < 1
    assert pictures.decode(stubborn.file_of(COLOUR, "TIFF"), "x").pixels.shape == (30, 40, 3)


@pytest.mark.parametrize("name", stubborn.LARGE)
def test_what_takes_too_much_memory_is_said_or_fits(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_process, "SECONDS", 10)
    with contextlib.suppress(AaeError):
        assert max(pictures.decode(stubborn.LARGE[name](), "x").pixels.shape) <= 2 * decoders.WORKING_SIZE
    process = decoder_process._decoder
    assert process is not None
    status = Path(f"/proc/{process._process.pid}/status")
    if status.exists():
        (most,) = (int(line.split()[1]) for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        assert most < 2**20


@pytest.mark.parametrize("name", stubborn.BROKEN)
def test_whatever_a_decoder_raises_is_an_error_of_that_picture(name: str, tmp_path: Path) -> None:
    (tmp_path / "bad").write_bytes(stubborn.BROKEN[name]())
    COLOUR.save(tmp_path / "good.png")
    batch = prepare_chunk([str(tmp_path / "bad"), str(tmp_path / "good.png")], Recipe())
    bad, good = batch.outcomes
    assert isinstance(bad, AaeError)
    assert bad.hint
    assert not isinstance(good, AaeError)
    assert batch.num_pages == [0, 1]


def test_one_that_was_killed_is_replaced() -> None:
    data = stubborn.file_of(COLOUR, "TIFF")
    decode_apart(data, "x")
    process = decoder_process._decoder
    assert process is not None
    os.kill(process._process.pid, signal.SIGKILL)
    with pytest.raises(AaeError, match="takes too much memory") as caught:
        decode_apart(data, "x")
    assert caught.value.hint
    assert decode_apart(data, "x")[1] == 1


def test_one_that_does_not_start_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoder_process.sys, "executable", "/absent/python")
    with pytest.raises(
        AaeError, match=r"cannot be read: the process that decodes it does not start \(No such"
    ) as caught:
        decode_apart(stubborn.file_of(COLOUR, "TIFF"), "x")
    assert caught.value.hint


def test_it_finds_the_package_where_this_process_did_and_nowhere_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A module of a stranger's folder, or of the environment, is not imported."""
    for name in ("numpy", "PIL", "json"):
        (tmp_path / f"{name}.py").write_text(f"open({str(tmp_path / 'canary')!r}, 'w')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert decode_apart(stubborn.file_of(COLOUR, "TIFF"), "x")[1] == 1
    assert not (tmp_path / "canary").exists()
