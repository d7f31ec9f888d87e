"""Adversarial autoencoders that learn to read small images from very few labels.

The public names are below. Each is imported when it is first used: ``import aaecli`` itself loads nothing.
"""

TYPE_CHECKING = False  # what checkers take for the constant of typing, whose import takes longer than all else here
__version__ = "0.1.0"

if TYPE_CHECKING:
    from aaecli.api.classifier import Classifier as Classifier
    from aaecli.api.estimator import AAEClassifier as AAEClassifier
    from aaecli.api.generator import Generator as Generator
    from aaecli.api.progress import Progress as Progress
    from aaecli.api.runs import Run as Run
    from aaecli.api.runs import load_run as load_run
    from aaecli.api.split import LabelledSplit as LabelledSplit
    from aaecli.api.training import resume as resume
    from aaecli.api.training import train as train
    from aaecli.errors import AaeError as AaeError
    from aaecli.serve.classify import Answer as Answer
    from aaecli.serve.classify import Failure as Failure

_HOME = {
    "AAEClassifier": "api.estimator",
    "AaeError": "errors",
    "Answer": "serve.classify",
    "Classifier": "api.classifier",
    "Failure": "serve.classify",
    "Generator": "api.generator",
    "LabelledSplit": "api.split",
    "Progress": "api.progress",
    "Run": "api.runs",
    "load_run": "api.runs",
    "resume": "api.training",
    "train": "api.training",
}
"""The module of each public name. None may be called as a module of the package: importing that would replace it."""

__all__ = [
    "AAEClassifier",
    "AaeError",
    "Answer",
    "Classifier",
    "Failure",
    "Generator",
    "LabelledSplit",
    "Progress",
    "Run",
    "load_run",
    "resume",
    "train",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'aaecli' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"aaecli.{_HOME[name]}"), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
