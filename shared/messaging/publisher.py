"""One Kafka producer and its life: hands over journal rows, says what became of each; no topic holds up another.

A topic that is missing or forbidden fails alone: it is asked for before the first fact is handed over, and again when
its acknowledgements stay away. aiokafka itself would try for ever. After any error the producer is given up: its
idempotent one may be wedged for good after a broker's blip.

A topic may take less than we put into one batch, so a batch that is too large says nothing about its facts: each is
sent again by itself, and only what is refused alone is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections import defaultdict
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError
from aiokafka.partitioner import murmur2

from shared.messaging.connection import connection, not_seen, start
from shared.messaging.envelope import encode_headers
from shared.settings import KafkaSettings

Handed = tuple[asyncpg.Record, "asyncio.Future[Any]"]
"""A row that was given to the producer, and what will say what became of it."""


class Unpublishable(ValueError):
    """A row of the journal of which no Kafka message can be made; the text says why, without values."""


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
    """One producer. `spent` is set once something that was handed over failed: then close it and make another.

    `numbered`: it has an id of the broker and numbers what it sends, so that nothing is doubled.
    """

    def __init__(self, kafka: KafkaSettings, client_id: str, bounds: Bounds, *, numbered: bool = True) -> None:
        self._kafka = kafka
        self._client_id = client_id
        self._bounds = bounds
        self._known: set[str] = set()
        self._numbered = numbered
        self._torn = False
        self.spent = False
        self._producer = self._make(idempotent=numbered)

    def _make(self, *, idempotent: bool) -> Any:
        return AIOKafkaProducer(
            **connection(self._kafka),
            client_id=self._client_id,
            acks="all",
            enable_idempotence=idempotent,
            max_batch_size=self._bounds.batch_bytes,
            max_request_size=self._bounds.largest_fact_bytes,
            linger_ms=0,
            partitioner=_partition_of,
            request_timeout_ms=10_000,
        )

    async def start(self) -> None:
        """Connect. Raises KafkaError or TimeoutError."""
        async with asyncio.timeout(self._bounds.send_seconds):
            await start(self._producer, self._kafka)

    async def publish(self, rows: Sequence[asyncpg.Record]) -> Sent:
        """Hand a whole batch over, topics side by side, and await all acknowledgements together.

        Raises KafkaError or TimeoutError where it must connect again.
        """
        if self._torn:
            await self._begin_anew()
        by_topic: dict[str, list[asyncpg.Record]] = defaultdict(list)
        for row in rows:
            by_topic[row["topic"]].append(row)
        if missing := by_topic.keys() - self._known:
            self._known |= missing & await self._topics()
        sent = Sent(failed={topic: not_seen(topic) for topic in by_topic.keys() - self._known})
        await asyncio.gather(*(self._publish(by_topic[topic], sent) for topic in by_topic.keys() - sent.failed.keys()))
        return sent

    async def close(self) -> None:
        """End the producer; one that is spent or cannot flush is cut off, or it would go on behind our back."""
        await _end(self._producer, seconds=0 if self.spent else 5)

    async def _begin_anew(self) -> None:
        """Take a producer whose sequences have no holes: the broker counts a refused batch as one that never came."""
        await _end(self._producer, seconds=0)
        self._producer = self._make(idempotent=self._numbered)
        await self.start()
        self._torn = False

    async def _topics(self) -> set[str]:
        """Ask the broker which topics there are for us."""
        cluster = await self._producer.client.fetch_all_metadata()
        return set(cluster.topics())

    async def _publish(self, rows: Sequence[asyncpg.Record], sent: Sent) -> None:
        """Publish the rows of one topic; its error is its own."""
        topic = rows[0]["topic"]
        handed: list[Handed] = []
        try:
            async with asyncio.timeout(self._bounds.send_seconds) as bound, self._doubting(topic, bound):
                await self._hand_over(rows, handed, sent)
                if handed:
                    await asyncio.wait([future for _, future in handed])
                if any(isinstance(future.exception(), MessageSizeTooLargeError) for _, future in handed):
                    self._torn = True
                    await self._send_alone(_take_out_unsettled(handed), sent)
        except TimeoutError as error:
            sent.failed[topic] = error if topic in self._known else not_seen(topic)
        except KafkaError as error:
            sent.failed[topic] = error
        _judge(handed, sent)
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

    async def _hand_over(self, rows: Sequence[asyncpg.Record], handed: list[Handed], sent: Sent) -> None:
        """Give the rows to the producer in order; behind one that it cannot take nothing of its subject follows."""
        stopped: set[str] = set()
        for row in rows:
            if row["subject"] in stopped:
                continue
            try:
                handed.append((row, await self._producer.send(row["topic"], **message_of(row))))
                continue
            except MessageSizeTooLargeError:
                reason = f"{len(row['body'])} bytes are more than a broker takes"
            except Unpublishable as error:
                reason = str(error)
            stopped.add(row["subject"])
            sent.refused.append((row, reason))

    async def _send_alone(self, rows: Sequence[asyncpg.Record], sent: Sent) -> None:
        """Send each row by itself, and await its answer; behind one that is refused nothing of its subject follows.

        By a producer without sequences, in which a refusal makes no hole; what it doubles, the cursors drop.
        """
        stopped: set[str] = set()
        producer = self._make(idempotent=False)
        try:
            await start(producer, self._kafka)
            for row in rows:
                if row["subject"] in stopped:
                    continue
                try:
                    await producer.send_and_wait(row["topic"], **message_of(row))
                except MessageSizeTooLargeError:
                    stopped.add(row["subject"])
                    sent.refused.append((row, f"{len(row['body'])} bytes are more than this topic takes"))
                else:
                    sent.acknowledged.append(row)
        finally:
            await _end(producer, seconds=0)


def _take_out_unsettled(handed: list[Handed]) -> list[asyncpg.Record]:
    """Take out what was not acknowledged, and all behind it of its subject, which must not stay before it."""
    lost: set[str] = set()
    settled: list[Handed] = []
    unsettled: list[asyncpg.Record] = []
    for row, future in handed:
        if future.exception() is not None:
            lost.add(row["subject"])
        if row["subject"] in lost:
            unsettled.append(row)
        else:
            settled.append((row, future))
    handed[:] = settled
    return unsettled


def _judge(handed: Sequence[Handed], sent: Sent) -> None:
    """Sort acknowledgements from errors; what has neither is unknown and will be published again."""
    for row, future in handed:
        if not future.done():
            future.cancel()
        elif (error := future.exception()) is None:
            sent.acknowledged.append(row)
        else:
            sent.failed[row["topic"]] = error


async def _end(producer: Any, seconds: float) -> None:
    """End a producer; one that does not flush in time is cut off."""
    try:
        async with asyncio.timeout(seconds):
            await producer.stop()
    except (TimeoutError, KafkaError):
        # aiokafka has no public way to give up: end its sender, then fail what waits for it.
        await producer._sender.close()  # noqa: SLF001
        producer._message_accumulator.fail_all(KafkaError("given up"))  # noqa: SLF001
        await producer.client.close()


def message_of(row: asyncpg.Record) -> dict[str, Any]:
    """Make the Kafka message of a journal row: the body's exact bytes, keyed by its partition key.

    Raises `Unpublishable`.
    """
    headers = encode_headers(
        fact_id=row["id"],
        fact_type=row["type"],
        source=row["source"],
        subject=row["subject"],
        legal_time=row["legal_time"],
        partition_key=row["partition_key"],
        seq=row["seq"],
        trace_parent=row["trace_parent"],
        extra=_further_headers(row["headers"]),
    )
    return {"value": row["body"], "key": row["partition_key"].encode(), "headers": headers}


def _further_headers(text: str) -> dict[str, str]:
    if text == "{}":
        return {}
    try:
        headers = json.loads(text)
    except ValueError as error:
        raise Unpublishable("its further headers are no JSON") from error
    if not isinstance(headers, dict) or not all(isinstance(value, str) for value in headers.values()):
        raise Unpublishable("its further headers are no object of texts")
    return headers


def _partition_of(key: bytes, partitions: Sequence[int], _available: Sequence[int]) -> int:
    """Choose as every Kafka client does: aiokafka's own partitioner computes each fact's hash anew, in Python."""
    return partitions[_hash_of(key) % len(partitions)]


@lru_cache(maxsize=65_536)
def _hash_of(key: bytes) -> int:
    return int(murmur2(key)) & 0x7FFFFFFF
