"""The relay: publishes what the journal recorded, under a lease per shard, whole batches at once.

It re-selects unsent facts and deletes what the broker acknowledged; killed in between, it publishes twice, which the
cursors drop. Its order is that of each subject's sequence; where two relays overlap, the consumers' gap rule keeps the
order of effects. A topic that fails is left out for a while: it holds up no other.
"""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections import Counter
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import uuid4

import structlog

from shared.clocks import machine_now as system_machine_now
from shared.database import Pool, autocommit, transaction
from shared.loops import Pulse, back_off, rest
from shared.messaging.faults import passes, reason_of
from shared.messaging.figures import PUBLISHED
from shared.messaging.journal import Journal
from shared.messaging.publisher import Bounds, Publisher, Sent
from shared.messaging.unsent import forget_sent, hold_shards, park_unpublishable, pending_facts, release_shards
from shared.settings import KafkaSettings

log = structlog.get_logger()


@dataclass(frozen=True)
class RelayTuning(Bounds):
    """What may differ between machines."""

    batch_facts: int = 2000
    lease_seconds: float = 10.0
    renew_seconds: float = 3.0
    gather_seconds_a_fact: float = 0.003
    longest_gather_seconds: float = 0.04
    shortest_rest_seconds: float = 0.005
    longest_rest_seconds: float = 0.25
    longest_back_off_seconds: float = 2.0


@dataclass(frozen=True)
class _Closed:
    """A topic that failed so often in a row, and is left out until then."""

    failures: int
    until: float
    reason: str


class Detours:
    """Topics that failed, each left out for a while, so that the others' facts behind it are seen and go out."""

    def __init__(self, longest_seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._longest = longest_seconds
        self._monotonic = monotonic
        self._topics: dict[str, _Closed] = {}

    @property
    def reason(self) -> str:
        """Say what is left out and why; nothing while every topic flows."""
        return "; ".join(f"{topic}: {found.reason}" for topic, found in sorted(self._topics.items()))

    def closed(self) -> list[str]:
        """Name the topics whose time has not come again."""
        return [topic for topic, found in self._topics.items() if found.until > self._monotonic()]

    def note(self, closed: Collection[str], failed: Mapping[str, BaseException]) -> None:
        """After a round without the `closed`: open what went well, close what failed for longer each time."""
        known, self._topics = self._topics, {topic: self._topics[topic] for topic in closed}
        for topic, error in failed.items():
            failures = known[topic].failures + 1 if topic in known else 1
            until = self._monotonic() + back_off(failures, self._longest)
            self._topics[topic] = _Closed(failures, until, reason_of(error))


class Relay:
    """The relay of one service process. Run it once."""

    def __init__(
        self,
        pool: Pool,
        journal: Journal,
        kafka: KafkaSettings,
        *,
        machine_now: Callable[[], datetime] = system_machine_now,
        tuning: RelayTuning | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._pool = pool
        self._journal = journal
        self._kafka = kafka
        self._machine_now = machine_now
        self._tuning = tuning or RelayTuning()
        self._holder = kafka.instance or f"{socket.gethostname()}:{os.getpid()}:{uuid4()}"
        self._renew_at = 0.0
        self._failures = 0
        self._detours = Detours(self._tuning.longest_back_off_seconds)
        self.pulse = Pulse(monotonic=monotonic)

    async def run(self, stop: asyncio.Event) -> None:
        """Publish until `stop` is set; then give the leases back. Raises only what no waiting would mend."""
        while not stop.is_set():
            self.pulse.turn()
            try:
                await self._session(stop)
            except Exception as error:
                if not passes(error):
                    raise
                await self._back_off(stop, error)

    async def _session(self, stop: asyncio.Event) -> None:
        """Publish with one producer until it is spent or the end comes."""
        publisher = self._publisher()
        self._renew_at = 0.0
        try:
            await publisher.start()
            await self._publish(publisher, stop)
        finally:
            await publisher.close()
        async with transaction(self._pool) as tx:
            await release_shards(tx, self._holder)

    def _publisher(self) -> Publisher:
        return Publisher(self._kafka, f"relay-{self._journal.source}", self._tuning)

    async def _publish(self, publisher: Publisher, stop: asyncio.Event) -> None:
        pause = 0.0
        while not stop.is_set() and not publisher.spent:
            self.pulse.turn()
            self._journal.appended.clear()
            found = await self._round(publisher)
            self._failures = 0
            self._say(self._detours.reason and f"relay: {self._detours.reason}")
            if found:
                # The first fact goes out at once; the thicker the flow, the longer the next ones gather into a batch.
                pause = min(found * self._tuning.gather_seconds_a_fact, self._tuning.longest_gather_seconds)
                if found < self._tuning.batch_facts:
                    await asyncio.sleep(pause)
                continue
            pause = min(max(pause * 2, self._tuning.shortest_rest_seconds), self._tuning.longest_rest_seconds)
            if await rest(self._journal.appended, pause):
                # What was appended is seldom committed yet.
                await asyncio.sleep(self._tuning.shortest_rest_seconds)
                pause = 0.0

    async def _round(self, publisher: Publisher) -> int:
        """Publish one batch; answers how many facts left the queue."""
        closed = self._detours.closed()
        async with autocommit(self._pool) as database:
            if time.monotonic() >= self._renew_at:
                await hold_shards(database, self._holder, timedelta(seconds=self._tuning.lease_seconds))
                self._renew_at = time.monotonic() + self._tuning.renew_seconds
            rows = await pending_facts(database, self._holder, self._tuning.batch_facts, closed)
        sent = await publisher.publish(rows) if rows else Sent()
        self._detours.note(closed, sent.failed)
        if not rows:
            return 0
        self.pulse.turn()
        async with autocommit(self._pool) as database:
            await forget_sent(database, [row["ordinal"] for row in sent.acknowledged])
            for row, reason in sent.refused:
                await park_unpublishable(database, row, reason, self._machine_now())
                log.error("fact cannot be published", topic=row["topic"], subject=row["subject"], reason=reason)
        for topic, facts in Counter(row["topic"] for row in sent.acknowledged).items():
            PUBLISHED.labels(topic).inc(facts)
        return len(sent.acknowledged) + len(sent.refused)

    async def _back_off(self, stop: asyncio.Event, error: Exception) -> None:
        self._say(f"relay: {reason_of(error)}")
        self.pulse.turn()
        self._failures += 1
        await rest(stop, back_off(self._failures, self._tuning.longest_back_off_seconds))

    def _say(self, reason: str) -> None:
        if reason and reason != self.pulse.reason:
            log.warning("relay waits", reason=reason)
        self.pulse.reason = reason
