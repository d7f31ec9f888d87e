"""The rooms of the package, read off its syntax trees: who may import whom, and what a module must have."""

from __future__ import annotations

import ast
import graphlib
from collections import Counter
from collections.abc import Iterable, Iterator

import pytest

from tests.source import modules, nodes

MAY_IMPORT = {
    room: set(others.split())
    for room, others in {
        "errors": "",
        "suggestions": "",
        "files": "errors suggestions",
        "plugins": "errors files",
        "priors": "plugins",
        "config": "errors files plugins priors",
        "metrics": "errors plugins",
        "models": "config errors priors",
        "checkpoint": "config errors files metrics models plugins version",
        "text": "",
        "data": "config errors files plugins suggestions text",
        "graph": "",
        "runs": "checkpoint config errors files suggestions",
        "serve": "config data errors files graph metrics priors runs suggestions text",
        "web": "config data errors priors serve text version",
        "scale": "config data errors files serve version",
        "doctor": "data errors files models runs serve suggestions version",
        "evaluation": "checkpoint config data errors metrics models priors",
        "training": "checkpoint config data errors evaluation files metrics models priors runs suggestions text "
        "version",
        "experiments": "config data errors evaluation files metrics models runs scale training",
        "export": "checkpoint config data errors evaluation files graph metrics models priors serve text version",
        "figures": "files text",
        "labelling": "checkpoint config data errors files models suggestions text",
        "terminal": "errors text",
        "api": "checkpoint config data errors evaluation export files models plugins priors runs serve suggestions "
        "training version",
        "cli": "checkpoint config data doctor errors evaluation experiments export figures files "
        "labelling metrics models plugins runs scale serve suggestions terminal text training version web",
        "__main__": "cli",
        # The package itself holds the version and the public names, which are imported when they are first used.
        "__init__": "api errors serve",
    }.items()
}
"""Each room with those that it may import, the lowest first: a room a line."""
ONLY_IN = {
    "torch": {"api", "checkpoint", "doctor", "evaluation", "export", "labelling", "models", "training"},
    "torchvision": {"models"},
    "onnx": {"export"},
    "onnxscript": {"export"},
    # Imported in one place, where its telemetry is turned off first.
    "onnxruntime": {"serve.runtime"},
    "matplotlib": {"figures"},
    "tensorboard": {"training"},
    "starlette": {"web"},
    "uvicorn": {"web"},
    "h11": {"web"},
    "msgspec": {"web"},
    "prometheus_client": {"web"},
    "pyarrow": {"data", "scale"},
    "distributed": {"scale.executors"},
    "dask": set(),
    "typer": {"cli"},
    "rich": {"cli", "terminal", "text"},
    "PIL": {"data", "serve", "terminal"},
    "sklearn": {"api"},
    # typer vendors its own; the tests have hypothesis, the program does not.
    "click": set(),
    "hypothesis": set(),
    "pytest": set(),
    # Checkpoints are read without it.
    "pickle": set(),
}
NO_ROOM = {"utils", "util", "helpers", "helper", "common", "base", "manager", "misc"}


def room_of(module: str) -> str:
    """Give the room of a module: the folder below the package, or the module's own name."""
    return module.removesuffix(".py").partition("/")[0]


def imports(found: Iterable[ast.AST]) -> Iterator[str]:
    """Name every module that is imported, at the top, in a function or by name."""
    for node in found:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            # `from aaecli import console` imports aaecli.terminal.console.
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Call) and ast.unparse(node.func).endswith("import_module"):
            name = node.args[0]
            if isinstance(name, ast.Constant):
                yield str(name.value)


def faults(module: str, text: str) -> list[str]:
    """Name each import of a module that the rooms do not allow."""
    room, found = room_of(module), []
    dotted = module.removesuffix(".py").replace("/", ".")
    all_names = Counter(imports(nodes(text)))
    names_for_types = Counter(name for node in type_checking(text) for name in imports(ast.walk(node)))
    # Types may name another library's classes, since nothing is loaded for it; the rooms hold for types too.
    for_types_only = {name for name, count in names_for_types.items() if all_names[name] == count}
    for name in all_names:
        first, *rest = name.split(".")
        if first == "aaecli":
            target = "version" if rest == ["__version__"] else rest[0]
            if target != room and target not in MAY_IMPORT[room]:
                found.append(f"{room} imports aaecli.{target}")
        elif name not in for_types_only and not {room, dotted} & ONLY_IN.get(first, {room}):
            found.append(f"{room} imports {first}")
    return found


def type_checking(text: str) -> Iterator[ast.stmt]:
    """Give what only a type checker reads."""
    for node in nodes(text):
        if isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            yield from node.body


def test_each_room_is_in_the_table() -> None:
    assert {room_of(name) for name in modules()} <= MAY_IMPORT.keys(), "say in MAY_IMPORT what a new room may import"


def test_no_module_has_a_name_that_says_nothing() -> None:
    assert NO_ROOM.isdisjoint(name.rpartition("/")[2].removesuffix(".py") for name in modules())


def test_modules_stay_in_their_rooms() -> None:
    assert {name: found for name, text in modules().items() if (found := faults(name, text))} == {}


def test_modules_say_what_they_are_for() -> None:
    assert [name for name, text in modules().items() if not ast.get_docstring(nodes(text)[0])] == []


def test_no_circle_of_rooms() -> None:
    below: set[str] = set()
    for room, others in MAY_IMPORT.items():
        assert others <= below | {"version"}, f"{room} imports what stands below it in the table"
        below.add(room)


def imported_modules(texts: dict[str, str]) -> dict[str, set[str]]:
    """Give for each module those of the package that it imports, in functions and for types alone too."""
    found: dict[str, set[str]] = {}
    for name, text in texts.items():
        # `from aaecli.data import dataset` imports a module, `from aaecli.errors import AaeError` a name in one.
        # The version is there before the package names what it offers, which it does for types alone.
        used = set(imports(nodes(text))) - {"aaecli.__version__"}
        names = {full if full in texts else full.rpartition(".")[0] for full in used}
        found[name] = (names & texts.keys()) - {name}
    return found


def circle_in(imported: dict[str, set[str]]) -> list[str]:
    """Give the modules of a circle, the first again at the end; none where there is no circle."""
    try:
        graphlib.TopologicalSorter(imported).prepare()
    except graphlib.CycleError as error:
        return list(error.args[1])
    return []


def test_no_circle_of_modules() -> None:
    texts = {
        f"aaecli.{name.removesuffix('.py').replace('/', '.')}".removesuffix(".__init__"): text
        for name, text in modules().items()
    }
    assert circle_in(imported_modules(texts)) == []


def test_a_circle_of_modules_is_seen() -> None:
    texts = {
        "aaecli.a": "from aaecli import b",
        "aaecli.b": "def f():\n    import aaecli.c",
        "aaecli.c": "if TYPE_CHECKING:\n    from aaecli.a import A",
        "aaecli.d": "from aaecli.c import x",
    }
    circle = circle_in(imported_modules(texts))
    assert set(circle) == {"aaecli.a", "aaecli.b", "aaecli.c"}
    texts["aaecli.c"] = ""
    assert circle_in(imported_modules(texts)) == []


def test_all_rooms_are_walked() -> None:
    assert {"cli", "data", "training", "serve", "config", "errors"} <= {room_of(name) for name in modules()}


@pytest.mark.parametrize(
    ("place", "text"),
    [
        ("serve/session.py", "import torch"),
        ("serve/session.py", "def f():\n    from torch.nn import functional"),
        ("serve/session.py", "from aaecli.training import step"),
        ("serve/session.py", "import aaecli.training.step"),
        ("training/step.py", "from aaecli import serve"),
        ("training/step.py", "from importlib import import_module\nimport_module('aaecli.serve.session')"),
        ("data/readers/idx.py", "import onnxruntime as ort"),
        ("serve/session.py", "import onnxruntime"),
        ("export/onnx.py", "def f():\n    from onnxruntime import quantization"),
        ("data/readers/idx.py", "from aaecli.training.step import Step"),
        ("data/readers/idx.py", "from aaecli.cli import main"),
        ("config/schema.py", "from aaecli import console"),
        ("errors.py", "import aaecli.runs.paths"),
        ("training/step.py", "import typer"),
        ("serve/session.py", "import matplotlib.pyplot as plt"),
        ("cli/train.py", "import torch"),
        ("cli/train.py", "import click"),
        ("cli/train.py", "if TYPE_CHECKING:\n    import torch\nimport torch"),
        ("training/step.py", "if TYPE_CHECKING:\n    from aaecli.serve import session"),
    ],
)
def test_an_import_against_the_rooms_is_seen(place: str, text: str) -> None:
    assert len(faults(place, text)) == 1


def test_types_may_name_other_libraries() -> None:
    assert faults("cli/train.py", "if TYPE_CHECKING:\n    from torch import Tensor") == []
