"""Asking for labels in the terminal: a picture, a guess, an answer that is on the disk before the next question."""

from __future__ import annotations

import difflib
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING

from aaecli.data.readers.image_folder.classes import plain_name
from aaecli.terminal.console import has_blocks, has_colour, say
from aaecli.text import for_terminal

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from aaecli.data.dataset import Dataset
    from aaecli.labelling.selection import Question

Row = tuple[str, "NDArray[np.uint8]", "str | None", "float | None"]
"""Of a question: path, picture, guess and the probability of the guess."""
_NAME_WIDTH = 60
HELP = (
    "Type a class or the beginning of its name. Enter accepts the prediction, - skips, < goes back, "
    ". stops, ? lists the classes."
)

Ask = Callable[[str], str | None]
"""Shows a prompt and gives the line that was typed; None where there is none any more."""


class Answers:
    """What a typed line means, given the classes that there are.

    Args:
        classes: Names of the classes known so far; new ones are added.

    Attributes:
        classes: All of them.
    """

    def __init__(self, classes: Sequence[str]) -> None:
        self.classes = list(classes)
        self._proposed: str | None = None

    def read(self, line: str, guess: str | None) -> tuple[str | None, str]:
        """Understand a line.

        Returns:
            The class, or None where the line names none; and what to tell the user then.
        """
        word = line.strip()
        if not word:
            return guess, "" if guess else "There is no prediction to accept: type a class, or - to skip."
        if word in self.classes:
            return word, ""
        # A 1 is no beginning of 10.
        whole = word.isdecimal()
        begins = [name for name in self.classes if not whole and name.casefold().startswith(word.casefold())]
        begins = begins or [name for name in self.classes if plain_name(name) == plain_name(word) and len(name) > 1]
        if len(begins) == 1:
            return begins[0], ""
        if begins:
            return None, f"'{word}' may be {' or '.join(for_terminal(name, _NAME_WIDTH) for name in begins)}."
        if self._proposed == word:
            self.classes.append(word)
            return word, ""
        self._proposed = word
        listed = ", ".join(for_terminal(name, _NAME_WIDTH) for name in self.classes)
        known = f" So far: {listed}." if listed else ""
        near = [] if whole else difflib.get_close_matches(word, self.classes, 1)
        if near:
            known = f" Did you mean '{for_terminal(near[0], _NAME_WIDTH)}'?"
        return None, f"There is no class '{word}' yet.{known} To add '{word}', type it once more."


def ask_all(
    questions: Sequence[Row],
    answers: Answers,
    keep: Callable[[str, str], None],
    ask: Ask,
) -> None:
    """Ask one question after the other, until there is none left or the user stops.

    Args:
        questions: Path of each picture, the picture, what the model takes it for, and how sure it is.
        answers: The classes.
        keep: Is given each path with its label at once; an empty label takes an answer back.
        ask: Asks.
    """
    given: set[int] = set()
    number = 0
    say(HELP)
    while number < len(questions):
        path, image, guess, probability = questions[number]
        say("")
        say(f"{number + 1} of {len(questions)}: {for_terminal(path)}")
        _show(image)
        shown = (
            f" [{for_terminal(guess, _NAME_WIDTH)}, {probability:.0%}]"
            if guess is not None and probability is not None
            else ""
        )
        line = ask(f"class{shown}: ")
        if line is None or line.strip() == ".":
            break
        if line.strip() == "?":
            say(
                ", ".join(for_terminal(name, _NAME_WIDTH) for name in answers.classes)
                or "No classes yet: type the name of the first."
            )
        elif line.strip() == "-":
            number += 1
        elif line.strip() == "<":
            number = max(0, number - 1)
            if number in given:
                keep(questions[number][0], "")
                given.remove(number)
        else:
            label, message = answers.read(line, guess)
            if label is None:
                say(message)
                continue
            keep(path, label)
            given.add(number)
            number += 1


def rows_of(dataset: Dataset, questions: Sequence[Question]) -> list[Row]:
    """Give path, picture, guess and its probability of each question."""
    return [
        (dataset.train_name[index], dataset.train_image[index], guess, probability)
        for index, guess, probability in questions
    ]


def ask_in_terminal(prompt: str) -> str | None:
    """Ask on stderr and read a line from stdin; None where it has ended."""
    sys.stderr.write(for_terminal(prompt))
    sys.stderr.flush()
    try:
        line = sys.stdin.readline()
    except KeyboardInterrupt:
        sys.stderr.write("\n")
        raise
    if not line:
        sys.stderr.write("\n")
        return None
    return line


def _show(image: NDArray[np.uint8]) -> None:
    from aaecli.terminal.drawing import draw

    columns = shutil.get_terminal_size().columns
    lines: Iterable[str] = draw(image, columns, colour=has_colour(sys.stderr), blocks=has_blocks(sys.stderr))
    sys.stderr.write("\n".join(lines) + "\n")
