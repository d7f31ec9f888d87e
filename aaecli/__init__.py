"""Adversarial autoencoders that learn to read small images from very few labels.

The public names are below. Each is imported when it is first used: ``import aaecli`` itself loads nothing.
"""

from typing import TYPE_CHECKING

__version__ = "0.1.0"

if TYPE_CHECKING:
    from aaecli.api.classifier import Classifier as Classifier
    from aaecli.api.generator import Generator as Generator
    from aaecli.errors import AaeError as AaeError
    from aaecli.serve.classify import Answer as Answer
    from aaecli.serve.classify import Failure as Failure

_HOME = {
    "AaeError": "errors",
    "Answer": "serve.classify",
    "Classifier": "api.classifier",
    "Failure": "serve.classify",
    "Generator": "api.generator",
}
"""The module of each public name. None may be called as a module of the package: importing that would replace it."""

__all__ = ["AaeError", "Answer", "Classifier", "Failure", "Generator"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module 'aaecli' has no attribute {name!r}")
    from importlib import import_module

    value = globals()[name] = getattr(import_module(f"aaecli.{_HOME[name]}"), name)
    return value


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
