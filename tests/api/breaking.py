"""Which changes of the public names break a program: ``python -m tests.api.breaking [COMMIT]``, run by ``nox -s api``.

Compares the sources with those of a commit: of the last release, or of the last commit while there is none. griffe
reads them; nothing is imported. A break whose line is in CHANGELOG.md is meant; any other ends the program with 1.
"""

from __future__ import annotations

import argparse
import ast
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import griffe

ROOT = Path(__file__).parents[2]
Source = Callable[[str], str]
"""Gives the text of a file by its path in the repository."""


def breaks(old: Source, new: Source) -> Iterator[str]:
    """Say in a line each what breaks between two states of the sources."""
    before, after = _homes(old), _homes(new)
    for name, home in sorted(before.items()):
        if name not in after:
            yield f"{name}: Public name was removed"
            continue
        for breakage in griffe.find_breaking_changes(_module(old, home), _module(new, after[name])):
            path = breakage.obj.path.partition(".")[2]
            if path == name or path.startswith(f"{name}."):
                part = breakage.old_value if isinstance(breakage.old_value, griffe.Parameter) else None
                yield f"{path}{f'({part.name})' if part else ''}: {breakage.kind.value}"


def _homes(source: Source) -> dict[str, str]:
    """Read which module each public name is from."""
    for node in ast.parse(source("aaecli/__init__.py")).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "_HOME":
            return dict(ast.literal_eval(node.value))
    raise LookupError("aaecli/__init__.py has no table _HOME")


def _module(source: Source, home: str) -> griffe.Module:
    path = f"aaecli/{home.replace('.', '/')}.py"
    return griffe.visit("public", filepath=Path(path), code=source(path))


def here(path: str) -> str:
    """Give a file of the working tree."""
    return (ROOT / path).read_text(encoding="utf-8")


def git(*words: str) -> str:
    """Give what git prints."""
    done = subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def main() -> None:
    """Print the breaks; exit with 1 where CHANGELOG.md does not name one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", nargs="?")
    commit = parser.parse_args().commit or next(iter(git("tag", "--sort=-creatordate").split()), "HEAD")
    meant = here("CHANGELOG.md")
    found = [(line, f"`{line}`" in meant) for line in breaks(lambda path: git("show", f"{commit}:{path}"), here)]
    for line, is_named in found:
        sys.stdout.write(f"{line}{'' if is_named else '  <- not in CHANGELOG.md'}\n")
    sys.stdout.write(f"{len(found)} breaks since {commit}.\n")
    sys.exit(0 if all(is_named for _, is_named in found) else 1)


if __name__ == "__main__":
    main()
