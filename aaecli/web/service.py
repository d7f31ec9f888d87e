"""What the handlers of one server share."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field

from aaecli.web.engine import Engine
from aaecli.web.examples import Examples
from aaecli.web.labelling import Labelling
from aaecli.web.metrics import Metrics
from aaecli.web.preparing import Preparing
from aaecli.web.requests import Memory


@dataclass
class Serving:
    """A model, ready to answer.

    Attributes:
        engine: Runs it.
        preparing: Makes its input from pictures.
        examples: Images that it has encoded, to compare with.
    """

    engine: Engine
    preparing: Preparing
    examples: Examples


@dataclass
class Service:
    """Everything that a handler may need.

    Attributes:
        metrics: What is counted.
        max_body: Most bytes of a body that carries pictures or tensors.
        serving: The model; None where only labels are asked for.
        labelling: The questions; None where a model is served.
        memory: What all bodies take together.
    """

    metrics: Metrics
    max_body: int
    serving: Serving | None = None
    labelling: Labelling | None = None
    memory: Memory = field(default_factory=Memory)

    @property
    def model(self) -> Serving:
        """The model, where there is one: the table has its routes only then."""
        if self.serving is None:
            raise AssertionError("a route of the model without one")
        return self.serving

    @property
    def labels(self) -> Labelling:
        """The questions, where there are any: the table has their routes only then."""
        if self.labelling is None:
            raise AssertionError("a route of the questions without any")
        return self.labelling

    def admitted(self) -> AbstractContextManager[None]:
        """Count a request in: see ``Engine.admitted``."""
        return nullcontext() if self.serving is None else self.serving.engine.admitted()
