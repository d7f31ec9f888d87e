"""Opening the two ONNX files: everything about a file is checked before onnxruntime sees it.

What onnxruntime is given is not the file but ``CheckedModel.body``, written anew from what was checked: the two cannot
differ, however the file is spelt.
"""

from __future__ import annotations

import copy
import hashlib
from functools import cache, partial
from pathlib import Path
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from aaecli.errors import AaeError
from aaecli.files.opening import read_bytes
from aaecli.graph.work import MAX_MODEL_BYTES, CheckedModel, check_model
from aaecli.metrics.clusters import class_prob
from aaecli.serve import runtime
from aaecli.serve.batching import batches
from aaecli.serve.device import Device, device_of, providers
from aaecli.serve.metadata import Metadata, Part, read_metadata
from aaecli.serve.runtime import onnxruntime_errors

MAX_WORKING_BYTES = 3 * 2**28
"""Most memory that a model may work in, its weights included."""

_SUM_TOLERANCE = 1e-2
_Float = NDArray[np.float32]
_Shapes = dict[str, tuple[int, ...]]
_EXPORT_AGAIN = "Export the model again with `aaecli export --onnx`."


class _Session:
    """One of the two files, open.

    Attributes:
        path: The file.
        metadata: What it says about itself.
        classes: Name of the class of each of the K values of the label; see ``Metadata.classes``.
        image_shape: Channels, height and width of an image.
        device: Where it runs: ``cpu`` or ``cuda``.
        sha256: Of the file, in hexadecimal.
    """

    def __init__(self, path: Path, part: Part, device: Device, num_threads: int, *, may_be_doubled: bool) -> None:
        self.path = path
        model, self.sha256 = _read(path)
        self.metadata: Metadata = read_metadata(model.metadata, path)
        if self.metadata.part != part:
            raise AaeError(
                f"{path} is {_article(self.metadata.part)}, and {_article(part)} is needed here.",
                f"Name the {part}.onnx that was exported with it.",
            )
        self.classes = self.metadata.classes
        self.image_shape = self.metadata.image_shape
        self._shapes = model.outputs
        inputs, outputs = self._ports()
        for where, found, expected in (("input", model.inputs, inputs), ("output", model.outputs, outputs)):
            if found != expected:
                raise AaeError(f"{path}: its {where}s are {found}, and should be {expected}.", _EXPORT_AGAIN)
        self._max_batch = model.max_batch
        self._start_again = partial(_start, path, model.body, device, num_threads) if may_be_doubled else None
        self._session = _start(path, model.body, device, num_threads)
        self.device: Literal["cpu", "cuda"] = device_of(self._session.get_providers(), device)

    def double(self) -> Self:
        """Open the same model once more, for another thread, whatever has become of its file by now.

        It has to be opened with ``may_be_doubled``, which keeps the bytes of the model in memory.
        """
        if self._start_again is None:
            raise AssertionError("a model that was not opened to be doubled")
        twin = copy.copy(self)
        twin._session = self._start_again()
        return twin

    def _ports(self) -> tuple[_Shapes, _Shapes]:
        """Give the dimensions that inputs and outputs have to have, without the batch, from the metadata alone."""
        raise NotImplementedError

    def _run(self, names: list[str], feed: dict[str, Any]) -> list[_Float]:
        """Answer for any number of rows, no more of them at once than there is room for."""
        num = len(next(iter(feed.values())))
        parts = [
            self._run_once(names, {name: values[batch] for name, values in feed.items()})
            for batch in batches(num, self._max_batch)
        ]
        return parts[0] if len(parts) == 1 else [np.concatenate(column) for column in zip(*parts, strict=True)]

    def _run_once(self, names: list[str], feed: dict[str, Any]) -> list[_Float]:
        try:
            outputs: list[Any] = self._session.run(names, feed)
        except onnxruntime_errors() as error:
            raise AaeError(
                f"{self.path} cannot be run: {_reason(error)}.",
                "It needs more memory than it may take, or is no model of ours: export it again.",
            ) from error
        num = len(next(iter(feed.values())))
        for name, output in zip(names, outputs, strict=True):
            fits = isinstance(output, np.ndarray) and output.dtype == np.float32
            if not fits or output.shape != (num, *self._shapes[name]) or not np.isfinite(output).all():
                raise AaeError(f"{self.path} gives no numbers as its {name}, or not as many as it says.", _EXPORT_AGAIN)
        return outputs


class Encoder(_Session):
    """Reads images: the class and the style of each, as far as the model knows them.

    Attributes:
        has_label: It tells classes.
        has_style: It tells a style.
        names: The classes, each once: several clusters may be of one class.
    """

    def __init__(
        self, path: Path, device: Device = "auto", num_threads: int = 1, *, may_be_doubled: bool = False
    ) -> None:
        super().__init__(path, "encoder", device, num_threads, may_be_doubled=may_be_doubled)
        self.names = tuple(dict.fromkeys(self.classes))
        self._clusters = [self.names.index(name) for name in self.classes]

    def _ports(self) -> tuple[_Shapes, _Shapes]:
        self.has_label, self.has_style = "label_prob" in self._shapes, "style" in self._shapes
        outputs: _Shapes = {}
        if self.has_label or not self.has_style:
            outputs["label_prob"] = (len(self.classes),)
        if self.has_style:
            outputs["style"] = (self.metadata.style_dim,)
        return {"image": self.image_shape}, outputs

    def __call__(self, images: NDArray[np.uint8] | _Float) -> tuple[_Float | None, _Float | None]:
        """Read a batch.

        Args:
            images: uint8, or float32 in [0, 1]: (N, H, W), in colour (N, H, W, 3), or as the graph takes them
                (N, C, H, W).

        Returns:
            ``label_prob`` (N, K), rows sum to 1; ``style`` (N, Z). Each is None where the model has none.
        """
        pixels = to_float(images)
        if pixels.shape[1:] != self.image_shape and self.image_shape[0] > 1:
            pixels = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2))
        feed = {"image": pixels.reshape(-1, *self.image_shape)}
        wanted = ["label_prob"] * self.has_label + ["style"] * self.has_style
        found = dict(zip(wanted, self._run(wanted, feed), strict=True))
        label_prob = found.get("label_prob")
        if label_prob is not None and len(label_prob):
            self._check_prob(label_prob)
        return label_prob, found.get("style")

    def by_name(self, label_prob: _Float) -> _Float:
        """Give the probabilities of ``names`` (N, len(names)) from those of the label (N, K)."""
        several = len(self.names) < len(self.classes)
        return class_prob(label_prob, self._clusters, len(self.names)) if several else label_prob

    def _check_prob(self, label_prob: _Float) -> None:
        if label_prob.min() < 0 or np.abs(label_prob.sum(1) - 1).max() > _SUM_TOLERANCE:
            raise AaeError(f"{self.path} gives probabilities that are none.", _EXPORT_AGAIN)


class Decoder(_Session):
    """Draws images from a label and a style; from the style alone where the model has no label.

    Attributes:
        has_label: It reads a label.
    """

    def __init__(
        self, path: Path, device: Device = "auto", num_threads: int = 1, *, may_be_doubled: bool = False
    ) -> None:
        super().__init__(path, "decoder", device, num_threads, may_be_doubled=may_be_doubled)

    def _ports(self) -> tuple[_Shapes, _Shapes]:
        self.has_label = len(self.classes) > 0
        inputs: _Shapes = {"label": (len(self.classes),)} if self.has_label else {}
        return inputs | {"style": (self.metadata.style_dim,)}, {"image": self.image_shape}

    def __call__(self, label: _Float | None, style: _Float) -> _Float:
        """Draw a batch.

        Args:
            label: (N, K): one-hot, or probabilities. Not looked at where the model has no label.
            style: (N, Z).

        Returns:
            float32 (N, H, W), in colour (N, H, W, 3), in [0, 1].
        """
        feed = {"label": label, "style": style} if self.has_label else {"style": style}
        image = self._run(["image"], feed)[0]
        return image[:, 0] if self.image_shape[0] == 1 else image.transpose(0, 2, 3, 1)


def open_encoder(path: Path, device: Device = "auto", num_threads: int = 1, *, may_be_doubled: bool = False) -> Encoder:
    """Open an encoder.

    Args:
        path: The file.
        device: Where to run; ``auto`` takes a GPU where there is one.
        num_threads: Threads of the CPU that one call may use.
        may_be_doubled: Keep what ``double`` needs.

    Raises:
        AaeError: The file is missing, unreadable, too large, no encoder of ours, or the device cannot be had.
    """
    return Encoder(path, device, num_threads, may_be_doubled=may_be_doubled)


def open_decoder(path: Path, device: Device = "auto", num_threads: int = 1, *, may_be_doubled: bool = False) -> Decoder:
    """Open a decoder; the counterpart of ``open_encoder``.

    Raises:
        AaeError: The file is missing, unreadable, too large, no decoder of ours, or the device cannot be had.
    """
    return Decoder(path, device, num_threads, may_be_doubled=may_be_doubled)


def to_float(images: NDArray[np.uint8] | _Float) -> _Float:
    """Scale bytes to [0, 1] exactly as training does: float32, divided by 255."""
    if images.dtype == np.uint8:
        return images.astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(images, np.float32)


def _read(path: Path) -> tuple[CheckedModel, str]:
    hint = "Write a model with `aaecli export --onnx`, or leave out --model."
    body = read_bytes(path, MAX_MODEL_BYTES, "model", hint)
    if not body:
        raise AaeError(f"{path} is empty.", hint)
    try:
        return check_model(body), hashlib.sha256(body).hexdigest()
    except ValueError as error:
        raise AaeError(f"{path} is no ONNX model that `aaecli export` wrote: {error}.", hint) from error


def _start(path: Path, body: bytes, device: Device, num_threads: int) -> Any:
    onnxruntime = runtime.onnxruntime()
    wanted = providers(device)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    onnxruntime.set_default_logger_severity(4)
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    _bound_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        return onnxruntime.InferenceSession(body, options, providers=wanted, enable_fallback=0)
    except onnxruntime_errors() as error:
        raise AaeError(
            f"{path} is no ONNX model that onnxruntime can open ({_reason(error)}).",
            "Write a model with `aaecli export --onnx`, or leave out --model.",
        ) from error


@cache
def _bound_memory() -> None:
    """Let all sessions of this process share an arena with a bound: a graph of a few bytes can ask for any memory."""
    onnxruntime = runtime.onnxruntime()
    info = onnxruntime.OrtMemoryInfo(
        "Cpu", onnxruntime.OrtAllocatorType.ORT_ARENA_ALLOCATOR, 0, onnxruntime.OrtMemType.DEFAULT
    )
    arena = onnxruntime.OrtArenaCfg({"max_mem": MAX_WORKING_BYTES, "arena_extend_strategy": 1})
    onnxruntime.create_and_register_allocator(info, arena)


def _reason(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0].split(" : ")[-1][:200].rstrip(". ")


def _article(part: Part) -> str:
    return "an encoder" if part == "encoder" else "a decoder"
