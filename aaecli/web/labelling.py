"""The questions of ``aaecli label`` for a page: an answer is on the disk before it is acknowledged."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from aaecli.errors import AaeError, did_you_mean
from aaecli.serve.album import encode_image
from aaecli.web import wire


class Row(NamedTuple):
    """A picture to ask about.

    Attributes:
        path: Its path from the folder.
        image: uint8 (H, W) or (H, W, 3), as the model sees it.
        guess: The model's name for it; None without a model.
        probability: That of the guess.
    """

    path: str
    image: NDArray[np.uint8]
    guess: str | None
    probability: float | None


@dataclass
class Labelling:
    """Questions and the answers given so far.

    Args:
        folder: What to call the folder.
        rows: The questions.
        classes: Names of the classes so far.
        keep: Is given the path of a picture with its label, and returns once both are on the disk; an empty label
            takes an answer back.
        choose: Chooses anew, from what has no label by now.
    """

    folder: str
    rows: Sequence[Row]
    classes: list[str]
    keep: Callable[[str, str], None]
    choose: Callable[[], Sequence[Row]]
    given: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._lock = asyncio.Lock()

    def questions(self) -> wire.Questions:
        """Give the questions with the answers so far."""
        rows = [
            wire.Question(index, row.path, row.guess, row.probability, self.given.get(row.path, ""))
            for index, row in enumerate(self.rows)
        ]
        return wire.Questions(self.folder, self.classes, rows)

    def png(self, index: int, path: str) -> bytes:
        """Give a picture as a PNG.

        Raises:
            IndexError: There is no question of that number, or it is about another picture.
        """
        if not 0 <= index < len(self.rows) or self.rows[index].path != path:
            raise IndexError
        return encode_image(self.rows[index].image)

    async def answer(self, index: int, path: str, answer: wire.Label) -> wire.Label:
        """Keep an answer; returns when it is on the disk.

        Args:
            index: Number of the question.
            path: Its picture, as a check: another page may have asked for other questions meanwhile.
            answer: The label.

        Raises:
            IndexError: There is no question of that number, or it is about another picture.
            AaeError: The label is no class, or cannot be written.
        """
        label = answer.label.strip()
        async with self._lock:
            if not 0 <= index < len(self.rows) or self.rows[index].path != path:
                raise IndexError
            if label and label not in self.classes:
                if not answer.new:
                    hint = did_you_mean(label, self.classes) if self.classes else "Send new: true to add it."
                    raise AaeError(f"There is no class '{label}' yet.", hint)
                if not label.isprintable():
                    raise AaeError("The name of a class is one line of text.", "Type another name.")
            await asyncio.to_thread(self.keep, path, label)
            if label and label not in self.classes:
                self.classes.append(label)
            if label:
                self.given[path] = label
            else:
                self.given.pop(path, None)
        return wire.Label(label)

    async def more(self) -> wire.Questions:
        """Choose anew.

        Raises:
            AaeError: There is nothing left to ask about.
        """
        async with self._lock:
            self.rows = await asyncio.to_thread(self.choose)
        return self.questions()
