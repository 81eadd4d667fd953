"""How much a caller may send: a body over 256 KiB is refused before anything else looks at the request."""

from __future__ import annotations

from collections import deque
from http import HTTPStatus

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import Problem, render

BODY_BYTES = 256 * 1024


class BodyLimit:
    """ASGI middleware: reads the body, counting what really arrives, and hands it on whole or answers 413."""

    def __init__(self, app: ASGIApp, *, body_bytes: int = BODY_BYTES) -> None:
        self._app = app
        self._body_bytes = body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        declared = headers.get("content-length", "0")
        too_large = declared.isdecimal() and int(declared.lstrip("0")[:20] or "0") > self._body_bytes
        messages = None if too_large else await self._read(receive)
        if messages is None:
            # The connection stays open: closed at once, the rest of the body would reset it and the answer be lost.
            taken = f"At most {self._body_bytes} bytes are taken."
            refusal = Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", taken)
            await render(refusal, accept_language=headers.get("accept-language"))(scope, receive, send)
            return

        async def replay() -> Message:
            return messages.popleft() if messages else await receive()

        await self._app(scope, replay, send)

    async def _read(self, receive: Receive) -> deque[Message] | None:
        messages: deque[Message] = deque()
        size = 0
        while True:
            message = await receive()
            messages.append(message)
            size += len(message.get("body", b""))
            if size > self._body_bytes:
                return None
            if message["type"] != "http.request" or not message.get("more_body", False):
                return messages
