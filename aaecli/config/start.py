"""The section [start]: the model whose weights a training begins with."""

from __future__ import annotations

import re
from dataclasses import dataclass

from aaecli.config.parsing import require

_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Start:
    """The model that a training starts from, instead of random weights.

    Attributes:
        model: ``released``, which comes with the package, a model.pt, or the folder of a run; random weights where
            empty.
        sha256: SHA-256 of its file, which the training fills in. A model of another one is refused.
    """

    model: str = ""
    sha256: str = ""

    def __post_init__(self) -> None:
        holds = not self.sha256 or _SHA256.fullmatch(self.sha256) is not None
        require(holds, "start.sha256", "64 digits from 0 to f, or nothing", self.sha256)
