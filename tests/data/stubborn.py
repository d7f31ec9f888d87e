"""Pictures that were made to keep a decoder busy, to make it take memory, or to make it fail in an odd way."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image


def file_of(image: Image.Image, form: str, **options: Any) -> bytes:
    """Give the bytes of a picture file."""
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """Give a chunk of a PNG."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(width: int, height: int, *chunks: bytes) -> bytes:
    """Give a grey PNG of the given chunks."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + b"".join(chunks) + chunk(b"IEND", b"")


def _png_of_chunks(kind: bytes, count: int) -> bytes:
    return png(28, 28, *[chunk(kind, b"")] * count, chunk(b"IDAT", zlib.compress(bytes(29 * 28))))


def run_length_bmp(width: int, height: int, body: bytes) -> bytes:
    """Give a BMP of run lengths."""
    header = struct.pack("<IiiHHIIiiII", 40, width, height, 1, 8, 1, len(body), 0, 0, 256, 0)
    start = 14 + len(header) + 1024
    return b"BM" + struct.pack("<IHHI", start + len(body), 0, 0, start) + header + bytes(range(256)) * 4 + body


def jpeg_of_scans(side: int, count: int) -> bytes:
    """Give a progressive JPEG whose last scan comes many times."""
    data = file_of(Image.new("L", (side, side), 99), "JPEG", progressive=True)
    last = data.rfind(b"\xff\xda")
    return data[:last] + data[last:-2] * count + b"\xff\xd9"


def gif(size: tuple[int, int], *blocks: bytes) -> bytes:
    """Give a GIF of the given blocks."""
    return b"GIF89a" + struct.pack("<HHBBB", *size, 0, 0, 0) + b"".join(blocks) + b";"


def gif_frame(width: int, height: int) -> bytes:
    """Give a frame of a GIF, with the pixels of one of four by four."""
    return b",\0\0\0\0" + struct.pack("<HHB", width, height, 0) + b"\2\2\4\1\0"


def tiff_of_tags(count: int, size: int) -> bytes:
    """Give a TIFF whose tags all hold the same many bytes."""
    tags = b"".join(struct.pack("<HHII", 1000 + number, 1, size, 8) for number in range(count))
    return b"II*\0" + struct.pack("<IH", 8, count) + tags + bytes(4 + size)


SLOW: dict[str, Callable[[], bytes]] = {
    "PGM of an odd maximum": lambda: b"P5 2000 1000 254\n" + bytes(2_000_000),
    "PPM of ten bits": lambda: b"P6 1000 500 1023\n" + bytes(3_000_000),
    "PPM in plain text": lambda: b"P3 1000 1000 255\n" + b"1 " * 3_000_000,
    "BMP run by run": lambda: run_length_bmp(2000, 1000, b"\x01\x05" * 2_000_000),
    "JPEG of thousands of scans": lambda: jpeg_of_scans(2000, 5000),
    "JPEG of many segments": lambda: b"\xff\xd8" + b"\xff\xfe\0\2" * 800_000,
    "JPEG of nothing but the start of a marker": lambda: b"\xff\xd8" + b"\xff" * 6_000_000,
    "PNG of many chunks": lambda: _png_of_chunks(b"teXt", 300_000),
    "PNG of many empty parts": lambda: _png_of_chunks(b"IDAT", 300_000),
    "GIF of many comments": lambda: gif((8, 8), b"!\xfe\1a\0" * 400_000, gif_frame(8, 8)),
    "GIF of many frames": lambda: gif((8, 8), gif_frame(8, 8) * 60_000),
}
"""Each takes Pillow's decoder half a CPU second or more; ten or a hundred times as large, a minute."""
LARGE: dict[str, Callable[[], bytes]] = {
    "BMP that skips": lambda: run_length_bmp(4_000_000, 1, b"\0\2\xff\xff" * 100),
    "ICO of a billion pixels": lambda: (
        b"\0\0\1\0\1\0" + struct.pack("<BBBBHHII", 0, 0, 0, 0, 1, 32, 1000, 22) + png(2**15, 2**15, chunk(b"IDAT", b""))
    ),
    "TIFF of large tags": lambda: tiff_of_tags(2**13, 2**23),
    "progressive JPEG of fifty megapixels": lambda: file_of(Image.new("RGB", (7000, 7000)), "JPEG", progressive=True),
    "JPEG 2000 of four megapixels": lambda: file_of(Image.new("L", (2000, 2000)), "JPEG2000"),
}
"""Each asks for much memory."""
BROKEN: dict[str, Callable[[], bytes]] = {
    "GIF of a frame beyond all bounds": lambda: gif((1, 1), gif_frame(65535, 65535)),
    "GIF of a second frame beyond all bounds": lambda: gif((8, 8), gif_frame(8, 8), gif_frame(65535, 65535)),
    "GIF of 23 bytes": lambda: gif((65535, 65535), gif_frame(65535, 65535))[:23],
    "ICO of nothing": lambda: b"\0\0\1\0\0\0",
    "WebP of nothing": lambda: b"RIFF" + struct.pack("<I", 2**20) + b"WEBP" + bytes(2**20),
    "AVIF of nothing": lambda: b"\0\0\0\x20ftypavif" + bytes(2**20),
    "JPEG 2000 of nothing": lambda: b"\xff\x4f\xff\x51" + bytes(2**16),
    "TIFF within itself": lambda: b"II*\0" + struct.pack("<IH", 8, 0) + struct.pack("<I", 8),
}
"""Each has made some decoder raise something that is no OSError, or given it nothing to go by."""


def honest() -> dict[str, bytes]:
    """Give pictures as cameras, scanners and programs write them, small and large."""
    rng = np.random.default_rng(0)
    noise = Image.fromarray(rng.integers(0, 256, (1500, 1200, 3), np.uint8))
    small = noise.crop((0, 0, 64, 48))
    return {
        "small PNG": file_of(small, "PNG"),
        "small GIF": file_of(small.quantize(16), "GIF"),
        "small JPEG": file_of(small, "JPEG"),
        "small progressive JPEG": file_of(small, "JPEG", progressive=True),
        "small WebP": file_of(small, "WEBP"),
        "small BMP": file_of(small, "BMP"),
        "small PPM": file_of(small, "PPM"),
        "large PNG": file_of(noise, "PNG", compress_level=0),
        "large JPEG": file_of(noise, "JPEG"),
        "JPEG with a thumbnail and a profile": file_of(
            noise, "JPEG", exif=b"Exif\0\0" + bytes(60_000), icc_profile=bytes(300_000)
        ),
        "large progressive JPEG": file_of(noise, "JPEG", progressive=True),
        "flat JPEG of twelve megapixels": file_of(Image.new("RGB", (4000, 3000)), "JPEG"),
    }
