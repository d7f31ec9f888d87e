"""Names that are made when somebody reads them."""

from __future__ import annotations

import pytest

from aaecli.data.naming.computed_names import ComputedNames


class Squares(ComputedNames):
    def __len__(self) -> int:
        return 5

    def name(self, number: int) -> str:
        return str(number**2)


def test_names_are_those_of_a_list() -> None:
    names, listed = Squares(), ["0", "1", "4", "9", "16"]
    assert list(names) == listed
    assert [names[-1], names[2]] == ["16", "4"]
    for part in (slice(1, 4), slice(None, None, -2), slice(9, 12)):
        assert list(names[part]) == listed[part]
    for absent in (5, -6):
        with pytest.raises(IndexError):
            names[absent]
