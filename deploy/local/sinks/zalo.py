"""Zalo's notification service (ZNS), as far as we speak it.

POST /message/template  access_token, {phone, template_id, template_data, tracking_id} → 200 {error: 0, message, data};
                        the same tracking_id again gets the same answer and is no second message
                        200 {error: -124} wrong token · -122 malformed · -108 no number · -114 the number takes no such
                        messages · -144 quota · -100 try again later
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.sinks.conduct import Conduct
from deploy.local.sinks.logbook import Kind
from deploy.local.sinks.treatment import REFUSING, Arrival, Treatment

NUMBER = re.compile(r"[1-9]\d{7,14}", re.ASCII)
FIELDS = {"phone", "template_id", "template_data", "tracking_id"}
TAKEN, TOKEN, MALFORMED, NO_NUMBER = 0, -124, -122, -108
ERRORS: Mapping[Conduct, int] = {Conduct.REFUSE: -100, Conduct.REJECT: -114, Conduct.THROTTLE: -144}
"""How each of `REFUSING` is said by Zalo."""


def text_of(template: str, values: Mapping[str, str]) -> str:
    """Write down what a message says: Zalo puts the values into the template's places."""
    return "\n".join((template, *(f"{name}={value}" for name, value in sorted(values.items()))))


def zalo_route(token: str, treatment: Treatment) -> Route:
    """Serve `POST /message/template` for whoever shows the access token."""

    async def take(request: Request) -> Response:
        if not hmac.compare_digest(request.headers.get("access_token", "").encode(), token.encode()):
            return _answer(TOKEN)
        message = _read(await request.body())
        if message is None:
            return _answer(MALFORMED)
        if not NUMBER.fullmatch(message["phone"]):
            return _answer(NO_NUMBER)
        text = text_of(message["template_id"], message["template_data"])
        arrival = Arrival(Kind.ZALO, message["tracking_id"], message["phone"], text)
        conduct = await treatment.of(request, arrival)
        return _answer(ERRORS[conduct] if conduct in REFUSING else TAKEN, msg_id=arrival.reference)

    return Route("/message/template", take, methods=["POST"])


def _read(body: bytes) -> dict[str, Any] | None:
    try:
        message = json.loads(body)
    except ValueError:
        return None
    if not isinstance(message, dict) or message.keys() != FIELDS:
        return None
    values = message["template_data"]
    texts = (*values.values(), *(message[name] for name in FIELDS - {"template_data"})) if _named(values) else (None,)
    return message if all(isinstance(text, str) and text for text in texts) else None


def _named(values: Any) -> bool:
    return isinstance(values, dict) and bool(values)


def _answer(error: int, **data: str) -> JSONResponse:
    """Answer as Zalo does: 200 whatever became of the message."""
    return JSONResponse({"error": error, "message": "Success" if error == TAKEN else "Refused", "data": data})
