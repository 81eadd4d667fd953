"""One Kafka producer and its life: hands over journal rows, says what became of each; no topic holds up another.

A topic that is missing or forbidden fails alone: it is asked for before the first fact is handed over, and again when
its acknowledgements stay away. aiokafka itself would try for ever. After any error the producer is given up: its
idempotent one may be wedged for good after a broker's blip.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError, UnknownTopicOrPartitionError

from shared.messaging.envelope import encode_headers


@dataclass(frozen=True)
class Bounds:
    """What a producer may take, and how long it may take for it."""

    batch_bytes: int = 256 * 1024
    largest_fact_bytes: int = 1_000_000
    """Below the broker's 1,048,588, so that it is we who refuse a fact, before anything behind it is sent."""
    send_seconds: float = 15.0
    doubt_seconds: float = 1.0
    """After so long without an acknowledgement the broker is asked whether it still has the topic."""


@dataclass
class Sent:
    """What became of one batch: rows acknowledged, rows that no broker takes, and the error of each failed topic."""

    acknowledged: list[asyncpg.Record] = field(default_factory=list)
    refused: list[tuple[asyncpg.Record, str]] = field(default_factory=list)
    failed: dict[str, BaseException] = field(default_factory=dict)


class Publisher:
    """One producer. `spent` is set once something that was handed over failed: then close it and make another."""

    def __init__(self, bootstrap_servers: str, client_id: str, bounds: Bounds) -> None:
        self._bounds = bounds
        self._known: set[str] = set()
        self.spent = False
        self._producer: Any = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            max_batch_size=bounds.batch_bytes,
            max_request_size=bounds.largest_fact_bytes,
            linger_ms=0,
            request_timeout_ms=10_000,
        )

    async def start(self) -> None:
        """Connect. Raises KafkaError or TimeoutError."""
        async with asyncio.timeout(self._bounds.send_seconds):
            await self._producer.start()

    async def publish(self, rows: Sequence[asyncpg.Record]) -> Sent:
        """Hand a whole batch over, topics side by side, and await all acknowledgements together."""
        by_topic: dict[str, list[asyncpg.Record]] = defaultdict(list)
        for row in rows:
            by_topic[row["topic"]].append(row)
        if missing := by_topic.keys() - self._known:
            self._known |= missing & await self._topics()
        sent = Sent(failed={topic: _missing(topic) for topic in by_topic.keys() - self._known})
        await asyncio.gather(*(self._publish(by_topic[topic], sent) for topic in by_topic.keys() - sent.failed.keys()))
        return sent

    async def close(self) -> None:
        """End the producer; one that is spent or cannot flush is cut off, or it would go on behind our back."""
        try:
            async with asyncio.timeout(0 if self.spent else 5):
                await self._producer.stop()
        except (TimeoutError, KafkaError):
            # aiokafka has no public way to give up: end its sender, then fail what waits for it.
            await self._producer._sender.close()  # noqa: SLF001
            self._producer._message_accumulator.fail_all(KafkaError("given up"))  # noqa: SLF001
            await self._producer.client.close()

    async def _topics(self) -> set[str]:
        """Ask the broker which topics there are for us."""
        cluster = await self._producer.client.fetch_all_metadata()
        return set(cluster.topics())

    async def _publish(self, rows: Sequence[asyncpg.Record], sent: Sent) -> None:
        """Publish the rows of one topic; its error is its own."""
        topic = rows[0]["topic"]
        futures: list[tuple[asyncpg.Record, asyncio.Future[Any]]] = []
        try:
            async with asyncio.timeout(self._bounds.send_seconds) as bound, self._doubting(topic, bound):
                await self._hand_over(rows, futures, sent)
                if futures:
                    await asyncio.wait([future for _, future in futures])
        except TimeoutError as error:
            sent.failed[topic] = error if topic in self._known else _missing(topic)
        except KafkaError as error:
            sent.failed[topic] = error
        self._judge(futures, sent)
        self.spent = self.spent or topic in sent.failed

    @contextlib.asynccontextmanager
    async def _doubting(self, topic: str, bound: asyncio.Timeout) -> AsyncIterator[None]:
        """End the wait as soon as the broker says that it has no such topic any more."""

        async def doubt() -> None:
            while topic in self._known:
                await asyncio.sleep(self._bounds.doubt_seconds)
                with contextlib.suppress(KafkaError, TimeoutError):  # then the bound itself ends the wait
                    self._known &= await self._topics()
            bound.reschedule(asyncio.get_running_loop().time())

        doubting = asyncio.create_task(doubt())
        try:
            yield
        finally:
            doubting.cancel()

    async def _hand_over(
        self, rows: Sequence[asyncpg.Record], futures: list[tuple[asyncpg.Record, asyncio.Future[Any]]], sent: Sent
    ) -> None:
        """Give the rows to the producer in their order; behind one that is too large nothing of its subject follows."""
        stopped: set[str] = set()
        for row in rows:
            if row["subject"] in stopped:
                continue
            try:
                futures.append((row, await self._producer.send(row["topic"], **message_of(row))))
            except MessageSizeTooLargeError:
                stopped.add(row["subject"])
                sent.refused.append((row, f"{len(row['body'])} bytes are more than a broker takes"))

    def _judge(self, futures: Sequence[tuple[asyncpg.Record, asyncio.Future[Any]]], sent: Sent) -> None:
        """Sort acknowledgements from errors; what has neither is unknown and will be published again."""
        for row, future in futures:
            if not future.done():
                future.cancel()
            elif (error := future.exception()) is None:
                sent.acknowledged.append(row)
            elif isinstance(error, MessageSizeTooLargeError) and len(row["body"]) > self._bounds.batch_bytes:
                sent.refused.append((row, f"{len(row['body'])} bytes are more than this broker takes"))
            else:
                sent.failed[row["topic"]] = error


def message_of(row: asyncpg.Record) -> dict[str, Any]:
    """Make the Kafka message of a journal row: the body's exact bytes, keyed by its partition key."""
    headers = encode_headers(
        fact_id=row["id"],
        fact_type=row["type"],
        source=row["source"],
        subject=row["subject"],
        legal_time=row["legal_time"],
        partition_key=row["partition_key"],
        seq=row["seq"],
        trace_parent=row["trace_parent"],
        extra=json.loads(row["headers"]),
    )
    return {"value": row["body"], "key": row["partition_key"].encode(), "headers": headers}


def _missing(topic: str) -> KafkaError:
    return UnknownTopicOrPartitionError(f"{topic} is missing, or forbidden to us")
