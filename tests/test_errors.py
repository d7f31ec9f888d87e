"""The error that the command line shows, and the hints that name what was meant."""

from __future__ import annotations

import pytest

from aaecli.errors import AaeError, did_you_mean


def test_an_error_carries_a_sentence_and_a_hint() -> None:
    error = AaeError("The file is gone.", "Bring it back.")
    assert (error.message, error.hint, str(error)) == ("The file is gone.", "Bring it back.", "The file is gone.")
    assert AaeError("The file is gone.").hint == ""


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("defualt", "Did you mean 'default'?"),
        ("tutorail", "Did you mean 'tutorial'?"),
        ("zzz", "Choose one of: default, paper, tutorial."),
        ("", "Choose one of: default, paper, tutorial."),
    ],
)
def test_the_nearest_word_is_named_or_all_of_them(word: str, expected: str) -> None:
    assert did_you_mean(word, ["tutorial", "default", "paper"]) == expected
