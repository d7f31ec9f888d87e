"""Draw the grid of digits on the first page of the site, with the released model.

python docs/programs/generated.py          # writes docs/generated.png
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

sys.path.insert(0, str(Path(__file__).parents[2]))

from docs.programs import released

PICTURE = Path(__file__).parents[1] / "generated.png"

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder, "generated.png")
        command = ["generate", "--model", released.FOLDER, "--scale", "2", "--out", out, "--quiet"]
        subprocess.run([sys.executable, "-m", "aaecli", *map(str, command)], check=True)
        with Image.open(out) as image:
            released.save(image, PICTURE)
