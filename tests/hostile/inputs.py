"""Data sets, settings, lists and pictures that a stranger might send."""

from __future__ import annotations

import gzip
import io
import random
import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from tests.conftest import idx_bytes, write_idx
from tests.data import stubborn
from tests.hostile import byte_mutations, graphs
from tests.hostile.checkpoints import Write
from tests.hostile.endless import endless


def _data_set(name: str, body: Callable[[bytes], bytes]) -> Write:
    """Write a data set with one file changed, and inspect it."""

    def write(folder: Path, canary: Path) -> list[str]:
        write_idx(folder / "set", range(3), 5, (8, 8))
        path = folder / "set" / name
        path.write_bytes(body(path.read_bytes()))
        return ["data", "--data", "set"]

    return write


def _images(body: Callable[[bytes], bytes]) -> Write:
    return _data_set("train-images-idx3-ubyte", body)


def _boast(*sizes: int) -> bytes:
    return bytes((0, 0, 8, len(sizes))) + b"".join(size.to_bytes(4, "big") for size in sizes)


def _gzip_of_zeros(head: bytes, size: int) -> bytes:
    return gzip.compress(head) + gzip.compress(bytes(2**20), 9) * (size // 2**20)


def _settings(text: str) -> Write:
    def write(folder: Path, canary: Path) -> list[str]:
        (folder / "mine.toml").write_text(text)
        return ["train", "--config", "mine.toml"]

    return write


def _picture(name: str, body: Callable[[], bytes]) -> Write:
    """Write a picture beside an honest model that is to read it."""

    def write(folder: Path, canary: Path) -> list[str]:
        (folder / "encoder.onnx").write_bytes(graphs.honest().SerializeToString())
        (folder / name).write_bytes(body())
        return ["classify", name, "--model", "encoder.onnx"]

    return write


def _listed(body: bytes, size: int = 0) -> Write:
    def write(folder: Path, canary: Path) -> list[str]:
        (folder / "encoder.onnx").write_bytes(graphs.honest().SerializeToString())
        with (folder / "list.txt").open("wb") as file:
            file.write(body)
            if size:
                file.truncate(size)
        return ["classify", "--files-from", "list.txt", "--model", "encoder.onnx"]

    return write


def _labelled(body: bytes) -> Write:
    def write(folder: Path, canary: Path) -> list[str]:
        (folder / "mine").mkdir()
        for number in range(4):
            Image.new("L", (28, 28), number * 60).save(folder / "mine" / f"{number}.png")
        (folder / "mine" / "labels.csv").write_bytes(body)
        return ["data", "--data", "mine"]

    return write


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def _png(width: int, height: int, *chunks: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", header) + b"".join(chunks) + _chunk(b"IEND", b"")


def _text_bomb() -> bytes:
    text = zlib.compress(bytes(2**28), 9)
    return _png(28, 28, _chunk(b"zTXt", b"Comment\0\0" + text), _chunk(b"IDAT", zlib.compress(bytes(29 * 28))))


def _tiff_of(width: int, height: int) -> bytes:
    tags = ((256, 4, width), (257, 4, height), (258, 3, 8), (259, 3, 1), (262, 3, 1), (273, 4, 8), (277, 3, 1),
            (278, 4, height), (279, 4, width * height % 2**32))  # fmt: skip
    entries = b"".join(struct.pack("<HHII", tag, kind, 1, value) for tag, kind, value in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def _gif_of(width: int, height: int) -> bytes:
    return (
        b"GIF89a" + struct.pack("<HHBBB", width, height, 0, 0, 0) + b",\0\0\0\0" + struct.pack("<HHB", width, height, 0)
    )


def _cut_jpeg() -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64), np.uint8)).save(buffer, "JPEG")
    return buffer.getvalue()[:200]


PICTURES: dict[str, tuple[str, Callable[[], bytes]]] = {
    "PNG of a billion pixels": ("x.png", lambda: _png(2**31 - 1, 2**31 - 1, _chunk(b"IDAT", b"x"))),
    "PNG that expands": ("x.png", lambda: _png(30_000, 30_000, _chunk(b"IDAT", zlib.compress(bytes(2**26), 9)))),
    "PNG with a text that expands": ("x.png", _text_bomb),
    "TIFF of a billion pixels": ("x.tif", lambda: _tiff_of(2**31, 2**31)),
    "GIF of four billion pixels": ("x.gif", lambda: _gif_of(65535, 65535)),
    "JPEG cut short": ("x.jpg", _cut_jpeg),
    "PostScript in the place of a picture": ("x.png", lambda: b"%!PS-Adobe-3.0 EPSF-3.0\n(canary) (w) file\n"),
    "SVG in the place of a picture": ("x.png", lambda: b"<svg xmlns='http://www.w3.org/2000/svg'/>"),
}
"""Picture files that a decoder should not go to the end of, each with a name."""

KINDS: dict[str, Write] = {
    "gzip bomb": _images(lambda body: _gzip_of_zeros(body[:16], 2**30)),
    "gzip bomb that says so": _images(lambda body: _gzip_of_zeros(_boast(1_000_000, 28, 28), 748 * 2**20)),
    "images beyond all memory": _images(lambda body: _boast(2**32 - 1, 2**32 - 1, 2**32 - 1)),
    "images of no pixels": _images(lambda body: _boast(15, 0, 0)),
    "labels in the place of images": _images(lambda body: idx_bytes(np.zeros(15))),
    "images of floats": _images(lambda body: b"\0\0\x0d\x03" + body[4:]),
    "images cut short": _images(lambda body: body[:-1]),
    "images with more behind them": _images(lambda body: body + b"\0"),
    "gzip cut short": _images(lambda body: gzip.compress(body)[:-9]),
    "gzip of another checksum": _images(lambda body: gzip.compress(body)[:-8] + bytes(8)),
    "gzip within gzip": _images(lambda body: gzip.compress(gzip.compress(body))),
    "fewer labels than images": _data_set("train-labels-idx1-ubyte", lambda body: idx_bytes(np.arange(4))),
    "a label that no image has": _data_set("t10k-labels-idx1-ubyte", lambda body: idx_bytes(np.full(6, 9))),
    "setting that there is not": _settings("[optimiser]\nlearning_rate = 1\n"),
    "setting of another type": _settings("seed = 'one'\n"),
    "setting that is a date": _settings("seed = 1979-05-27\n"),
    "setting of thousands of digits": _settings("seed = " + "9" * 4000),
    "setting of more digits than Python reads": _settings("seed = " + "9" * 9000),
    "setting that is not a number": _settings("[optimiser]\nlr = nan\n"),
    "setting that is infinite": _settings("[optimiser]\nlr = inf\n"),
    "setting of endless steps": _settings(f"[schedule]\nsteps = {10**300}\n"),
    "setting of endless images a step": _settings(f"[schedule]\nbatch_size = {10**15}\n"),
    "settings nested without end": _settings("a = " + "[" * 30_000),
    "settings of dots": _settings("a." * 20_000 + "a = 1"),
    "settings of megabytes": _settings("# " + "x" * 2**20),
    "settings that ask for layers of terabytes": _settings(
        'network.encoder = "mlp"\n[network.encoder_options]\nhidden = [4000000000, 4000000000]\n'
    ),
    "settings that are no text": _settings("seed = '\x00'"),
    **{name: _picture(*made) for name, made in PICTURES.items()},
    "list of one endless name": _listed(b"", 2**40),
    "list of names that are no files": _listed(b"/dev/zero\n/proc/self/mem\n../../../etc/passwd\n"),
    "labels for pictures outside": _labelled(b"path,label\n../../secret.png,3\n"),
    "labels at an absolute path": _labelled(b"path,label\n/etc/passwd,3\n"),
    "labels without their column": _labelled(b"picture,height,width\n0.png,3,4\n"),
    "labels in no encoding": _labelled(b"path,label\n\xff\xfe,3\n"),
    "labels in one endless field": _labelled(b'path,label\n"' + b"x" * 2**20),
}


_FORMS = ("PNG", "JPEG", "GIF", "WEBP", "TIFF", "BMP", "PPM", "AVIF", "JPEG2000", "ICO")
_LABELS = "path,label\n0.png,3\n1.png,3\n2.png,7\n3.png,7\n"
_LIST = "0.png\nabsent.png\n./0.png\n/etc/passwd\n"
_SETTINGS = 'model = "aae"\nseed = 3\n\n[schedule]\nsteps = 100\nbatch_size = 64\n\n[optimiser]\nlr = 0.001\n'


def cases(seed: int) -> Iterator[tuple[str, Write]]:
    """Give inputs changed at random, without end; each is answered with a sentence, or properly.

    Args:
        seed: The same cases come from the same seed.

    Returns:
        What each case is, and what writes it and says which command is to read it.
    """
    return endless(
        (_any_picture, _any_picture, _any_stubborn, _any_images, _any_labels, _any_list, _any_settings), seed
    )


def any_picture(rng: random.Random) -> tuple[str, bytes]:
    """Give a picture file that was changed in a few places, with what it was."""
    form = rng.choice(_FORMS)
    side = rng.choice((1, 8, 28, 200))
    pages = rng.choice((1, 1, 1, 5)) if form in ("GIF", "TIFF", "WEBP") else 1
    image = Image.frombytes("RGB", (side, side), rng.randbytes(3 * side * side))
    image = image.convert(rng.choice(("RGB", "L"))) if form != "GIF" else image.quantize(16)
    options = {"save_all": True, "append_images": [image] * (pages - 1)} if pages > 1 else {}
    if form == "JPEG" and rng.random() < 0.5:
        options["progressive"] = True
    if form == "TIFF":
        options["compression"] = rng.choice((None, "tiff_lzw", "tiff_deflate", "jpeg", "packbits", "zstd", "lzma"))
    return f"{form} changed", byte_mutations.bytes_of(rng, stubborn.file_of(image, form, **options))


def any_stubborn(rng: random.Random) -> tuple[str, Callable[[], bytes]]:
    """Give a picture made to keep a decoder busy, sometimes changed in a few bytes."""
    made = stubborn.SLOW | stubborn.LARGE | stubborn.BROKEN
    name = rng.choice(list(made))
    if rng.random() < 0.3:
        return name, made[name]

    def body() -> bytes:
        data = made[name]()
        # The tail as it is: these are large.
        return byte_mutations.bytes_of(rng, data[:2000], 2) + data[2000:]

    return f"{name}, changed", body


def _any_picture(rng: random.Random, number: int) -> tuple[str, Write]:
    name, body = any_picture(rng)
    return f"{number}: {name}", _picture("x.bin", lambda: body)


def _any_stubborn(rng: random.Random, number: int) -> tuple[str, Write]:
    name, body = any_stubborn(rng)
    return f"{number}: {name}", _picture("x.bin", body)


def _any_images(rng: random.Random, number: int) -> tuple[str, Write]:
    name = rng.choice(
        ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
    )

    def changed(body: bytes) -> bytes:
        kind = rng.randrange(4)
        if kind == 0:
            return gzip.compress(byte_mutations.bytes_of(rng, body))
        if kind == 1:
            return byte_mutations.bytes_of(rng, gzip.compress(body))
        if kind == 2:
            return gzip.compress(b"") * rng.choice((2, 20_000, 500_000)) + gzip.compress(body)
        return byte_mutations.bytes_of(rng, body)

    return f"{number}: {name} changed", _data_set(name, changed)


def _any_labels(rng: random.Random, number: int) -> tuple[str, Write]:
    text = _LABELS if rng.random() < 0.8 else "a,\n" * rng.choice((10, 100_000, 3_000_000))
    return f"{number}: labels.csv changed", _labelled(byte_mutations.text_of(rng, text))


def _any_list(rng: random.Random, number: int) -> tuple[str, Write]:
    text = _LIST if rng.random() < 0.8 else "a\n" * rng.choice((10, 100_000, 3_000_000))
    return f"{number}: list changed", _listed(byte_mutations.text_of(rng, text))


def _any_settings(rng: random.Random, number: int) -> tuple[str, Write]:
    body = byte_mutations.text_of(rng, _SETTINGS)

    def write(folder: Path, canary: Path) -> list[str]:
        (folder / "mine.toml").write_bytes(body)
        return ["train", "--config", "mine.toml", "--print-config"]

    return f"{number}: settings changed", write
