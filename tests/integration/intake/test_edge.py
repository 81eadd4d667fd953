"""Intake between 500 senders that trickle and bodies of 100 MB, and desks that file meanwhile."""

from __future__ import annotations

import asyncio

from tests.integration.intake.counter import Counter

SLOW = 500
HUGE, PIECE = 100 * 1024 * 1024, b"x" * 65536
FILINGS = 20


async def trickle(port: int, connected: asyncio.Barrier, over: asyncio.Event) -> bool:
    """Say a letter now and then until it is over; answers whether the connection was cut."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(b"POST /v1/dossiers HTTP/1.1\r\nx: ")
        await connected.wait()
        while not over.is_set() and not reader.at_eof():
            writer.write(b"x")
            await asyncio.sleep(0.2)  # the trickle itself
        return reader.at_eof()
    finally:
        writer.transport.abort()


async def send_huge(port: int, length: bytes) -> int:
    """Send a body of 100 MB until it is answered; answers the status."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    piece = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if b"chunked" in length else PIECE

    async def send() -> None:
        writer.write(b"POST /v1/dossiers HTTP/1.1\r\nhost: intake\r\n" + length + b"\r\n\r\n")
        for _ in range(HUGE // len(PIECE)):
            writer.write(piece)
            await writer.drain()

    sending = asyncio.create_task(send())
    try:
        return int((await reader.readline()).split()[1])
    finally:
        sending.cancel()
        writer.transport.abort()


async def test_desks_are_served_between_slow_senders_and_huge_bodies(counter: Counter) -> None:
    port, over, connected = counter.stack.ports.intake, asyncio.Event(), asyncio.Barrier(SLOW + 1)
    slow = [asyncio.create_task(trickle(port, connected, over)) for _ in range(SLOW)]
    await connected.wait()
    lengths = [b"content-length: %d" % HUGE, b"transfer-encoding: chunked"] * 2
    huge = [asyncio.create_task(send_huge(port, length)) for length in lengths]
    filing = await counter.filing()
    answers = [await counter.hand_in(filing) for _ in range(FILINGS)]
    assert [answer.status_code for answer in answers] == [201] * FILINGS
    assert await asyncio.gather(*huge) == [413] * len(huge)
    assert not any(task.done() and task.exception() for task in slow)
    over.set()
    await asyncio.gather(*slow)


async def test_deep_json_is_refused_before_anybody_reads_it(counter: Counter) -> None:
    deep = b'{"content": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    headers = {**counter.bearer(), "Idempotency-Key": "deep", "Content-Type": "application/json"}
    answer = await counter.http.post("/v1/dossiers", content=deep, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (422, "json_too_deep")
    brackets = await counter.filing(content="[{" * 500)
    assert (await counter.hand_in(brackets)).status_code == 201
