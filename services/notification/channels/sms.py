"""SMS over the gateway's HTTP interface: `POST /v1/messages`, one message a call, a bearer token."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

import httpx2

from services.notification.domain.letters import Letter
from services.notification.domain.messages import Answer, Reason, Result

SENDER = "MotCua"
"""The brand name that telcos show, at most 11 letters."""

KEEPALIVE_SECONDS = 2.0
"""Shorter than any server's own: a connection that the server just closed would lose an answer."""

ANSWERS: Mapping[int, Answer] = {
    HTTPStatus.OK: Answer.TAKEN,
    HTTPStatus.ACCEPTED: Answer.TAKEN,
    # Our token or address is wrong, which an operator mends; the message is not at fault.
    HTTPStatus.UNAUTHORIZED: Answer.NOT_TAKEN,
    HTTPStatus.FORBIDDEN: Answer.NOT_TAKEN,
    HTTPStatus.NOT_FOUND: Answer.NOT_TAKEN,
    HTTPStatus.TOO_MANY_REQUESTS: Answer.NOT_TAKEN,
    HTTPStatus.SERVICE_UNAVAILABLE: Answer.NOT_TAKEN,
}
"""Status of the gateway → what it means for the message. Other 4xx: rejected; other 5xx: nobody knows."""

REASONS: Mapping[str, Reason] = {"number_invalid": Reason.ADDRESS_INVALID}
"""The gateway's own code in `error` → our reason; any other: rejected by the gateway."""


class SmsGateway:
    """The gateway; connections are kept between calls."""

    def __init__(self, url: str, token_file: Path, *, timeout_seconds: float, connections: int) -> None:
        token = token_file.read_text("utf-8").strip()
        self._timeout_seconds = timeout_seconds
        self._client = httpx2.AsyncClient(
            base_url=url,
            headers={"Authorization": f"Bearer {token}"},
            timeout=timeout_seconds,
            limits=httpx2.Limits(max_connections=connections, keepalive_expiry=KEEPALIVE_SECONDS),
            trust_env=False,
        )

    async def send(self, letter: Letter) -> Result:
        """Hand one message over."""
        body = {"reference": letter.reference, "to": letter.to, "text": letter.text.body, "sender": SENDER}
        try:
            # The client's own limit is for each read: a gateway that trickles would hold a slot for ever.
            async with asyncio.timeout(2 * self._timeout_seconds):
                answer = await self._client.post("/v1/messages", json=body)
        except (httpx2.ConnectError, httpx2.ConnectTimeout, httpx2.PoolTimeout):
            return Result(Answer.NOT_TAKEN)
        except (httpx2.HTTPError, TimeoutError):
            return Result(Answer.LOST)
        return read_answer(answer.status_code, answer.content)

    async def close(self) -> None:
        """End the connections."""
        await self._client.aclose()


def read_answer(status: int, content: bytes) -> Result:
    """Translate the gateway's answer into ours."""
    if status in ANSWERS:
        return Result(ANSWERS[status])
    if 400 <= status < 500:
        return Result(Answer.REJECTED, _reason(content))
    return Result(Answer.LOST)


def _reason(content: bytes) -> Reason:
    return next((reason for code, reason in REASONS.items() if f'"{code}"'.encode() in content), Reason.REJECTED)
