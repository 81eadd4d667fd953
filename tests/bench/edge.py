"""What bad callers cost the good ones: desks file at a rate, alone, beside senders who trickle and heap up, and beside
those who besides flood as fast as they are answered.

The bad callers run in a process of their own; every filing must be answered 201 all the same, at the first try.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from multiprocessing.connection import Connection

import uvloop

from deploy.demo.calls import Caller
from shared.http.wire import ConnectionLost, Wire
from tests.bench import filings, load
from tests.bench.rounds import Refused, Round, Size, say
from tests.bench.stack import BenchStack

FILINGS_A_SECOND = 96
SLOW, HUGE_AT_ONCE = 500, 4
PIECE, PIECES = b"10000\r\n%b\r\n" % (b"x" * 65536), 1600
LETTER_SECONDS, AGAIN_SECONDS, FLOOD_SECONDS = 0.5, 0.1, 0.002
HEARD = {False: ("huge: 413",), True: ("huge: 413", "flood: 401")}
"""What bad callers must have been answered, for the load to be one; of those who flood too."""


@contextlib.asynccontextmanager
async def begin(size: Size) -> AsyncIterator[Round]:
    """Start PostgreSQL, Kafka and intake."""
    async with BenchStack("intake") as stack:
        with contextlib.closing(Wire("127.0.0.1", stack.ports.intake, connections=200)) as wire:

            async def one_round() -> Mapping[str, float]:
                alone = await filings.at_rate(stack, Caller(wire), FILINGS_A_SECOND, size.seconds)
                async with besieged(stack.ports.intake, flooding=False):
                    beside = await filings.at_rate(stack, Caller(wire), FILINGS_A_SECOND, size.seconds)
                async with besieged(stack.ports.intake, flooding=True):
                    flooded = await filings.at_rate(stack, Caller(wire), FILINGS_A_SECOND, size.seconds)
                await stack.sent("intake")
                await stack.rest()
                return {
                    f"edge_{name}_p95_ms": load.percentile([each.took for each in served], 0.95)
                    for name, served in (("alone", alone), ("besieged", beside), ("flooded", flooded))
                }

            yield one_round


@contextlib.asynccontextmanager
async def besieged(port: int, *, flooding: bool) -> AsyncIterator[None]:
    """Let the bad callers do what they can while the block runs. Raises Refused where they did not get to it."""
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    bad = context.Process(target=attack, args=(port, there, flooding), daemon=True)
    bad.start()
    try:
        await asyncio.to_thread(here.recv)
        yield
        here.send("enough")
        heard = await asyncio.to_thread(here.recv)
    finally:
        bad.kill()
        bad.join()
    say(f"edge: bad callers heard {heard}")
    if missing := [answer for answer in HEARD[flooding] if not heard.get(answer)]:
        raise Refused(f"bad callers heard {heard}, not {missing}")


def attack(port: int, told: Connection, flooding: bool) -> None:
    """Do all of it until told to stop; say what was heard.

    It stands for other machines, which would take none of this one's processor: it has what the others leave.
    """
    os.nice(19)
    heard: Counter[str] = Counter()

    async def run() -> None:
        slow = await asyncio.gather(*(asyncio.open_connection("127.0.0.1", port) for _ in range(SLOW)))
        tasks = [asyncio.create_task(trickle(*line, port, heard)) for line in slow]
        rest = 0 if flooding else AGAIN_SECONDS
        tasks += [asyncio.create_task(send_huge(port, heard, rest)) for _ in range(HUGE_AT_ONCE)]
        if flooding:
            tasks.append(asyncio.create_task(flood(port, heard)))
        told.send("begun")
        await asyncio.to_thread(told.recv)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    uvloop.run(run())
    told.send(dict(sorted(heard.items())))


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int, heard: Counter[str]) -> None:
    """Hold one connection by a letter now and then, and take another when it is cut."""
    while True:
        writer.write(b"POST /v1/dossiers HTTP/1.1\r\nx: ")
        with contextlib.suppress(ConnectionError):
            while not reader.at_eof():
                writer.write(b"x")
                await asyncio.sleep(LETTER_SECONDS)
            heard[f"slow: {(await reader.readline()).decode()[9:12]}"] += 1
        writer.transport.abort()
        reader, writer = await asyncio.open_connection("127.0.0.1", port)


async def send_huge(port: int, heard: Counter[str], rest: float) -> None:
    """Send one body of 100 MB after the other, each until it is answered, then rest for so many seconds."""
    while True:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        sending = asyncio.create_task(_send_pieces(writer))
        with contextlib.suppress(ConnectionError):
            heard[f"huge: {(await reader.readline()).decode()[9:12]}"] += 1
        sending.cancel()
        writer.transport.abort()
        await asyncio.sleep(rest)


async def _send_pieces(writer: asyncio.StreamWriter) -> None:
    writer.write(b"POST /v1/dossiers HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
    for _ in range(PIECES):
        writer.write(PIECE)
        await writer.drain()


async def flood(port: int, heard: Counter[str]) -> None:
    """Ask with another forged token each time."""
    with contextlib.closing(Wire("127.0.0.1", port, connections=8)) as wire:
        while True:
            await asyncio.sleep(FLOOD_SECONDS)
            with contextlib.suppress(ConnectionLost):
                forged = {"authorization": f"Bearer forged.{sum(heard.values())}.x"}
                heard[f"flood: {(await wire.request('GET', '/v1/dossiers/X', forged)).status}"] += 1
