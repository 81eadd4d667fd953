"""The server's connections: how long each may wait for its client, what it may bring, and how many there are.

uvicorn ends a connection that is idle, and no other: whoever sends one byte now and then would hold his for ever, and
llhttp, its parser, bounds neither a head nor what stands between the pieces of a body (RFC 9112, 7.1). Here a
connection waits for its client, or works for him; it waits for a bounded time, and when there are too many, those
that wait make room.
"""

from __future__ import annotations

import asyncio
import math
import socket
import struct
from http import HTTPStatus
from types import SimpleNamespace
from typing import Any, Final

from prometheus_client import Gauge
from starlette.responses import Response
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from shared.http.limits import LOOK_SECONDS
from shared.http.problems import Problem, render
from shared.http.rates import REFUSED
from shared.loops import rest
from shared.observability import traced
from shared.settings import LimitSettings

OPEN = Gauge("motcua_http_connections", "Connections that are open.")

MALFORMED: Final = Problem(HTTPStatus.BAD_REQUEST, "request_malformed", "This is not HTTP/1.1.")
HEAD_TOO_LARGE: Final = Problem(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "head_too_large")
BODY_TOO_LARGE: Final = Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "body_too_large")
TOO_SLOW: Final = Problem(HTTPStatus.REQUEST_TIMEOUT, "request_too_slow", "The request did not come whole in time.")
CROWDED_OUT: Final = Problem(HTTPStatus.SERVICE_UNAVAILABLE, "too_busy", headers={"Retry-After": "1"})


class Connections:
    """All connections of one process."""

    def __init__(self, limits: LimitSettings) -> None:
        self.limits = limits
        self.waiting: dict[Connection, None] = {}
        """Those that wait for their clients, the longest first."""
        self.unfinished = 0
        """Bytes of requests that have not come whole."""
        self._open: set[Connection] = set()
        OPEN.set_function(lambda: len(self._open))

    def protocol(self, **given: Any) -> Connection:
        """Make the protocol of the next connection, as `http` of `uvicorn.Config` does."""
        return Connection(self, **given)

    async def run(self, stop: asyncio.Event) -> None:
        """Look after all connections until `stop`."""
        loop = asyncio.get_running_loop()
        while not await rest(stop, LOOK_SECONDS):
            now = loop.time()
            for connection in tuple(self._open):
                connection.look(now)

    def opened(self, connection: Connection) -> None:
        """Take one more; the one that has waited longest goes when there are too many."""
        self._open.add(connection)
        if len(self._open) > self.limits.connections and self.waiting:
            next(iter(self.waiting)).make_room("connections")

    def closed(self, connection: Connection) -> None:
        """Forget one."""
        self._open.discard(connection)
        self.waiting.pop(connection, None)

    def count(self, received: int) -> None:
        """Count bytes of unfinished requests; whoever holds most of them goes when there are too many."""
        self.unfinished += received
        if self.unfinished > self.limits.unfinished_bytes and self.waiting:
            max(self.waiting, key=lambda connection: connection.holds).make_room("unfinished_bytes")


class Connection(HttpToolsProtocol):
    """uvicorn's protocol with a deadline for whatever it waits for, and a bound on whatever it takes.

    What is coming shows in what uvicorn keeps: `scope` is new when a head begins, `cycle` has that scope when the head
    has come, and its `more_body` ends when the body has. A request that comes at once costs a few comparisons.
    """

    def __init__(self, all_of_them: Connections, **given: Any) -> None:
        super().__init__(**given)
        self._all, self._limits = all_of_them, all_of_them.limits
        self._deadline = math.inf
        self._awaited: object = None
        self._received = 0
        self._over = False
        self.holds = 0
        """Bytes of a request that has not come whole."""

    @property
    def _in_head(self) -> bool:
        """Whether a head has begun and not come whole."""
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    @property
    def _answering(self) -> bool:
        """Whether the last request whose head has come is not answered yet."""
        return self.cycle is not None and not self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Wait for the first request."""
        super().connection_made(transport)
        self._wait(self._limits.head_seconds)
        self._all.opened(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """Hold nothing more."""
        super().connection_lost(exc)
        self._all.closed(self)
        self._hold(0)

    def data_received(self, data: bytes) -> None:
        """Let uvicorn read, then see whether a request has come whole."""
        if self._over:
            self._pass_over(len(data))
            return
        before = self.cycle
        super().data_received(data)
        cycle = self.cycle
        if cycle is not before and (len(data) > self._limits.head_bytes or self._awaited is cycle.scope):
            self._measure_head()
        if self._over:
            return
        if cycle is None or cycle.more_body or cycle.response_complete or cycle.scope is not self.scope:
            self._take(len(data), with_head=cycle is not before)
        else:
            if self.holds:
                self._hold(0)
            self._work()

    def on_message_complete(self) -> None:
        """Let the answer to a request that came in parts be one like any other."""
        super().on_message_complete()
        if self._awaited is self.cycle:
            self.cycle.default_headers = self.server_state.default_headers
            self.cycle.transport = self.transport

    def on_response_complete(self) -> None:
        """Wait for the next request, or work on the one that came behind."""
        super().on_response_complete()
        if self.transport.is_closing():
            self._deadline = self.loop.time()
        elif self.cycle.response_complete:
            if self.holds:
                self._hold(0)
            self._wait(self._limits.idle_seconds)
        elif self.cycle.more_body:  # what came behind has its turn now, though it has not come whole
            self._wait(self._limits.body_seconds)
        else:
            self._work()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002 - uvicorn's words for what it could not read
        """Answer what is no HTTP."""
        self._refuse(MALFORMED)

    def look(self, now: float) -> None:
        """End the connection when its time is over; whoever still reads his answer has as long as a request has."""
        unread = self.transport.get_write_buffer_size() > 0
        if now < self._deadline + unread * self._limits.request_seconds:
            return
        if self._over or self.transport.is_closing():
            self._abort()
        elif self._in_head:
            self._refuse(TOO_SLOW, "head_seconds")
        elif not self._answering:
            self.transport.close()
        elif self.cycle.more_body:
            self._refuse(TOO_SLOW, "body_seconds")
        else:
            self._abort()

    def make_room(self, limit: str) -> None:
        """Close a connection that waits for its client, because there is too much of something."""
        REFUSED.labels(limit).inc()
        if not self._over and (self._in_head or self._answering):
            self._answer(CROWDED_OUT)
        self._deadline = self.loop.time()
        self._all.waiting.pop(self, None)
        self.transport.close()

    def _take(self, size: int, *, with_head: bool) -> None:
        """Count bytes of a request that has not come whole, and begin to wait for its head, or for its body."""
        in_head = self._in_head
        if not in_head and not self._answering:  # it was refused by its head, or by what came of its body
            self._pass_over(size)
            return
        awaited: object = self.scope if in_head else self.cycle
        if awaited is self._awaited:
            self._received += size
        else:
            self._awaited, self._received = awaited, 0 if in_head and with_head else size
            if not in_head:
                self._expect_the_rest()
            if in_head and not self._answering:
                self._wait(self._limits.head_seconds)
            elif not in_head and not self.pipeline:
                self._wait(self._limits.body_seconds)
        if in_head and self._received > self._limits.head_bytes:
            self._refuse(HEAD_TOO_LARGE, "head_bytes")
        elif self._received > self._limits.whole_bytes:
            self._refuse(BODY_TOO_LARGE, "body_bytes")
        self._hold(0 if self._over else self._received)

    def _expect_the_rest(self) -> None:
        """Let an answer that does not wait for the body be the last one here, and say so (RFC 9112, 9.6).

        Whoever asked behind it might stand behind the rest for ever. uvicorn would close the connection at once.
        """
        self.cycle.default_headers = [*self.server_state.default_headers, (b"connection", b"close")]
        self.cycle.transport = SimpleNamespace(  # type: ignore[assignment]  # all that an answer asks of one
            write=self.transport.write, is_closing=self.transport.is_closing, close=self._hang_up
        )

    def _measure_head(self) -> None:
        """Refuse a request whose head has come and is too large; the application has not begun with it."""
        if len(self.url) + sum(len(name) + len(value) for name, value in self.headers) > self._limits.head_bytes:
            self._refuse(HEAD_TOO_LARGE, "head_bytes")

    def _refuse(self, problem: Problem, limit: str = "") -> None:
        """Refuse a request, whatever of it is still to come."""
        if limit:
            REFUSED.labels(limit).inc()
        if self.pipeline:  # what is refused came behind a request at work, on whose answer it has no claim
            self._abort()
            return
        self._answer(problem)
        self._hang_up()
        self._wait(self._limits.idle_seconds)

    def _hang_up(self) -> None:
        """Say nothing more. The connection closes later: at once, the answer would be lost (RFC 9112, 9.6)."""
        self._over = True
        if not self.transport.is_closing():
            self.transport.write_eof()

    def _pass_over(self, size: int) -> None:
        """Take what still comes after a refusal, but not for ever: so it is heard when the client hangs up."""
        self._received += size
        if self._received > 2 * self._limits.body_bytes:
            self.flow.pause_reading()

    def _answer(self, problem: Problem) -> None:
        """Answer a request that has not come whole; say nothing where its answer, or one before it, is on its way."""
        cycle = self.cycle
        silent = self._answering if self._in_head else cycle is not None and cycle.response_started
        if not silent:
            self.transport.write(_on_the_wire(problem))
        if cycle is not None:
            cycle.disconnected = True  # whoever still reads or writes there learns that nobody does
            cycle.waiting_for_100_continue = False
            cycle.message_event.set()

    def _hold(self, size: int) -> None:
        if size != self.holds:
            more, self.holds = size - self.holds, size
            self._all.count(more)

    def _wait(self, seconds: float) -> None:
        self._deadline = self.loop.time() + seconds
        self._all.waiting[self] = None

    def _work(self) -> None:
        """Give the answer its time: half until it begins, as the application sees to, and half until it is given."""
        self._deadline = self.loop.time() + 2 * self._limits.request_seconds
        self._all.waiting.pop(self, None)

    def _abort(self) -> None:
        """Reset the connection: the kernel would keep what nobody reads for minutes (SO_LINGER, socket(7))."""
        line: socket.socket = self.transport.get_extra_info("socket")
        line.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()


def _on_the_wire(problem: Problem) -> bytes:
    """Write a problem as a whole answer, after which the connection closes."""
    with traced(None):
        answer: Response = render(problem, accept_language=None)
    answer.headers["Connection"] = "close"
    lines = [b"%b: %b\r\n" % header for header in answer.raw_headers]
    return b"".join((STATUS_LINE[problem.status], *lines, b"\r\n", bytes(answer.body)))
