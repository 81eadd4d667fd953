"""A small HTTP/1.1 client on httptools, for one host: one request at a time on each kept connection.

A year sends some hundred thousand requests and twenty thousand messages on two cores, and a general client costs more
than everything else on the sender's side (ADR 10). It knows what services and gateways speak and no more: no redirects,
no streaming, no proxies.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import ssl
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, cast
from urllib.parse import urlsplit

import httptools

KEPT_SECONDS = 2.0
"""How long an idle connection is used again: on one that its server is just closing, a request would be lost."""


class ConnectionLost(ConnectionError):
    """The answer did not arrive: the request may or may not have taken effect."""


class NotSent(ConnectionLost):
    """The request never left: it has taken no effect."""


@dataclass
class Answer:
    """One response; header names are in lower case."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    def json(self) -> Any:
        """Read the body as JSON."""
        return json.loads(self.body)


class _Connection(asyncio.Protocol):
    """One kept connection; httptools calls the `on_…` methods."""

    def __init__(self) -> None:
        self.transport: asyncio.Transport | None = None
        self.idle_since = 0.0
        self._waiting: asyncio.Future[Answer] | None = None
        self._answer = Answer()
        self._parser: Any = None
        self._keep = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast("asyncio.Transport", transport)

    def connection_lost(self, exc: Exception | None) -> None:
        self.transport = None
        if self._waiting is None or self._waiting.done():
            return
        if exc is None and self._ends_with_the_connection():
            self.on_message_complete()
        else:
            self._waiting.set_exception(ConnectionLost(str(exc or "closed by the server")))

    def _ends_with_the_connection(self) -> bool:
        """Whether the answer says nowhere how long it is: then it is whole when the server closes (RFC 9112, 6.3)."""
        return self._answer.status != 0 and not {"content-length", "transfer-encoding"} & self._answer.headers.keys()

    def data_received(self, data: bytes) -> None:
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self.close()
            if self._waiting is not None and not self._waiting.done():
                self._waiting.set_exception(ConnectionLost(f"not HTTP: {error}"))

    def on_header(self, name: bytes, value: bytes) -> None:
        self._answer.headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        self._answer.status = self._parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self._answer.body += body

    def on_message_complete(self) -> None:
        if self._answer.status < HTTPStatus.OK:
            self._answer = Answer()  # "early hints" and the like: the answer itself follows
            return
        self._keep = self._parser.should_keep_alive()
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(self._answer)

    @property
    def reusable(self) -> bool:
        return self._keep and self.transport is not None and not self.transport.is_closing()

    def close(self) -> None:
        if self.transport is not None:
            self.transport.close()

    async def exchange(self, request: bytes) -> Answer:
        if self.transport is None:
            raise NotSent("closed by the server")
        self._answer, self._parser = Answer(), httptools.HttpResponseParser(self)
        self._waiting = asyncio.get_running_loop().create_future()
        self.transport.write(request)
        return await self._waiting


class Wire:
    """Requests to one host and port over at most `connections` kept connections; over TLS when `tls` is given.

    `timeout_seconds` bounds the making of a connection, and then again the whole exchange.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        connections: int = 24,
        timeout_seconds: float = 30.0,
        kept_seconds: float = KEPT_SECONDS,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._host, self.port, self._tls = host, port, tls
        self._authority = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self._timeout_seconds, self._kept_seconds = timeout_seconds, kept_seconds
        self._free: list[_Connection] = []
        self._slots = asyncio.Semaphore(connections)

    @classmethod
    def to(cls, url: str, *, connections: int = 24, timeout_seconds: float = 30.0) -> Wire:
        """Speak to the host of an http or https address; its path is the caller's affair."""
        place = urlsplit(url)
        secure = place.scheme == "https"
        return cls(
            place.hostname or "",
            place.port or (443 if secure else 80),
            connections=connections,
            timeout_seconds=timeout_seconds,
            tls=ssl.create_default_context() if secure else None,
        )

    async def request(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        """Send one request and read its answer.

        Raises `NotSent` when there was no connection, `ConnectionLost` when no whole answer came in time.
        """
        lines = [f"{method} {target} HTTP/1.1", f"host: {self._authority}", f"content-length: {len(body)}"]
        lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
        head = "\r\n".join((*lines, "\r\n")).encode("latin-1")
        async with self._slots, self._connection() as connection:
            try:
                async with asyncio.timeout(self._timeout_seconds):
                    return await connection.exchange(head + body)
            except TimeoutError as error:
                raise ConnectionLost(f"no answer within {self._timeout_seconds} s") from error

    def close(self) -> None:
        """Close every kept connection."""
        while self._free:
            self._free.pop().close()

    @contextlib.asynccontextmanager
    async def _connection(self) -> AsyncIterator[_Connection]:
        connection = self._kept() or await self._open()
        try:
            yield connection
        except BaseException:
            connection.close()
            raise
        if connection.reusable:
            connection.idle_since = time.monotonic()
            self._free.append(connection)

    def _kept(self) -> _Connection | None:
        while self._free:
            connection = self._free.pop()
            if connection.reusable and time.monotonic() - connection.idle_since < self._kept_seconds:
                return connection
            connection.close()
        return None

    async def _open(self) -> _Connection:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._timeout_seconds):
                _, connection = await loop.create_connection(_Connection, self._host, self.port, ssl=self._tls)
        except (OSError, TimeoutError) as error:
            raise NotSent(f"{self._host}:{self.port}: {error}") from error
        return connection
