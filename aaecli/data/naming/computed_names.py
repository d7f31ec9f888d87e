"""Names of images, each made when somebody reads it: millions of texts would take gigabytes."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import overload


class ComputedNames(Sequence[str]):
    """A sequence of names of which only ``name`` and the length are left to write."""

    @abstractmethod
    def name(self, number: int) -> str:
        """Make the name of an image, whose number is in the range of the length."""

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[str]: ...
    def __getitem__(self, index: int | slice) -> str | Sequence[str]:
        """Give one name, or some.

        Raises:
            IndexError: There is no image of that number.
        """
        numbers = range(len(self))
        if isinstance(index, slice):
            return tuple(self.name(number) for number in numbers[index])
        return self.name(numbers[index])
