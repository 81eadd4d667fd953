"""One test's own schema and topics on the session's real PostgreSQL and Kafka, and what its consumer has done."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from uuid_utils.compat import uuid7

from shared.contracts.facts import State, StepTaken
from shared.database import Connection, Pool, transaction
from shared.messaging.batch import Subscription
from shared.messaging.connection import connection
from shared.messaging.consumer import Consumer, Tuning
from shared.messaging.envelope import Received, encode_headers
from shared.messaging.figures import CONSUMED
from shared.messaging.journal import Draft, Journal
from shared.messaging.relay import Relay, RelayTuning
from shared.settings import DatabaseSettings, KafkaSettings
from tests.waiting import until

ROOT = Path(__file__).parents[3]
MOMENT = datetime(2020, 1, 2, 1, 0, tzinfo=UTC)
QUICK = Tuning(poll_ms=20, longest_back_off_seconds=0.3, watch_seconds=0.5, session_timeout_ms=6000)
SMALL = RelayTuning(
    batch_facts=50, longest_rest_seconds=0.05, longest_back_off_seconds=0.3, lease_seconds=1.0, renew_seconds=0.3
)
LASTING = replace(QUICK, session_timeout_ms=600_000)
LASTING_LEASE = replace(SMALL, lease_seconds=600.0)
"""With these nobody who died is given up while a test lasts."""
PATIENCE_SECONDS = 60.0


def fact(number: int = 1, officer: str = "o") -> StepTaken:
    return StepTaken(
        catalogue_version="c",
        calendar_version="k",
        state=State.PROCESSING,
        step_no=number,
        agency="H56",
        officer=officer,
    )


@dataclass(frozen=True)
class Sending:
    """A fact as it is put on the topic past any journal: the sequence is the test's to choose."""

    subject: str
    seq: int
    source: str = "intake"
    type: str = StepTaken.TYPE
    value: bytes | None = None
    headers: Mapping[str, str] | None = None


@dataclass
class House:
    """A schema with messaging's tables and a table of effects, and a topic with four partitions."""

    schema: str
    topic: str
    pool: Pool
    kafka: KafkaSettings
    owner_dsn: str
    service_dsn: str
    database: DatabaseSettings
    journal: Journal

    def draft(self, subject: str, number: int = 1, **more: Any) -> Draft:
        given = fact(number, more.pop("officer", "o"))
        return Draft(topic=self.topic, subject=subject, fact=given, legal_time=MOMENT, **more)

    async def append(self, *drafts: Draft) -> None:
        async with transaction(self.pool) as tx:
            await self.journal.append(tx, drafts)

    async def publish(self, *sendings: Sending) -> None:
        """Put facts on the topic in exactly this order (within each subject's partition)."""
        producer = AIOKafkaProducer(**connection(self.kafka), acks="all")
        await producer.start()
        try:
            futures = [await producer.send(self.topic, **self._message(sending)) for sending in sendings]
            await asyncio.gather(*futures)
        finally:
            await producer.stop()

    async def publish_bytes(self, key: bytes, value: bytes, headers: list[tuple[str, bytes]]) -> tuple[int, int]:
        """Put a foreign record on the topic; answers its partition and offset."""
        producer = AIOKafkaProducer(**connection(self.kafka))
        await producer.start()
        try:
            place = await producer.send_and_wait(self.topic, value=value, key=key, headers=headers)
        finally:
            await producer.stop()
        return place.partition, place.offset

    def _message(self, sending: Sending) -> dict[str, Any]:
        headers = encode_headers(
            fact_id=uuid7(),
            fact_type=sending.type,
            source=sending.source,
            subject=sending.subject,
            legal_time=MOMENT,
            partition_key=sending.subject,
            seq=sending.seq,
            extra=sending.headers,
        )
        value = fact(sending.seq).model_dump_json().encode() if sending.value is None else sending.value
        return {"value": value, "key": sending.subject.encode(), "headers": headers}

    def subscription(self, handler: Callable[..., Awaitable[None]] | None = None, **more: Any) -> Subscription:
        return Subscription(self.topic, {StepTaken.TYPE: handler or record_effects}, **more)

    def consumer(
        self, *, pool: Pool | None = None, subscription: Subscription | None = None, group: str | None = None
    ) -> Consumer:
        entry = subscription or self.subscription()
        return Consumer(group or self.schema, [entry], pool or self.pool, self.kafka, tuning=QUICK)

    def relay(
        self, *, pool: Pool | None = None, kafka: KafkaSettings | None = None, tuning: RelayTuning = SMALL
    ) -> Relay:
        return Relay(pool or self.pool, self.journal, kafka or self.kafka, tuning=tuning)

    async def effects(self) -> dict[tuple[str, str], list[int]]:
        """Sequences in the order in which they took effect, by (subject, source)."""
        found: dict[tuple[str, str], list[int]] = {}
        for row in await self.pool.fetch("select subject, source, seq from effects order by ordinal"):
            found.setdefault((row["subject"], row["source"]), []).append(row["seq"])
        return found

    def outcomes(self, outcome: str) -> int:
        """How many facts this topic's consumers have told to have ended so."""
        return int(CONSUMED.labels(self.topic, outcome)._value.get())

    async def parked(self) -> list[tuple[str, str | None, int | None]]:
        rows = await self.pool.fetch("select kind, subject, seq from parked order by subject, seq")
        return [(row["kind"], row["subject"], row["seq"]) for row in rows]

    async def count(self, table: str) -> int:
        return int(await self.pool.fetchval(f"select count(*) from {table}"))

    async def until_effects(self, facts: int) -> None:
        async def reached() -> bool:
            return await self.count("effects") >= facts

        await until(reached)

    async def until_parked(self, facts: int) -> None:
        """Wait until exactly so many facts stand in the parking table."""

        async def reached() -> bool:
            return await self.count("parked") == facts

        await until(reached)


async def record_effects(tx: Connection, facts: Sequence[Received]) -> None:
    """The plainest handler: one row for each fact, in the order of the call."""
    assert len({fact.subject for fact in facts}) == len(facts)
    await tx.execute(
        "insert into effects (subject, source, seq) select * from unnest($1::text[], $2::text[], $3::bigint[])",
        [fact.subject for fact in facts],
        [fact.source for fact in facts],
        [fact.seq for fact in facts],
    )


@asynccontextmanager
async def running(*loops: Any) -> AsyncIterator[None]:
    """Run loops (consumers, relays) beside the test; they end gracefully, and their failure is the test's."""
    stop = asyncio.Event()
    tasks = [asyncio.create_task(loop.run(stop)) for loop in loops]
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait_for(asyncio.gather(*tasks), PATIENCE_SECONDS)


async def create_topic(kafka: KafkaSettings, name: str, partitions: int = 4, **config: str) -> None:
    admin = AIOKafkaAdminClient(**connection(kafka))
    await admin.start()
    try:
        answer = await admin.create_topics([NewTopic(name, partitions, 1, topic_configs=config)])
        assert [error[1] for error in answer.topic_errors] == [0]

        async def there() -> bool:
            return name in await admin.list_topics()

        await until(there)
    finally:
        await admin.close()


async def delete_topic(kafka: KafkaSettings, name: str) -> None:
    admin = AIOKafkaAdminClient(**connection(kafka))
    await admin.start()
    try:
        answer = await admin.delete_topics([name])
        assert [code for _, code, *_ in answer.topic_error_codes] == [0]

        async def gone() -> bool:
            """Answered is what the controller has done; the broker goes by it a moment later."""
            return name not in await admin.list_topics()

        await until(gone)
    finally:
        await admin.close()


async def make_schema(dsn: str, schema: str, role: str) -> None:
    """Messaging's tables as provision makes them: owned by another role than the service's."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute(f"create schema {schema}; set local search_path = {schema}")
            for file in sorted((ROOT / "shared/messaging/migrations").glob("*.sql")):
                await connection.execute(file.read_text("utf-8"))
            await connection.execute(
                "create table effects (ordinal bigint generated always as identity primary key,"
                " subject text not null, source text not null, seq bigint not null)"
            )
            await connection.execute(
                f"grant usage on schema {schema} to {role};"
                f" grant select, insert, update, delete on all tables in schema {schema} to {role};"
                f" revoke update, delete on journal from {role};"
                f" grant usage on all sequences in schema {schema} to {role}"
            )
            await connection.fetchval("select add_journal_partition($1)", datetime.now(UTC).date())
    finally:
        await connection.close()
