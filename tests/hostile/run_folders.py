"""Run folders that a stranger might send: damaged, boastful, and with settings that lead elsewhere."""

from __future__ import annotations

import functools
import json
import random
import re
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests import processes
from tests.conftest import write_idx
from tests.hostile import byte_mutations, checkpoint_mutations, words
from tests.hostile.checkpoints import Write

RUN = "runs/some-001"
_SETTINGS = """
preset = "default"
data = "data"

[network]
encoder = "mlp"
discriminator_hidden = [4]
style_dim = 2

[network.encoder_options]
hidden = [8]

[network.decoder_options]
hidden = [8]

[schedule]
steps = 6
batch_size = 8
labelled_batch_size = 4
"""
_COMMANDS = (
    *("runs", "runs", "runs --json", "plot curves", f"plot curves {RUN}", f"plot confusion {RUN} --data data"),
    *(f"eval {RUN}", f"eval {RUN} --data data", f"eval {RUN}/model.pt --json", f"eval {RUN}/last.pt"),
    *("train --resume", f"train --resume {RUN}", f"train --resume {RUN} --data data"),
    *("benchmark --collect runs --seeds 1 --labels 8 --out bench", f"export --onnx {RUN} --out out --card"),
)


@functools.cache
def _honest() -> dict[str, bytes]:
    """Train once, in a process of its own; gives the files by their names."""
    with TemporaryDirectory() as folder:
        here = Path(folder) / "here"
        write_idx(here / "data", range(4), 20, (8, 8))
        (here / "mine.toml").write_text(_SETTINGS)
        command = "train --config mine.toml --labels 8 --device cpu --threads 1"
        done = processes.run(command.split(), here, Path(folder) / "notes", environment={"AAECLI_FIGURES": "0"})
        assert done.code == 0, done.err
        (run,) = (here / "runs").iterdir()
        run.rename(here / RUN)
        return {str(path.relative_to(here)): path.read_bytes() for path in here.rglob("*") if path.is_file()}


def write_honest_run(folder: Path, *, stopped: bool = True) -> None:
    """Write a run folder ``runs/some-001``, its data set ``data`` and its ``model.pt``.

    Args:
        folder: What to write them into.
        stopped: Without the summary of a training that reached its end, so that it can be resumed.
    """
    for name, body in _honest().items():
        if not (stopped and name.endswith("summary.json")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_bytes(body)


def _any_object(rng: random.Random, body: bytes) -> bytes:
    """Change values of a JSON object, dates among them."""
    table = words.changed(rng, json.loads(body), 4)
    if rng.random() < 0.4:
        table["started"] = rng.choice(words.DATES)
    if rng.random() < 0.1:
        return rng.choice((b"[" * 10**5, b"9" * 10**5, b'{"a":' * 10**5, b"null", b"{}" * 2, b'"x"'))
    return json.dumps(table).encode("utf-8", "surrogatepass")


_MOST_CELLS = 4_000_000
"""A table that is changed again and again would grow without end."""


def _any_metrics(rng: random.Random, body: bytes) -> bytes:
    """Change cells, columns and rows of metrics.csv."""
    rows = [line.split(",") for line in body.decode().splitlines()]
    for _ in range(rng.choice((1, 1, 3, 8))):
        row = rng.choice((0, -1, rng.randrange(len(rows))))
        cell = rng.choice((*words.NUMBERS, *words.NAMES, "1e309", "0x10", "1_0", " 1", "-", "９"))
        how = rng.random()
        if how < 0.6 and rows[row]:
            rows[row][rng.randrange(len(rows[row]))] = str(cell)
        elif how < 0.7:
            rows = [[*part[:3], *part[4:]] for part in rows]
        elif how < 0.8:
            rows = rows[:1] + rows[1:] * min(
                rng.choice((2, 1000, 20_000)), 1 + _MOST_CELLS // max(1, sum(map(len, rows)))
            )
        elif how < 0.9:
            rows[row] = rows[row] * min(rng.choice((2, 1000)), 1 + _MOST_CELLS // max(1, len(rows[row])))
        else:
            rows = rows[: rng.choice((1, 2))]
    return "\n".join([*(",".join(row) for row in rows), ""]).encode("utf-8", "surrogatepass")


def any_settings(rng: random.Random, text: str) -> str:
    """Put other values into some lines of a TOML file, and other lines among them."""
    lines = re.sub(r"\[\n\s+(.*?)\n\]", lambda found: "[" + found[1].replace("\n", "") + "]", text, flags=re.S).split(
        "\n"
    )
    for _ in range(rng.choice((1, 1, 2, 4))):
        places = [place for place, line in enumerate(lines) if " = " in line]
        place = rng.choice(places)
        how = rng.random()
        if how < 0.8:
            lines[place] = f"{lines[place].partition(' = ')[0]} = {toml(words.value(rng))}"
        elif how < 0.9:
            lines.insert(place, f"{toml_key(rng.choice(words.NAMES))} = {toml(words.value(rng))}")
        else:
            del lines[place]
    if rng.random() < 0.35:
        lines = [line for line in lines if not line.startswith("data = ")]
        lines.insert(0, f"data = {toml(rng.choice(words.FOLDERS))}")
    return "\n".join(lines)


def toml_key(name: str) -> str:
    """Spell a key."""
    return json.dumps(name.encode("utf-8", "replace").decode()).replace("\x7f", "\\u007f")


def toml(value: Any) -> str:
    """Spell a value in TOML, whatever it is."""
    if isinstance(value, str):
        return toml_key(value)
    if isinstance(value, list):
        return "[" + ", ".join(map(toml, value)) + "]"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{toml_key(key)} = {toml(inner)}" for key, inner in value.items()) + "}"
    return "[]" if value is None else str(value).lower()


def _any_config(rng: random.Random, body: bytes) -> bytes:
    return any_settings(rng, body.decode()).encode()


def _any_text(rng: random.Random, body: bytes) -> bytes:
    return byte_mutations.text_of(rng, body.decode())


def _any_model(rng: random.Random, body: bytes) -> bytes:
    return checkpoint_mutations.any_change(rng, body)


_CHANGES = {
    "summary.json": (_any_object, _any_object, _any_text),
    "environment.json": (_any_object, _any_object, _any_text),
    "metrics.csv": (_any_metrics, _any_metrics, _any_text),
    "config.toml": (_any_config, _any_config, _any_config, _any_text),
    "labels.csv": (_any_text,),
    "model.pt": (_any_model,),
    "last.pt": (_any_model,),
}


def _write(seed: str, folder: Path, canary: Path) -> list[str]:
    rng = random.Random(seed)
    command, stopped, names = _draw(rng)
    write_honest_run(folder, stopped=stopped)
    for name in names:
        path = folder / RUN / name
        if path.exists():
            path.write_bytes(rng.choice(_CHANGES[name])(rng, path.read_bytes()))
    return command.split()


def _draw(rng: random.Random) -> tuple[str, bool, list[str]]:
    command = rng.choice(_COMMANDS)
    stopped = "resume" in command or rng.random() < 0.3
    if command.startswith("export"):
        # An export of an honest model takes long, and reads nothing else.
        return command, stopped, ["model.pt"]
    return command, stopped, rng.sample(list(_CHANGES), rng.choice((1, 1, 1, 2, 3)))


def cases(seed: int) -> Iterator[tuple[str, Write]]:
    """Give run folders, changed by lot, and what reads them, without end.

    Args:
        seed: The same gives the same folders.
    """
    for number in count():
        command, _, names = _draw(random.Random(f"{seed}/{number}"))
        yield f"{' and '.join(names)} changed: {command}", functools.partial(_write, f"{seed}/{number}")
