"""Files from strangers: each is refused with one sentence, runs nothing, and takes neither long nor much memory."""

from __future__ import annotations

import itertools
from pathlib import Path

import pytest

from tests import processes
from tests.hostile import checkpoints, graphs, inputs

KINDS = checkpoints.KINDS | graphs.KINDS | inputs.KINDS
_SECONDS = 5
_BYTES = 2**30
_AT_ONCE = 15
_GROUPS = [list(KINDS)[start : start + _AT_ONCE] for start in range(0, len(KINDS), _AT_ONCE)]


@pytest.mark.parametrize("kinds", _GROUPS, ids=lambda kinds: f"{kinds[0]} and on")
def test_strangers_files_are_refused(kinds: list[str], tmp_path: Path) -> None:
    commands, before = {}, {}
    for kind in kinds:
        here = tmp_path / "here" / kind
        here.mkdir(parents=True)
        commands[kind] = KINDS[kind](here, here / "canary")
        before[kind] = set(here.rglob("*"))
    for kind, outcome in processes.run_each(commands, tmp_path / "here", tmp_path / "notes").items():
        said = f"{kind}: {' '.join(outcome.err.split())}"
        assert outcome.code == 1, said
        assert "error: " in said
        assert "Traceback" not in said
        assert len(said) < 2000
        assert outcome.seconds < _SECONDS, said
        assert outcome.max_bytes < _BYTES, said
        # Nothing was run, which would have left a canary, and nothing but what any resumed run writes.
        allowed = {tmp_path / "here" / kind / "runs" / "some-001" / name for name in (".lock", "labels.csv")}
        assert set((tmp_path / "here" / kind).rglob("*")) - allowed == before[kind] - allowed, said
    assert not list(tmp_path.rglob("escape*"))


def test_the_corpus_is_large() -> None:
    assert len(KINDS) == len(checkpoints.KINDS) + len(graphs.KINDS) + len(inputs.KINDS) >= 40


def test_what_they_were_made_from_is_accepted(tmp_path: Path) -> None:
    commands = {}
    for name, make in (
        ("eval", checkpoints.changed(lambda content: None)),
        ("classify", graphs.changed(lambda _: None)),
    ):
        (tmp_path / name).mkdir()
        commands[name] = make(tmp_path / name, tmp_path / "canary")
    for outcome in processes.run_each(commands, tmp_path, tmp_path / "notes").values():
        assert outcome.code == 0, outcome.err


def test_inputs_changed_at_random_end_in_an_answer_or_a_sentence(tmp_path: Path) -> None:
    """A quick share of ``inputs.cases``, which has no end."""
    commands = {}
    for kind, write in itertools.islice(inputs.cases(0), 14):
        (tmp_path / "here" / kind).mkdir(parents=True)
        commands[kind] = write(tmp_path / "here" / kind, tmp_path / "canary")
    for kind, outcome in processes.run_each(commands, tmp_path / "here", tmp_path / "notes").items():
        said = f"{kind}: {outcome.err[-2000:]}"
        assert outcome.code in (0, 1), said
        assert outcome.code == 0 or "error: " in said
        assert "Traceback" not in said
        assert outcome.seconds < _SECONDS, said
        assert outcome.max_bytes < _BYTES, said


def test_the_same_cases_come_from_the_same_seed() -> None:
    first, again, other = ([kind for kind, _ in itertools.islice(inputs.cases(seed), 70)] for seed in (1, 1, 2))
    assert first == again != other
