"""What goes over the wire of /api/v1: requests and answers as types, which check and describe them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct, field

MAX_IMAGES = 256
MAX_DRAWINGS = 1024
_MAX_NAME = 255

Name = Annotated[str, Meta(max_length=_MAX_NAME)]
Probability = Annotated[float, Meta(ge=0, le=1)]
_Style = Annotated[list[float], Meta(max_length=4096)]


class Strict(Struct, forbid_unknown_fields=True):
    """A request: a field that nobody knows is a slip, and is refused."""


class Fault(Struct):
    """Why a request was refused, and what to do about it."""

    error: str
    hint: str = ""


class ClassifyQuery(Strict):
    """How to read pictures: the flags of `aaecli classify`."""

    top_k: Annotated[int, Meta(ge=1, le=1000)] = 1
    threshold: Probability = 0.0
    novelty: bool = False
    invert: bool | None = None
    normalise: bool = True
    name: Name = "picture"


class NamedImage(Strict):
    """A picture file in base64, and what to call it."""

    name: Name
    data: bytes


class Images(Strict):
    """Several pictures."""

    images: Annotated[list[NamedImage], Meta(min_length=1, max_length=MAX_IMAGES)]


class ClassShare(Struct):
    """A class and its probability."""

    label: str
    probability: float


class ImageAnswer(Struct):
    """What the model makes of one picture: the object that `aaecli classify --json` prints."""

    image: str
    label: str
    probability: float
    top: list[ClassShare]
    reconstruction_error: float | None
    novelty: float | None
    warnings: list[str]


class ImageFault(Struct):
    """Why one of several pictures could not be read."""

    image: str
    error: str
    hint: str


class Answers(Struct):
    """An answer for each picture, in order."""

    answers: list[dict[str, Any]]


class Neighbour(Struct):
    """An example whose style is near: `distance` is Euclidean, in standard deviations of the prior."""

    index: int
    label: str
    distance: float


class Inspection(Struct):
    """Everything that the page shows about one picture. Images are PNG files in base64."""

    answer: dict[str, Any] | None
    seen: bytes
    warnings: list[str]
    reconstruction: bytes | None
    by_class: dict[str, bytes]
    label_prob: dict[str, float]
    style: list[float]
    nearest: list[Neighbour]


class DrawRequest(Strict):
    """Styles to draw, one row each, with one label for all or one a row: a class, or a probability of each."""

    style: Annotated[list[_Style], Meta(min_length=1, max_length=MAX_DRAWINGS)]
    label: Annotated[list[Name | _Style], Meta(max_length=MAX_DRAWINGS)] = field(default_factory=list)
    format: Literal["png", "bytes"] = "png"


class SampleQuery(Strict):
    """What to draw from the style prior: `aaecli generate`."""

    label: Name = ""
    count: Annotated[int, Meta(ge=1, le=MAX_DRAWINGS)] = 10
    seed: Annotated[int, Meta(ge=0, lt=2**31)] = 0


class PlaneRequest(Strict):
    """The point of the latent space to lay a plane through."""

    style: _Style
    label: Name = ""


class Dot(Struct):
    """An example on the style map: its number, its class and its style."""

    index: int
    label: str
    style: list[float]


class Plane(Struct):
    """The two directions in which the drawing changes most, of length 1, and how far the prior reaches."""

    axes: list[list[float]]
    reach: float


class Dots(Struct):
    """Examples that the model has encoded so far."""

    ready: bool
    dots: list[Dot]


class Model(Struct):
    """What the server serves."""

    classes: list[str]
    channels: int
    height: int
    width: int
    style_dim: int
    style_std: float
    encodes_label: bool
    decodes: bool
    normalises: bool
    trained_on: str
    preset: str
    labels: str
    test_accuracy: float | None
    device: str
    version: str


class Question(Struct):
    """A picture to label."""

    index: int
    path: str
    guess: str | None
    probability: float | None
    label: str


class Questions(Struct):
    """The questions of `aaecli label`, and the classes so far."""

    folder: str
    classes: list[str]
    questions: list[Question]


class AnswerQuery(Strict):
    """Path of the picture that is labelled: a check, since other questions may have been chosen meanwhile."""

    path: Annotated[str, Meta(max_length=4096)]


class Nothing(Strict):
    """No fields: `{}`."""


class Label(Strict):
    """The answer to a question. Empty: taken back. `new`: the class may be one that there is not yet."""

    label: Annotated[str, Meta(max_length=100)]
    new: bool = False
