"""The Open Inference Protocol, version 2, with JSON and binary tensors: what clients of Triton and KServe speak.

Specification: https://github.com/kserve/open-inference-protocol, and Triton's "binary tensor data extension".
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from starlette.responses import Response

from aaecli import __version__
from aaecli.data.preprocessing.prepare import Encoded
from aaecli.serve.classify import Failure, classify
from aaecli.web import wire, wire_v2
from aaecli.web.crew import Pair
from aaecli.web.requests import Refusal
from aaecli.web.routes import JSON, MODEL, Call
from aaecli.web.tensors import Values, encode_response, read_tensors

_VERSION = "1"
_PLATFORM = "onnxruntime_onnx"
MAX_ROWS = 4096
_EXTENSIONS = ["binary_tensor_data", "model_configuration", "statistics"]


def _ports(pair: Pair) -> dict[str, tuple[dict[str, list[int]], dict[str, list[int]]]]:
    """Inputs and outputs of each model, each with its shape without the batch."""
    encoder = pair.encoder
    classes, style_dim, image = len(encoder.metadata.classes), encoder.metadata.style_dim, list(encoder.image_shape)
    outputs = {"label_prob": [classes]} if encoder.has_label else {}
    if encoder.has_style:
        outputs["style"] = [style_dim]
    models: dict[str, tuple[dict[str, list[int]], dict[str, list[int]]]] = {"encoder": ({"image": image}, outputs)}
    if pair.decoder is not None:
        label = {"label": [classes]} if pair.decoder.has_label else {}
        models["decoder"] = ({**label, "style": [style_dim]}, {"image": image})
    if encoder.has_label:
        models["classify"] = ({"picture": []}, {"label": [], **outputs})
    return models


def _type_of(name: str) -> str:
    # Of the encoder's and decoder's tensors, all are numbers; the label of the decoder has one for each class.
    return "BYTES" if name == "picture" else "FP32"


def _requested(call: Call) -> tuple[str, dict[str, list[int]], dict[str, list[int]]]:
    """Give the model that the path names, with its inputs and outputs."""
    name, models = call.path["model"], _ports(call.service.model.engine.first)
    if name not in models:
        raise Refusal(404, f"There is no such model; there are {', '.join(models)}.")
    if call.path.get("version", _VERSION) != _VERSION:
        raise Refusal(404, f"The model {name} has one version, {_VERSION}.")
    call.request.scope[MODEL] = name
    return name, *models[name]


async def server(call: Call) -> wire_v2.ServerMetadata:
    """Say what the server is."""
    return wire_v2.ServerMetadata("aaecli", __version__, _EXTENSIONS)


async def health(call: Call) -> Response:
    """Say that the server answers; it begins to listen when the model is open."""
    return Response(status_code=200)


async def model_ready(call: Call) -> Response:
    """Say that a model is there."""
    _requested(call)
    return Response(status_code=200)


async def model(call: Call) -> wire_v2.ModelMetadata:
    """Describe a model's tensors."""
    name, inputs, outputs = _requested(call)
    described = _described(name, inputs, is_output=False), _described(name, outputs, is_output=True)
    return wire_v2.ModelMetadata(name, [_VERSION], _PLATFORM, *described)


def _described(model_name: str, tensors: dict[str, list[int]], *, is_output: bool) -> list[wire_v2.TensorMetadata]:
    return [
        wire_v2.TensorMetadata(name, _output_type(model_name, name) if is_output else _type_of(name), [-1, *shape])
        for name, shape in tensors.items()
    ]


def _output_type(model_name: str, name: str) -> str:
    return "BYTES" if model_name == "classify" and name == "label" else "FP32"


async def config(call: Call) -> wire_v2.ModelConfig:
    """Give what Triton's clients ask for to learn the largest batch."""
    name, inputs, outputs = _requested(call)

    def ports(tensors: dict[str, list[int]], *, is_output: bool) -> list[dict[str, Any]]:
        kinds = {"BYTES": "TYPE_STRING", "FP32": "TYPE_FP32"}
        return [
            {"name": tensor.name, "data_type": kinds[tensor.datatype], "dims": tensor.shape[1:]}
            for tensor in _described(name, tensors, is_output=is_output)
        ]

    return wire_v2.ModelConfig(
        name, _PLATFORM, "onnxruntime", MAX_ROWS, ports(inputs, is_output=False), ports(outputs, is_output=True)
    )


async def stats(call: Call) -> wire_v2.ModelStats:
    """Say how much a model has done; what `classify` did counts as the encoder's work."""
    name, *_ = _requested(call)
    count = call.service.model.engine.counts["decoder" if name == "decoder" else "encoder"]
    counted = {"inference_count": count.rows, "execution_count": count.runs}
    return wire_v2.ModelStats([{"name": name, "version": _VERSION, **counted}])


async def infer(call: Call) -> Response:
    """Run a model on tensors."""
    name, inputs, outputs = _requested(call)
    engine = call.service.model.engine
    request, values = read_tensors(call.body, call.request.headers.get("inference-header-content-length"))
    unknown = [tensor.name for tensor in request.outputs if tensor.name not in outputs]
    if unknown:
        raise Refusal(400, f"The model {name} has no output of that name.", f"It has {', '.join(outputs)}.")
    if set(values) != set(inputs):
        raise Refusal(400, f"The model {name} reads {', '.join(inputs)}, each once.")
    rows = {len(value) for value in values.values()}
    if len(rows) != 1 or not 1 <= min(rows) <= MAX_ROWS:
        raise Refusal(400, f"All inputs have as many rows, 1 to {MAX_ROWS:,}.")
    for tensor, shape in inputs.items():
        kind = values[tensor].dtype.kind
        if list(values[tensor].shape[1:]) != shape or (kind == "O") != (_type_of(tensor) == "BYTES"):
            raise Refusal(400, f"The input {tensor} is {_type_of(tensor)} of the shape {[-1, *shape]}.")
    if name == "encoder":
        label_prob, style = await engine.encode(values["image"])
        found: dict[str, Values | None] = {"label_prob": label_prob, "style": style}
    elif name == "decoder":
        drawn = await engine.decode(values.get("label"), values["style"])
        found = {"image": _as_graph(drawn, outputs["image"])}
    else:
        found = await _classified(call, values["picture"])
    present = {key: value for key, value in found.items() if value is not None}
    body, header = encode_response(name, _VERSION, request, present)
    if header is None:
        return Response(body, media_type=JSON)
    length = {"Inference-Header-Content-Length": str(header)}
    return Response(body, headers=length, media_type="application/octet-stream")


def _as_graph(drawn: NDArray[np.float32], shape: list[int]) -> NDArray[np.float32]:
    """Give drawn images as the graph does, (N, C, H, W)."""
    if shape[0] == 1:
        return drawn[:, None]
    return np.ascontiguousarray(drawn.transpose(0, 3, 1, 2))


async def _classified(call: Call, pictures: NDArray[np.object_]) -> dict[str, Values | None]:
    """Read picture files as ``/api/v1/classify`` does."""
    if len(pictures) > wire.MAX_IMAGES:
        raise Refusal(400, f"At most {wire.MAX_IMAGES} pictures are read at once.")
    serving = call.service.model
    recipe = serving.engine.first.encoder.metadata.recipe
    named = [Encoded(f"picture {number}", data) for number, data in enumerate(pictures.tolist())]
    batches = await serving.preparing(named, recipe)

    def work(pair: Pair) -> tuple[list[bytes], Values | None, Values | None]:
        labels = []
        for answer in classify(batches, pair.encoder, lambda: pair.decoder):
            if isinstance(answer, Failure):
                raise Refusal(422, answer.error.message, answer.error.hint)
            labels.append(answer.label.encode())
        return labels, *pair.encoder(np.concatenate([batch.images for batch in batches]))

    labels, label_prob, style = await serving.engine.call(work, len(named))
    return {"label": np.array(labels, np.object_), "label_prob": label_prob, "style": style}
