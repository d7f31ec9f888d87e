"""Words that want to be more than words: escapes, markup, formulas, paths, and numbers that are none."""

from __future__ import annotations

import random
import re
from typing import Any

NAMES = (
    "", " ", "x" * 5000, "\x1b[31mred", "\x1b]0;owned\x07", "\x9b31m", "\u202eabc", "\u2066a", "\ufeffa", "\u2028",
    "two\nlines", "a\rb", "a\tb", "a\0b", "[/b]", "[red]ok", "[link=file:///etc]x", "$\\frac{$", "$x", "\\x1b", "%s%n",
    "{0}", "=1+1", "+1", "-2", "@a", "--help", "<script>alert(1)</script>", "|a`", "_x", "数", "é", "e\u0301",
    "CON", ".", "..", "../..", "../escape", "/etc/passwd", "~", "a/b", "a\\b", "\udcff", "1", "01", "nan", "\U0001f600",
    "\u0661", "\u200b", "'", '"', ",", ";", "${HOME}", "train", "test", "unlabelled",
)  # fmt: skip
FOLDERS = (
    "/", "/usr", "/etc", "/proc", "/sys", "/dev", "/dev/zero", "/dev/stdin", "/proc/self/fd/0", "/root", "~", "..",
    "../..", ".", "", "a\0b", "x" * 5000, "//host/share", "http://localhost/", "\x1b[31m", "[/b]",
)  # fmt: skip
NUMBERS = (
    0, 1, -1, 2, 255, 256, 2**31 - 1, 2**31, 2**53, 2**62, 2**63, 2**64, -(2**63), 10**30, 10**300, 0.0, -0.0, 0.5, 1.5,
    1e-320, 1e308, float("inf"), float("-inf"), float("nan"), True, False,
)  # fmt: skip
DATES = (
    "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1970-01-01T00:00:00+00:00", "2026-02-30T00:00:00+00:00",
    "2026-01-01", "2026-01-01T00:00:00", "2026-W01-1", "2026-01-01T24:00:00Z", "2026-01-01T00:00:00+23:59:59.999999",
    "10000-01-01T00:00:00+00:00", "-0001-01-01T00:00:00Z", "now", "2026-01-01T00:00:00+99:99", "１９７０-01-01",
)  # fmt: skip
OBEYED = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
"""What a terminal would obey, or would show as something else than it is."""


def value(rng: random.Random, depth: int = 0) -> Any:
    """Give any value that JSON and TOML have, most of them strange."""
    kind = rng.randrange(10)
    if kind < 3:
        return rng.choice(NAMES)
    if kind < 6:
        return rng.choice(NUMBERS)
    if kind == 6:
        return rng.choice(FOLDERS)
    if kind == 7:
        return rng.choice(DATES)
    if depth > 2 or kind == 8:
        return rng.choice(([], {}, [[]], [1] * 10_000, ["x"] * 300, {"a": {}}, [None]))
    return rng.choice(([value(rng, depth + 1) for _ in range(3)], {rng.choice(NAMES): value(rng, depth + 1)}))


def changed(rng: random.Random, table: Any, most: int = 3) -> Any:
    """Change some values of nested tables and lists, at any depth, in place: other ones, none, or more of them."""
    for _ in range(rng.randint(1, most)):
        here = table
        while True:
            keys: list[Any] = list(here) if isinstance(here, dict) else list(range(len(here)))
            if not keys:
                break
            key = rng.choice(keys)
            if isinstance(here[key], dict | list) and here[key] and rng.random() < 0.8:
                here = here[key]
                continue
            how = rng.random()
            if how < 0.12:
                del here[key]
            elif how < 0.2 and isinstance(here, dict):
                here[rng.choice(NAMES)] = value(rng)
            else:
                here[key] = value(rng)
            break
    return table
