"""The SMS gateway's HTTP interface, and on the same port Zalo's (`deploy.local.sinks.zalo`).

POST /v1/messages      bearer token, {reference, to, text, sender} → 202 {reference, accepted: true}; the same
                       reference again gets the same answer and is no second message
                       401 wrong token · 422 {error: malformed | number_invalid | rejected} · 503 {error: busy}
                       429 {error: throttled}
POST /v1/conduct       {sink: sms | mail | zalo, conduct: one of `Conduct`, times: n}
GET  /v1/summary       what arrived at all sinks, and receipts posted and waiting
"""

from __future__ import annotations

import hmac
import json
import re
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from deploy.local.sinks.conduct import Conduct, Conducts
from deploy.local.sinks.logbook import Kind, Logbook
from deploy.local.sinks.receipts import Receipts
from deploy.local.sinks.treatment import REFUSING, Arrival, Treatment
from deploy.local.sinks.zalo import zalo_route

NUMBER = re.compile(r"\+[1-9]\d{7,14}", re.ASCII)
FIELDS = {"reference", "to", "text", "sender"}
REFUSALS: Mapping[Conduct, tuple[HTTPStatus, str]] = {
    Conduct.REFUSE: (HTTPStatus.SERVICE_UNAVAILABLE, "busy"),
    Conduct.REJECT: (HTTPStatus.UNPROCESSABLE_ENTITY, "rejected"),
    Conduct.THROTTLE: (HTTPStatus.TOO_MANY_REQUESTS, "throttled"),
}
"""How each of `REFUSING` is said by SMS gateways."""


class Gateway:
    """Takes messages, writes them down, sends receipts."""

    def __init__(self, token_file: Path, logbook: Logbook, conducts: Conducts, receipts: Receipts) -> None:
        self._token = token_file.read_text("utf-8").strip()
        self._logbook, self._conducts, self._receipts = logbook, conducts, receipts
        self._treatment = Treatment(logbook, conducts, receipts)

    def app(self) -> Starlette:
        """Build the ASGI application."""
        return Starlette(
            routes=[
                Route("/v1/messages", self.take, methods=["POST"]),
                Route("/v1/conduct", self.conduct, methods=["POST"]),
                Route("/v1/summary", self.summary),
                zalo_route(self._token, self._treatment),
            ]
        )

    async def take(self, request: Request) -> Response:
        """Take one message, unless told to behave badly."""
        if not self._knows(request):
            return _refusal(HTTPStatus.UNAUTHORIZED, "token")
        message = _read(await request.body(), FIELDS)
        if message is None:
            return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed")
        if not NUMBER.fullmatch(message["to"]):
            return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "number_invalid")
        arrival = Arrival(Kind.SMS, message["reference"], message["to"], message["text"])
        conduct = await self._treatment.of(request, arrival)
        if conduct in REFUSING:
            return _refusal(*REFUSALS[conduct])
        return JSONResponse({"reference": arrival.reference, "accepted": True}, HTTPStatus.ACCEPTED)

    async def conduct(self, request: Request) -> Response:
        """Order the conduct of one sink for its next messages."""
        if not self._knows(request):
            return _refusal(HTTPStatus.UNAUTHORIZED, "token")
        try:
            order = json.loads(await request.body())
            self._conducts.order(Kind(order["sink"]), Conduct(order["conduct"]), int(order["times"]))
        except (ValueError, KeyError, TypeError):
            return _refusal(HTTPStatus.UNPROCESSABLE_ENTITY, "malformed")
        return JSONResponse({"left": self._conducts.left()})

    async def summary(self, _request: Request) -> Response:
        """Answer with counts, no content."""
        receipts = {"posted": self._receipts.posted, "waiting": self._receipts.waiting}
        return JSONResponse({**self._logbook.summary(), "receipts": receipts, "conduct_left": self._conducts.left()})

    def _knows(self, request: Request) -> bool:
        return hmac.compare_digest(request.headers.get("authorization", "").encode(), f"Bearer {self._token}".encode())


def _read(body: bytes, fields: set[str]) -> dict[str, str] | None:
    try:
        message = json.loads(body)
    except ValueError:
        return None
    whole = isinstance(message, dict) and message.keys() == fields
    return message if whole and all(isinstance(value, str) and value for value in message.values()) else None


def _refusal(status: HTTPStatus, error: str) -> JSONResponse:
    return JSONResponse({"error": error}, status)
