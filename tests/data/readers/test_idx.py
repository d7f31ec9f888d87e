"""Reading IDX files: what was written comes back, and whatever is wrong is said in one sentence."""

from __future__ import annotations

import gzip
import os
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from aaecli.data.readers import idx
from aaecli.data.readers.idx import read_idx
from aaecli.errors import AaeError
from tests.conftest import idx_bytes

in_one_folder = settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
SMALL = idx_bytes(np.arange(24).reshape(2, 3, 4))


def refuse(path: Path, num_dims: int = 3) -> str:
    """Give the sentence that reading is refused with; it names the file and is followed by a remedy."""
    with pytest.raises(AaeError) as caught:
        read_idx(path, num_dims)
    assert str(path) in caught.value.message
    assert caught.value.message.endswith(".")
    assert caught.value.hint
    return caught.value.message


@in_one_folder
@given(
    values=hnp.arrays(np.uint8, hnp.array_shapes(min_dims=1, max_dims=4, min_side=0, max_side=9)),
    compress=st.booleans(),
)
def test_round_trip_of_any_shape(tmp_path: Path, values: np.ndarray, compress: bool) -> None:
    path = tmp_path / "file"
    body = idx_bytes(values)
    path.write_bytes(gzip.compress(body) if compress else body)
    result = read_idx(path, values.ndim)
    assert result.dtype == np.uint8
    assert result.shape == values.shape
    assert np.array_equal(result, values)
    result[...] = 0  # torch wants arrays that it may write to


@pytest.mark.parametrize("length", range(len(SMALL)))
def test_every_truncation_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut"
    path.write_bytes(SMALL[:length])
    said = refuse(path)
    if length >= 4:
        assert "truncated" in said


@pytest.mark.parametrize("length", range(2, len(gzip.compress(SMALL))))
def test_every_truncation_of_a_gzip_is_refused(tmp_path: Path, length: int) -> None:
    path = tmp_path / "cut.gz"
    path.write_bytes(gzip.compress(SMALL)[:length])
    assert "truncated" in refuse(path)


@in_one_folder
@given(position=st.integers(10, len(gzip.compress(SMALL)) - 1), flip=st.integers(1, 255))
def test_a_damaged_gzip_never_gives_other_values(tmp_path: Path, position: int, flip: int) -> None:
    body = bytearray(gzip.compress(SMALL, mtime=0))
    body[position] ^= flip
    path = tmp_path / "damaged.gz"
    path.write_bytes(body)
    try:
        values = read_idx(path, 3)
    except AaeError:
        return
    # A few bits of a gzip mean nothing. Whatever is read nevertheless is what was written.
    assert idx_bytes(values) == SMALL


def test_a_gzip_of_the_wrong_checksum_is_refused(tmp_path: Path) -> None:
    body = bytearray(gzip.compress(SMALL))
    body[-8] ^= 1
    path = tmp_path / "damaged.gz"
    path.write_bytes(body)
    refuse(path)


@in_one_folder
@given(head=st.binary(min_size=4, max_size=4).filter(lambda head: head != SMALL[:4] and head[:2] != b"\x1f\x8b"))
def test_a_wrong_magic_number_is_named(tmp_path: Path, head: bytes) -> None:
    path = tmp_path / "strange"
    path.write_bytes(head + SMALL[4:])
    said = refuse(path)
    assert f"begins with {head.hex()}," in said
    assert "00000803" in said


def test_labels_in_the_place_of_images_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(idx_bytes(np.arange(5)))
    assert "not an IDX image file" in refuse(path, 3)
    path.write_bytes(SMALL)
    assert "not an IDX label file" in refuse(path, 1)


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty"
    path.touch()
    assert "begins with nothing" in refuse(path)


@pytest.mark.parametrize("compress", [False, True])
def test_trailing_bytes_are_refused(tmp_path: Path, compress: bool) -> None:
    path = tmp_path / "long"
    body = SMALL + b"\0"
    path.write_bytes(gzip.compress(body) if compress else body)
    assert "too long: it holds more than the 24 bytes" in refuse(path)


def test_a_gzip_bomb_costs_no_more_than_it_claims(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    path.write_bytes(gzip.compress(SMALL + bytes(2**26), 9))
    assert path.stat().st_size < 2**17
    tracemalloc.start()
    try:
        said = refuse(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert "too long" in said
    assert peak < 2**22


def test_members_of_a_gzip_are_joined_and_zeros_behind_them_left_out(tmp_path: Path) -> None:
    path = tmp_path / "members.gz"
    parts = [gzip.compress(SMALL[start : start + 7]) for start in range(0, len(SMALL), 7)]
    path.write_bytes(gzip.compress(b"").join(parts) + bytes(idx._PACKED_CHUNK + 9))
    assert np.array_equal(read_idx(path, 3), np.arange(24).reshape(2, 3, 4))
    path.write_bytes(b"".join(parts) + bytes(3) + b"more")
    assert "damaged" in refuse(path)


def test_millions_of_empty_members_are_refused_at_once(tmp_path: Path) -> None:
    path = tmp_path / "members.gz"
    path.write_bytes(gzip.compress(b"") * 1_000_000 + gzip.compress(SMALL))
    began = time.process_time()
    assert "damaged" in refuse(path)
    assert time.process_time() - began < 2


def test_a_gzip_that_claims_hundreds_of_times_its_size_is_not_unpacked(tmp_path: Path) -> None:
    path = tmp_path / "bomb.gz"
    head = bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in (100_000, 28, 28))
    path.write_bytes(gzip.compress(head + bytes(78_400_000)))
    assert "times its size" in refuse(path)
    # A small one may be as plain as it likes.
    path.write_bytes(gzip.compress(idx_bytes(np.zeros((1000, 28, 28), np.uint8))))
    assert read_idx(path, 3).shape == (1000, 28, 28)


def test_labels_and_what_is_left_for_images_are_bounded(tmp_path: Path) -> None:
    path = tmp_path / "labels"
    path.write_bytes(bytes([0, 0, 8, 1]) + (idx.MAX_IMAGES + 1).to_bytes(4, "big"))
    assert "at most 1,048,576 are read" in refuse(path, 1)
    path.write_bytes(SMALL)
    with pytest.raises(AaeError, match="at most 23 are read"):
        read_idx(path, 3, max_bytes=23)
    assert read_idx(path, 3, max_bytes=24).size == 24


@pytest.mark.parametrize("shape", [(2**32 - 1,) * 3, (idx.MAX_BYTES + 1, 1, 1)])
def test_a_header_that_claims_too_much_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    path = tmp_path / "boast"
    path.write_bytes(bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in shape))
    assert "at most" in refuse(path)


def test_the_largest_claim_takes_no_memory_for_values_that_are_not_there(tmp_path: Path) -> None:
    path = tmp_path / "boast"
    path.write_bytes(
        bytes([0, 0, 8, 3]) + b"".join(size.to_bytes(4, "big") for size in (idx.MAX_BYTES, 1, 1)) + bytes(100)
    )
    resident = Path("/proc/self/statm")
    if resident.exists():
        before = int(resident.read_text().split()[1])
        assert "100 of" in refuse(path)
        grown = (int(resident.read_text().split()[1]) - before) * os.sysconf("SC_PAGE_SIZE")
        assert grown < 2**25
    else:
        assert "100 of" in refuse(path)


def test_missing_file_and_folder_in_its_place(tmp_path: Path) -> None:
    assert "No such file" in refuse(tmp_path / "absent")
    assert "is a folder, not a file" in refuse(tmp_path)


def test_an_unreadable_file_is_a_matter_of_permissions(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def deny(path: Path, _: int) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(os, "open", deny)
    with pytest.raises(AaeError, match="Permission denied") as caught:
        read_idx(tmp_path / "locked", 3)
    assert "permissions" in caught.value.hint


def test_a_file_of_many_chunks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(idx, "MAX_IMAGES", 2**22)
    path = tmp_path / "large"
    values = np.random.default_rng(0).integers(0, 256, 2 * idx._CHUNK + 7, np.uint8)
    path.write_bytes(idx_bytes(values) + b"\0" * idx._CHUNK)
    assert "too long" in refuse(path, 1)
    path.write_bytes(idx_bytes(values))
    assert np.array_equal(read_idx(path, 1), values)


def test_the_largest_published_set_fits_and_memory_stays_below_a_gibibyte() -> None:
    emnist_by_class = 697_932 * 28 * 28
    assert emnist_by_class <= idx.MAX_BYTES < 2**30


def test_images_are_counted_before_they_are_read(tmp_path: Path) -> None:
    path = tmp_path / "images"
    path.write_bytes(SMALL)
    assert read_idx(path, 3, (tmp_path / "labels.gz", 2)).shape == (2, 3, 4)
    # The values are missing, and are not asked for.
    path.write_bytes(SMALL[:16])
    with pytest.raises(AaeError, match=r"images holds 2 images, but labels\.gz 1,000 labels") as caught:
        read_idx(path, 3, (tmp_path / "labels.gz", 1000))
    assert "same data set" in caught.value.hint
