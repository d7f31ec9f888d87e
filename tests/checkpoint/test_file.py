"""Checkpoints: round trip, and refusal of everything else."""

from __future__ import annotations

import pickle

import pytest
import torch

from aaecli.checkpoint import file
from aaecli.checkpoint.file import Checkpoint, load_model, save_model
from aaecli.errors import AaeError
from aaecli.models.networks import Networks


@pytest.fixture
def model(small_config):
    config = small_config("default")
    networks = Networks(config.model, (1, 12, 10), 3, config.network)
    return Checkpoint(config, ("a", "b", "c"), (1, 12, 10), networks.encoder, networks.decoder, {"steps": 6})


def test_a_model_comes_back_as_it_was(tmp_path, model):
    save_model(tmp_path / "model.pt", model)
    again = load_model(tmp_path / "model.pt")
    assert (again.config, again.classes, again.image_shape) == (model.config, model.classes, model.image_shape)
    assert again.summary == {"steps": 6}
    for part in ("encoder", "decoder"):
        before, after = getattr(model, part).state_dict(), getattr(again, part).state_dict()
        assert before.keys() == after.keys()
        assert all(torch.equal(before[name], after[name]) for name in before)
        assert not getattr(again, part).training


def test_the_temperature_is_that_of_the_encoder(tmp_path, model):
    path = tmp_path / "model.pt"
    save_model(path, model)
    assert load_model(path).encoder.temperature == 1
    model.summary["temperature"] = 1.5
    save_model(path, model)
    assert load_model(path).encoder.temperature == 1.5
    for wrong in (0.0, -1.5, float("nan"), float("inf"), 1e9, "1.5", 2, None):
        rewrite(path, summary={"temperature": wrong})
        with pytest.raises(AaeError, match="damaged"):
            load_model(path)


class Evil:
    """Writes a file when it is unpickled."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (open, (str(self.path), "w"))


@pytest.mark.parametrize("writer", ["torch", "pickle"])
def test_a_file_with_code_in_it_is_refused_and_not_run(tmp_path, writer):
    path, mark = tmp_path / "model.pt", tmp_path / "mark"
    if writer == "torch":
        torch.save({"format": "aaecli", "weights": Evil(mark)}, path)
    else:
        path.write_bytes(pickle.dumps(Evil(mark), protocol=2))
    with pytest.raises(AaeError, match="refused"):
        load_model(path)
    assert not mark.exists()


def rewrite(path, **changes):
    content = torch.load(path, weights_only=True)
    torch.save(content | changes, path)


def test_files_that_are_not_ours_are_refused_by_name(tmp_path, model):
    path = tmp_path / "model.pt"
    with pytest.raises(AaeError, match="No such file"):
        load_model(path)
    path.write_bytes(b"")
    with pytest.raises(AaeError, match="is refused"):
        load_model(path)
    path.write_text("hello")
    with pytest.raises(AaeError, match=r"model\.pt"):
        load_model(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(AaeError, match="is a folder, not a file"):
        load_model(path)
    path.rmdir()
    torch.save([1, 2], path)
    with pytest.raises(AaeError, match="not written by aaecli"):
        load_model(path)


def test_every_truncation_of_a_model_is_refused(tmp_path, model):
    path = tmp_path / "model.pt"
    save_model(path, model)
    whole = path.read_bytes()
    for share in range(0, 100, 7):
        path.write_bytes(whole[: len(whole) * share // 100])
        with pytest.raises(AaeError):
            load_model(path)


def test_a_newer_schema_asks_for_an_update(tmp_path, model):
    path = tmp_path / "model.pt"
    save_model(path, model)
    rewrite(path, schema=file.SCHEMA + 1)
    with pytest.raises(AaeError, match="schema") as caught:
        load_model(path)
    assert "newer aaecli" in caught.value.hint


def test_training_states_and_models_are_told_apart(tmp_path, model):
    file.write(tmp_path / "last.pt", "training", {})
    with pytest.raises(AaeError, match="holds no weights"):
        load_model(tmp_path / "last.pt")
    save_model(tmp_path / "model.pt", model)
    with pytest.raises(AaeError, match="holds no training"):
        file.read(tmp_path / "model.pt", "training", 2**30)


@pytest.mark.parametrize(
    "changes",
    [{"classes": ["a", "b"]}, {"image_shape": [28, 28]}, {"weights": {}}, {"image_shape": 3}, {"summary": 5}],
)
def test_weights_that_do_not_fit_the_settings_are_refused(tmp_path, model, changes):
    path = tmp_path / "model.pt"
    save_model(path, model)
    rewrite(path, **changes)
    with pytest.raises(AaeError, match="damaged"):
        load_model(path)


def test_a_failed_save_leaves_the_old_file(tmp_path, model, monkeypatch):
    path = tmp_path / "model.pt"
    save_model(path, model)
    before = path.read_bytes()

    def fail(content, target):
        target.write_bytes(b"half")
        raise RuntimeError("PytorchStreamWriter failed writing file")

    monkeypatch.setattr(torch, "save", fail)
    with pytest.raises(AaeError, match="Cannot write"):
        save_model(path, model)
    assert path.read_bytes() == before
    assert [entry.name for entry in tmp_path.iterdir()] == ["model.pt"]
