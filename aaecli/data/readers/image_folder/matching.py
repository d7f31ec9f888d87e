"""Which picture of a folder a written path means: a base name, another spelling of é, a path from elsewhere."""

from __future__ import annotations

import os
import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cached_property
from pathlib import Path, PurePosixPath

from aaecli.data.naming.picture_names import SUFFIXES, UNREAD_SUFFIXES, suffix_of
from aaecli.text import from_csv

_Spell = Callable[[str], str]
_MOST_ALIKE = 1000


class Matcher:
    """Finds pictures by what people write for them; what may mean several is never guessed.

    Args:
        folder: The folder.
        names: Its pictures: paths from it, with slashes.
    """

    def __init__(self, folder: Path, names: Iterable[str]) -> None:
        self.folder = folder
        self.names = frozenset(names)

    def find(self, written: str) -> list[str] | None:
        """Find a picture.

        Returns:
            The pictures that may be meant: one where it is clear, none where there is no such picture; None where the
            path leads out of the folder.
        """
        plain = written.strip().replace("\\", "/")
        if plain in self.names:
            return [plain]
        if (bare := from_csv(plain)) in self.names:
            return [bare]
        forms = self._forms(plain)
        if forms is None:
            return None
        for spell, index in ((_composed, self._as_written), (_folded, self._any_case)):
            for form in forms:
                wanted = spell(form)
                if exact := index.whole.get(wanted):
                    return exact
                if found := index.ending_in(wanted, spell):
                    return found
        return []

    def resembling(self, written: str) -> str:
        """Give the one picture that may be meant by a name that no picture has; empty where none or several may be.

        Its ending may be another one (``a.jpg`` for ``a.png``), and a spreadsheet takes zeros away in front of a
        number (``1.png`` for ``0001.png``).
        """
        last = PurePosixPath(written.strip().replace("\\", "/")).name
        found = self._by_number.get(_bare(last), [])
        return found[0] if len(found) == 1 else ""

    def is_one(self, written: str) -> bool:
        """Whether a written path means one picture."""
        return len(self.find(written) or ()) == 1

    def _forms(self, plain: str) -> list[str] | None:
        """Give what a path may be when counted from the folder; None where it leads out of it."""
        whole = self._folder
        if plain.startswith("/") or re.match(r"[A-Za-z]:/", plain) or ".." in plain.split("/"):
            for folder in (whole, self._lexical):
                inner = os.path.relpath(os.path.join(folder, plain), folder)  # noqa: PTH118
                if not inner.startswith("..") and not re.match(r"[A-Za-z]:", inner):
                    return [inner.replace(os.sep, "/")]
            own = self._after_own_name(PurePosixPath(plain).parts)
            return [own] if own and self._has(own) else None
        parts = PurePosixPath(plain).parts
        own = self._after_own_name(parts)
        return ["/".join(parts), *([own] if own else ())] if parts else []

    def _after_own_name(self, parts: tuple[str, ...]) -> str:
        """Give what comes after the folder's own name, which a path from elsewhere may well name."""
        name = _folded(self._folder.name)
        indices = [index for index, part in enumerate(parts[:-1]) if _folded(part) == name]
        return "/".join(parts[indices[-1] + 1 :]) if indices else ""

    def _has(self, form: str) -> bool:
        return _folded(form) in self._any_case.whole

    @cached_property
    def _folder(self) -> Path:
        return self.folder.resolve()

    @cached_property
    def _lexical(self) -> Path:
        return Path(os.path.abspath(self.folder))  # noqa: PTH100  links are kept

    @cached_property
    def _as_written(self) -> _Index:
        return _Index(self.names, _composed)

    @cached_property
    def _by_number(self) -> dict[str, list[str]]:
        found: dict[str, list[str]] = {}
        for name in sorted(self.names):
            found.setdefault(_bare(name.rpartition("/")[2]), []).append(name)
        return found

    @cached_property
    def _any_case(self) -> _Index:
        return _Index(self.names, _folded)


class _Index:
    """Pictures by their whole names and by their base names, each with and without ending, in one spelling."""

    def __init__(self, names: Iterable[str], spell: _Spell) -> None:
        self.whole: dict[str, list[str]] = {}
        self.base: dict[str, list[str]] = {}
        for name in sorted(names):
            spelt = spell(name)
            for key in {spelt, _without_ending(spelt)}:
                self.whole.setdefault(key, []).append(name)
                self.base.setdefault(key.rpartition("/")[2], []).append(name)

    def ending_in(self, wanted: str, spell: _Spell) -> list[str]:
        """Give the pictures whose last folders and name are these."""
        candidates = self.base.get(wanted.rpartition("/")[2], [])
        if "/" not in wanted:
            return candidates
        # A folder with a million pictures of one name would be walked through for every line of a million.
        spelt = ((name, f"/{spell(name)}") for name in candidates[:_MOST_ALIKE])
        end = f"/{wanted}"
        return [name for name, path in spelt if path.endswith(end) or _without_ending(path).endswith(end)]


def _composed(name: str) -> str:
    return unicodedata.normalize("NFC", name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _bare(name: str) -> str:
    """Give what is left of a base name without its ending and without zeros in front of its numbers."""
    known = SUFFIXES | UNREAD_SUFFIXES
    stem = name[: name.rfind(".")] if suffix_of(name) in known else name
    return re.sub(r"(?<!\d)0+(?=\d)", "", _folded(stem))


def _without_ending(name: str) -> str:
    return name[: name.rfind(".")] if suffix_of(name) in SUFFIXES else name
