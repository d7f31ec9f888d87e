"""Which pair of ONNX files to serve where the user names none."""

from __future__ import annotations

from pathlib import Path

from aaecli.errors import AaeError
from aaecli.files.opening import exists, is_file, is_folder
from aaecli.runs.paths import EXPORTS, NEWEST_MODEL, released_folders
from aaecli.suggestions import suggest, suggest_aaecli

ENCODER = "encoder.onnx"
DECODER = "decoder.onnx"
_WITH_DECODER = "A baseline has no decoder. Train a model with one: `aaecli train`, then `aaecli export --onnx`."

_EXPORT = "`aaecli export --onnx`"


def find_encoder(model: Path | None = None) -> Path:
    """Find the encoder: the one named (a file, or the folder it is in), else ``exports/``, else the released one.

    Raises:
        AaeError: It is not there.
    """
    return _find(model, ENCODER)


def find_decoder(model: Path | None = None) -> Path:
    """Find the decoder in the same places; where the encoder is named, the decoder beside it.

    Raises:
        AaeError: It is not there.
    """
    if model is None or is_folder(model) or "encoder" not in model.name:
        return _find(model, DECODER)
    _find(model, ENCODER)
    beside = decoder_beside(model)
    if beside is None:
        raise AaeError(f"{model} has no decoder beside it, so it can only classify.", _WITH_DECODER)
    return beside


def decoder_beside(encoder: Path) -> Path | None:
    """Find the decoder that was exported with an encoder; None where there is none (a baseline)."""
    if encoder.name == DECODER:
        return encoder
    # `digits-encoder.onnx` pairs with `digits-decoder.onnx`.
    beside = encoder.with_name(encoder.name.replace("encoder", "decoder"))
    return beside if beside != encoder and is_file(beside) else None


def encoder_beside(decoder: Path) -> Path:
    """Find the encoder that was exported with a decoder.

    Raises:
        AaeError: It is not there.
    """
    beside = decoder.with_name(decoder.name.replace("decoder", "encoder"))
    if beside == decoder or not is_file(beside):
        raise AaeError(
            f"{decoder} has no encoder beside it, and a picture's style is found by the encoder.",
            "Keep the two files that `aaecli export --onnx` writes in one folder.",
        )
    return beside


def _find(model: Path | None, name: str) -> Path:
    if model is not None:
        path = model / name if is_folder(model) else model
        checkpoint = path.with_name(NEWEST_MODEL.name) if is_folder(model) else model
        if checkpoint.suffix == ".pt" and is_file(checkpoint) and not is_file(path.with_name(name)):
            # A folder beside the model, so that no other model's files take part.
            out = checkpoint.with_name(EXPORTS.name)
            raise AaeError(
                f"{checkpoint} is a model to train with; what is run here is its export.",
                f"Export it: {suggest_aaecli('export', '--onnx', checkpoint, '--out', out)}, and name that folder: "
                f"{suggest('--model', out)}.",
            )
        if not exists(path):
            raise AaeError(f"There is no model {path}.", "Write one with `aaecli export --onnx`, or leave out --model.")
        return path
    if is_file(EXPORTS / ENCODER):
        if not is_file(EXPORTS / name):
            raise AaeError(f"{EXPORTS / ENCODER} has no {name} beside it, so it can only classify.", _WITH_DECODER)
        return EXPORTS / name
    for folder in released_folders():
        if is_file(folder / name):
            return folder / name
    raise AaeError(
        f"There is no model here: neither {EXPORTS / name} nor a released one.",
        "Make one: `aaecli train --labels 1000`, then `aaecli export --onnx`.",
    )


def doubt(path: Path, named: Path | None) -> str:
    """Say why a model that was found may not be the one that is meant; empty where nothing speaks for that.

    Args:
        path: What ``find_encoder`` or ``find_decoder`` gave.
        named: What they were given: whoever names a model means it.
    """
    if named is not None:
        return ""
    if is_released(path):
        own = NEWEST_MODEL if is_file(NEWEST_MODEL) else None
        return f"{own} was never exported, so the released model is used. To use yours: {_EXPORT}" if own else ""
    try:
        is_older = path.stat().st_mtime < NEWEST_MODEL.stat().st_mtime
    except OSError:
        return ""  # there is no newer one
    return f"{path} is older than {NEWEST_MODEL}. To use the newer model: {_EXPORT}" if is_older else ""


def is_released(path: Path) -> bool:
    """Tell whether a file is of the released pair."""
    return path.parent in released_folders()
