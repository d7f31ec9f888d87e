"""Files from strangers: each is refused with one sentence, runs nothing, and takes neither long nor much memory.

A quick share; ``nox -s hostile`` runs as many as are asked for.
"""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from tests import processes
from tests.hostile import bulk_files, checkpoints, data_files, graphs, inputs, session, stores

_ALL = (checkpoints.KINDS, graphs.KINDS, inputs.KINDS, data_files.KINDS, bulk_files.KINDS, stores.KINDS)
_CORPORA = sum(map(len, _ALL))
_FIRST = list(islice(session.cases(0), _CORPORA + 16))
_SHARE = [*_FIRST[:_CORPORA:6], *_FIRST[_CORPORA:]]


@pytest.mark.parametrize("case", _SHARE, ids=lambda case: f"{case.number} {case.group}")
def test_nothing_is_wrong_with_how_a_case_ends(case: session.Case, tmp_path: Path) -> None:
    ending = session.run_case(case, tmp_path / "case")
    assert not ending.faults, f"{case.name[:200]}: {ending.command}: {ending.outcome.err[-2000:]}"


def test_the_collections_are_large() -> None:
    assert _CORPORA == len({name for kinds in _ALL for name in kinds}) >= 150
    assert len({case.group for case in _FIRST}) == 16


@pytest.mark.parametrize(
    ("group", "make"),
    [
        ("checkpoints", checkpoints.changed(lambda content: None)),
        ("graphs", graphs.changed(lambda _: None)),
    ],
)
def test_what_they_were_made_from_is_answered(group: str, make: checkpoints.Write, tmp_path: Path) -> None:
    ending = session.run_case(session.Case(0, group, "honest", make, is_refused=False), tmp_path / "case")
    assert ending.outcome.code == 0, ending.outcome.err
    assert not ending.faults


def _careless(folder: Path, canary: Path) -> list[str]:
    canary.touch()
    return ["--version"]


def test_what_is_wrong_is_found(tmp_path: Path) -> None:
    """Each check can fail."""
    case = session.Case(0, "x", "y", _careless, is_refused=True)
    assert session.run_case(case, tmp_path / "case").faults == ("it ended with 0",)
    assert (tmp_path / "case" / "here").exists()
    bad = processes.Outcome(1, "", "Traceback \x1b[31m" + "x" * 10**6, 6.0, 2**31)
    found = " ".join(session.faults_of(case, bad, 5.0))
    for word in ("without a sentence", "a traceback", "1,000,", "6.0 CPU seconds", "2,048 MiB", r"'\x1b'"):
        assert word in found
    for code in (-11, -1, 3):
        assert f"it ended with {code}" in " ".join(session.faults_of(case, bad._replace(code=code), 5.0))
    before, after = {"model.pt": "a", "x": "link to y"}, {"model.pt": "b", "x": "c", "canary": "d", "runs/1": "e"}
    assert sorted(session.traces("eval", before, after)) == [
        "it left 'canary'",
        "it left 'model.pt' other than it was",
        "it left 'runs/1'",
        "it left 'x' other than it was",
        "it replaced the link 'x'",
    ]
    assert "it left 'runs/1'" not in list(session.traces("train", before, after))


def test_the_same_cases_come_from_the_same_seed() -> None:
    first, again, other = ([case.name for case in islice(session.cases(seed), 300)] for seed in (1, 1, 2))
    assert first == again != other
