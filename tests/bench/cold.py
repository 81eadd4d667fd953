"""Cold reading: neither server nor machine remembers a page of the database, and nobody has read the dossier."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from itertools import cycle
from pathlib import Path

from shared.http.wire import Wire
from tests.bench.load import percentile
from tests.bench.rounds import Refused
from tests.bench.stack import BenchStack
from tests.bench.wrk import Request

READERS = 8
LET_FORGET = "create extension if not exists pg_buffercache"
FORGET = "select pg_buffercache_evict_all()"


async def prepare(stack: BenchStack) -> None:
    """Give the server what it can be made to forget with."""
    await stack.database.execute(LET_FORGET)


async def forget(stack: BenchStack) -> None:
    """Drop the pages of the database from the server's memory and from the machine's."""
    await stack.rest()
    await stack.database.execute(FORGET)
    await asyncio.to_thread(_drop, stack.folder.postgres)


def _drop(folder: Path) -> None:
    for path in folder.rglob("*"):
        with contextlib.suppress(FileNotFoundError, IsADirectoryError):  # the server removes some meanwhile
            file = os.open(path, os.O_WRONLY)
            try:
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
            finally:
                os.close(file)


async def asked(stack: BenchStack, requests: Sequence[Request]) -> float:
    """Send each request once, by readers who share processing's processes; what 95 of 100 took at most, in ms.

    Raises Refused.
    """
    await forget(stack)
    took: list[float] = []
    left = iter(requests)
    with contextlib.ExitStack() as end:
        wires = [
            end.enter_context(contextlib.closing(Wire("127.0.0.1", stack.ports.of(process), connections=READERS)))
            for process in stack.processes("processing")
        ]
        await asyncio.gather(*(_reader(wire, left, took) for wire, _ in zip(cycle(wires), range(READERS))))
    return percentile(took, 0.95)


async def _reader(wire: Wire, left: Iterator[Request], took: list[float]) -> None:
    for request in left:
        began = time.perf_counter()
        answer = await wire.request(request.method, request.target, {"authorization": f"Bearer {request.token}"})
        took.append((time.perf_counter() - began) * 1000)
        if answer.status != HTTPStatus.OK:
            raise Refused(f"{request.target}: {answer.status}")
