"""A share of the endless mutations, in one process: each ends in a sentence, or changes nothing that matters."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path

import pytest

from aaecli.checkpoint.file import load_model
from aaecli.errors import AaeError
from tests.hostile.checkpoint_mutations import cases


@pytest.mark.filterwarnings("ignore")
def test_mutations_end_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    said: list[str] = []
    for name, write in islice(cases(0), 24):
        write(tmp_path, tmp_path / "canary")
        began = time.process_time()
        try:
            load_model(tmp_path / "model.pt")
        except AaeError as error:
            said.append(error.message)
        assert time.process_time() - began < 5, name
        assert {path.name for path in tmp_path.iterdir()} == {"model.pt"}, name
    assert len(said) > 15
    assert max(map(len, said)) < 600
