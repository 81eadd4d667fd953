"""What the witnesses say once somebody has tampered with the figures: done after a year, on its running stack."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator

import asyncpg

from deploy.demo.calls import Caller
from deploy.demo.plan import FIRST_DAY, LAST_DAY
from deploy.demo.report import Witness
from deploy.demo.witnesses.service import report_of, scrape_of
from deploy.local.stack import Stack
from shared.http.wire import Wire
from tests.unit.shared.small_server import answer, read_request, served

CORRUPT = """
update metrics.daily_counters set number = number + 1 where ctid = (
    select ctid from metrics.daily_counters where figure = 'received' order by day, place, field limit 1
)
"""


@contextlib.asynccontextmanager
async def second_exporter(metrics: Caller) -> AsyncIterator[Caller]:
    """Another process that exports the very same figures."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await read_request(reader)
        writer.write(answer("200 OK", (await metrics.read("/metrics")).body))

    async with served(serve) as wire:
        yield Caller(wire)


async def doubled(stack: Stack) -> Witness:
    """What Prometheus adds up while two processes export."""
    with contextlib.closing(Wire("127.0.0.1", stack.ports.of("metrics"))) as wire:
        metrics = Caller(wire)
        async with second_exporter(metrics) as other:
            return await scrape_of([metrics, other])


async def corrupted(stack: Stack, connection: asyncpg.Connection[asyncpg.Record]) -> Witness:
    """What the report says after one counter was raised by hand."""
    assert await connection.execute(CORRUPT) == "UPDATE 1"
    with contextlib.closing(Wire("127.0.0.1", stack.ports.of("metrics"))) as wire:
        return await report_of(Caller(wire), FIRST_DAY, LAST_DAY)
