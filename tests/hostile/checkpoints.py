"""Checkpoints that a stranger might send: code, boasts, bombs, and what merely does not fit."""

from __future__ import annotations

import io
import os
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from aaecli.checkpoint.file import Checkpoint, save_model
from aaecli.config.resolve import resolve
from aaecli.models.networks import Networks

Write = Callable[[Path, Path], list[str]]


class Code:
    """Runs a command when it is unpickled."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (os.system, (f"touch '{self.canary}'",))


class Import:
    """Has a file read and run when it is unpickled, through the interpreter's own functions."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, (f"open({str(self.canary)!r}, 'w')",))


_ENCODER_HIDDEN = ("config", "network", "encoder_options", "hidden")
_DECODER_HIDDEN = ("config", "network", "decoder_options", "hidden")


def honest(folder: Path) -> Path:
    """Write a small model that would be accepted."""
    small = {"encoder": "mlp", "encoder_options": {"hidden": [12]}, "discriminator_hidden": [6], "style_dim": 2}
    config = resolve(flags={"network": small})
    networks = Networks(config.model, (1, 28, 28), 10, config.network)
    model = Checkpoint(config, tuple("0123456789"), (1, 28, 28), networks.encoder, networks.decoder, {"steps": 3})
    save_model(folder / "model.pt", model)
    return folder / "model.pt"


def changed(change: Callable[[dict[str, Any]], Any]) -> Write:
    """Write the honest model with its content changed."""

    def write(folder: Path, canary: Path) -> list[str]:
        path = honest(folder)
        content = torch.load(path, weights_only=True)
        torch.save(change(content) or content, path)
        return ["eval", "model.pt"]

    return write


def rezipped(change: Callable[[list[tuple[str, bytes]], Path], Any], compression: int = zipfile.ZIP_STORED) -> Write:
    """Write the honest model with the parts of its zip file changed."""

    def write(folder: Path, canary: Path) -> list[str]:
        path = honest(folder)
        with zipfile.ZipFile(path) as archive:
            parts = [(name, archive.read(name)) for name in archive.namelist()]
        parts = change(parts, canary) or parts
        with zipfile.ZipFile(path, "w", compression) as archive:
            for name, body in parts:
                archive.writestr(name, body)
        return ["eval", "model.pt"]

    return write


def raw(body: Callable[[bytes, Path], bytes]) -> Write:
    """Write the honest model's bytes, changed."""

    def write(folder: Path, canary: Path) -> list[str]:
        path = honest(folder)
        path.write_bytes(body(path.read_bytes(), canary))
        return ["eval", "model.pt"]

    return write


def _pickled(parts: list[tuple[str, bytes]], data: bytes) -> list[tuple[str, bytes]]:
    return [(name, data if name.endswith("data.pkl") else body) for name, body in parts]


def _legacy(value: Any) -> bytes:
    buffer = io.BytesIO()
    torch.save(value, buffer, _use_new_zipfile_serialization=False)
    return buffer.getvalue()


def _endless() -> list[Any]:
    """Nine lists of nine references each to the one before: printed, it would fill any disk."""
    value: list[Any] = ["x"]
    for _ in range(30):
        value = [value] * 9
    return value


def _set(*keys: str, to: Any) -> Callable[[dict[str, Any]], None]:
    def change(content: dict[str, Any]) -> None:
        for key in keys[:-1]:
            content = content[key]
        content[keys[-1]] = to

    return change


def _weight(change: Callable[[torch.Tensor], torch.Tensor]) -> Callable[[dict[str, Any]], None]:
    def apply(content: dict[str, Any]) -> None:
        state = content["weights"]["encoder"]
        state["label_head.weight"] = change(state["label_head.weight"])

    return apply


def _script(folder: Path, canary: Path) -> list[str]:
    # As a compiled model names its parts, without the compiler's deprecated help.
    with zipfile.ZipFile(folder / "model.pt", "w") as archive:
        for name in ("constants.pkl", "code/__torch__.py", "data.pkl", "version"):
            archive.writestr(f"model/{name}", pickle.dumps(()))
    return ["eval", "model.pt"]


def _state(change: Callable[[dict[str, Any]], None]) -> Write:
    """Write a run folder that was stopped, with its state changed."""

    def write(folder: Path, canary: Path) -> list[str]:
        from aaecli.config.resolve import to_toml
        from aaecli.config.schema import to_table
        from aaecli.data.loading import load_dataset
        from aaecli.data.split import split
        from aaecli.training.trainer import Trainer
        from tests.conftest import write_idx

        write_idx(folder / "data", range(4), 9, (8, 8))
        small = {"encoder": "mlp", "encoder_options": {"hidden": [8]}, "discriminator_hidden": [4], "style_dim": 2}
        schedule = {"steps": 4, "batch_size": 8, "labelled_batch_size": 4}
        flags = {"labels": 8, "device": "cpu", "precision": "fp32", "data": "data", "network": small}
        config = resolve(flags=flags | {"schedule": schedule})
        run = folder / "runs" / "some-001"
        run.mkdir(parents=True)
        (run / "config.toml").write_text(to_toml(config))
        dataset = load_dataset(folder / "data")
        trainer = Trainer(config, dataset, split(dataset, 8, 0), torch.device("cpu"), torch.float32)
        trainer.step(trainer.batch(0), 0)
        trainer.save(run)
        content = torch.load(run / "last.pt", weights_only=True)
        assert content["config"] == to_table(config)
        change(content)
        torch.save(content, run / "last.pt")
        return ["train", "--resume", "runs/some-001", "--data", "data"]

    return write


def _average_of_another_shape(content: dict[str, Any]) -> None:
    states = content["optimisers"]["joint"]["state"]
    states[0]["exp_avg"] = torch.zeros(3)


KINDS: dict[str, Write] = {
    "code in a checkpoint": changed(lambda content: content.update(summary=Code(Path("canary")))),
    "code that imports": changed(lambda content: content.update(weights=Import(Path("canary")))),
    "code in a bare pickle": raw(lambda _, canary: pickle.dumps(Code(canary), protocol=2)),
    "code in a newer pickle": rezipped(lambda parts, canary: _pickled(parts, pickle.dumps(Code(canary), protocol=4))),
    "code in an old checkpoint": raw(lambda _, canary: _legacy(Code(canary))),
    "weights in an old checkpoint": raw(lambda _, canary: _legacy({"format": "aaecli"})),
    "compiled model": _script,
    "class of torch": changed(lambda content: content.update(summary=torch.nn.Linear(2, 2))),
    "memory asked for in a pickle": rezipped(
        lambda parts, _: _pickled(parts, b"\x80\x02c__builtin__\nbytearray\nJ\xff\xff\xff\x7f\x85R.")
    ),
    "zip bomb": rezipped(
        lambda parts, _: [(name, bytes(2**27) if name.endswith("/data/0") else body) for name, body in parts],
        zipfile.ZIP_DEFLATED,
    ),
    "path out of the archive": rezipped(lambda parts, _: [*parts, ("model/../../escape", b"x")]),
    "absolute path in the archive": rezipped(lambda parts, _: [*parts, ("/tmp/escape", b"x")]),  # noqa: S108
    "two roots": rezipped(lambda parts, _: [*parts, ("other/data/0", b"x")]),
    "hundred thousand parts": rezipped(lambda parts, _: [*parts, *((f"m/data/{n}", b"") for n in range(100_000))]),
    "no description": rezipped(lambda parts, _: [part for part in parts if not part[0].endswith("data.pkl")]),
    "no weights": rezipped(lambda parts, _: [part for part in parts if "/data/" not in part[0]]),
    "description cut short": rezipped(lambda parts, _: _pickled(parts, dict(parts)[parts[0][0]][:-50])),
    "file cut short": raw(lambda body, _: body[: len(body) // 2]),
    "empty file": raw(lambda *_: b""),
    "text": raw(lambda *_: b"not a model\n" * 99),
    "newer schema": changed(_set("schema", to=99)),
    "schema of thousands of digits": changed(_set("schema", to=10**5000)),
    "another program's weights": changed(lambda content: content["weights"]),
    "state in the place of a model": changed(_set("kind", to="training")),
    "unknown setting": changed(_set("config", "colour", to="blue")),
    "setting of the wrong type": changed(_set(*_ENCODER_HIDDEN, to="wide")),
    "settings that ask for terabytes": changed(_set(*_ENCODER_HIDDEN, to=[65536] * 32)),
    "discriminators that ask for terabytes": changed(_set(*_ENCODER_HIDDEN, to=[60000, 60000])),
    "layers without end": changed(_set(*_ENCODER_HIDDEN, to=[1] * 10_000)),
    "layers of the decoder without end": changed(
        _set("config", "network", "decoder_options", "hidden", to=[1] * 10_000)
    ),
    "image of a million pixels a side": changed(_set("image_shape", to=[1, 10**6, 10**6])),
    "image of no size": changed(_set("image_shape", to=[1, 0, -5])),
    "classes that are no names": changed(_set("classes", to=list(range(10)))),
    "too few classes": changed(_set("classes", to=["0", "1"])),
    "lists of lists of lists": changed(_set("classes", to=_endless())),
    "endless key": changed(lambda content: content["config"].update({"x" * 10**6: 1})),
    "weight of another shape": changed(_weight(lambda weight: weight[:, :3].clone())),
    "weight of another type": changed(_weight(lambda weight: weight.double())),
    "weight that is a view of one number": changed(
        _weight(lambda weight: torch.zeros(1).as_strided((60000, 60000), (0, 0)))
    ),
    "weight that is not a number": changed(_weight(lambda weight: weight * float("nan"))),
    "sparse weight": changed(_weight(lambda weight: weight.to_sparse())),
    "missing weights": changed(_set("weights", to={})),
    "accuracy of 700 percent": changed(_set("summary", to={"test_accuracy": 7.0})),
    "state of other images": _state(_set("dataset", to="0" * 64)),
    "state beyond its end": _state(_set("number", to=10**9)),
    "state with an average of another shape": _state(_average_of_another_shape),
    "state with losses that are none": _state(_set("totals", to={"reconstruction": torch.zeros(5)})),
    "state with a random state that is none": _state(_set("random_state", to={"cpu": torch.zeros(3)})),
    "state with other rates": _state(lambda content: content["optimisers"]["joint"]["param_groups"][0].update(betas=1)),
}
