"""Bytes, texts and tables changed at random, each by a seed."""

from __future__ import annotations

import random

_NUMBERS = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFFFFFF, 0xFFFFFFFF)
_WORDS = (
    *("", " ", "\0", "\ufeff", "\u202e", "\x1b[31m", "'", '"', ",", ";", "\t", "\r", "=1+1", "-", "..", "/", "\\", "~"),
    *("x" * 5000, "é", "漢", "nan", "inf", "-1", "1e999", "9" * 400, "true", "[", "{", "]]", "#", "[/b]", "${HOME}"),
)


def bytes_of(rng: random.Random, body: bytes, most: int = 8) -> bytes:
    """Change, cut, double, swap and fill parts of some bytes."""
    data = bytearray(body)
    for _ in range(rng.randint(1, most)):
        # Half of the changes hit the head, where sizes and offsets are.
        reach = min(len(data), 64) if rng.random() < 0.5 else len(data)
        place, size = rng.randrange(max(1, reach)), rng.choice((1, 2, 4, 8, 100, 4000))
        kind = rng.randrange(7)
        if kind == 0:
            data[place : place + 1] = rng.randbytes(1)
        elif kind == 1:
            width = rng.choice((1, 2, 4))
            number = rng.choice(_NUMBERS) % 256**width
            data[place : place + width] = number.to_bytes(width, rng.choice(("big", "little")))
        elif kind == 2:
            del data[place : place + size]
        elif kind == 3:
            data[place:place] = data[place : place + size] * rng.choice((1, 2, 200))
        elif kind == 4:
            other = rng.randrange(max(1, len(data)))
            data[place : place + size] = data[other : other + size]
        elif kind == 5:
            data[place : place + size] = rng.choice((b"\0", b"\xff", b" ", b"\n")) * size
        elif rng.random() < 0.3:
            del data[place:]
    return bytes(data[: 2**22])


def text_of(rng: random.Random, text: str) -> bytes:
    """Put odd words into a text, double and drop lines, and encode it in one way or another."""
    lines = text.splitlines()
    for _ in range(rng.randint(1, 6)):
        place = rng.randrange(len(lines) + 1)
        kind = rng.randrange(5)
        if kind == 0:
            lines.insert(place, rng.choice(_WORDS))
        elif kind == 1 and place < len(lines):
            lines[place:place] = [lines[place]] * rng.choice((1, 3, 2000))
        elif kind == 2:
            del lines[place : place + 1]
        elif place < len(lines):
            column = rng.randrange(len(lines[place]) + 1)
            lines[place] = lines[place][:column] + rng.choice(_WORDS) + lines[place][column:]
    ending = rng.choice(("\n", "\n", "\r\n", "\r", "\0"))
    encoding = rng.choice(("utf-8", "utf-8", "utf-8-sig", "utf-16", "utf-16-le", "latin-1"))
    body = ending.join(lines).encode(encoding, "replace")
    return bytes_of(rng, body, 3) if rng.random() < 0.3 else body
