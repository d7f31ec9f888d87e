"""The routes of the labelling page."""

from __future__ import annotations

from starlette.responses import Response

from aaecli.web import wire
from aaecli.web.requests import Refusal
from aaecli.web.routes import Call, Endpoint


async def _questions(call: Call) -> wire.Questions:
    return call.service.labels.questions()


async def _picture(call: Call) -> Response:
    try:
        return Response(call.service.labels.png(call.path["index"], call.query.path), media_type="image/png")
    except IndexError as error:
        raise Refusal(404, "There is no question of that number.") from error


async def _answer(call: Call) -> wire.Label:
    try:
        return await call.service.labels.answer(call.path["index"], call.query.path, call.json)
    except IndexError as error:
        hint = "Load the page again: other questions were chosen."
        raise Refusal(409, "This question is not asked any more.", hint) from error


async def _more(call: Call) -> wire.Questions:
    return await call.service.labels.more()


LABELLING = (
    Endpoint("GET", "/api/v1/questions", _questions, "List the pictures to label.", wire.Questions),
    Endpoint(
        "GET", "/api/v1/questions/{index:number}.png", _picture, "Show a picture.", "image/png", query=wire.AnswerQuery
    ),
    Endpoint(
        "PUT",
        "/api/v1/questions/{index:number}",
        _answer,
        "Label a picture; answered when the label is on the disk.",
        wire.Label,
        request=wire.Label,
        query=wire.AnswerQuery,
    ),
    Endpoint("POST", "/api/v1/questions/more", _more, "Choose anew.", wire.Questions, request=wire.Nothing),
)
