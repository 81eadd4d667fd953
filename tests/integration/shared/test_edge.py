"""A real process between callers who mean no good and callers who do: each limit refuses the former only."""

from __future__ import annotations

import asyncio
import contextlib
import json
import select
import socket
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx2
import pytest

from tests.integration.shared.running import PORT, process, started
from tests.waiting import until

FEW = {
    "MOTCUA_LIMITS__HEAD_BYTES": "1024",
    "MOTCUA_LIMITS__BODY_BYTES": "8192",
    "MOTCUA_LIMITS__UNFINISHED_BYTES": "80000",
    "MOTCUA_LIMITS__CONNECTIONS": "8",
    "MOTCUA_LIMITS__REQUESTS": "2",
    "MOTCUA_LIMITS__ADDRESS_REQUESTS": "40",
}
SHORT = {
    "MOTCUA_LIMITS__HEAD_SECONDS": "0.5",
    "MOTCUA_LIMITS__BODY_SECONDS": "0.5",
    "MOTCUA_LIMITS__REQUEST_SECONDS": "0.5",
    "MOTCUA_LIMITS__IDLE_SECONDS": "1",
}
FAIR = {
    "MOTCUA_LIMITS__CLIENT_REQUESTS": "3",
    "MOTCUA_LIMITS__ADDRESS_REQUESTS": "40",
    "MOTCUA_HTTP__PROXIES": "127.0.0.1",
}
POST = b"POST /bodies HTTP/1.1\r\nhost: trial\r\ncontent-type: application/json\r\n"
CHUNKED = POST + b"transfer-encoding: chunked\r\n\r\n"


@pytest.fixture(scope="module")
async def narrow(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx2.AsyncClient]:
    """It takes in little."""
    async with process("lets go", tmp_path_factory.mktemp("narrow"), **FEW) as (running, http):
        await started(running)
        yield http


@pytest.fixture(scope="module")
async def impatient(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx2.AsyncClient]:
    """It waits for nobody; it listens beside the other."""
    async with process("keeps", tmp_path_factory.mktemp("impatient"), port=PORT + 2, **SHORT) as (running, http):
        await started(running)
        yield http


@pytest.fixture(scope="module")
async def fair(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[httpx2.AsyncClient]:
    """It stands behind a proxy at 127.0.0.1, and has room for several clients."""
    async with process("lets go", tmp_path_factory.mktemp("fair"), port=PORT + 4, **FAIR) as (running, http):
        await started(running)
        yield http


@dataclass
class Line:
    """One raw connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def say(self, said: bytes) -> None:
        self.writer.write(said)
        with contextlib.suppress(ConnectionError):  # the other side may have hung up: what it said is read then
            await self.writer.drain()

    async def refused(self, *pieces: bytes) -> tuple[int, str]:
        """Say one piece after the other until it is refused; answers the status and code."""
        hearing = asyncio.create_task(self.refusal())
        for piece in pieces:
            if hearing.done():
                break
            await self.say(piece)
        return await hearing

    async def answer(self) -> tuple[int, dict[str, str], Any]:
        """Read one answer: its status, its headers, its JSON."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = dict(line.lower().split(": ", 1) for line in head[1:-2])
        return (
            int(head[0].split()[1]),
            headers,
            json.loads(await self.reader.readexactly(int(headers["content-length"]))),
        )

    async def refusal(self) -> tuple[int, str]:
        """Read a problem document; answers its status and code."""
        status, headers, problem = await self.answer()
        assert headers["content-type"] == "application/problem+json"
        assert problem["status"] == status
        return status, problem["code"]

    async def ended(self) -> bytes:
        """Wait until the other side hangs up; answers what it still said."""
        try:
            return await self.reader.read()
        except ConnectionError:
            return b""


@contextlib.asynccontextmanager
async def line_to(http: httpx2.AsyncClient, address: str = "127.0.0.1") -> AsyncIterator[Line]:
    line = Line(*await asyncio.open_connection("127.0.0.1", http.base_url.port, local_addr=(address, 0)))
    try:
        yield line
    finally:
        line.writer.transport.abort()


async def served(http: httpx2.AsyncClient) -> bool:
    return (await http.post("/bodies", json={"text": "honest"})).json() == len("honest")


@pytest.mark.parametrize("size", [1, 40, 2000])
async def test_a_head_has_a_size(narrow: httpx2.AsyncClient, size: int) -> None:
    head = POST + b"x-long: %b\r\n\r\n" % (b"x" * 1100)
    async with line_to(narrow) as line:
        pieces = [head[start : start + size] for start in range(0, len(head), size)]
        assert await line.refused(*pieces) == (431, "head_too_large")
        assert await line.ended() == b""
    assert await served(narrow)


@pytest.mark.parametrize(
    "said", [b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", CHUNKED + b"xyz\r\n"]
)
async def test_what_is_no_http_is_told_so(narrow: httpx2.AsyncClient, said: bytes) -> None:
    async with line_to(narrow) as line:
        assert await line.refused(said) == (400, "request_malformed")
        assert await line.ended() == b""


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (POST + b"content-length: 104857600\r\n\r\n", b"x" * 65536),
        (CHUNKED, b"10000\r\n%b\r\n" % (b"x" * 65536)),
        (CHUNKED, b"40\r\n%b\r\n" % (b"x" * 64) * 800),
    ],
)
async def test_a_body_has_a_size_and_the_rest_of_it_is_not_waited_for(
    impatient: httpx2.AsyncClient, head: bytes, piece: bytes
) -> None:
    async with line_to(impatient) as line:
        assert await line.refused(head, *[piece] * 1000) == (413, "body_too_large")
        for _ in range(1000):
            await line.say(piece)
            if line.writer.is_closing():
                break
        assert line.writer.is_closing(), "it took all of it"
    assert await served(impatient)


async def test_nobody_asks_behind_a_body_that_was_refused(narrow: httpx2.AsyncClient) -> None:
    async with line_to(narrow) as line:
        await line.say(POST + b"content-length: 10000\r\n\r\n")
        status, headers, _ = await line.answer()
        assert (status, headers["connection"]) == (413, "close")
        await line.say(b"x" * 10_000 + b"GET /livez HTTP/1.1\r\nhost: trial\r\n\r\n")
        assert await line.ended() == b""
    assert await served(narrow)


async def test_a_client_asks_elsewhere_after_a_body_that_was_refused(narrow: httpx2.AsyncClient) -> None:
    for _ in range(20):
        assert (await narrow.post("/bodies", json={"text": "x" * 20_000})).status_code == 413
        assert await served(narrow)


@pytest.mark.parametrize("rest", [b"0\r\n" + b"x: y\r\n" * 200_000, b"1;%b" % (b"x" * 1_000_000)])
async def test_what_stands_between_the_pieces_of_a_body_has_a_size_too(narrow: httpx2.AsyncClient, rest: bytes) -> None:
    async with line_to(narrow) as line:
        assert await line.refused(CHUNKED, rest) in {(413, "body_too_large"), (431, "head_too_large")}
        assert await line.ended() == b""


async def test_a_body_at_its_limit_is_taken_however_it_comes(narrow: httpx2.AsyncClient) -> None:
    body = b'{"text": "whole"}'.ljust(8192)
    async with line_to(narrow) as line:
        await line.say(POST + b"content-length: 8192\r\n\r\n")
        for start in range(0, len(body), 3000):
            await line.say(body[start : start + 3000])
        _, headers, length = await line.answer()
        assert ("connection" in headers, length) == (False, 5)
        await line.say(CHUNKED + b"".join(b"1\r\n%c\r\n" % letter for letter in body) + b"0\r\n\r\n")
        assert (await line.answer())[2] == 5


async def test_what_comes_behind_a_request_has_its_turn(narrow: httpx2.AsyncClient) -> None:
    whole = POST + b"content-length: 12\r\n\r\n" + b'{"text": ""}'
    async with line_to(narrow) as line:
        await line.say(whole + whole + whole[:-3])
        assert [(await line.answer())[2] for _ in range(2)] == [0, 0]
        await line.say(whole[-3:] + whole[:3])
        assert (await line.answer())[2] == 0
        await line.say(whole[3:])
        assert (await line.answer())[2] == 0
    async with line_to(narrow) as line:
        await line.say(whole + POST + b"content-length: 1\r\ncontent-length: 2\r\n\r\n")
        await line.ended()
    assert await served(narrow)


async def test_for_one_connection_too_many_the_one_that_waits_longest_goes(narrow: httpx2.AsyncClient) -> None:
    async with contextlib.AsyncExitStack() as stack:
        silent = await stack.enter_async_context(line_to(narrow))
        begun = await stack.enter_async_context(line_to(narrow))
        await begun.say(POST)
        others = [await stack.enter_async_context(line_to(narrow)) for _ in range(6)]
        for line in others:
            await line.say(b"GET /livez HTTP/1.1\r\nhost: trial\r\n\r\n")
            assert (await line.answer())[0] == 200
        assert await served(narrow)
        assert await silent.ended() == b""
        async with line_to(narrow):
            status, headers, problem = await begun.answer()
        assert (status, problem["code"], headers["retry-after"]) == (503, "too_busy", "1")


async def test_unfinished_requests_may_hold_so_much_together(narrow: httpx2.AsyncClient) -> None:
    async with line_to(narrow) as small, line_to(narrow) as large:
        for line, size in ((small, 5_000), (large, 9_500)):
            await line.say(CHUNKED + b"1\r\n \r\n" * size)
        assert await large.refusal() == (503, "too_busy")
        assert await served(narrow)
        await small.say(b'11\r\n{"text": "whole"}\r\n0\r\n\r\n')
        assert (await small.answer())[2] == 5


async def test_a_flood_from_one_address_is_refused_and_the_others_are_served(narrow: httpx2.AsyncClient) -> None:
    async with line_to(narrow, "127.0.0.9") as line:
        await line.say(b"GET /problems/not_found HTTP/1.1\r\nhost: trial\r\n\r\n" * 400)
        answers = [await line.answer() for _ in range(400)]
        refused = [(headers["retry-after"], problem["code"]) for status, headers, problem in answers if status == 429]
        assert [status for status, *_ in answers[:80]] == [200] * 80
        assert set(refused) == {("1", "too_many_requests")}
        assert await served(narrow)
        await line.say(b"GET /livez HTTP/1.1\r\nhost: trial\r\n\r\n")
        assert (await line.answer())[0] == 200


def asking(path: str, forwarded_for: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nhost: trial\r\nx-forwarded-for: {forwarded_for}\r\n\r\n".encode()


async def test_one_client_has_so_many_at_work_and_the_others_are_served(
    fair: httpx2.AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with contextlib.AsyncExitStack() as lines:
        flood = [await lines.enter_async_context(line_to(fair, "127.0.0.9")) for _ in range(40)]
        for line in flood:
            await line.say(asking("/slow", "203.0.113.9"))
        told = [asyncio.create_task(line.answer()) for line in flood]

        async def all_refused() -> bool:
            return sum(task.done() for task in told) == len(flood) - int(FAIR["MOTCUA_LIMITS__CLIENT_REQUESTS"])

        await until(all_refused)
        for _ in range(20):
            assert await served(fair)
        refused = [(status, headers["retry-after"]) for status, headers, _ in (t.result() for t in told if t.done())]
        assert set(refused) == {(429, "1")}
        next(tmp_path_factory.getbasetemp().glob("fair*")).joinpath("go on").touch()
        assert [(await task)[0] for task in told].count(200) == int(FAIR["MOTCUA_LIMITS__CLIENT_REQUESTS"])
    assert await served(fair)


@pytest.mark.parametrize(
    ("peer", "flood", "another"),
    [
        ("127.0.0.1", "203.0.113.1", "203.0.113.2"),
        ("127.0.0.1", "203.0.113.4, 203.0.113.3", "203.0.113.4"),
        ("127.0.0.1", "203.0.113.5, 127.0.0.1", "203.0.113.6"),
    ],
)
async def test_behind_a_proxy_a_flood_is_its_clients_alone(
    fair: httpx2.AsyncClient, peer: str, flood: str, another: str
) -> None:
    async with line_to(fair, peer) as line:
        await line.say(asking("/problems/not_found", flood) * 200)
        assert (await line.answer())[0] == 200
        assert {(await line.answer())[0] for _ in range(199)} == {200, 429}
        await line.say(asking("/problems/not_found", another))
        assert (await line.answer())[0] == 200


async def test_nobody_but_the_proxy_says_for_whom_he_comes(fair: httpx2.AsyncClient) -> None:
    async with line_to(fair, "127.0.0.8") as line:
        await line.say(b"".join(asking("/problems/not_found", f"203.0.113.{number}") for number in range(200)))
        assert {(await line.answer())[0] for _ in range(200)} == {200, 429}


async def test_so_many_are_at_work_and_one_more_is_refused_while_probes_are_answered(
    narrow: httpx2.AsyncClient, tmp_path_factory: pytest.TempPathFactory
) -> None:
    async with line_to(narrow) as first, line_to(narrow) as second:
        for line in (first, second):
            await line.say(b"GET /slow HTTP/1.1\r\nhost: trial\r\n\r\n")
            assert (await narrow.get("/livez")).status_code == 200  # answered behind what was said before

        async def refused() -> httpx2.Response | None:
            answer = await narrow.post("/bodies", json={"text": "x"})
            return answer if answer.status_code == 503 else None

        answer = await until(refused)
        assert (answer.json()["code"], answer.headers["retry-after"]) == ("too_busy", "1")
        for probe in ("/livez", "/metrics"):
            assert (await narrow.get(probe)).status_code == 200
        next(tmp_path_factory.getbasetemp().glob("narrow*")).joinpath("go on").touch()
        assert [(await line.answer())[2] for line in (first, second)] == [{"answer": "whole"}] * 2
    assert await served(narrow)


@pytest.mark.parametrize(
    "said", [b"POST /bodies HTTP/1.1\r\nhost: tri", POST + b"content-length: 9\r\n\r\n{", CHUNKED + b"1\r\n{\r\n"]
)
async def test_a_request_that_does_not_come_whole_in_time_is_cut(impatient: httpx2.AsyncClient, said: bytes) -> None:
    async with line_to(impatient) as line:
        assert await line.refused(said) == (408, "request_too_slow")
        assert await line.ended() == b""


@pytest.mark.parametrize("said", [b"", b"GET /livez HTTP/1.1\r\nhost: trial\r\n\r\n"])
async def test_a_connection_that_brings_nothing_is_closed_whatever_it_trickles(
    impatient: httpx2.AsyncClient, said: bytes
) -> None:
    async with line_to(impatient) as line:
        await line.say(said)
        if said:
            assert (await line.answer())[0] == 200
        ended = asyncio.create_task(line.ended())
        while not ended.done():
            await line.say(b"\r\n")
            await asyncio.sleep(0.05)  # the trickle itself


async def test_an_answer_that_does_not_come_in_time_is_503_and_one_that_nobody_reads_is_given_up(
    impatient: httpx2.AsyncClient,
) -> None:
    answer = await impatient.get("/slow")
    assert (answer.status_code, answer.json()["code"]) == (503, "temporarily_unavailable")
    with socket.socket() as deaf:
        deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        deaf.connect(("127.0.0.1", impatient.base_url.port))
        deaf.sendall(b"GET /docs/assets/swagger-ui-bundle.js HTTP/1.1\r\nhost: trial\r\n\r\n" * 8)
        poll = select.poll()
        poll.register(deaf, 0)

        async def hung_up() -> bool:
            return bool(poll.poll(0))

        await until(hung_up)
    assert await served(impatient)
