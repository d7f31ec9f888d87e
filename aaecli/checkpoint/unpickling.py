"""A pickle reader for the plain values and tensors of ``torch.save``, and nothing else.

Python's own reader calls what a file names, and builds whatever a file describes: tuples nested until hashing one
overflows the stack, tables that hold one another until walking them never ends. This one supports the 30 operations
of plain values, calls nothing, and builds a tree: no value is part of two others, except texts and small tuples.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, ClassVar, NamedTuple

_MAX_OPERATIONS = 250_000
_MAX_TEXT = 4096
_MAX_DEPTH = 32
_MAX_SHARED = 16
_MAX_DIMS = 16
_KINDS = ("Float", "Double", "Half", "BFloat16", "Long", "Int", "Short", "Char", "Byte", "Bool")
_ORDERED, _REBUILD = "collections OrderedDict", "torch._utils _rebuild_tensor_v2"
_GLOBALS = {_ORDERED, _REBUILD, *(f"torch {kind}Storage" for kind in _KINDS)}
_OBJECTS = b"io\x81\x92\x93\x82\x83\x84"
_MARK = object()


class _Global(str):
    """The name of something in a library."""

    __slots__ = ()


class _Storage(NamedTuple):
    kind: str
    key: str
    size: int


class Described(NamedTuple):
    """A tensor whose numbers have not been read.

    Attributes:
        kind: Type of its numbers, as torch names storages: ``Float``, ``Long``…
        key: The part of the archive that holds them, below ``data/``.
        size: How many there are in that part.
        offset: Of the first of them.
        shape: Sizes.
        stride: Steps from one to the next in each dimension, 0 or more.
    """

    kind: str
    key: str
    size: int
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


def unpickle(data: bytes | bytearray) -> object:
    """Read a pickle of protocol 2.

    Returns:
        Tables (with texts or whole numbers as keys), lists, tuples, texts, numbers, None, and ``Described`` tensors.

    Raises:
        ValueError: It describes anything else, or more than any checkpoint; the message is a clause with the reason.
    """
    try:
        value = _Reader(bytes(data)).run()
    except (struct.error, IndexError, KeyError, TypeError, AttributeError, UnicodeError) as error:
        raise ValueError("its description is damaged") from error
    _check_depth(value)
    return value


def _check_depth(value: object) -> None:
    pending = [(value, 0)]
    while pending:
        value, depth = pending.pop()
        if depth > _MAX_DEPTH:
            raise ValueError("its tables are nested deeper than those of any checkpoint")
        if isinstance(value, dict):
            pending.extend((inner, depth + 1) for inner in value.values())
        elif isinstance(value, list) or type(value) is tuple:
            pending.extend((inner, depth + 1) for inner in value)
        elif isinstance(value, _Global | _Storage):
            raise ValueError("its description is damaged")


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._position = 0
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}

    def run(self) -> object:
        if self._take(2) != b"\x80\x02":
            raise ValueError("its description is not written as torch writes it")
        for _ in range(_MAX_OPERATIONS):
            operation = self._take(1)
            if operation == b".":
                value = self._pop()
                if self._stack or self._position != len(self._data):
                    raise IndexError
                return value
            act = self._ACTS.get(operation)
            if act is None:
                if operation in _OBJECTS:
                    raise ValueError("it holds objects, which could run code when loaded")
                raise IndexError
            act(self)
        raise ValueError("its description is longer than that of any checkpoint")

    def _take(self, count: int) -> bytes:
        part = self._data[self._position : self._position + count]
        if len(part) < count:
            raise IndexError
        self._position += count
        return part

    def _whole(self, count: int, *, signed: bool = False) -> int:
        return int.from_bytes(self._take(count), "little", signed=signed)

    def _pop(self) -> Any:
        value = self._stack.pop()
        if value is _MARK:
            raise IndexError
        return value

    def _pop_to_mark(self) -> list[Any]:
        start = len(self._stack) - 1
        while self._stack[start] is not _MARK:
            start -= 1
            if start < 0:
                raise IndexError
        items = self._stack[start + 1 :]
        del self._stack[start:]
        return items

    def _line(self) -> str:
        end = self._data.index(b"\n", self._position, self._position + 200)
        line = self._data[self._position : end].decode()
        self._position = end + 1
        return line

    def _global(self) -> None:
        try:
            name = f"{self._line()} {self._line()}"
        except ValueError as error:
            raise IndexError from error
        if name not in _GLOBALS:
            raise ValueError(f"it holds {name[:80].replace(' ', '.')!r}, which could run code when loaded")
        self._stack.append(_Global(name))

    def _text(self) -> None:
        length = self._whole(4)
        if length > _MAX_TEXT:
            raise ValueError("it holds a text longer than any checkpoint has")
        # As Python writes names of files that are no UTF-8.
        self._stack.append(self._take(length).decode("utf-8", "surrogatepass"))

    def _long(self) -> None:
        length = self._whole(1)
        if length > 8:
            raise ValueError("it holds a number of more digits than any checkpoint has")
        self._stack.append(self._whole(length, signed=True))

    def _tuple_of(self, count: int) -> None:
        items = [self._pop() for _ in range(count)]
        self._stack.append(tuple(reversed(items)))

    def _put(self, number: int) -> None:
        value = self._stack[-1]
        if value is _MARK:
            raise IndexError
        self._memo[number] = value

    def _get(self, number: int) -> None:
        value = self._memo[number]
        is_small = type(value) is tuple and len(value) <= _MAX_SHARED
        if not isinstance(value, str) and not (
            is_small and all(item is None or type(item) in (str, int, float, bool) for item in value)
        ):
            raise ValueError("a value in it is part of two others")
        self._stack.append(value)

    def _append(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not list:
            raise TypeError
        target.extend(items)

    def _set(self, items: list[Any]) -> None:
        target = self._stack[-1]
        if type(target) is not dict or len(items) % 2:
            raise TypeError
        for key, value in zip(items[::2], items[1::2], strict=True):
            if type(key) not in (str, int):
                raise ValueError("a key in it is neither a name nor a number")
            target[key] = value

    def _pair(self) -> list[Any]:
        value, key = self._pop(), self._pop()
        return [key, value]

    def _parts(self, count: int) -> tuple[Any, ...]:
        value = self._pop()
        if type(value) is not tuple or len(value) != count:
            raise TypeError
        return value

    def _persistent(self) -> None:
        what, kind, key, _, size = self._parts(5)
        if what != "storage" or type(kind) is not _Global or not kind.endswith("Storage"):
            raise TypeError
        if type(key) is not str or not key.isascii() or not key.isdigit() or type(size) is not int or size < 0:
            raise TypeError
        self._stack.append(_Storage(kind.removeprefix("torch ").removesuffix("Storage"), key, size))

    def _reduce(self) -> None:
        called = self._stack[-2]
        if type(called) is not _Global:
            raise TypeError
        if called == _ORDERED:
            self._parts(0)
            self._stack[-1] = {}
            return
        storage, offset, shape, stride, _, _ = self._parts(6)
        self._stack.pop()
        if called != _REBUILD or type(storage) is not _Storage:
            raise TypeError
        self._stack.append(_described(storage, offset, shape, stride))

    def _build(self) -> None:
        # What a table of weights says of its layout; the weights themselves say as much.
        if type(self._pop()) is not dict or type(self._stack[-1]) is not dict:
            raise TypeError

    _ACTS: ClassVar[dict[bytes, Callable[[_Reader], None]]] = {
        b"}": lambda self: self._stack.append({}),
        b"]": lambda self: self._stack.append([]),
        b")": lambda self: self._stack.append(()),
        b"(": lambda self: self._stack.append(_MARK),
        b"N": lambda self: self._stack.append(None),
        b"\x88": lambda self: self._stack.append(True),
        b"\x89": lambda self: self._stack.append(False),
        b"K": lambda self: self._stack.append(self._whole(1)),
        b"M": lambda self: self._stack.append(self._whole(2)),
        b"J": lambda self: self._stack.append(self._whole(4, signed=True)),
        b"\x8a": _long,
        b"G": lambda self: self._stack.append(struct.unpack(">d", self._take(8))[0]),
        b"X": _text,
        b"c": _global,
        b"q": lambda self: self._put(self._whole(1)),
        b"r": lambda self: self._put(self._whole(4)),
        b"h": lambda self: self._get(self._whole(1)),
        b"j": lambda self: self._get(self._whole(4)),
        b"\x85": lambda self: self._tuple_of(1),
        b"\x86": lambda self: self._tuple_of(2),
        b"\x87": lambda self: self._tuple_of(3),
        b"t": lambda self: self._stack.append(tuple(self._pop_to_mark())),
        b"a": lambda self: self._append([self._pop()]),
        b"e": lambda self: self._append(self._pop_to_mark()),
        b"s": lambda self: self._set(self._pair()),
        b"u": lambda self: self._set(self._pop_to_mark()),
        b"Q": _persistent,
        b"R": _reduce,
        b"b": _build,
    }


def _described(storage: _Storage, offset: Any, shape: Any, stride: Any) -> Described:
    """Check the form of a tensor: it stays inside its storage, and its elements do not overlap."""
    if type(shape) is not tuple or type(stride) is not tuple or not len(shape) == len(stride) <= _MAX_DIMS:
        raise TypeError
    if any(type(number) is not int or number < 0 for number in (offset, *shape, *stride)):
        raise TypeError
    count = 1
    last = offset
    for size, step in zip(shape, stride, strict=True):
        count *= size
        last += max(size - 1, 0) * step
    if count > storage.size or (count and last >= storage.size):
        raise ValueError("a tensor in it claims more numbers than it holds")
    return Described(storage.kind, storage.key, storage.size, offset, shape, stride)
