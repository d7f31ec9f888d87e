"""The list of commands says of each what its own help says first."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typer

from aaecli.cli import COMMANDS, app


@pytest.mark.parametrize("name", COMMANDS)
def test_summary_is_the_first_line_of_the_help(name):
    command = typer.main.get_command(app).get_command(None, name)
    assert command.help.split("\n\n")[0].replace("\n", " ") == COMMANDS[name]


def test_help_imports_no_command():
    script = (
        "import sys; from aaecli.cli import COMMANDS, main\n"
        "try: main(['--help'])\n"
        "except SystemExit: pass\n"
        "print([name for name in sys.modules if name.removeprefix('aaecli.cli.') in COMMANDS])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, timeout=300)
    assert done.stdout.splitlines()[-1] == "[]"
    assert "doctor" in done.stdout
