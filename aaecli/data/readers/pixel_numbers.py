"""Lines of numbers in a CSV file, parsed many at a time: Python takes ten times as long for them one by one.

Whole numbers take the least. Fractions, exponents, quotes around cells and labels that are texts take a little more.
Whatever looks otherwise in any way is left to be read cell by cell, with its errors.
"""

from __future__ import annotations

import re
from functools import cache

import numpy as np
from numpy.typing import NDArray

_OTHER, _DIGIT, _POINT, _SIGN, _EXPONENT, _COMMA, _LINE = range(7)
_MOST_DIGITS = 9
"""Of numbers that are parsed together: each digit takes a turn, and with longer ones Python is as quick."""
_MOST_LETTERS = 40
_POWERS = 10.0 ** np.arange(_MOST_DIGITS + 1)


def parse_lines(block: bytes, num_columns: int, label: int | None) -> tuple[NDArray[np.float64], list[str]] | None:
    """Parse lines of numbers, of which one column may hold texts.

    Args:
        block: Lines, the last one ended as well.
        num_columns: Number of columns.
        label: The column of the labels, if there is one.

    Returns:
        float64 (N, columns), 0 in the labels' column, and the labels, none without such a column; None where there is
        anything else, which has to be looked at.
    """
    labels: list[str] = []
    if label is not None:
        taken = _take_labels(block, label)
        if taken is None:
            return None
        block, labels = taken
    if b'"' in block:
        bare = _unquoted(block)
        if bare is None:
            return None
        block = bare
    values = parse_whole_numbers(block, num_columns)
    found = _parse_numbers(block, num_columns) if values is None else values.astype(np.float64)
    return None if found is None else (found, labels)


def parse_whole_numbers(block: bytes, num_columns: int) -> NDArray[np.int32] | None:
    """Parse lines of whole numbers (N, columns); None where there is anything else, which has to be looked at."""
    data = np.frombuffer(block, np.uint8)
    digit = data - np.uint8(ord("0"))
    is_digit = digit <= 9
    ends = np.flatnonzero(~is_digit).astype(np.int32)
    is_last = data[ends] == ord("\n")
    if not (is_last | (data[ends] == ord(","))).all() or not _is_table(is_last, num_columns):
        return None
    width = np.diff(ends, prepend=np.int32(-1)) - 1
    if width.min() < 1 or width.max() > 9:
        return None
    values = digit[ends - 1].astype(np.int32)
    for power in range(1, int(width.max())):
        longer = np.flatnonzero(width > power)
        values[longer] += digit[ends[longer] - (1 + power)].astype(np.int32) * np.int32(10**power)
    return values.reshape(-1, num_columns)


def _is_table(is_last: NDArray[np.bool_], num_columns: int) -> bool:
    """Tell whether the last of every ``num_columns`` cells, and no other, ends a line."""
    whole = len(is_last) % num_columns == 0 and is_last.sum() * num_columns == len(is_last)
    return bool(whole and is_last[num_columns - 1 :: num_columns].all())


def _parse_numbers(block: bytes, num_columns: int) -> NDArray[np.float64] | None:
    """Parse lines of numbers such as ``-1``, ``0.5`` and ``1.25e-01``; None where there is anything else."""
    data = np.frombuffer(block, np.uint8)
    kind = _kinds()[data]
    is_end = kind >= _COMMA
    ends = np.flatnonzero(is_end)
    if not kind.all() or not _is_table(kind[ends] == _LINE, num_columns):
        return None
    if np.diff(ends, prepend=-1).max() > _MOST_LETTERS:
        return None
    is_plain = not (kind == _EXPONENT).any() and _signs_lead(kind, is_end)
    values = _decimals(data, kind, ends) if is_plain else None
    if values is None:
        try:
            values = np.fromiter(map(float, block[:-1].replace(b"\n", b",").split(b",")), np.float64, len(ends))
        except ValueError:
            return None
    return values.reshape(-1, num_columns) if np.isfinite(values).all() else None


def _decimals(data: NDArray[np.uint8], kind: NDArray[np.uint8], ends: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Parse numbers of a few digits without exponents; None where there are others."""
    points = np.flatnonzero(kind == _POINT)
    number = np.cumsum(kind >= _COMMA, dtype=np.int32)[points]
    kept = (kind == _DIGIT) | (kind >= _COMMA)
    digit = data[kept] - np.uint8(ord("0"))
    last = np.flatnonzero(kind[kept] >= _COMMA)
    width = np.diff(last, prepend=-1) - 1
    if (np.diff(number) == 0).any() or width.min() < 1 or width.max() > _MOST_DIGITS:
        return None
    values: NDArray[np.float64] = digit[last - 1].astype(np.float64)
    for power in range(1, int(width.max())):
        longer = np.flatnonzero(width > power)
        values[longer] += digit[last[longer] - (1 + power)] * 10.0**power
    # Both are exact, so the quotient is rounded once, as float() does.
    values[number] /= _POWERS[ends[number] - points - 1]
    values[np.searchsorted(ends, np.flatnonzero(data == ord("-")))] *= -1
    return values


@cache
def _kinds() -> NDArray[np.uint8]:
    """Give what each byte is in a number (256,)."""
    kinds = np.full(256, _OTHER, np.uint8)
    groups = {b"0123456789": _DIGIT, b".": _POINT, b"+-": _SIGN, b"eE": _EXPONENT, b",": _COMMA, b"\n": _LINE}
    for group, kind in groups.items():
        kinds[list(group)] = kind
    return kinds


def _signs_lead(kind: NDArray[np.uint8], is_end: NDArray[np.bool_]) -> bool:
    """Tell whether each sign is the first byte of its number."""
    signs = np.flatnonzero(kind == _SIGN)
    return bool((is_end[signs - 1] | (signs == 0)).all())


def _take_labels(block: bytes, label: int) -> tuple[bytes, list[str]] | None:
    """Take the labels out of lines, each of which gets a 0 in their place."""
    cell = rb'(?:"[^"\n]*"|[^",\n]*)'
    labelled = re.compile(rb"(?:%b,){%d}(%b)(?=[,\n])" % (cell, label, cell))
    parts: list[bytes] = []
    labels: list[str] = []
    start, last = 0, 0
    while start < len(block):
        found = labelled.match(block, start)
        if found is None:
            return None
        try:
            labels.append(found[1].strip(b'"').decode("utf-8-sig").strip())
        except UnicodeDecodeError:
            return None
        parts += [block[last : found.start(1)], b"0"]
        last = found.end(1)
        start = block.index(b"\n", last) + 1
    return b"".join([*parts, block[last:]]), labels


def _unquoted(block: bytes) -> bytes | None:
    """Take the quotes off, where each pair is around a whole cell."""
    data = np.frombuffer(block, np.uint8)
    is_between = (data == ord(",")) | (data == ord("\n"))
    quotes = np.flatnonzero(data == ord('"'))
    opening, closing = quotes[::2], quotes[1::2]
    if len(opening) != len(closing) or not (is_between[opening - 1] | (opening == 0)).all():
        return None
    if not is_between[closing + 1].all() or (np.searchsorted(quotes, np.flatnonzero(is_between)) % 2).any():
        return None
    return block.replace(b'"', b"")
