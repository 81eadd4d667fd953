from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest

from deploy.demo.calls import Caller, Refused
from deploy.demo.wire import ConnectionLost, Wire

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


@contextlib.asynccontextmanager
async def served(serve: Serve) -> AsyncIterator[Wire]:
    """A wire to a small real server; whatever was opened is closed again."""
    at_work: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        at_work.add(cast("asyncio.Task[None]", asyncio.current_task()))
        with contextlib.suppress(asyncio.IncompleteReadError):
            await serve(reader, writer)
        writer.close()
        await writer.wait_closed()

    server = await asyncio.start_server(connected, "127.0.0.1", 0)
    wire = Wire("127.0.0.1", int(server.sockets[0].getsockname()[1]), connections=2, timeout_seconds=2)
    try:
        yield wire
    finally:
        wire.close()
        server.close()
        await asyncio.gather(*at_work)


async def read_request(reader: asyncio.StreamReader) -> tuple[str, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    length = next(int(line.split(":")[1]) for line in head.lower().split("\r\n") if line.startswith("content-length"))
    return head, await reader.readexactly(length)


def answer(status: str, body: bytes, *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "\r\n")
    return "\r\n".join(lines).encode() + body


async def test_connections_are_kept_and_chunks_are_joined() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            _, body = await read_request(reader)
            writer.write(b'HTTP/1.1 200 OK\r\nETag: "7"\r\nTransfer-Encoding: chunked\r\n\r\n')
            writer.write(b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body))

    async with served(serve) as wire:
        answers = await asyncio.gather(*(wire.request("POST", "/", body=f"{n}".encode()) for n in range(20)))
    assert [found.body for found in answers] == [f"{n}".encode() for n in range(20)]
    assert {found.headers["etag"] for found in answers} == {'"7"'}
    assert connections <= 2


async def test_a_lost_answer_is_asked_for_again_with_the_same_key() -> None:
    replies = [
        b"",
        answer("503 Service Unavailable", b"{}"),
        answer("409 Conflict", b'{"code":"request_in_flight"}'),
        answer("201 Created", b'{"code":"ok"}'),
    ]
    keys: list[str] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head, _ = await read_request(reader)
        keys.extend(line for line in head.split("\r\n") if line.startswith("idempotency-key"))
        writer.write(replies[len(keys) - 1])

    async with served(serve) as wire:
        caller = Caller(wire)
        assert (await caller.post("/v1/dossiers", "token", "key-1", {})).json() == {"code": "ok"}
    assert set(keys) == {"idempotency-key: key-1"}
    assert caller.sent == len(keys) >= 4
    assert caller.repeated == caller.sent - 1


async def test_a_refusal_is_told_with_its_code_and_not_repeated() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer("409 Conflict", b'{"code":"illegal_move","detail":"no"}'))

    async with served(serve) as wire:
        caller = Caller(wire)
        with pytest.raises(Refused) as refused:
            await caller.post("/", "token", "key", {}, version=3)
    assert (refused.value.status, refused.value.code) == (409, "illegal_move")
    assert caller.sent == 1


async def test_nobody_listening_is_a_lost_connection() -> None:
    async def serve(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None: ...

    async with served(serve) as wire:
        pass
    with pytest.raises(ConnectionLost):
        await wire.request("GET", "/")
