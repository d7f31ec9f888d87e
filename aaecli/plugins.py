"""Registries that plug-ins add entries to: packaged files, files that the user names, and installed packages.

A registry knows the packaged entries by name and module alone and imports a module when its entry is first asked for.
So what needs torch is not loaded before something is computed with it. A file outside the package registers an entry
in the same words as a packaged one::

    from aaecli.config.registries import ENCODERS

    @ENCODERS.register("tiny", options=TinyOptions)
    class Tiny(nn.Module): ...

There are three ways to have it loaded: ``aaecli --plugin FILE.py COMMAND``, the variable ``AAECLI_PLUGINS`` (files,
separated as in ``PATH``), and an entry point of an installed package, in the group of the registry.
"""

from __future__ import annotations

import hashlib
import inspect
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, Generic, TypeVar, cast

from aaecli.errors import AaeError, did_you_mean
from aaecli.files.opening import read_bytes, shown

VARIABLE = "AAECLI_PLUGINS"
"""Names files to load, separated as in ``PATH``."""
MAX_PLUGIN_BYTES = 2**20
"""Largest file that is loaded as a plug-in."""
HOW_TO_LOAD = f"load that: `aaecli --plugin FILE.py COMMAND`, or {VARIABLE}=FILE.py"
_PREFIX = "aaecli_plugin_"
"""What the name of a module that was loaded from a file begins with."""

_Value = TypeVar("_Value")
_Registered = TypeVar("_Registered")
_registries: list[Registry[Any]] = []
_loaded: set[Path] = set()
_origins: list[str] = []
"""What is being loaded, the innermost last: a file, or an installed package."""


@dataclass(frozen=True)
class NoOptions:
    """The options of an entry that has none."""


@dataclass(frozen=True)
class Entry(Generic[_Value]):
    """What a registry holds under a name.

    Attributes:
        value: What was registered.
        options: Frozen dataclass of the settings that the entry has of its own, each with a default.
        origin: The file or package that it comes from; empty for a packaged one.
    """

    value: _Value
    options: type
    origin: str = ""


class NotRegisteredError(AaeError):
    """A name that no registry has: misspelt, or that of a plug-in that is not loaded.

    Args:
        kind: What it would be, as a noun.
        name: The name.
        known: The names that there are.
    """

    def __init__(self, kind: str, name: str, known: Sequence[str]) -> None:
        self.kind, self.name = kind, name
        super().__init__(
            f"There is no {kind} '{shown(name)}'.",
            f"{did_you_mean(name, known)} Where a plug-in has it, {HOW_TO_LOAD}.",
        )


class Registry(Generic[_Value]):
    """Named entries of one kind, the packaged ones first, then the others as they were loaded.

    Args:
        kind: What an entry is, as a noun for messages: ``encoder``.
        group: Group of entry points that installed packages add entries by: ``aaecli.encoders``.
        packaged: Name and module of each packaged entry, in order. Importing the module registers the entry.
        check: Is called with the name and the entry, and raises ValueError with what it lacks of the contract.
    """

    def __init__(
        self,
        kind: str,
        group: str,
        packaged: Mapping[str, str] | None = None,
        check: Callable[[str, Entry[_Value]], None] | None = None,
    ) -> None:
        self.kind = kind
        self.group = group
        self.packaged = dict(packaged or {})
        self._check = check
        self._entries: dict[str, Entry[_Value]] = {}
        self._points: dict[str, Any] | None = None
        _registries.append(self)

    def register(self, name: str, *, options: type = NoOptions) -> Callable[[_Registered], _Registered]:
        """Give a decorator that registers what it decorates, and leaves it as it is.

        Args:
            name: What settings, files and the command line call it.
            options: Frozen dataclass of the settings that it has of its own.

        Raises:
            AaeError: From the decorator: the name is taken, or the entry breaks the contract.
        """
        module = sys._getframe(1).f_globals.get("__name__", "")

        # What a decorator gives back keeps its own type, so that whoever imports the class has the class.
        def add(value: _Registered) -> _Registered:
            self.add(name, cast(_Value, value), options=options, module=module)
            return value

        return add

    def add(self, name: str, value: _Value, *, options: type = NoOptions, module: str = "") -> None:
        """Register an entry, as the decorator does.

        Raises:
            AaeError: The name is taken, or the entry breaks the contract.
        """
        is_packaged = self.packaged.get(name) == module
        origin = "" if is_packaged else (_origins or ["the program"])[-1]
        if name in self.packaged and not is_packaged:
            raise AaeError(f"The {self.kind} '{name}' is a packaged one.", "Register it by another name.")
        if name in self._entries:
            before = self._entries[name].origin
            by = f" already, by {before}" if before and before != origin else " twice"
            raise AaeError(f"The {self.kind} '{name}' is registered{by}.", "Register it once, by another name.")
        entry = Entry(value, options, origin)
        try:
            if not isinstance(name, str) or not name.replace("-", "_").isidentifier():
                raise ValueError("its name is not of letters, digits, '-' and '_'")
            if self._check is not None:
                self._check(name, entry)
        except ValueError as error:
            raise AaeError(
                f"The {self.kind} '{name}' breaks its contract: {error}.", "docs/plug-ins.md describes the contract."
            ) from error
        self._entries[name] = entry

    def entry(self, name: str) -> Entry[_Value]:
        """Give the entry of a name; its module is imported where it has not been.

        Raises:
            AaeError: There is none. The hint names the nearest one, and how to load a plug-in.
        """
        if name not in self._entries and name in self.packaged:
            import_module(self.packaged[name])
        if name not in self._entries:
            self._discover()
            self._load_point(name)
        if name not in self._entries:
            raise NotRegisteredError(self.kind, str(name), list(self))
        return self._entries[name]

    def __getitem__(self, name: str) -> _Value:
        """Give what is registered under a name; raises AaeError where nothing is."""
        return self.entry(name).value

    def options(self, name: str) -> type:
        """Give the dataclass of the settings that an entry has of its own."""
        return self.entry(name).options

    def __iter__(self) -> Iterator[str]:
        """Name all entries in order: packaged, of named files, of installed packages. Loads none but named files."""
        self._discover()
        return iter(dict.fromkeys((*self.packaged, *self._entries, *self._all_points())))

    def __contains__(self, name: object) -> bool:
        """Tell whether there is an entry of a name."""
        return name in self.packaged or name in self._entries or name in list(self)

    def __len__(self) -> int:
        """Count the entries."""
        return sum(1 for _ in self)

    def items(self) -> Iterator[tuple[str, _Value]]:
        """Give names and entries in order."""
        return ((name, self[name]) for name in list(self))

    def forget(self, origin: str) -> None:
        """Take back what was registered from a file or package."""
        self._entries = {name: entry for name, entry in self._entries.items() if entry.origin != origin}

    def _discover(self) -> None:
        for path in os.environ.get(VARIABLE, "").split(os.pathsep):
            if path:
                load_file(Path(path))

    def _all_points(self) -> dict[str, Any]:
        """Give the entry points of the group by name, as the installed packages are when first asked."""
        if self._points is None:
            from importlib.metadata import entry_points

            self._points = {}
            for point in entry_points(group=self.group):
                package = _package(point)
                if point.name in self.packaged:
                    raise AaeError(
                        f"{package} registers a {self.kind} '{point.name}', which is a packaged one.",
                        f"Uninstall {package}, or have its author choose another name.",
                    )
                self._points[point.name] = point
        return self._points

    def _load_point(self, name: str) -> None:
        """Load the entry point of a name, if there is one: the object it names, or a module that registers it."""
        point = self._all_points().get(name)
        if point is None:
            return
        package = _package(point)
        with _loading(package, f"The plug-in {package}", f"Mend or uninstall {package}."):
            value = point.load()
            if name not in self._entries:
                self.add(name, value, options=getattr(value, "Options", NoOptions))


def load_file(path: Path) -> None:
    """Run a file of Python that registers entries; a file that is loaded already stays as it is.

    Raises:
        AaeError: It cannot be read or fails, or an entry has a name that is taken or breaks its contract. Nothing of it
            is registered then.
    """
    resolved = Path(os.path.abspath(path))  # noqa: PTH100 - links stay: they are what the user named
    if resolved in _loaded or str(resolved) in _origins:
        return
    source = read_bytes(path, MAX_PLUGIN_BYTES, "plug-in", "Give the path of a .py file.")
    digest = hashlib.sha256(os.fsencode(resolved)).hexdigest()[:12]
    module = ModuleType(f"{_PREFIX}{digest}")
    module.__file__ = str(resolved)
    # Dataclasses look their module up there.
    sys.modules[module.__name__] = module
    try:
        with _loading(str(resolved), f"The plug-in {shown(path)}", "Mend the file, or leave it out."):
            exec(compile(source, str(resolved), "exec"), module.__dict__)  # noqa: S102 - the user's own code
    except AaeError:
        del sys.modules[module.__name__]
        raise
    _loaded.add(resolved)


def summary(value: object) -> str:
    """Give the first paragraph of a docstring, on one line, without marks."""
    paragraph, _, _ = (inspect.getdoc(value) or "").partition("\n\n")
    return " ".join(paragraph.split()).replace("``", "")


@contextmanager
def _loading(origin: str, title: str, remedy: str) -> Iterator[None]:
    """Turn whatever goes wrong while a plug-in is loaded into one sentence, and take back what it has registered."""
    _origins.append(origin)
    try:
        yield
    except (Exception, SystemExit) as error:
        for registry in _registries:
            registry.forget(origin)
        if isinstance(error, AaeError):
            raise AaeError(f"{title} cannot be loaded: {error.message}", error.hint or remedy) from error
        raise AaeError(f"{title} cannot be loaded: {_reason(error)}.", remedy) from error
    finally:
        _origins.pop()


def _reason(error: BaseException) -> str:
    """Say in one line what went wrong, and in which line of the file."""
    text = (str(error).splitlines() or [""])[0].rstrip(".")
    if isinstance(error, SyntaxError):
        return f"line {error.lineno}: {error.msg}"
    trace, line = error.__traceback__, 0
    while trace is not None:
        if trace.tb_frame.f_globals.get("__name__", "").startswith(_PREFIX):
            line = trace.tb_lineno
        trace = trace.tb_next
    where = f"line {line}: " if line else ""
    return f"{where}{type(error).__name__}{': ' if text else ''}{text}"


def _package(point: Any) -> str:
    """Name the installed package that an entry point is of."""
    return str(point.dist.name) if point.dist is not None else str(point.value)
