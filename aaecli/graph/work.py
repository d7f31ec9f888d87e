"""How much a graph computes and how much room it takes, found without running it; and the limits of both.

Every size is known before the graph runs: the images have one, the weights have theirs, and ``operators`` follows them
through the graph. Only the size of the batch is free. It is tried at both of its ends: a size of an image that runs
through a graph is a sum of powers of the batch's size, so between the two it is never larger than at the larger of
them, and a graph whose work grows faster than its batch is refused. Where a graph chooses images, it is bounded by
what it does when it chooses all of them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from aaecli.graph.layout import of_weight
from aaecli.graph.model import Model, Node, Port, in_order, read_model
from aaecli.graph.operators import MANY, OPERATORS
from aaecli.graph.tensor import FLOAT, Call, Tensor

MAX_MODEL_BYTES = 3 * 2**26
"""The largest file that is written or read. While it is opened, there are three copies of its weights in memory. The
encoder of 64 × 64 pixels in colour with two layers of 3,000 is of 184 megabytes."""
MAX_WORK = 2**34
"""Most multiplications for one image: about a second of one core. An encoder of 64 × 64 pixels in colour with two
layers of 3,000 needs 2^26; a convolutional one with 256 channels, five looks at each image and those pixels, 2^33."""
MAX_BATCH = 512
_MAX_BYTES = 2**28
_MAX_RANK = 8
# What a number costs that is read, computed or written, in multiplications of a matrix product: these take 0.05 ns
# each, an exponential up to 5.
_EACH = 64
_EACH_MOVED = 16


@dataclass(frozen=True)
class CheckedModel:
    """A graph that is safe to run.

    Attributes:
        body: The ONNX file to run: what was checked and nothing else.
        metadata: What the file says of itself.
        inputs: Dimensions of each input, without the batch. All are float32.
        outputs: The same of the outputs.
        max_batch: Most images that may be read or drawn at once.
        work: Multiplications for one image.
    """

    body: bytes
    metadata: dict[str, str]
    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]
    max_batch: int
    work: int


def check_model(body: bytes) -> CheckedModel:
    """Look through the bytes of an ONNX file for all that no export holds, and bound what running it takes.

    Args:
        body: The file.

    Raises:
        ValueError: It is damaged, holds what no export does, or would take more time or memory than it may. The
            message is half a sentence that says what.
    """
    if body[4:8] == b"ORTM":
        raise ValueError("it is in onnxruntime's own format")
    if len(body) > MAX_MODEL_BYTES:
        raise ValueError(f"it is {len(body):,} bytes long, and at most {MAX_MODEL_BYTES:,} are read")
    model = in_order(read_model(body))
    single = _follow(model, 1)
    if single.work > MAX_WORK:
        raise ValueError("it computes more for one image than any export does")
    if single.num_bytes > _MAX_BYTES:
        raise ValueError("it takes more memory for one image than any export does")
    max_batch = max(1, min(MAX_BATCH, _MAX_BYTES // max(1, single.num_bytes)))
    largest = _follow(model, max_batch)
    if largest.work > max_batch * single.work or largest.num_bytes > max_batch * single.num_bytes:
        raise ValueError("what it computes grows faster than the number of images")
    inputs = {port.name: _tail(port.shape or ()) for port in model.inputs}
    outputs = {name: _per_image(shape, largest.outputs[name], max_batch) for name, shape in single.outputs.items()}
    ports = tuple(Port(name, 1, ("batch", *shape)) for name, shape in outputs.items())
    return CheckedModel(
        replace(model, outputs=ports).to_bytes(), model.metadata, inputs, outputs, max_batch, single.work
    )


@dataclass(frozen=True)
class _Run:
    """What a batch of one size takes: multiplications, and bytes besides the weights; and the shapes of its outputs."""

    work: int
    num_bytes: int
    outputs: dict[str, tuple[int, ...]]


def _follow(model: Model, batch: int) -> _Run:
    """Follow the sizes of all values through a graph."""
    known: dict[str, Tensor] = {}
    for weight in model.weights:
        _define(known, weight.name, of_weight(weight))
    for port in model.inputs:
        sizes = port.shape or ()
        if port.type != 1 or len(sizes) < 2 or not isinstance(sizes[0], str) or min(_tail(sizes)) < 1:
            raise ValueError("its inputs are not those of an export")
        _define(known, port.name, Tensor(1, (batch, *_tail(sizes))))
    work = num_bytes = 0
    for node in model.nodes:
        call = Call([_read(known, name) for name in node.inputs], node.attributes, len(node.outputs))
        given = _apply(node, call)
        touched = 0 if OPERATORS[node.operator].is_product else sum(entry.size for entry in call.given())
        touched += sum(entry.size for entry in given)
        work += call.work + touched * (_EACH_MOVED if OPERATORS[node.operator].moves else _EACH)
        num_bytes += 4 * call.workspace + sum(entry.num_bytes for entry in given)
        if max(work, num_bytes) > MAX_BATCH * MAX_WORK:
            raise ValueError("it computes more than any export does")
        for name, tensor in zip(node.outputs, given, strict=True):
            _define(known, name, tensor)
    outputs = {port.name: _read(known, port.name) for port in model.outputs}
    fit = all(entry is not None and entry.type == FLOAT and not entry.shorter for entry in outputs.values())
    if len(outputs) < len(model.outputs) or not fit:
        raise ValueError("its outputs are not those of an export")
    return _Run(work, num_bytes, {name: entry.shape for name, entry in outputs.items() if entry is not None})


def _apply(node: Node, call: Call) -> list[Tensor]:
    operator = OPERATORS.get(node.operator)
    if operator is None:
        raise ValueError(f"it holds the operator {node.operator[:40]!r}, which no export does")
    fewest, most = operator.inputs
    # Where an input is missing that has to be there, onnxruntime reads what is not.
    if not fewest <= len(node.inputs) <= most or "" in node.inputs[: most if most == MANY else fewest]:
        raise ValueError(f"its operator {node.operator} lacks an input, or has one too many")
    for name, value in node.attributes.items():
        if not isinstance(value, operator.settings.get(name, type(None))):
            raise ValueError(f"its operator {node.operator} has a setting {name[:40]!r}, which no export gives it")
    try:
        with np.errstate(all="ignore"):
            given = operator.rule(call)
    except (ValueError, IndexError, TypeError, KeyError, OverflowError, ZeroDivisionError, MemoryError) as error:
        raise ValueError(f"its operator {node.operator} does not fit what it reads") from error
    if len(given) != len(node.outputs) or "" in node.outputs or any(len(entry.shape) > _MAX_RANK for entry in given):
        raise ValueError(f"its operator {node.operator} does not give what is read from it")
    if call.shorter and not operator.restores:
        return [replace(entry, shorter=True) for entry in given]
    return given


def _define(known: dict[str, Tensor], name: str, tensor: Tensor) -> None:
    if not name or name in known:
        raise ValueError("it gives two values one name, or none")
    known[name] = tensor


def _read(known: dict[str, Tensor], name: str) -> Tensor | None:
    if name and name not in known:
        raise ValueError("it reads a value before it is computed")
    return known.get(name)


def _tail(sizes: Iterable[int | str]) -> tuple[int, ...]:
    tail = tuple(sizes)[1:]
    if not all(isinstance(size, int) and size >= 1 for size in tail):
        raise ValueError("its inputs are not those of an export")
    return tuple(int(size) for size in tail)


def _per_image(single: tuple[int, ...], largest: tuple[int, ...], max_batch: int) -> tuple[int, ...]:
    if not single or single[0] != 1 or largest[:1] != (max_batch,) or single[1:] != largest[1:]:
        raise ValueError("it does not give one answer for each image")
    return single[1:]
