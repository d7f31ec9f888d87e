"""onnxruntime keeps no diary and calls nobody: HOME and TMPDIR stay empty, and no socket is opened."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.serve.pair import write_pair

# The process, and all that it starts, dies when it opens a socket of the internet: no name can be looked up then, by
# whatever library. A filter of system calls: load the number, compare it with socket's, load the family, compare.
_NO_SOCKETS = """
import ctypes, os, platform, runpy, struct, sys
class Program(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]
number = {"x86_64": 41, "aarch64": 198}[platform.machine()]
steps = [(0x20, 0, 0, 0), (0x15, 0, 4, number), (0x20, 0, 0, 16),
         (0x15, 1, 0, 2), (0x15, 0, 1, 10), (0x06, 0, 0, 0x80000000), (0x06, 0, 0, 0x7FFF0000)]
code = b"".join(struct.pack("=HBBI", *step) for step in steps)
libc = ctypes.CDLL(None, use_errno=True)
assert libc.prctl(38, 1, 0, 0, 0) == 0, os.strerror(ctypes.get_errno())
program = Program(len(steps), code)
assert libc.prctl(22, 2, ctypes.byref(program), 0, 0) == 0, os.strerror(ctypes.get_errno())
"""
_COMMAND = "\nsys.argv = ['aaecli', *sys.argv[1:]]\nfrom aaecli.cli import main\nmain()\n"
_COMMANDS = {
    "classify": ["classify", "digit.png", "--model", "pair"],
    "classify in workers": ["classify", *["digit.png"] * 60, "--model", "pair"],
    "generate": ["generate", "--model", "pair", "--digit", "3", "--out", "three.png"],
    "generate from a picture": ["generate", "--model", "pair", "--vary", "--style-from", "digit.png", "--out", "x.png"],
    "eval": ["eval", "pair/encoder.onnx", "--data", "data"],
    "doctor": ["doctor"],
}


def _run(script: str, words: list[str], folder: Path) -> subprocess.CompletedProcess[str]:
    for name in ("home", "tmp"):
        (folder / name).mkdir()
    kept = {"PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "PYTHONPATH", "COVERAGE_PROCESS_START"}
    environment = {name: value for name, value in os.environ.items() if name in kept}
    environment |= {"HOME": str(folder / "home"), "TMPDIR": str(folder / "tmp"), "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, "-c", script, *words],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def here(tmp_path, mnist, write_dataset):
    folder = tmp_path / "here"
    write_pair(folder / "pair", mnist.train_image[:1500], mnist.train_label[:1500])
    Image.fromarray(mnist.test_image[0]).save(folder / "digit.png")
    write_dataset("here/data", train=np.arange(10), test=np.arange(10))
    return folder


@pytest.mark.parametrize("name", _COMMANDS)
def test_nothing_is_left_in_the_home_and_nobody_is_called(here, name):
    filtered = _NO_SOCKETS if sys.platform == "linux" else "import sys\n"
    done = _run(filtered + _COMMAND, _COMMANDS[name], here)
    assert done.returncode == 0, done.stderr
    assert [str(path) for folder in ("home", "tmp") for path in (here / folder).rglob("*")] == []


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux filters system calls so")
@pytest.mark.parametrize(
    "call",
    [
        "import socket; socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "import socket; socket.socket(socket.AF_INET6)",
        "import socket; socket.getaddrinfo('localhost.example', 80)",
        "import subprocess; sys.exit(subprocess.call([sys.executable, '-c', 'import socket; socket.socket()']))",
    ],
)
def test_a_call_would_be_noticed(tmp_path, call):
    done = _run(_NO_SOCKETS + call, [], tmp_path)
    assert done.returncode in (-signal.SIGSYS, 256 - signal.SIGSYS), done


def test_what_would_be_left_in_the_home_is_known(tmp_path):
    """Without the switch onnxruntime writes there as soon as it is imported, where its build has telemetry at all."""
    bare = _run("import onnxruntime", [], tmp_path)
    (tmp_path / "ours").mkdir()
    ours = _run("from aaecli.serve import runtime; runtime.onnxruntime()", [], tmp_path / "ours")
    assert (bare.returncode, ours.returncode) == (0, 0), bare.stderr + ours.stderr
    assert list((tmp_path / "ours" / "home").rglob("*")) == []
