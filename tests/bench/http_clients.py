"""Processor time that one small POST costs its sender: `python -m tests.bench.http_clients` (ADR 10).

Same loopback server for all, in a process of its own; prints microseconds of the client's processor time per request,
the median of three rounds.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import statistics
import time
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from multiprocessing.connection import Connection

import httpx2
import uvloop

from shared.http.wire import Wire

REQUESTS, ROUNDS, AT_ONCE = 2000, 3, 16
BODY = b'{"reference":"b8e5f4c0","to":"+84977000001","text":"Ho so H56.97.21-200102-0001","sender":"MotCua"}'
HEADERS = {"content-type": "application/json", "authorization": "Bearer x"}
ANSWER = b"HTTP/1.1 202 Accepted\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}"


def serve(told: Connection) -> None:
    """Answer every request alike until killed."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                await reader.readexactly(int(head.partition(b"content-length:")[2].split()[0]))
                writer.write(ANSWER)

    async def run() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        told.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    uvloop.run(run())


async def all_of(send: Callable[[], Awaitable[object]]) -> float:
    """Send all requests, some at once; answers microseconds of our processor time for each."""
    slots = asyncio.Semaphore(AT_ONCE)

    async def one() -> None:
        async with slots:
            await send()

    begun = time.process_time()
    await asyncio.gather(*(one() for _ in range(REQUESTS)))
    return (time.process_time() - begun) / REQUESTS * 1e6


async def measure(port: int) -> dict[str, list[float]]:
    """Take turns, so that a slower minute of the machine meets both."""
    found: dict[str, list[float]] = {"httpx2": [], "wire": []}
    with closing(Wire("127.0.0.1", port, connections=AT_ONCE)) as wire:
        async with httpx2.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, headers=HEADERS) as client:
            for _ in range(ROUNDS):
                found["httpx2"].append(await all_of(lambda: client.post("/v1/messages", content=BODY)))
                found["wire"].append(await all_of(lambda: wire.request("POST", "/v1/messages", HEADERS, BODY)))
    return found


def main() -> None:
    """Print one line for each client."""
    here, there = multiprocessing.Pipe()
    server = multiprocessing.Process(target=serve, args=(there,), daemon=True)
    server.start()
    try:
        found = uvloop.run(measure(here.recv()))
    finally:
        server.terminate()
        server.join()
    for name, rounds in found.items():
        print(f"{name:8} {statistics.median(rounds):6.0f} µs of processor time a request")  # noqa: T201 - its output


if __name__ == "__main__":
    main()
