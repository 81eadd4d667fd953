from __future__ import annotations

import asyncio

import pytest

from shared.http.wire import ConnectionLost, NotSent, Wire
from tests.unit.shared.small_server import answer, read_request, served


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


async def test_an_answer_that_breaks_off_is_lost_not_unsent() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer("200 OK", b"whole")[:-2])

    async with served(serve) as wire:
        with pytest.raises(ConnectionLost) as lost:
            await wire.request("POST", "/", body=b"{}")
    assert not isinstance(lost.value, NotSent)


@pytest.mark.parametrize("head", ["HTTP/1.1 202 Accepted\r\nConnection: close", "HTTP/1.0 200 OK"])
async def test_an_answer_that_names_no_length_ends_with_its_connection(head: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(f"{head}\r\n\r\n".encode() + b"taken")

    async with served(serve) as wire:
        found = [await wire.request("POST", "/", body=b"{}") for _ in range(2)]
    assert {(each.status, each.body) for each in found} == {(int(head.split()[1]), b"taken")}


async def test_what_is_no_http_is_a_lost_answer() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"220 mail.example ESMTP\r\n")
        await writer.drain()
        await reader.read()

    async with served(serve) as wire:
        with pytest.raises(ConnectionLost, match="not HTTP"):
            await wire.request("GET", "/")


async def test_a_server_that_never_answers_is_given_up() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with served(serve) as wire:
        impatient = Wire("127.0.0.1", wire.port, timeout_seconds=0.05)
        with pytest.raises(ConnectionLost, match="no answer within"):
            await impatient.request("GET", "/")


async def test_hints_before_the_answer_are_passed_over() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + answer("200 OK", b"{}"))

    async with served(serve) as wire:
        found = await wire.request("GET", "/")
    assert (found.status, found.body, "link" in found.headers) == (200, b"{}", False)


async def test_a_connection_idle_for_long_is_not_used_again() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            await read_request(reader)
            writer.write(answer("200 OK", b""))

    async with served(serve) as wire:
        forgetful = Wire("127.0.0.1", wire.port, kept_seconds=0.0)
        for _ in range(3):
            await forgetful.request("GET", "/")
        forgetful.close()
    assert connections == 3


async def test_nobody_listening_means_that_nothing_was_sent() -> None:
    async def serve(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None: ...

    async with served(serve) as wire:
        pass
    with pytest.raises(NotSent):
        await wire.request("GET", "/")
