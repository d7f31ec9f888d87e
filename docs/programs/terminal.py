"""Draw the picture at the top of the README: a terminal in which the released model classifies a digit.

python docs/programs/terminal.py            # writes docs/images/terminal.svg
"""

from __future__ import annotations

import io
import os
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.text import Text

sys.path.insert(0, str(Path(__file__).parents[2]))

from docs.programs import released

PICTURE = Path(__file__).parents[1] / "images" / "terminal.svg"
PREPARED = ("aaecli data export --index 8 --out digit.png",)
SHOWN = ("aaecli classify digit.png --show --top-k 3",)
WIDTH = 72
# rich's own frame, without its fonts, which a reader's browser would fetch from elsewhere.
FRAME = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{ font-family: ui-monospace, Menlo, Consolas, "DejaVu Sans Mono", monospace;
  font-size: {char_height}px; line-height: {line_height}px; }}
.{unique_id}-title {{ font-family: sans-serif; font-size: 18px; }}
{styles}
</style>
<defs><clipPath id="{unique_id}-clip-terminal"><rect width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}<g class="{unique_id}-matrix">{matrix}</g></g>
</svg>
"""


def run(command: str, folder: str) -> str:
    """Run a command of aaecli in a folder and give what a terminal shows of it."""
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AAECLI_")}
    environment |= {"FORCE_COLOR": "1", "TERM": "xterm-256color", "COLUMNS": str(WIDTH), "AAECLI_DEVICE": "cpu"}
    words = [sys.executable, "-m", *shlex.split(command)]
    done = subprocess.run(
        words, cwd=folder, env=environment, check=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    return done.stdout


def draw() -> str:
    """Run the commands and draw them as SVG."""
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True, color_system="truecolor")
    with tempfile.TemporaryDirectory() as folder:
        for command in PREPARED:
            run(command, folder)
        for command in SHOWN:
            console.print(Text.assemble(("$ ", "green"), (command, "bold")))
            console.print(Text.from_ansi(run(command, folder).rstrip("\n")))
    return console.export_svg(title="aaecli", code_format=FRAME, unique_id="aaecli")


if __name__ == "__main__":
    lines = [*(line.rstrip() for line in draw().splitlines()), f"<!-- {released.mark()} -->"]
    PICTURE.write_text("\n".join(lines) + "\n", encoding="utf-8")
