"""Consuming: metrics' service on facts of the year's mix, beside the same SQL, and one row a fact beside FastStream."""

from __future__ import annotations

import contextlib
import gc
import json
import signal
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from deploy.local.processes import Child, Launch
from services.metrics.handlers import counting
from shared.contracts.topics import LIFECYCLE
from shared.database import Pool, transaction
from shared.messaging.batch import Subscription
from shared.messaging.connection import connection
from shared.messaging.consumer import Tuning
from shared.messaging.cursors import lock_cursors, move_cursors
from shared.messaging.envelope import Received
from shared.messaging.parking import waiting
from shared.messaging.sorting import Situation, sort_batch, stream_of, waves
from tests.bench import kafka, year_facts
from tests.bench.effects import MAKE_EFFECTS
from tests.bench.machine import Meter, resident_megabytes
from tests.bench.rounds import Refused, Round, Size, say
from tests.bench.stack import ROOT, BenchStack
from tests.waiting import until

FACTS_A_SECOND = 20_000
"""Facts on the topic for each second of `--seconds`."""
LONGEST = 6
"""So many times `--seconds` a consumer of ours may take, FastStream once: then what it did until then is its figure."""
EMPTY = """
truncate metrics.cursors, metrics.parked, metrics.dossiers, metrics.daily_counters, metrics.daily_notices,
    metrics.effects cascade
"""
MOVED = """
select coalesce(sum(seq), 0)::bigint as facts,
    extract(epoch from max(pg_xact_commit_timestamp(xmin)))::float8 as at
from {schema}.cursors
"""
ADDED = """
select count(*) as facts, extract(epoch from max(pg_xact_commit_timestamp(xmin)))::float8 as at
from metrics.effects
"""
PARKED = "select count(*) from {schema}.parked"


@dataclass(frozen=True)
class Rate:
    """Facts a second, and microseconds of processor time for each: the process's own, the database's."""

    per_s: float
    cpu_us: float
    database_cpu_us: float


@dataclass(frozen=True)
class Seen:
    """How many facts had their effect, and when the last of them was committed (seconds of the epoch)."""

    facts: int
    at: float


async def seen(stack: BenchStack, query: str) -> Seen:
    """Look how far a consumer is."""
    row = await stack.rows(query)
    return Seen(row[0]["facts"], row[0]["at"] or 0.0)


async def rate(stack: BenchStack, query: str, *, facts: int, seconds: float, pid: int) -> Rate:
    """Measure a consumer between its first and its last commit, or for so many seconds after the first.

    Raises Refused when it did not go on.
    """

    async def begun() -> Seen | None:
        found = await seen(stack, query)
        return found if found.facts else None

    first = await until(begun, "the consumer's first commit")
    meter, give_up_at = Meter.of(process=pid, database=stack.pid("postgres")), time.monotonic() + seconds

    async def done() -> Seen | None:
        found = await seen(stack, query)
        return found if found.facts >= facts or time.monotonic() > give_up_at else None

    last = await until(done, "the consumer's last commit", seconds=seconds + 60, pause=0.5)
    if last.facts <= first.facts:
        raise Refused(f"only {first.facts} facts had their effect")
    done_meanwhile = last.facts - first.facts
    used = (meter.microseconds(name, done_meanwhile) for name in ("process", "database"))
    return Rate(done_meanwhile / (last.at - first.at), *used)


async def served(
    stack: BenchStack, service: str, *, facts: int, seconds: int, query: str = MOVED, module: str = ""
) -> tuple[Rate, float]:
    """Let a service's process, or `module` in its place, read the topic from its beginning; its rate and its memory.

    Raises Refused when it did not go on, or parked a fact.
    """
    await kafka.begin_again(stack, service)
    await stack.begin(service, module)
    try:
        pid = stack.pid(service)
        found = await rate(stack, query.format(schema=service), facts=facts, seconds=seconds * LONGEST, pid=pid)
        resident = resident_megabytes(pid)
    finally:
        await stack.end(service)
    if parked := await stack.ask(PARKED.format(schema=service)):
        raise Refused(f"{parked} facts are parked")
    return found, resident


@contextlib.asynccontextmanager
async def begin(size: Size) -> AsyncIterator[Round]:
    """Start PostgreSQL and Kafka with a topic that is full; each consumer is begun and ended by itself."""
    async with BenchStack() as stack:
        say("consume: facts of the year's mix")
        facts = year_facts.whole_dossiers(FACTS_A_SECOND * size.seconds)
        await kafka.fill(stack, LIFECYCLE, [fact.message() for fact in facts])
        await stack.database.execute(MAKE_EFFECTS)
        job = Job(stack, len(facts), size.seconds)

        async def one_round() -> Mapping[str, float]:
            found, resident = await job.service()
            sql = await job.sql()
            one_row, _ = await job.service(ADDED, "tests.bench.one_row")
            message, batch = await job.faststream("message"), await job.faststream("batch")
            return {
                "metrics_consume_per_s": found.per_s,
                "metrics_consume_cpu_us": found.cpu_us,
                "metrics_consume_database_cpu_us": found.database_cpu_us,
                "metrics_sql_per_s": sql,
                "one_row_consume_per_s": one_row.per_s,
                "one_row_consume_cpu_us": one_row.cpu_us,
                "faststream_message_per_s": message.per_s,
                "faststream_message_cpu_us": message.cpu_us,
                "faststream_batch_per_s": batch.per_s,
                "faststream_batch_cpu_us": batch.cpu_us,
                "metrics_rss_mb": resident,
            }

        yield one_round


@dataclass
class Job:
    """The consume job on one full topic, for whoever does it."""

    stack: BenchStack
    facts: int
    seconds: int

    async def service(self, query: str = MOVED, module: str = "") -> tuple[Rate, float]:
        """Let metrics' process, or another in its place, read the topic; its rate and its resident memory."""
        await self._empty()
        return await served(self.stack, "metrics", facts=self.facts, seconds=self.seconds, query=query, module=module)

    async def sql(self) -> float:
        """Do the same SQL on facts that are decoded already."""
        await self._empty()
        rules = await kafka.rules(self.stack)
        subscription = next(each for each in counting.subscriptions(rules) if each.topic == LIFECYCLE.name)
        return await sql_rate(self.stack, "metrics", subscription, self.facts)

    async def faststream(self, mode: str) -> Rate:
        """Let FastStream read the topic, per message or in batches, for so many seconds at most. Raises Refused."""
        if find_spec("faststream") is None:
            raise Refused("FastStream is not installed: `make bench` brings it, or deploy/install.sh --group bench")
        await self._empty()
        launch = Launch(
            command=[sys.executable, "-m", "tests.bench.faststream_app", mode],
            environment={
                "PATH": "/usr/bin:/bin",
                "PYTHONPATH": str(ROOT),
                "BENCH_KAFKA": json.dumps(connection(self.stack.kafka_login())),
                "BENCH_DSN": self.stack.dsn("metrics"),
            },
            log=self.stack.folder.logs / f"faststream-{mode}.log",
            folder=self.stack.folder.path,
        )
        await kafka.begin_again(self.stack, f"faststream-{mode}")
        child = Child(launch)
        try:
            pid = child.identity.pid
            return await rate(self.stack, ADDED, facts=self.facts, seconds=self.seconds, pid=pid)
        finally:
            await child.end(signal.SIGTERM, 10)

    async def _empty(self) -> None:
        await self.stack.database.execute(EMPTY)
        await self.stack.rest()


async def sql_rate(stack: BenchStack, service: str, subscription: Subscription, facts: int) -> float:
    """Measure facts a second of cursors and handlers alone, in the batches that a consumer would poll."""
    polled = await kafka.batches(stack, LIFECYCLE, facts, Tuning().max_records)
    decoded = [[subscription.read(record) for record in batch] for batch in polled]
    pool = await stack.pool(service)
    with _without_collections():
        began = time.perf_counter()
        for batch in decoded:
            await settle(pool, subscription, batch)
        took = time.perf_counter() - began
    await pool.close()
    return sum(map(len, decoded)) / took


async def settle(pool: Pool, subscription: Subscription, batch: Sequence[Received]) -> None:
    """Move the cursors of one batch and call its handlers, as `shared.messaging.batch` does where all is well."""
    topic = subscription.topic
    async with transaction(pool) as tx:
        cursors = await lock_cursors(tx, topic, {stream_of(fact) for fact in batch})
        await waiting(tx, topic, sorted({fact.subject for fact in batch}))
        plan = sort_batch(batch, Situation(cursors))
        await move_cursors(tx, topic, cursors, plan.cursors)
        for kind, wave in waves(plan.applied, subscription.handlers):
            await subscription.handlers[kind](tx, wave)


@contextlib.contextmanager
def _without_collections() -> Iterator[None]:
    """Leave the decoded facts out of collections, as a consumer never holds so many."""
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
