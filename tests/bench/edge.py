"""What bad callers cost the good ones: `python -m tests.bench.edge` (ADR 40).

Desks of 25 places file at a rate at one intake, in turns alone and beside 500 connections that trickle, four senders of
bodies of 100 MB and a flood of forged tokens, which run in a process of their own. Prints p50 and p95 of what desks
wait for an answer, medians of three rounds, and how the bad callers were answered.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import multiprocessing
import os
import statistics
import time
from collections import Counter
from multiprocessing.connection import Connection
from pathlib import Path

import uvloop

from deploy.demo.offices import dossier_body
from deploy.local.ports import Ports
from deploy.local.stack import Stack
from shared.http.wire import ConnectionLost, Wire
from tests.faults.town import arrivals_of
from tests.faults.trial import FIRST_MORNING

ROOT = Path(__file__).parents[2]
PORT_BASE = int(os.environ.get("MOTCUA_TEST_PORTS_BENCH", "22000"))
SLOW, HUGE_AT_ONCE, ROUNDS = 500, 4, 3
PIECE, PIECES = b"10000\r\n%b\r\n" % (b"x" * 65536), 1600
FLOOD_PAUSE = 0.002
WARM_UP_SECONDS = 3.0


async def trickle(port: int, heard: Counter[str]) -> None:
    """Hold one connection by a letter now and then, and take another when it is cut."""
    while True:
        with contextlib.suppress(ConnectionError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /v1/dossiers HTTP/1.1\r\nx: ")
            while not reader.at_eof():
                writer.write(b"x")
                await asyncio.sleep(0.5)
            heard[f"slow: {(await reader.readline()).decode()[9:12]}"] += 1
            writer.transport.abort()


async def send_huge(port: int, heard: Counter[str]) -> None:
    """Send one body of 100 MB after the other, each until it is answered."""
    while True:
        with contextlib.suppress(ConnectionError):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(b"POST /v1/dossiers HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n")
            answering = asyncio.create_task(reader.readline())
            for _ in range(PIECES):
                if answering.done():
                    break
                writer.write(PIECE)
                await writer.drain()
            heard[f"huge: {(await answering).decode()[9:12]}"] += 1
            writer.transport.abort()


async def flood(port: int, heard: Counter[str]) -> None:
    """Ask with another forged token each time."""
    with contextlib.closing(Wire("127.0.0.1", port, connections=8)) as wire:
        for number in range(1 << 30):
            await asyncio.sleep(FLOOD_PAUSE)
            with contextlib.suppress(ConnectionLost):
                answer = await wire.request("GET", "/v1/dossiers/X", {"authorization": f"Bearer forged.{number}.x"})
                heard[f"flood: {answer.status}"] += 1


def attack(port: int, told: Connection) -> None:
    """Do all of it until told to stop; say what was heard."""
    heard: Counter[str] = Counter()

    async def run() -> None:
        callers = [*[trickle] * SLOW, *[send_huge] * HUGE_AT_ONCE, flood]
        tasks = [asyncio.create_task(caller(port, heard)) for caller in callers]
        told.send("begun")
        await asyncio.to_thread(told.recv)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    uvloop.run(run())
    told.send(dict(heard))


class Desks:
    """All places, filing at a rate."""

    def __init__(self, stack: Stack, rate: float) -> None:
        self._stack, self._rate = stack, rate
        self._arrivals = arrivals_of(seed=1)
        self._tokens: dict[str, str] = {}
        self._wire = Wire("127.0.0.1", stack.ports.intake, connections=64)

    async def file(self, seconds: float) -> list[float]:
        """File for so long; answers the milliseconds from when each filing was due to its answer."""
        began, waited = time.monotonic(), []

        async def one(number: int) -> None:
            due = began + number / self._rate
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            waited.append(await self._one(due))

        await asyncio.gather(*(one(number) for number in range(int(seconds * self._rate))))
        return waited

    async def _one(self, due: float) -> float:
        arrival = next(self._arrivals)
        place = arrival.place.code
        token = self._tokens.setdefault(place, self._stack.token("desk", place, f"desk.{place}"))
        headers = {
            "authorization": f"Bearer {token}",
            "idempotency-key": f"edge-{arrival.number}",
            "content-type": "application/json",
        }
        answer = await self._wire.request("POST", "/v1/dossiers", headers, json.dumps(dossier_body(arrival)).encode())
        if answer.status != 201:
            raise RuntimeError(f"a desk was answered {answer.status}: {answer.body.decode()}")
        return (time.monotonic() - due) * 1000


def quantile(waited: list[float], share: float) -> float:
    return sorted(waited)[int(len(waited) * share)]


async def besieged(desks: Desks, port: int, seconds: float) -> tuple[list[float], dict[str, int]]:
    """Let desks file beside the bad callers."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    bad = multiprocessing.get_context("spawn").Process(target=attack, args=(port, there), daemon=True)
    bad.start()
    await asyncio.to_thread(here.recv)
    await asyncio.sleep(1)  # all of them are connected
    waited = await desks.file(seconds)
    here.send("enough")
    heard = await asyncio.to_thread(here.recv)
    bad.join()
    return waited, heard


async def measure(rate: float, seconds: float) -> dict[str, object]:
    """Take turns, so that a slower minute of the machine meets both."""
    alone, beside = [], []
    heard: Counter[str] = Counter()
    parts = ("postgres", "kafka", "intake")
    folder, ports = ROOT / "var" / "bench-edge", Ports.from_base(PORT_BASE)
    async with Stack(folder, ports, parts=parts, scenario=FIRST_MORNING, fresh=True, log_level="warning") as stack:
        desks = Desks(stack, rate)
        await desks.file(WARM_UP_SECONDS)
        for _ in range(ROUNDS):
            alone.append(await desks.file(seconds))
            waited, said = await besieged(desks, stack.ports.intake, seconds)
            beside.append(waited)
            heard.update(said)
    figures: dict[str, object] = {"rate": rate, "seconds": seconds, "answers": dict(sorted(heard.items()))}
    for name, rounds in (("alone", alone), ("besieged", beside)):
        for share in (0.5, 0.95):
            figures[f"{name}_p{share * 100:.0f}_ms"] = round(statistics.median(quantile(w, share) for w in rounds), 2)
    return figures


def main() -> None:
    """Print the figures as one JSON object."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.edge", description=__doc__)
    parser.add_argument("--rate", type=float, default=96, help="filings a second")
    parser.add_argument("--seconds", type=float, default=15, help="of each round")
    typed = parser.parse_args()
    print(json.dumps(uvloop.run(measure(typed.rate, typed.seconds)), indent=2))  # noqa: T201 - its output


if __name__ == "__main__":
    main()
