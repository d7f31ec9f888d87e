"""What goes over the wire of the Open Inference Protocol, version 2: its requests and answers as types."""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import Meta, Struct, field

from aaecli.web.wire import Name


class V2Fault(Struct):
    """Why a request of the Open Inference Protocol was refused."""

    error: str


class Tensor(Struct):
    """A tensor of the Open Inference Protocol; its data stand here, or behind the JSON in binary."""

    name: Name
    shape: Annotated[list[Annotated[int, Meta(ge=0, le=2**31)]], Meta(max_length=8)]
    datatype: str
    data: list[Any] | None = None
    parameters: dict[str, Any] = field(default_factory=dict)


class WantedOutput(Struct):
    """An output to answer with."""

    name: Name
    parameters: dict[str, Any] = field(default_factory=dict)


class InferRequest(Struct):
    """A request of the Open Inference Protocol."""

    inputs: Annotated[list[Tensor], Meta(min_length=1, max_length=8)]
    id: str = ""
    parameters: dict[str, Any] = field(default_factory=dict)
    outputs: Annotated[list[WantedOutput], Meta(max_length=8)] = field(default_factory=list)


class OutputTensor(Struct, omit_defaults=True):
    """A tensor that is answered with."""

    name: str
    datatype: str
    shape: list[int]
    parameters: dict[str, int] | None = None
    data: list[Any] | None = None


class InferResponse(Struct, omit_defaults=True):
    """The answer of the Open Inference Protocol."""

    model_name: str
    model_version: str
    outputs: list[OutputTensor]
    id: str = ""


class ServerMetadata(Struct):
    """What the server is."""

    name: str
    version: str
    extensions: list[str]


class TensorMetadata(Struct):
    """Name, type and shape of an input or output; -1 is the batch."""

    name: str
    datatype: str
    shape: list[int]


class ModelMetadata(Struct):
    """A model's inputs and outputs."""

    name: str
    versions: list[str]
    platform: str
    inputs: list[TensorMetadata]
    outputs: list[TensorMetadata]


class ModelConfig(Struct):
    """What Triton's clients ask for besides."""

    name: str
    platform: str
    backend: str
    max_batch_size: int
    input: list[dict[str, Any]]
    output: list[dict[str, Any]]


class ModelStats(Struct):
    """What a model has done since the start."""

    model_stats: list[dict[str, Any]]
