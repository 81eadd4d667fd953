"""Zalo's notification service (ZNS): `POST /message/template`, one message a call, an access token.

The answer to a call is HTTP 200 with a number in `error`, 0 where the message was taken. An access token lives for a
day; who renews it is one process of the operator's, which writes it to its file: two would lock each other out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from http import HTTPStatus
from pathlib import Path

from services.notification.channels.sms import read_answer as read_status
from services.notification.domain.letters import Letter
from services.notification.domain.messages import Answer, Reason, Result
from shared.http.wire import ConnectionLost, NotSent, Wire

TAKEN = 0
ERRORS: Mapping[int, Result] = {
    -108: Result(Answer.REJECTED, Reason.ADDRESS_INVALID),
    # No Zalo under the number, a version that is too old, or somebody who wants none of it.
    **dict.fromkeys((-110, -114, -118, -119, -139, -141), Result(Answer.REJECTED, Reason.NOT_ON_ZALO)),
    # The account's affair, or the hour's: an operator mends it, or time does. The message is not at fault.
    **dict.fromkeys((-100, -105, -115, -117, -124, -131, -133, -144, -146, -147), Result(Answer.NOT_TAKEN)),
}
"""Number of an error → what it means for the message; any other: rejected by the provider."""


class Zalo:
    """The provider; connections are kept between calls. A call takes at most twice the timeout.

    `templates` names the approved template of each of our texts (`accepted.vi`); one that it does not name is called as
    we call it.
    """

    def __init__(
        self, url: str, token_file: Path, templates: Mapping[str, str], *, timeout_seconds: float, connections: int
    ) -> None:
        self._token_file, self._templates = token_file, templates
        self._wire = Wire.to(url, connections=connections, timeout_seconds=timeout_seconds)

    async def send(self, letter: Letter) -> Result:
        """Hand one message over."""
        text = letter.text
        body = {
            "phone": letter.to.removeprefix("+"),
            "template_id": self._templates.get(text.template, text.template),
            "template_data": dict(text.values),
            "tracking_id": letter.reference,
        }
        content = json.dumps(body, ensure_ascii=False).encode()
        try:
            answer = await self._wire.request("POST", "/message/template", self._headers(), content)
        except ConnectionLost as error:
            return Result(Answer.NOT_TAKEN if isinstance(error, NotSent) else Answer.LOST)
        except OSError:  # the token's file cannot be read: nobody was called
            return Result(Answer.NOT_TAKEN)
        return read_answer(answer.status, answer.body)

    def _headers(self) -> dict[str, str]:
        """Read the token anew: it is another every day, and that needs no restart."""
        return {"access_token": self._token_file.read_text("utf-8").strip(), "content-type": "application/json"}

    async def close(self) -> None:
        """End the connections."""
        self._wire.close()


def read_answer(status: int, content: bytes) -> Result:
    """Translate the provider's answer into ours; what cannot be read may have been taken."""
    if status != HTTPStatus.OK:
        return read_status(status, b"")
    try:
        error = json.loads(content)["error"]
    except (ValueError, KeyError, TypeError):
        return Result(Answer.LOST)
    if type(error) is not int:
        return Result(Answer.LOST)
    if error == TAKEN:
        return Result(Answer.TAKEN)
    return ERRORS.get(error, Result(Answer.REJECTED, Reason.REJECTED))
