"""What a request may bring, how often its client may come, and how many are at work at once (`LimitSettings`)."""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from itertools import accumulate
from typing import Any

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.auth import TokenVerifier
from shared.http.languages import Words
from shared.http.problems import Problem
from shared.http.rates import REFUSED, Rate, address_of
from shared.settings import LimitSettings

PROBES = frozenset({"/livez", "/readyz", "/metrics"})
"""Asked by whoever watches the process: never refused, the more so when it has much to do."""
LOOK_SECONDS = 0.5
"""How often a limit of time is looked after: it is kept so exactly."""
BURST_SECONDS = 2
"""A client may spend at once what he has for so many seconds."""

_TEXTS = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)
_STEPS = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - _STEPS.keys())


class RequestLimits:
    """ASGI middleware: takes a request in whole and hands it on, or raises the Problem that refuses it."""

    def __init__(self, app: ASGIApp, *, limits: LimitSettings, verifiers: Sequence[TokenVerifier]) -> None:
        self._app, self._limits, self._verifiers = app, limits, verifiers
        self._of_tokens = Rate("token_requests", limits.token_requests * BURST_SECONDS, BURST_SECONDS)
        self._of_addresses = Rate("address_requests", limits.address_requests * BURST_SECONDS, BURST_SECONDS)
        self._at_work = _AtWork(limits.request_seconds)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request. Raises Problem 413, 422, 429 or 503, and TimeoutError when no answer begins in time."""
        if scope["type"] != "http" or scope["path"] in PROBES:
            await self._app(scope, receive, send)
            return
        length, token = _said(scope["headers"])
        caller = self._caller(token)
        client = caller or address_of(scope)
        (self._of_tokens if caller else self._of_addresses).take(client)
        whole = await self._read(receive, length)
        if whole is None:
            return  # the client has gone: nobody waits for an answer
        self._refuse_load(client)
        messages = iter((whole,))
        task = self._at_work.begin(client)

        async def replay() -> Message:
            return next(messages, None) or await receive()

        async def answer(message: Message) -> None:
            self._at_work.end(task)  # whoever does not read his answer is the connection's affair
            await send(message)

        try:
            await self._app(scope, replay, answer)
        except asyncio.CancelledError:
            self._at_work.explain(task)
            raise
        finally:
            self._at_work.end(task)
            if not caller and self._caller(token):  # his token was new, and is believed
                self._of_addresses.give_back(client)

    def _refuse_load(self, client: str) -> None:
        """Refuse one more where all there may be are at work, or all of this client's."""
        if self._at_work.of(client) >= self._limits.client_requests:
            REFUSED.labels("client_requests").inc()
            raise Problem(HTTPStatus.TOO_MANY_REQUESTS, "too_many_requests", headers={"Retry-After": "1"})
        if len(self._at_work) >= self._limits.requests:
            REFUSED.labels("requests").inc()
            raise Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too_busy", headers={"Retry-After": "1"})

    def _caller(self, token: str) -> str | None:
        """Name the caller of a token that was believed before."""
        for verifier in self._verifiers:
            if (caller := verifier.remembered(token)) is not None:
                return caller
        return None

    async def _read(self, receive: Receive, length: int) -> Message | None:
        """Read the whole body, counting what really arrives; None when the client goes meanwhile."""
        body = bytearray()
        while length <= self._limits.body_bytes:
            message = await receive()
            if message["type"] != "http.request":
                return None
            body += message.get("body", b"")
            length = max(length, len(body))
            if length <= self._limits.body_bytes and not message.get("more_body", False):
                self._refuse_depth(body)
                return {"type": "http.request", "body": bytes(body), "more_body": False}
        REFUSED.labels("body_bytes").inc()
        most = self._limits.body_bytes
        taken = Words(f"Nhận nhiều nhất {most} byte.", f"At most {most} bytes are taken.")
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large", taken)

    def _refuse_depth(self, body: bytes | bytearray) -> None:
        if is_deeper(body, self._limits.json_depth):
            REFUSED.labels("json_depth").inc()
            deep = self._limits.json_depth
            said = Words(
                f"Mảng và đối tượng chỉ được lồng nhau tối đa {deep} tầng.",
                f"Arrays and objects may stand in each other {deep} deep.",
            )
            raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "json_too_deep", said)


class _AtWork:
    """The requests whose answers have not begun, and whose they are: one look now and then ends what takes too long.

    A timer for each of them would cost more than all else that the edge does for a request (ADR 40).
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._clients: dict[asyncio.Task[Any], str] = {}
        """Every request at work, and whose it is."""
        self._of: Counter[str] = Counter()
        self._began: dict[asyncio.Task[Any], float] = {}
        """When those began that are not cancelled for taking too long."""
        self._looks = False

    def __len__(self) -> int:
        return len(self._clients)

    def of(self, client: str) -> int:
        """Count those of one client."""
        return self._of[client]

    def begin(self, client: str) -> asyncio.Task[Any]:
        """Count from now for the present task, and for its client."""
        task, loop = asyncio.current_task(), asyncio.get_running_loop()
        assert task is not None  # noqa: S101 - whatever awaits is a task
        self._clients[task] = client
        self._of[client] += 1
        self._began[task] = loop.time()
        if not self._looks:
            self._looks = True
            loop.call_later(LOOK_SECONDS, self._look, loop)
        return task

    def end(self, task: asyncio.Task[Any]) -> None:
        """Count no longer."""
        self._began.pop(task, None)
        client = self._clients.pop(task, None)
        if client is not None:
            self._of[client] -= 1
            if not self._of[client]:
                del self._of[client]

    def explain(self, task: asyncio.Task[Any]) -> None:
        """Raise TimeoutError for a task that was cancelled here, and for no other."""
        if task in self._clients and task not in self._began and task.uncancel() == 0:
            raise TimeoutError

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        for task, began in list(self._began.items()):  # in the order in which they began
            if loop.time() < began + self._seconds:
                break
            del self._began[task]
            task.cancel()
        self._looks = bool(self._began)
        if self._looks:
            loop.call_later(LOOK_SECONDS, self._look, loop)


def is_deeper(body: bytes | bytearray, depth: int) -> bool:
    """Whether the arrays and objects of a JSON text stand in each other deeper than that; linear in its length."""
    if not _has_more(body, depth):
        return False
    brackets = _TEXTS.sub(b"", body).translate(None, _NO_BRACKETS)
    return any(deep > depth for deep in accumulate(map(_STEPS.__getitem__, brackets)))


def _has_more(body: bytes | bytearray, brackets: int) -> bool:
    """Whether more brackets open than that: `find` is a hundred times as fast as `count` where there are few."""
    for bracket in (b"[", b"{"):
        place = body.find(bracket)
        while place >= 0:
            brackets -= 1
            if brackets < 0:
                return True
            place = body.find(bracket, place + 1)
    return False


def _said(headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str]:
    """Read Content-Length (nought if it is not said, or no number) and the bearer token (empty if there is none)."""
    length, token = 0, ""
    for name, value in headers:
        if name == b"content-length":
            length = int(value.lstrip(b"0")[:20] or b"0") if value.isdigit() else 0
        elif name == b"authorization":
            token = value[7:].decode("latin-1")
    return length, token
