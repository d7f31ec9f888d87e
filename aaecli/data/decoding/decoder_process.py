"""A process that decodes pictures apart from this one: it can be ended when one takes too long or too much memory.

It is started when the first such picture comes, in a tenth of a second, and stays for those that follow. Its
answers are numbers and text in a fixed form, since a malicious file may have taken control of it.
"""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import signal
import struct
import subprocess
import sys
import threading
import warnings
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
from numpy.typing import NDArray

from aaecli.data.naming.files import shown
from aaecli.errors import AaeError

SECONDS = 3.5
"""CPU seconds that a picture may take."""
_WALL_SECONDS = 15.0
"""The same by the clock, where a process cannot be limited by its CPU seconds."""
_BYTES = 2**30 - 2**27
"""Memory that the process may have; what reads it has some as well."""
_REQUEST = struct.Struct("<dQI")
_ANSWER = struct.Struct("<cIIII")
_MAX_VALUES = 2**26
_START = """
import sys, json
sys.path[:] = json.loads(sys.argv[1])
from aaecli.data.decoding.decoder_process import serve
serve()
"""


def decode_apart(data: bytes, name: str) -> tuple[NDArray[np.uint8], int]:
    """Decode a picture in a process of its own.

    Returns:
        What ``aaecli.data.decoding.decoders.decode_here`` gives: uint8 (H, W) or (H, W, 3), and the number of pages.

    Raises:
        AaeError: As there, or it takes too long or too much memory.
    """
    with _lock:
        return _decode_apart(data, name)


def _decode_apart(data: bytes, name: str) -> tuple[NDArray[np.uint8], int]:
    global _decoder
    # A fork has the other's pipes: two readers of one answer.
    if _decoder is None or _decoder.owner != os.getpid():
        _decoder = _Decoder(name)
    try:
        return _decoder.decode(data, name)
    except (OSError, EOFError) as error:
        code = _decoder.end()
        _decoder = None
        raise _explain(name, code) from error


_decoder: _Decoder | None = None
_lock = threading.Lock()
"""There is one process, and one pair of pipes to it: threads take turns."""


class _Decoder:
    """One such process."""

    def __init__(self, name: str) -> None:
        self.owner = os.getpid()
        # The environment and the working folder may contain malicious modules: it uses the module path of this process.
        path = [entry for entry in sys.path if entry] + [str(Path(__file__).parents[3])]
        try:
            self._process = subprocess.Popen(  # noqa: S603 - this very interpreter
                [sys.executable, "-I", "-c", _START, json.dumps(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
            )
        except OSError as error:
            raise AaeError(
                f"{shown(name)} cannot be read: the process that decodes it does not start ({error.strerror}).",
                "Save it as a small PNG.",
            ) from error
        atexit.register(self.end)

    def decode(self, data: bytes, name: str) -> tuple[NDArray[np.uint8], int]:
        source, target = cast(BinaryIO, self._process.stdout), cast(BinaryIO, self._process.stdin)
        clock = threading.Timer(_WALL_SECONDS, self._process.kill)
        if not hasattr(signal, "setitimer"):
            clock.start()
        try:
            encoded = name.encode("utf-8", "surrogatepass")
            for part in (_REQUEST.pack(SECONDS, len(data), len(encoded)), encoded, data):
                target.write(part)
            target.flush()
            kind, num_pages, *shape = _ANSWER.unpack(_exactly(source, _ANSWER.size))
            if kind == b"E":
                message, hint = json.loads(_exactly(source, shape[0]))
                raise AaeError(str(message), str(hint))
            height, width, channels = shape
            if height * width * channels > _MAX_VALUES:
                raise EOFError
            values = np.frombuffer(_exactly(source, height * width * channels), np.uint8)
            return values.reshape((height, width, channels) if channels > 1 else (height, width)), num_pages
        finally:
            clock.cancel()

    def end(self) -> int:
        """End the process, and give its exit code."""
        atexit.unregister(self.end)
        if self.owner != os.getpid():
            return 0
        for stream in (self._process.stdin, self._process.stdout):
            with contextlib.suppress(OSError):
                cast(BinaryIO, stream).close()
        try:
            # One that was ended by a limit is gone already; one that still works on something is not waited for.
            return self._process.wait(0.5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()


def _explain(name: str, code: int) -> AaeError:
    title = shown(name)
    if code == -getattr(signal, "SIGPROF", 0) or (sys.platform == "win32" and code == 1):
        return AaeError(f"{title} takes more than {SECONDS} seconds to decode.", "Save it as PNG or JPEG, or smaller.")
    if code == -getattr(signal, "SIGKILL", 0):
        return AaeError(f"{title} takes too much memory to decode.", "Save it smaller, or close other programs.")
    return AaeError(f"{title} is damaged: its decoder gave up.", "Copy or save the file again.")


def _exactly(source: BinaryIO, size: int) -> bytes:
    data = source.read(size)
    if len(data) < size:
        raise EOFError
    return data


def serve() -> None:
    """Decode what comes on stdin, one picture after the other, until there is no more."""
    from aaecli.data.decoding.decoders import decode_here

    _limit_memory()
    # Pillow warns of much that it then reads all the same.
    warnings.simplefilter("ignore")
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with open(os.dup(1), "wb") as target:  # noqa: PTH123 - a descriptor
        # What a C library prints is not to be taken for an answer.
        os.dup2(2, 1)
        while head := sys.stdin.buffer.read(_REQUEST.size):
            seconds, size, length = _REQUEST.unpack(head)
            name = sys.stdin.buffer.read(length).decode("utf-8", "surrogatepass")
            data = sys.stdin.buffer.read(size)
            if hasattr(signal, "setitimer"):
                # Ends the process, even in the midst of a C library.
                signal.setitimer(signal.ITIMER_PROF, seconds)
            try:
                pixels, num_pages = decode_here(data, name)
                answer = _ANSWER.pack(b"P", num_pages, *pixels.shape[:2], pixels.shape[2] if pixels.ndim == 3 else 1)
                body = pixels.tobytes()
            except AaeError as error:
                body = json.dumps([error.message, error.hint]).encode()
                answer = _ANSWER.pack(b"E", 0, len(body), 0, 0)
            if hasattr(signal, "setitimer"):
                signal.setitimer(signal.ITIMER_PROF, 0)
            target.write(answer)
            target.write(body)
            target.flush()


def _limit_memory() -> None:
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (_BYTES, _BYTES))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
