"""onnxruntime keeps no diary and calls nobody: HOME and TMPDIR stay empty, and no socket is opened."""

from __future__ import annotations

import signal
import sys

import numpy as np
import pytest
from PIL import Image

from tests.serve.pair import write_pair
from tests.telemetry import COMMANDS, NO_SOCKETS, left_behind, run_alone

_COMMANDS = {
    "classify, generate and eval": [
        *("classify", "digit.png", "--model", "pair", "+"),
        *("generate", "--model", "pair", "--digit", "3", "--out", "three.png", "+"),
        *("eval", "pair/encoder.onnx", "--data", "data"),
    ],
    "classify in workers": ["classify", *["digit.png"] * 60, "--model", "pair"],
    "generate from a picture": ["generate", "--model", "pair", "--vary", "--style-from", "digit.png", "--out", "x.png"],
}
"""Those that load torch are in tests/export/test_telemetry.py."""


@pytest.fixture
def here(tmp_path, mnist, write_dataset):
    folder = tmp_path / "here"
    write_pair(folder / "pair", mnist.train_image[:1500], mnist.train_label[:1500])
    Image.fromarray(mnist.test_image[0]).save(folder / "digit.png")
    write_dataset("here/data", train=np.arange(10), test=np.arange(10))
    return folder


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if number else ()) for number, name in enumerate(_COMMANDS)]
)
def test_nothing_is_left_in_the_home_and_nobody_is_called(here, name):
    filtered = NO_SOCKETS if sys.platform == "linux" else "import sys\n"
    done = run_alone(filtered + COMMANDS, _COMMANDS[name], here)
    assert done.returncode == 0, done.stderr
    assert left_behind(here) == []


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
    done = run_alone(NO_SOCKETS + call, [], tmp_path)
    assert done.returncode in (-signal.SIGSYS, 256 - signal.SIGSYS), done
