"""The relay: how fast intake's process empties its queue of unsent facts, beside bare produce of the same messages."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Mapping

from shared.contracts.topics import CONTACTS, LIFECYCLE
from shared.database import transaction
from shared.messaging.journal import Draft, Journal
from shared.messaging.publisher import message_of
from shared.messaging.relay import RelayTuning
from tests.bench import kafka, year_facts
from tests.bench.consume import Rate
from tests.bench.machine import Meter
from tests.bench.rounds import Round, Size, say
from tests.bench.stack import BenchStack
from tests.waiting import until

FACTS_A_SECOND = 20_000
"""Unsent facts for each second of `--seconds`: 100,000 by default."""
A_TRANSACTION = 1000
KEEP_QUEUE = """
create schema bench;
create table bench.queue as select * from intake.unsent;
truncate intake.unsent
"""
FILL_QUEUE = """
insert into intake.unsent (shard, topic, subject, seq, recorded_at)
select shard, topic, subject, seq, recorded_at from bench.queue order by ordinal
"""
RECORDED = """
select journal.* from bench.queue join intake.journal using (topic, subject, seq, recorded_at) order by queue.ordinal
"""
FIRST = "select ordinal from intake.unsent order by ordinal limit 1"
LEFT = "select count(*) from intake.unsent"


@contextlib.asynccontextmanager
async def begin(size: Size) -> AsyncIterator[Round]:
    """Start PostgreSQL and Kafka, record facts in intake's journal as intake does, then start intake."""
    async with BenchStack() as stack:
        say("relay: facts in intake's journal")
        await record(stack, FACTS_A_SECOND * size.seconds)
        await stack.database.execute(KEEP_QUEUE)
        rows = await stack.rows(RECORDED)
        messages = [(row["topic"], message_of(row)) for row in rows]
        await stack.begin("intake")

        async def one_round() -> Mapping[str, float]:
            await stack.rest()
            relayed = await emptied(stack)
            await stack.rest()
            async with kafka.producer(stack) as client:
                began, cpu = time.perf_counter(), time.process_time()
                await kafka.produce(client, messages, RelayTuning().batch_facts)
                took, used = time.perf_counter() - began, time.process_time() - cpu
            return {
                "relay_per_s": relayed.per_s,
                "relay_cpu_us": relayed.cpu_us,
                "relay_database_cpu_us": relayed.database_cpu_us,
                "produce_per_s": len(messages) / took,
                "produce_cpu_us": used / len(messages) * 1e6,
            }

        yield one_round


async def record(stack: BenchStack, facts: int) -> None:
    """Record accepted dossiers and their contacts, as intake does for each."""
    pool, journal = await stack.pool("intake"), Journal("intake")
    drafts: list[Draft] = []
    for fact in year_facts.accepted_dossiers(facts // 2):
        trace, at = year_facts.trace_parent(), fact.legal_time
        drafts.append(Draft(LIFECYCLE.name, fact.subject, fact.fact, at, headers=fact.headers, trace_parent=trace))
        drafts.append(Draft(CONTACTS.name, fact.subject, year_facts.contact(), at, trace_parent=trace))
    for first in range(0, len(drafts), A_TRANSACTION):
        async with transaction(pool) as tx:
            await journal.append(tx, drafts[first : first + A_TRANSACTION])
    await pool.close()


async def emptied(stack: BenchStack) -> Rate:
    """Fill the queue; measure intake's process from the moment at which the first facts have left it to its end."""
    await stack.database.execute(FILL_QUEUE, timeout=60)
    before = await stack.ask(FIRST)

    async def begun() -> bool:
        return bool(await stack.ask(FIRST) != before)

    await until(begun, "the relay begins", pause=0.002)
    left, began = await stack.ask(LEFT), time.perf_counter()
    meter = Meter.of(process=stack.pid("intake"), database=stack.pid("postgres"))
    await stack.sent("intake", pause=0.005)
    took = time.perf_counter() - began
    return Rate(left / took, *(meter.microseconds(name, left) for name in ("process", "database")))
