"""Start aaecli in milliseconds: a process that has imported everything forks for each command.

``serve`` waits in a process of its own; the program of ``CLIENT`` stands in for ``aaecli`` on the PATH of a shell. With
``PYTHON`` as its first word it runs a file of Python. Every command is a process of its own, with the folder, the
variables and the streams of the shell.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import runpy
import select
import signal
import socket
import sys
from importlib import import_module
from pathlib import Path

CLIENT = """#!{python} -IS
import json, os, socket, sys
with socket.socket(socket.AF_UNIX) as server:
    server.connect({address!r})
    request = {{"words": {words} + sys.argv[1:], "folder": os.getcwd(), "variables": dict(os.environ)}}
    socket.send_fds(server, [json.dumps(request).encode() + b"\\n"], [0, 1, 2])
    sys.exit(int(server.recv(16) or b"1"))
"""
PYTHON = "python"
IMPORTED = (
    "torch.onnx",
    "torch.onnx._internal.exporter._core",
    "onnxscript",
    "aaecli.training.resume",
    "aaecli.training.run",
    "aaecli.export.onnx",
    "aaecli.cli.train",
    "aaecli.cli.eval",
    "aaecli.cli.classify",
    "aaecli.experiments.benchmark",
    "aaecli.labelling.strategies",
    "aaecli.figures.html_report",
    "sklearn.datasets",
    "sklearn.model_selection",
)


def serve(address: str) -> None:
    """Fork for each request until the process, or the one that started it, has ended."""
    for name in IMPORTED:
        import_module(name)
    # Daemons may start no processes of their own; commands that read many pictures do.
    multiprocessing.current_process()._config["daemon"] = False  # type: ignore[attr-defined]
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    with socket.socket(socket.AF_UNIX) as server:
        # A client that finds the name finds somebody listening.
        server.bind(f"{address}.new")
        server.listen()
        Path(f"{address}.new").rename(address)
        parent = os.getppid()
        while os.getppid() == parent:
            # The tests may be killed without a word to this process.
            if not select.select([server], [], [], 1)[0]:
                continue
            connection, _ = server.accept()
            data, streams, _, _ = socket.recv_fds(connection, 2**20, 3)
            while not data.endswith(b"\n"):
                data += connection.recv(2**20)
            if os.fork() == 0:
                answer(json.loads(data), streams, connection)
            for number in streams:
                os.close(number)
            connection.close()


def answer(request: dict, streams: list[int], connection: socket.socket) -> None:
    """Be the command: run it, report its exit code and end."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["variables"])
    sys.stdin, sys.stdout, sys.stderr = os.fdopen(0), os.fdopen(1, "w"), os.fdopen(2, "w")
    # Anything else ends this process with its traceback, and the client with 1.
    try:
        if request["words"][:1] == [PYTHON]:
            runpy.run_path(request["words"][1], run_name="__main__")
            raise SystemExit
        from aaecli.cli import main

        main(request["words"])
    except SystemExit as ended:
        code = int(ended.code or 0)
    sys.stdout.flush()
    sys.stderr.flush()
    connection.sendall(str(code).encode())
    os._exit(code)
