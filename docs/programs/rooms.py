"""The rooms of the package: a table of what they are for, and a picture of their imports, both out of the source."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from functools import cache
from html import escape
from pathlib import Path

import aaecli

ROOT = Path(aaecli.__file__).parent
_EVERYWHERE = {"errors", "suggestions", "text", "files"}
"""Rooms that nearly every other imports: named below the picture instead of drawn with a dozen lines each."""
_LEFT_OUT = {"__init__", "__main__"}
_COLOURS = {"torch": "#fde3d3", "onnxruntime": "#d5e8f7", "terminal": "#e9ddf5", "none of these": "#e3f1d8"}
_WIDTH, _BOX, _HEIGHT, _GAP, _ROW = 1000, 106, 44, 14, 104


@cache
def imports() -> dict[str, frozenset[str]]:
    """Give the rooms that each room imports, and the libraries that tell its kind."""
    found: dict[str, set[str]] = {}
    for path in sorted(ROOT.rglob("*.py")):
        relative = path.relative_to(ROOT)
        room = relative.parts[0] if len(relative.parts) > 1 else relative.stem
        names = found.setdefault(room, set())
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom):
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
    rooms = {name: set[str]() for name in found if name not in _LEFT_OUT}
    for room, inner in rooms.items():
        inner |= {name.split(".")[1] for name in found[room] if name.startswith("aaecli.")} & rooms.keys() - {room}
        inner |= {name.split(".")[0] for name in found[room]} & {"torch", "onnxruntime", "typer", "rich"}
    return {room: frozenset(inner) for room, inner in rooms.items()}


def rooms() -> str:
    """Write the table of the rooms, the lowest last."""
    lines = ["| room | what is in it | imports |", "|---|---|---|"]
    for layer in reversed(_layers(imports().keys())):
        for room in layer:
            others = ", ".join(f"`{name}`" for name in sorted(imports()[room] & imports().keys()))
            path = f"{room}/" if (ROOT / room).is_dir() else f"{room}.py"
            lines.append(f"| [`{path}`](../aaecli/{path.rstrip('/')}) | {_purpose(room)} | {others or '–'} |")
    return "\n".join(lines) + "\n"


def picture() -> str:
    """Draw the rooms as SVG: every line is an import, from the upper room to the lower one."""
    layers, edges = _with_bends(_layers(imports().keys() - _EVERYWHERE))
    at = _positions(layers, edges)
    height = len(layers) * _ROW + 40
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" role="img">',
        "<title>The rooms of the package and their imports</title>",
        f'<rect width="{_WIDTH}" height="{height}" rx="8" fill="#ffffff"/>',
    ]
    for upper, lower in edges:
        (x1, y1), (x2, y2) = at[upper], at[lower]
        y1, y2 = y1 + (0 if _is_bend(upper) else _HEIGHT // 2), y2 - (0 if _is_bend(lower) else _HEIGHT // 2)
        middle = (y1 + y2) // 2
        parts.append(f'<path d="M{x1} {y1}C{x1} {middle} {x2} {middle} {x2} {y2}" fill="none" stroke="#8a8f98"/>')
    for room in (name for layer in layers for name in layer if not _is_bend(name)):
        x, y = at[room]
        parts.append(
            f'<rect x="{x - _BOX // 2}" y="{y - _HEIGHT // 2}" width="{_BOX}" height="{_HEIGHT}" rx="6" '
            f'fill="{_COLOURS[_kind(room)]}" stroke="#555b66"/>'
            f'<text x="{x}" y="{y + 6}" text-anchor="middle" font-size="16" fill="#1d2129">{escape(room)}</text>'
        )
    x = 20
    for kind, colour in _COLOURS.items():
        parts.append(
            f'<rect x="{x}" y="{height - 30}" width="16" height="16" fill="{colour}" stroke="#555b66"/>'
            f'<text x="{x + 24}" y="{height - 17}" font-size="15" fill="#1d2129">{kind}</text>'
        )
        x += 150
    return "\n".join([*parts, "</svg>"]) + "\n"


def _purpose(room: str) -> str:
    path = ROOT / room / "__init__.py" if (ROOT / room).is_dir() else ROOT / f"{room}.py"
    text = ast.get_docstring(ast.parse(path.read_text(encoding="utf-8"))) or ""
    return " ".join(text.split("\n\n")[0].split()).replace("``", "`").replace("|", r"\|")


def _kind(room: str) -> str:
    """Name the library that a room is about; the first that fits."""
    if room == "cli" or (imports()[room] & {"typer", "rich"} and room == "terminal"):
        return "terminal"
    return next((name for name in ("torch", "onnxruntime") if name in imports()[room]), "none of these")


def _layers(names: Iterable[str]) -> list[list[str]]:
    """Put each room one layer below the lowest that imports it, the lowest layer first."""
    kept, depth = set(names), dict[str, int]()

    def above(room: str) -> int:
        if room not in depth:
            users = [name for name in sorted(kept) if room in imports()[name]]
            depth[room] = 1 + max((above(name) for name in users), default=-1)
        return depth[room]

    layers: list[list[str]] = [[] for _ in range(1 + max(above(room) for room in kept))]
    for room in sorted(kept):
        layers[-1 - above(room)].append(room)
    return layers


def _with_bends(layers: list[list[str]]) -> tuple[list[list[str]], list[tuple[str, str]]]:
    """Give the layers from the top, with a bend in each layer that a line crosses, and the lines between neighbours.

    An import that follows from others has no line of its own: cli → training → data says that cli reaches data.
    """
    layers = [list(layer) for layer in reversed(layers)]
    depth = {room: number for number, layer in enumerate(layers) for room in layer}
    below = {room: imports()[room] & depth.keys() for room in depth}
    reached: dict[str, set[str]] = {}
    for room in sorted(depth, key=lambda name: -depth[name]):
        reached[room] = set(below[room]).union(*(reached[name] for name in below[room]))
    edges = []
    for room in sorted(depth):
        for other in sorted(below[room]):
            if any(other in reached[between] for between in below[room] - {other}):
                continue
            previous = room
            for number in range(depth[room] + 1, depth[other]):
                bend = f"{room}→{other}@{number}"
                layers[number].append(bend)
                edges.append((previous, bend))
                previous = bend
            edges.append((previous, other))
    return layers, edges


def _is_bend(name: str) -> bool:
    return "→" in name


def _positions(layers: list[list[str]], edges: list[tuple[str, str]]) -> dict[str, tuple[int, int]]:
    """Order each layer by the mean position of its neighbours, up and down in turn, and space it evenly."""
    neighbours: dict[str, list[str]] = {name: [] for layer in layers for name in layer}
    for upper, lower in edges:
        neighbours[upper].append(lower)
        neighbours[lower].append(upper)
    x = {name: float(number) for layer in layers for number, name in enumerate(layer)}
    for turn in range(24):
        for layer in layers if turn % 2 else reversed(layers):
            middle = {
                name: sum(x[other] for other in neighbours[name]) / max(1, len(neighbours[name])) for name in layer
            }
            layer.sort(key=lambda name: (middle[name], name))
            widths = [_GAP if _is_bend(name) else _BOX + _GAP for name in layer]
            left = (_WIDTH - sum(widths)) / 2
            spread = max(0.0, left - _GAP) * 2 / (len(layer) + 1)
            at = left - spread * (len(layer) - 1) / 2
            for name, width in zip(layer, widths, strict=True):
                x[name] = at + width / 2
                at += width + spread
    return {name: (round(x[name]), number * _ROW + _ROW // 2) for number, layer in enumerate(layers) for name in layer}
