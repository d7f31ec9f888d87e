"""The error that the command line shows, and the hints that name what was meant."""

from __future__ import annotations

import pickle

import pytest

from aaecli.errors import AaeError, did_you_mean, missing_package


def test_an_error_carries_a_sentence_and_a_hint() -> None:
    error = AaeError("The file is gone.", "Bring it back.")
    assert (error.message, error.hint, str(error)) == (
        "The file is gone.",
        "Bring it back.",
        "The file is gone. Bring it back.",
    )
    assert str(AaeError("The file is gone.")) == "The file is gone."
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - its own; so it comes back from another process
    assert (again.message, again.hint) == (error.message, error.hint)


def test_a_missing_package_is_an_import_error_too() -> None:
    with pytest.raises(ImportError, match=r"AAEClassifier needs scikit-learn.* install 'aaecli\[sklearn\]'"):
        raise missing_package("AAEClassifier", "scikit-learn", "sklearn")
    assert missing_package("train", "torch").hint == "Install it: `python -m pip install torch`."


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
