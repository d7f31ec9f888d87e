"""Opening the two ONNX files: everything about a file is checked before its first answer is believed."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from aaecli import runtime
from aaecli.clusters import class_prob
from aaecli.errors import AaeError
from aaecli.files import read_bytes
from aaecli.runtime import onnxruntime_errors
from aaecli.serve.device import Device, device_of, providers
from aaecli.serve.graph import check_graph
from aaecli.serve.metadata import Metadata, Part, read_metadata

MAX_MODEL_BYTES = 2**28
"""The largest file that is opened; the models of this program take a few megabytes."""

MAX_WORKING_BYTES = 3 * 2**28
"""Most memory that a model may work in, its weights included."""

_SUM_TOLERANCE = 1e-2
_Float = NDArray[np.float32]
_EXPORT_AGAIN = "Export the model again with `aaecli export --onnx`."


class _Session:
    """One of the two files, open.

    Attributes:
        path: The file.
        metadata: What it says about itself.
        classes: Name of the class of each of the K values of the label; see ``Metadata.classes``.
        image_shape: Channels, height and width of an image.
        device: Where it runs: ``cpu`` or ``cuda``.
    """

    def __init__(self, path: Path, part: Part, device: Device, num_threads: int) -> None:
        self.path = path
        self._session = _open(path, device, num_threads)
        self.metadata: Metadata = read_metadata(self._session.get_modelmeta().custom_metadata_map, path)
        if self.metadata.part != part:
            raise AaeError(
                f"{path} is {_article(self.metadata.part)}, and {_article(part)} is due here.",
                f"Name the {part}.onnx that was exported with it.",
            )
        self.classes = self.metadata.classes
        self.image_shape = self.metadata.image_shape
        self.device: Literal["cpu", "cuda"] = device_of(self._session.get_providers(), device)

    def _check(self, where: Literal["input", "output"], expected: dict[str, tuple[int, ...]]) -> None:
        """Compare names, types and shapes of the inputs or outputs; ``expected`` leaves the batch axis out."""
        nodes = self._session.get_inputs() if where == "input" else self._session.get_outputs()
        found = {node.name: tuple(node.shape[1:]) for node in nodes if node.type == "tensor(float)"}
        if found != expected or len(found) != len(nodes):
            raise AaeError(f"{self.path}: its {where}s are {found}, and should be {expected}.", _EXPORT_AGAIN)

    def _run(self, names: list[str], feed: dict[str, Any]) -> list[_Float]:
        try:
            outputs: list[_Float] = self._session.run(names, feed)
        except onnxruntime_errors() as error:
            raise AaeError(
                f"{self.path} cannot be run: {_reason(error)}.",
                "It needs more memory than it may take, or is no model of ours: export it again.",
            ) from error
        num = len(next(iter(feed.values())))
        if any(len(output) != num or not np.isfinite(output).all() for output in outputs):
            raise AaeError(f"{self.path} gives answers that are no numbers, or not one for each image.", _EXPORT_AGAIN)
        return outputs


class Encoder(_Session):
    """Reads images: the class and the style of each, as far as the model knows them.

    Attributes:
        has_label: It tells classes.
        has_style: It tells a style.
        names: The classes, each once: several clusters may be of one class.
    """

    def __init__(self, path: Path, device: Device = "auto", num_threads: int = 1) -> None:
        super().__init__(path, "encoder", device, num_threads)
        given = {node.name for node in self._session.get_outputs()}
        self.has_label, self.has_style = "label_prob" in given, "style" in given
        self.names = tuple(dict.fromkeys(self.classes))
        self._clusters = [self.names.index(name) for name in self.classes]
        outputs: dict[str, tuple[int, ...]] = {}
        if self.has_label or not self.has_style:
            outputs["label_prob"] = (len(self.classes),)
        if self.has_style:
            outputs["style"] = (self.metadata.style_dim,)
        self._check("input", {"image": self.image_shape})
        self._check("output", outputs)

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

    def __init__(self, path: Path, device: Device = "auto", num_threads: int = 1) -> None:
        super().__init__(path, "decoder", device, num_threads)
        self.has_label = len(self.classes) > 0
        label = {"label": (len(self.classes),)} if self.has_label else {}
        self._check("input", {**label, "style": (self.metadata.style_dim,)})
        self._check("output", {"image": self.image_shape})

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


def open_encoder(path: Path, device: Device = "auto", num_threads: int = 1) -> Encoder:
    """Open an encoder.

    Args:
        path: The file.
        device: Where to run; ``auto`` takes a GPU where there is one.
        num_threads: Threads of the CPU that one call may use.

    Raises:
        AaeError: The file is missing, unreadable, too large, no encoder of ours, or the device cannot be had.
    """
    return Encoder(path, device, num_threads)


def open_decoder(path: Path, device: Device = "auto", num_threads: int = 1) -> Decoder:
    """Open a decoder; the counterpart of ``open_encoder``.

    Raises:
        AaeError: The file is missing, unreadable, too large, no decoder of ours, or the device cannot be had.
    """
    return Decoder(path, device, num_threads)


def to_float(images: NDArray[np.uint8] | _Float) -> _Float:
    """Scale bytes to [0, 1] exactly as training does: float32, divided by 255."""
    if images.dtype == np.uint8:
        return images.astype(np.float32) / np.float32(255)
    return np.ascontiguousarray(images, np.float32)


def _open(path: Path, device: Device, num_threads: int) -> Any:
    hint = "Write a model with `aaecli export --onnx`, or leave out --model."
    # Read once: what is opened below is what was looked through, and no path for it to follow.
    model = read_bytes(path, MAX_MODEL_BYTES, "model", hint)
    if not model:
        raise AaeError(f"{path} is empty.", hint)
    try:
        check_graph(model)
    except ValueError as error:
        raise AaeError(f"{path} is no ONNX model that `aaecli export` wrote: {error}.", hint) from error

    onnxruntime = runtime.onnxruntime()
    wanted = providers(device)
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    onnxruntime.set_default_logger_severity(4)
    options.intra_op_num_threads = num_threads
    options.inter_op_num_threads = 1
    _bound_memory()
    options.add_session_config_entry("session.use_env_allocators", "1")
    try:
        return onnxruntime.InferenceSession(model, options, providers=wanted, enable_fallback=0)
    except onnxruntime_errors() as error:
        raise AaeError(f"{path} is no ONNX model that onnxruntime can open ({_reason(error)}).", hint) from error


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
