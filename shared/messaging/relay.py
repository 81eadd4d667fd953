"""The relay: publishes what the journal recorded, under a lease per shard, whole batches at once.

It re-selects unsent facts and deletes what the broker acknowledged; killed in between, it publishes twice, which the
cursors drop. Its order is that of each subject's sequence; where two relays overlap, the consumers' gap rule keeps the
order of effects. Any error ends the producer: aiokafka's idempotent one may be wedged for good after a broker's blip.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import socket
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError, MessageSizeTooLargeError

from shared.clocks import machine_now as system_machine_now
from shared.database import Pool, autocommit, transaction
from shared.loops import LoopHealth, Pulse, rest
from shared.messaging.envelope import encode_headers
from shared.messaging.faults import passes, reason_of
from shared.messaging.figures import PUBLISHED
from shared.messaging.journal import Journal
from shared.messaging.unsent import forget_sent, hold_shards, park_unpublishable, pending_facts, release_shards

log = structlog.get_logger()


@dataclass(frozen=True)
class RelayTuning:
    """What may differ between machines."""

    batch_facts: int = 1000
    batch_bytes: int = 256 * 1024
    largest_fact_bytes: int = 1_000_000
    """Below the broker's 1,048,588, so that it is we who refuse a fact, before anything behind it is sent."""
    send_seconds: float = 15.0
    lease_seconds: float = 10.0
    renew_seconds: float = 3.0
    gather_seconds: float = 0.015
    shortest_rest_seconds: float = 0.005
    longest_rest_seconds: float = 0.25
    longest_back_off_seconds: float = 2.0


@dataclass
class _Sent:
    """What became of one batch."""

    acknowledged: list[int] = field(default_factory=list)
    refused: list[tuple[asyncpg.Record, str]] = field(default_factory=list)
    error: BaseException | None = None


class Relay:
    """The relay of one service process. Run it once."""

    def __init__(
        self,
        pool: Pool,
        journal: Journal,
        bootstrap_servers: str,
        *,
        machine_now: Callable[[], datetime] = system_machine_now,
        tuning: RelayTuning | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._journal = journal
        self._servers = bootstrap_servers
        self._machine_now = machine_now
        self._tuning = tuning or RelayTuning()
        self._holder = f"{socket.gethostname()}:{os.getpid()}:{uuid4()}"
        self._renew_at = 0.0
        self._failures = 0
        self._pulse = Pulse(monotonic=monotonic)

    def health(self) -> LoopHealth:
        """Tell whether the loop turns and can publish; a service without Kafka still accepts, so it may stay ready."""
        return self._pulse.health()

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set; then give the leases back. Raises only what no waiting would mend."""
        while not stop.is_set():
            self._pulse.turn()
            try:
                await self._session(stop)
            except Exception as error:
                if not passes(error):
                    raise
                await self._back_off(stop, error)

    async def _session(self, stop: asyncio.Event) -> None:
        """Publish with one producer until it fails or the end comes."""
        producer = self._producer()
        self._renew_at = 0.0
        try:
            async with asyncio.timeout(self._tuning.send_seconds):
                await producer.start()
            await self._publish(producer, stop)
        finally:
            await _close(producer)
        async with transaction(self._pool) as tx:
            await release_shards(tx, self._holder)

    async def _publish(self, producer: Any, stop: asyncio.Event) -> None:
        pause = 0.0
        while not stop.is_set():
            self._pulse.turn()
            self._journal.appended.clear()
            found = await self._round(producer)
            self._failures, self._pulse.reason = 0, ""
            if found:
                pause = self._tuning.gather_seconds
                if found < self._tuning.batch_facts:
                    # The first fact goes out at once; under a steady flow the next ones gather into a batch.
                    await asyncio.sleep(self._tuning.gather_seconds)
                continue
            pause = min(max(pause * 2, self._tuning.shortest_rest_seconds), self._tuning.longest_rest_seconds)
            if await rest(self._journal.appended, pause):
                # What was appended is seldom committed yet.
                await asyncio.sleep(self._tuning.shortest_rest_seconds)
                pause = 0.0

    async def _round(self, producer: Any) -> int:
        """Publish one batch; answers how many facts were found."""
        async with autocommit(self._pool) as database:
            if time.monotonic() >= self._renew_at:
                await hold_shards(database, self._holder, timedelta(seconds=self._tuning.lease_seconds))
                self._renew_at = time.monotonic() + self._tuning.renew_seconds
            rows = await pending_facts(database, self._holder, self._tuning.batch_facts)
        if not rows:
            return 0
        sent = await self._send(producer, rows)
        self._pulse.turn()
        async with autocommit(self._pool) as database:
            await forget_sent(database, sent.acknowledged)
            for row, reason in sent.refused:
                await park_unpublishable(database, row, reason, self._machine_now())
                log.error("fact cannot be published", topic=row["topic"], subject=row["subject"], reason=reason)
        if sent.error is not None:
            raise sent.error
        return len(rows)

    async def _send(self, producer: Any, rows: Sequence[asyncpg.Record]) -> _Sent:
        """Hand a whole batch to the producer, then await all acknowledgements together."""
        sent, futures = _Sent(), []
        refused: set[tuple[str, str]] = set()
        try:
            async with asyncio.timeout(self._tuning.send_seconds):
                for row in rows:
                    chain = (row["topic"], row["subject"])
                    if chain in refused:
                        continue
                    try:
                        futures.append((row, await producer.send(row["topic"], **_message(row))))
                    except MessageSizeTooLargeError:
                        refused.add(chain)
                        sent.refused.append((row, f"{len(row['body'])} bytes are more than a broker takes"))
                if futures:
                    await asyncio.wait([future for _, future in futures])
        except (KafkaError, TimeoutError) as error:
            sent.error = error
        self._judge(futures, sent)
        return sent

    def _judge(self, futures: Sequence[tuple[asyncpg.Record, asyncio.Future[Any]]], sent: _Sent) -> None:
        """Sort acknowledgements from errors; what has neither is unknown and will be published again."""
        for row, future in futures:
            if not future.done():
                future.cancel()
            elif (error := future.exception()) is None:
                sent.acknowledged.append(row["ordinal"])
                PUBLISHED.labels(row["topic"]).inc()
            elif isinstance(error, MessageSizeTooLargeError) and len(row["body"]) > self._tuning.batch_bytes:
                sent.refused.append((row, f"{len(row['body'])} bytes are more than this broker takes"))
            else:
                sent.error = error

    async def _back_off(self, stop: asyncio.Event, error: Exception) -> None:
        reason = f"relay: {reason_of(error)}"
        if reason != self._pulse.reason:
            log.warning("relay waits", reason=reason)
        self._pulse.reason = reason
        self._pulse.turn()
        self._failures += 1
        longest = min(0.1 * 2 ** min(self._failures, 8), self._tuning.longest_back_off_seconds)
        await rest(stop, longest * random.uniform(0.5, 1))  # noqa: S311 - jitter is no secret

    def _producer(self) -> Any:
        return AIOKafkaProducer(
            bootstrap_servers=self._servers,
            client_id=f"relay-{self._journal.source}",
            acks="all",
            enable_idempotence=True,
            max_batch_size=self._tuning.batch_bytes,
            max_request_size=self._tuning.largest_fact_bytes,
            linger_ms=0,
            request_timeout_ms=10_000,
        )


def _message(row: asyncpg.Record) -> dict[str, Any]:
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


async def _close(producer: Any) -> None:
    """End a producer; one that cannot flush is cut off, or it would go on publishing behind our back."""
    try:
        async with asyncio.timeout(5):
            await producer.stop()
    except (TimeoutError, KafkaError):
        # aiokafka has no public way to give up: end its sender, then fail what waits for it.
        await producer._sender.close()  # noqa: SLF001
        producer._message_accumulator.fail_all(KafkaError("given up"))  # noqa: SLF001
        await producer.client.close()
