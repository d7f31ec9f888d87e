"""What is said about the pictures of a folder, and when."""

from __future__ import annotations

from dataclasses import replace

import pytest

from aaecli.data.inspection.findings import Findings

TOGETHER = "All copies are learnt from, or none."
NOTHING = Findings({}, (), (), (), (), (), 0, 8)


def notes(most: int = 3, **found: object) -> list[str]:
    return list(replace(NOTHING, **found).notes(most))


def test_nothing_is_said_of_nothing() -> None:
    assert notes() == []


def test_names_are_listed_up_to_a_number() -> None:
    reasons = {f"{number}.png": f"{number}.png is damaged." for number in range(7)}
    (note,) = notes(6, unreadable=reasons)
    said = ", ".join(f"{number}.png is damaged" for number in range(6))
    assert note == f"Left out, since unreadable: 7 pictures. {said} and 1 more (`aaecli data` lists them)."
    (note,) = notes(7, unreadable=reasons)
    assert note == f"Left out, since unreadable: 7 pictures. {said}, 6.png is damaged."
    (note,) = replace(NOTHING, missing=tuple("abcdefgh")).notes()
    assert note == "Only labels.csv knows of 8 pictures: a, b, c, d, e and 3 more (`aaecli data` lists them)."


@pytest.mark.parametrize(
    ("found", "said"),
    [
        ({"missing": ("a",)}, "Only labels.csv knows of 1 picture: a."),
        (
            {"missing": ("1.png", "b"), "resembling": {"1.png": "01.png"}},
            "Only labels.csv knows of 2 pictures: 1.png (is 01.png meant?), b.",
        ),
        (
            {"contradicting": (("a", "b"), ("c", "d", "e"))},
            "The same picture is labelled as different classes, so none of the labels counts: a = b, c = d = e.",
        ),
        ({"tested": (("a", "b"),)}, "Not learnt from, since 1 test picture would tell nothing: a = b."),
        ({"labelled": (("a", "b"),)}, "1 picture occurs more than once, 1 of them labelled. " + TOGETHER),
        ({"unlabelled": (("a", "b"), ("c", "d"))}, "2 pictures occur more than once, 0 of them labelled. " + TOGETHER),
        (
            {"labelled": (("a", "b"),), "unlabelled": (("c", "d"), ("e", "f"))},
            "3 pictures occur more than once, 1 of them labelled. " + TOGETHER,
        ),
    ],
)
def test_each_finding_is_a_sentence(found: dict[str, object], said: str) -> None:
    assert notes(**found) == [said]


def test_many_oddities_are_said_as_a_share() -> None:
    assert notes(num_suspicious=2) == []
    (note,) = notes(num_suspicious=3)
    assert note.startswith("38% of the pictures look unlike")
    assert "--no-normalise" in note
    assert notes(num_images=0) == []
