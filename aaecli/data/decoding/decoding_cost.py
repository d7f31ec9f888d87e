"""Which picture files are sure to be decoded in little time and memory, by what their first bytes and chunks claim.

All others are decoded too, but by a process that can be ended (``decoder_process``): what a decoder does with a file
made to keep it busy cannot be foretold. The limits were measured: the worst that passes them, a PNG of 40 megapixels
with transparency, takes 1.4 CPU seconds and 600 MB.
"""

from __future__ import annotations

import struct

_SMALL_BYTES = 2**16
"""Up to so many bytes, and so many pixels, every format below is quick, however it was made."""
_SMALL_PIXELS = 2**20
_QUICK = frozenset(["PNG", "JPEG", "GIF", "WebP", "BMP", "PNM"])
_MOST_SCANS = 1_000_000_000
"""Pixels times scans of a JPEG: each scan of a progressive one goes over the whole picture, 0.6 ns a pixel and more."""
_MOST_PROGRESSIVE = 40_000_000
"""Pixels of a JPEG of several scans: it is kept whole while it is decoded, six bytes a pixel."""
_MOST_CHUNKS = 20_000
"""Chunks of a PNG, of which each takes microseconds: 64 MiB in the usual ones of 8 KiB are half of that."""
_MOST_ASIDE = 2**22
"""Bytes of a PNG that are not pixels."""
_MOST_SEGMENTS = 512
"""Segments of a JPEG before its pixels; a colour profile or a thumbnail takes a few dozen at most."""


def may_be_opened(kind: str, data: bytes) -> bool:
    """Tell whether the header of a picture can be read in little time, whatever it says.

    Args:
        kind: Its format, by the names in ``aaecli.data.decoding.decoders``.
        data: The bytes of the file.
    """
    if kind not in _QUICK:
        return False
    if len(data) <= _SMALL_BYTES:
        return True
    return (kind == "PNG" and _has_few_chunks(data)) or (kind == "JPEG" and _has_few_segments(data))


def may_be_decoded(kind: str, data: bytes, size: tuple[int, int]) -> bool:
    """Tell whether a picture whose header was read can be decoded in little time and memory.

    Args:
        kind: Its format.
        data: The bytes of the file; ``may_be_opened`` held for them.
        size: Its width and height in pixels, within what is decoded at all.
    """
    num_pixels = size[0] * size[1]
    if kind == "JPEG":
        # No fewer than there are: these two bytes cannot stand among the pixels.
        num_scans = data.count(b"\xff\xda")
        return num_scans <= 1 or (num_pixels <= _MOST_PROGRESSIVE and num_pixels * num_scans <= _MOST_SCANS)
    return kind == "PNG" or num_pixels <= _SMALL_PIXELS


def _has_few_chunks(data: bytes) -> bool:
    offset, aside = 8, 0
    for _ in range(_MOST_CHUNKS):
        if offset + 8 > len(data):
            return True
        size, kind = struct.unpack_from(">I4s", data, offset)
        aside += 0 if kind == b"IDAT" else size
        if aside > _MOST_ASIDE:
            return False
        offset += size + 12
    return False


def _has_few_segments(data: bytes) -> bool:
    offset = 2
    for _ in range(_MOST_SEGMENTS):
        if offset + 4 > len(data) or data[offset] != 0xFF:
            return False
        if data[offset + 1] == 0xDA:
            return True
        offset += 2 + int.from_bytes(data[offset + 2 : offset + 4], "big")
    return False
