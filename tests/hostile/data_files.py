"""Data sets in .npz, CSV, parquet and .mat files that a stranger might send."""

from __future__ import annotations

import csv
import io
import random
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from scipy.io import savemat

from tests.hostile import byte_mutations
from tests.hostile.checkpoints import Write
from tests.hostile.endless import endless
from tests.scale.pictures import png

_IMAGE = np.random.default_rng(0).integers(0, 256, (24, 8, 8), np.uint8)
_LABEL = np.tile(np.arange(3), 8)
_HEADER = "{'descr': '%s', 'fortran_order': %s, 'shape': %s, }"


def _file(name: str, body: Callable[[Path], bytes]) -> Write:
    """Write a data set of one file, and inspect it; the body is given a path that nothing may write to."""

    def write(folder: Path, canary: Path) -> list[str]:
        (folder / name).write_bytes(body(canary))
        return ["data", "--data", name]

    return write


def _npz(**arrays: Any) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def _honest(**changed: Any) -> bytes:
    return _npz(**{"x_train": _IMAGE, "y_train": _LABEL, "x_test": _IMAGE[:6], "y_test": _LABEL[:6]} | changed)


class _Runs:
    """What runs as it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, ...]:
        return Path.touch, (self.path,)


def _array(descr: str, shape: str, body: bytes, order: str = "False") -> bytes:
    header = (_HEADER % (descr, order, shape)).encode()
    header += b" " * (-(len(header) + 11) % 64) + b"\n"
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + body


def _zip(members: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, body in members.items():
            archive.writestr(name, body)
    return buffer.getvalue()


def _claiming(descr: str, shape: str, body: bytes = b"", order: str = "False") -> Callable[[Path], bytes]:
    image = _array(descr, shape, body, order)
    return lambda _: _zip({"x_train.npy": image, "y_train.npy": _array("|u1", "(24,)", bytes(24))})


def _csv(rows: list[list[Any]], header: bool = True) -> bytes:
    buffer = io.StringIO()
    writer = csv.writer(buffer)
    if header:
        writer.writerow(["label", *(f"pixel{number}" for number in range(64))])
    writer.writerows(rows)
    return buffer.getvalue().encode()


def _listed_twice(number: int) -> bytes:
    """Give a zip whose record for files beyond four gigabytes leads to a list that the smaller one does not."""
    listed = struct.pack("<4s6H3I5H2I", b"PK\x01\x02", *[0] * 9, 1, *[0] * 6) + b"a"
    start = len(listed) * number
    record = struct.pack("<4sQ2H2I4Q", b"PK\x06\x06", 44, 45, 45, 0, 0, number, number, start, 0)
    locator = struct.pack("<4sIQI", b"PK\x06\x07", 0, start, 1)
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, 1, 1, len(record + locator), start, 0)
    return listed * number + record + locator + end


def _parquet(columns: dict[str, Any], rows: int = 9, **metadata: bytes) -> bytes:
    buffer = io.BytesIO()
    table = pa.table(columns)
    pq.write_table(table.replace_schema_metadata(metadata) if metadata else table, buffer, row_group_size=rows)
    return buffer.getvalue()


def _cells(images: Any = _IMAGE) -> pa.Array:
    kind = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    return pa.array([{"bytes": png(image), "path": "a.png"} for image in images], kind)


def _repeated(data: bytes, number: int) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(np.zeros(number, np.int32)), pa.array([data]))


def _mat(packed: bool = True, **arrays: Any) -> bytes:
    buffer = io.BytesIO()
    savemat(buffer, {"X": _IMAGE.transpose(1, 2, 0), "y": _LABEL} | arrays, do_compression=packed)
    return buffer.getvalue()


def _mat_of(body: bytes, kind: int = 15) -> bytes:
    """Give a file of one element."""
    return _mat()[:128] + kind.to_bytes(4, "little") + len(body).to_bytes(4, "little") + body


def _mat_claiming(*sizes: int, bytes_of_values: int = 2**32 - 8, name: bytes = b"X") -> bytes:
    dims = b"".join(size.to_bytes(4, "little", signed=True) for size in sizes)
    parts = [(6, b"\x09" + bytes(7)), (5, dims), (1, name)]
    body = b"".join(
        kind.to_bytes(4, "little") + len(part).to_bytes(4, "little") + part + bytes(-len(part) % 8)
        for kind, part in parts
    )
    body += (2).to_bytes(4, "little") + bytes_of_values.to_bytes(4, "little") + bytes(2**16)
    return (14).to_bytes(4, "little") + len(body).to_bytes(4, "little") + body


_ROWS = [[label, *image.reshape(-1).tolist()] for label, image in zip(_LABEL.tolist(), _IMAGE, strict=True)]
_LINE = b"3," + b"0," * 63 + b"0\n"

KINDS: dict[str, Write] = {
    "npz that runs as it is unpickled": _file(
        "x.npz", lambda canary: _honest(y_train=np.array([_Runs(canary)], object))
    ),
    "npz of objects in structures": _file(
        "x.npz", lambda canary: _honest(x_test=np.array([(1, _Runs(canary))], [("a", int), ("b", object)]))
    ),
    "npz bomb": _file("x.npz", _claiming("|u1", "(900000, 28, 28)", bytes(900_000 * 784 // 8))),
    "npz beyond all memory": _file("x.npz", _claiming("|u1", "(9999999999, 999999, 9999999)")),
    "npz of less than nothing": _file("x.npz", _claiming("|u1", "(-24, -8, 8)", bytes(1536))),
    "npz of shapes without end": _file("x.npz", _claiming("|u1", f"({'1,' * 400})", bytes(1))),
    "npz with a header nested without end": _file("x.npz", _claiming("|u1", "(" * 3000)),
    "npz with a header of megabytes": _file("x.npz", _claiming("|u1", f"(24, 8, 8){' ' * 60_000}", bytes(1536))),
    "npz of values without a size": _file("x.npz", _claiming("|V0", "(24, 8, 8)")),
    "npz of dates": _file("x.npz", _claiming("<M8[s]", "(24, 8, 8)", bytes(1536 * 8))),
    "npz that is cut short": _file("x.npz", lambda _: _honest()[:-40]),
    "npz with a comment": _file("x.npz", lambda _: _honest()[:-2] + b"\x04\x00abcd"),
    "npz of a hundred thousand arrays": _file(
        "x.npz", lambda _: _zip({f"{number}.npy": b"" for number in range(100_000)}, zipfile.ZIP_STORED)
    ),
    "npz of pictures of other sizes": _file("x.npz", lambda _: _honest(x_test=np.zeros((6, 9, 8), np.uint8))),
    "npz of labels beyond all numbers": _file("x.npz", lambda _: _honest(y_train=np.full(24, 2**64 - 1, np.uint64))),
    "npz with a header of gigabytes": _file(
        "x.npz", lambda _: _zip({"x_train.npy": b"\x93NUMPY\x02\x00\xff\xff\xff\x7f" + bytes(2**26)})
    ),
    "npz with a second list": _file("x.npz", lambda _: _listed_twice(1_000_000)),
    "npz of images without end": _file(
        "x.npz", lambda _: _honest(x_train=np.zeros((24, 1, 1), np.uint8), x_test=np.zeros((2**26, 1, 1), np.uint8))
    ),
    "npz of classes without end": _file(
        "x.npz", lambda _: _npz(x=np.zeros((300_000, 1, 1), np.uint8), y=np.arange(300_000))
    ),
    "npz that is a folder's name": _file("x.npz", lambda _: b"PK\x05\x06" + bytes(18)),
    "parquet of a million copies": _file(
        "x.parquet", lambda _: _parquet({"image": _repeated(png(_IMAGE[0]), 2**20)}, 2**20)
    ),
    "parquet of large copies": _file(
        "x.parquet", lambda _: _parquet({"image": _repeated(png(_IMAGE[0]) + bytes(2**25), 60)})
    ),
    "parquet of a picture bomb": _file(
        "x.parquet", lambda _: _parquet({"image": [png(np.zeros((6000, 6000), np.uint8))] * 24, "label": _LABEL - 5})
    ),
    "parquet of no pictures": _file("x.parquet", lambda _: _parquet({"image": _LABEL, "label": _LABEL})),
    "parquet of paths to other files": _file(
        "x.parquet",
        lambda _: _parquet({"image": pa.array([{"bytes": None, "path": "/etc/passwd"}] * 3, _cells().type)}),
    ),
    "parquet whose classes are endless": _file(
        "x.parquet",
        lambda _: _parquet({"image": _cells(), "label": _LABEL - 5}, huggingface=b'{"info": ' * 30_000),
    ),
    "parquet of labels beyond all numbers": _file(
        "x.parquet", lambda _: _parquet({"image": _cells(), "label": pa.array([2**64 - 1] * 24, pa.uint64())})
    ),
    "parquet of a data set that is cut short": _file(
        "x.parquet", lambda _: _parquet({"image": _cells(), "label": _LABEL})[:-40]
    ),
    "mat bomb": _file("x.mat", lambda _: _mat(X=np.zeros((28, 28, 150_000), np.uint8), y=np.zeros(150_000))),
    "mat beyond all memory": _file("x.mat", lambda _: _mat_of(zlib.compress(_mat_claiming(2**31 - 1, 2**31 - 1, 2)))),
    "mat of four gigabytes": _file(
        "x.mat", lambda _: _mat_of(zlib.compress(_mat_claiming(8, 8, 2**26 - 1, bytes_of_values=2**32 - 64)))
    ),
    "mat of less than nothing": _file("x.mat", lambda _: _mat_of(zlib.compress(_mat_claiming(-8, -8, 8)))),
    "mat of a name without end": _file(
        "x.mat", lambda _: _mat_of(zlib.compress(_mat_claiming(8, 8, 8, name=b"X" * 2**20)))
    ),
    "mat of axes without end": _file("x.mat", lambda _: _mat_of(zlib.compress(_mat_claiming(*[1] * 2**18)))),
    "mat of nothing packed": _file("x.mat", lambda _: _mat_of(zlib.compress(bytes(2**28)))),
    "mat of a hundred thousand arrays": _file("x.mat", lambda _: _mat()[:128] + _mat_of(b"", 14)[128:] * 100_000),
    "mat of objects": _file("x.mat", lambda _: _mat(X=np.array([{"a": 1}, "b"], object))),
    "mat that is cut short": _file("x.mat", lambda _: _mat(packed=False)[:-40]),
    "mat of MATLAB 7.3": _file("x.mat", lambda _: b"MATLAB 7.3".ljust(512) + b"\x89HDF\r\n\x1a\n" + bytes(1000)),
    "CSV of a line without end": _file("x.csv", lambda _: _csv(_ROWS) + b"1," * 5_000_000),
    "CSV of lines without end": _file("x.csv", lambda _: _csv(_ROWS) + b"\n" * 30_000_000),
    "CSV of columns without end": _file("x.csv", lambda _: b"label" + b",p" * 999_999 + b"\n"),
    "CSV in a quoted field without end": _file("x.csv", lambda _: _csv(_ROWS) + b'"' + b"\n" * 100_000),
    "CSV of pixels beyond white": _file("x.csv", lambda _: _csv(_ROWS) + _LINE.replace(b"3,0,", b"3,999999999,")),
    "CSV of pixels that are no numbers": _file("x.csv", lambda _: _csv(_ROWS) + _LINE.replace(b"3,0,", b"3,=1+1,")),
    "CSV in no encoding": _file("x.csv", lambda _: _csv(_ROWS) + b"\xff\xfe" + _LINE),
    "CSV that takes no room": _file("x.csv", lambda _: _csv(_ROWS) + bytes(2**27)),
    "CSV of digits without end": _file(
        "x.csv", lambda _: _csv(_ROWS) + _LINE.replace(b"3,0,", b"3," + b"1" * 900_000 + b",")
    ),
    "CSV of numbers with spaces": _file("x.csv", lambda _: _csv(_ROWS) + (b"3" + b", 1" * 64 + b"\n") * 100_000),
    "CSV of fractions": _file("x.csv", lambda _: _csv(_ROWS) + (b"3" + b",.5" * 64 + b"\n") * 150_000 + b"3"),
    "CSV of quoted labels": _file("x.csv", lambda _: _csv(_ROWS) + (b'"a,b"' + b",0" * 64 + b"\n") * 200_000 + b'"'),
    "CSV of zeros": _file("x.csv", lambda _: bytes(2**24)),
}


def cases(seed: int) -> Iterator[tuple[str, Write]]:
    """Give such files changed at random, without end; each is refused with a sentence, or read properly.

    Args:
        seed: The same cases come from the same seed.

    Returns:
        What each case is, and what writes it and says which command is to read it.
    """
    return endless((_any_npz, _any_header, _any_csv, _any_parquet, _any_mat), seed)


def _any_npz(rng: random.Random, number: int) -> tuple[str, Write]:
    body = byte_mutations.bytes_of(rng, _honest())
    return f"{number}: npz changed", _file("x.npz", lambda _: body)


def _any_header(rng: random.Random, number: int) -> tuple[str, Write]:
    """Give a zip that is whole, of arrays whose headers claim anything."""
    descr = rng.choice(("|u1", "|b1", "<f4", ">f8", "<f2", "<i8", "|O", "<U5", "|S9", "|V3", "<c8", "<f16", "|u9", "x"))
    sizes = [rng.choice((0, 1, 3, 8, 24, 64, 10**6, 10**12, -1)) for _ in range(rng.randrange(6))]
    shape = rng.choice((f"({', '.join(map(str, sizes))},)", str(sizes), "(True, 8, 8)", "(24, 8, 8.0)", "__import__"))
    data = rng.randbytes(rng.choice((0, 100, 24 * 64, 24 * 64 * 4)))
    image = _array(descr, shape, data, rng.choice(("False", "True", "2", "[]")))
    if rng.random() < 0.3:
        image = byte_mutations.bytes_of(rng, image, 2)
    body = _zip({"x_train.npy": image, "y_train.npy": _array("|u1", "(24,)", bytes(range(3)) * 8)})
    return f"{number}: npz of {descr} {shape}"[:80], _file("x.npz", lambda _: body)


def _any_csv(rng: random.Random, number: int) -> tuple[str, Write]:
    text = _csv(_ROWS, header=rng.random() < 0.5).decode()
    if rng.random() < 0.1:
        text *= 3000
    body = byte_mutations.text_of(rng, text)
    return f"{number}: CSV changed", _file("x.csv", lambda _: body)


def _any_parquet(rng: random.Random, number: int) -> tuple[str, Write]:
    body = byte_mutations.bytes_of(rng, _parquet({"image": _cells(), "label": _LABEL}))
    return f"{number}: parquet changed", _file("x.parquet", lambda _: body)


def _any_mat(rng: random.Random, number: int) -> tuple[str, Write]:
    body = byte_mutations.bytes_of(rng, _mat(packed=rng.random() < 0.5))
    return f"{number}: mat changed", _file("x.mat", lambda _: body)
