"""What the programs of this folder share: the program that they measure, and the seeds that they measure it with."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from aaecli.cli.benchmark import parse_seeds as seeds

__all__ = ["SEEDS", "aaecli", "seeds"]

SEEDS = range(10, 15)
"""Seeds that no setting was chosen on."""


def aaecli(folder: Path, *arguments: object) -> str:
    """Run a command of aaecli in the folder and give what it printed."""
    command = [sys.executable, "-m", "aaecli", *map(str, arguments)]
    environment = {**os.environ, "AAECLI_FIGURES": "0"}
    return subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True, env=environment).stdout
