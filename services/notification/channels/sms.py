"""SMS over the gateway's HTTP interface: `POST /v1/messages`, one message a call, a bearer token."""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from services.notification.domain.letters import Letter
from services.notification.domain.messages import Answer, Reason, Result
from shared.http.wire import ConnectionLost, NotSent, Wire

SENDER = "MotCua"
"""The brand name that telcos show, at most 11 letters."""

ANSWERS: Mapping[int, Answer] = {
    # The reference is known: an earlier attempt was taken.
    HTTPStatus.CONFLICT: Answer.TAKEN,
    # Our token or address is wrong, which an operator mends; the message is not at fault.
    HTTPStatus.UNAUTHORIZED: Answer.NOT_TAKEN,
    HTTPStatus.FORBIDDEN: Answer.NOT_TAKEN,
    HTTPStatus.NOT_FOUND: Answer.NOT_TAKEN,
    HTTPStatus.REQUEST_TIMEOUT: Answer.NOT_TAKEN,
    HTTPStatus.TOO_EARLY: Answer.NOT_TAKEN,
    HTTPStatus.TOO_MANY_REQUESTS: Answer.NOT_TAKEN,
    HTTPStatus.SERVICE_UNAVAILABLE: Answer.NOT_TAKEN,
}
"""Status of the gateway → what it means for the message. 2xx: taken; other 4xx: rejected; else: nobody knows."""

REASONS: Mapping[str, Reason] = {"number_invalid": Reason.ADDRESS_INVALID}
"""The gateway's own code in `error` → our reason; any other: rejected by the gateway."""


class SmsGateway:
    """The gateway; connections are kept between calls. A call takes at most twice the timeout."""

    def __init__(self, url: str, token_file: Path, *, timeout_seconds: float, connections: int) -> None:
        token = token_file.read_text("utf-8").strip()
        self._headers = {"authorization": f"Bearer {token}", "content-type": "application/json"}
        self._wire = Wire.to(url, connections=connections, timeout_seconds=timeout_seconds)

    async def send(self, letter: Letter) -> Result:
        """Hand one message over."""
        body = {"reference": letter.reference, "to": letter.to, "text": letter.text.body, "sender": SENDER}
        content = json.dumps(body, ensure_ascii=False).encode()
        try:
            answer = await self._wire.request("POST", "/v1/messages", self._headers, content)
        except NotSent:
            return Result(Answer.NOT_TAKEN)
        except ConnectionLost:
            return Result(Answer.LOST)
        return read_answer(answer.status, answer.body)

    async def close(self) -> None:
        """End the connections."""
        self._wire.close()


def read_answer(status: int, content: bytes) -> Result:
    """Translate the gateway's answer into ours."""
    if 200 <= status < 300:
        return Result(Answer.TAKEN)
    if status in ANSWERS:
        return Result(ANSWERS[status])
    if 400 <= status < 500:
        return Result(Answer.REJECTED, _reason(content))
    return Result(Answer.LOST)


def _reason(content: bytes) -> Reason:
    return next((reason for code, reason in REASONS.items() if f'"{code}"'.encode() in content), Reason.REJECTED)
