"""onnxruntime keeps no diary and calls nobody: HOME and TMPDIR stay empty, and no socket is opened."""

from __future__ import annotations

import signal
import sys

import numpy as np
import pytest
from PIL import Image

from tests.serve.pair import write_pair
from tests.telemetry import COMMAND, NO_SOCKETS, left_behind, run_alone

_COMMANDS = {
    "classify": ["classify", "digit.png", "--model", "pair"],
    "classify in workers": ["classify", *["digit.png"] * 60, "--model", "pair"],
    "generate": ["generate", "--model", "pair", "--digit", "3", "--out", "three.png"],
    "generate from a picture": ["generate", "--model", "pair", "--vary", "--style-from", "digit.png", "--out", "x.png"],
    "eval": ["eval", "pair/encoder.onnx", "--data", "data"],
    "doctor": ["doctor"],
}


@pytest.fixture
def here(tmp_path, mnist, write_dataset):
    folder = tmp_path / "here"
    write_pair(folder / "pair", mnist.train_image[:1500], mnist.train_label[:1500])
    Image.fromarray(mnist.test_image[0]).save(folder / "digit.png")
    write_dataset("here/data", train=np.arange(10), test=np.arange(10))
    return folder


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=pytest.mark.slow if " " in name else ()) for name in _COMMANDS]
)
def test_nothing_is_left_in_the_home_and_nobody_is_called(here, name):
    filtered = NO_SOCKETS if sys.platform == "linux" else "import sys\n"
    done = run_alone(filtered + COMMAND, _COMMANDS[name], here)
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


def test_what_would_be_left_in_the_home_is_known(tmp_path):
    """Without the switch onnxruntime writes there as soon as it is imported, where its build has telemetry at all."""
    bare = run_alone("import onnxruntime", [], tmp_path)
    (tmp_path / "ours").mkdir()
    ours = run_alone("from aaecli.serve import runtime; runtime.onnxruntime()", [], tmp_path / "ours")
    assert (bare.returncode, ours.returncode) == (0, 0), bare.stderr + ours.stderr
    assert list((tmp_path / "ours" / "home").rglob("*")) == []
