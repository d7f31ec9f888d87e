"""What is sure to be quick is decoded here, everything else in a process that can be ended."""

from __future__ import annotations

import pytest

from aaecli.data.decoding import decoders
from aaecli.data.decoding.decoding_cost import may_be_decoded, may_be_opened
from tests.data import stubborn

HONEST = stubborn.honest()


def stays(data: bytes) -> bool:
    kind = decoders._kind_of(data)
    return may_be_opened(kind, data) and may_be_decoded(kind, data, decoders._open(data, kind).size)


@pytest.mark.parametrize("name", HONEST)
def test_ordinary_pictures_are_decoded_here(name: str) -> None:
    assert stays(HONEST[name])


@pytest.mark.parametrize("name", stubborn.SLOW | stubborn.LARGE)
def test_what_was_made_to_take_long_is_not(name: str) -> None:
    assert not stays((stubborn.SLOW | stubborn.LARGE)[name]())


@pytest.mark.parametrize("form", ["TIFF", "AVIF", "JPEG2000", "ICO"])
def test_decoders_that_nothing_is_known_of_are_not_run_here(form: str) -> None:
    data = stubborn.file_of(stubborn.Image.new("RGB", (32, 32)), form)
    assert not may_be_opened(decoders._kind_of(data), data)


def test_small_files_of_many_pixels_or_scans_are_not() -> None:
    for data in (
        stubborn.file_of(stubborn.Image.new("P", (2000, 2000)), "GIF"),
        stubborn.file_of(stubborn.Image.new("RGB", (2000, 2000)), "WEBP", lossless=True),
        stubborn.jpeg_of_scans(1000, 2000),
    ):
        assert len(data) < 2**16
        assert not stays(data)
    # Thousands of scans of few pixels are quick.
    assert stays(stubborn.jpeg_of_scans(64, 2000))


@pytest.mark.parametrize("size", [2, 3, 4, 5, 100])
def test_cut_files_are_no_trouble(size: int) -> None:
    for name in ("large JPEG", "large PNG"):
        body = HONEST[name]
        # Beyond what is small, but with a header that leads nowhere.
        data = body[:size] + b"\xff" * 2**17
        for kind in ("JPEG", "PNG"):
            may_be_opened(kind, data)
