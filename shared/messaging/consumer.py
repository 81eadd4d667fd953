"""The consumer: reads batches from Kafka, gives them to `batch`, then commits Kafka's offsets.

What one poll brought of a topic is one batch, whatever partitions it came from: a transaction for each of twelve
partitions held two facts on average and cost three times the statements. Order is that of each partition, and a dossier
has one. Truth is in the cursors; Kafka's offsets only save reading again, so they are committed once a second. What
passes by itself (a dead database, a missing rule version) pauses the consumer with its reason: it keeps polling, seeks
back, and tries again after a back-off with jitter.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import CommitFailedError, IllegalStateError, KafkaError

from shared.clocks import machine_now as system_machine_now
from shared.database import Pool
from shared.loops import Pulse, back_off, is_being_cancelled, rest
from shared.messaging.batch import Batches, Patience, Subscription
from shared.messaging.connection import connection, see, start
from shared.messaging.faults import Cause, cause_of, passes, reason_of
from shared.messaging.figures import PAUSED
from shared.messaging.membership import ANSWER_SECONDS, Member, leave
from shared.messaging.watch import Watch
from shared.settings import KafkaSettings

log = structlog.get_logger()


@dataclass(frozen=True)
class Tuning:
    """What may differ between machines. Times in milliseconds unless they say seconds."""

    max_records: int = 2000
    fetch_bytes: int = 256 * 1024
    poll_ms: int = 200
    gather_seconds_a_fact: float = 0.004
    longest_gather_seconds: float = 0.02
    commit_seconds: float = 1.0
    longest_back_off_seconds: float = 5.0
    session_timeout_ms: int = 10_000
    max_poll_interval_ms: int = 300_000
    watch_seconds: float = 5.0

    @property
    def settle_seconds(self) -> float:
        """How long the work of one poll may go on: the other half has room for the try that then runs (15 s)."""
        return self.max_poll_interval_ms / 2000


class _Drain(ConsumerRebalanceListener):  # type: ignore[misc]
    """Lets the batch in work finish and commit before its partitions go to another consumer."""

    def __init__(self, busy: asyncio.Lock) -> None:
        self._busy = busy

    async def on_partitions_revoked(self, revoked: Sequence[TopicPartition]) -> None:  # noqa: ARG002
        # A batch that hangs must not hold the group: the cursors fence it anyway.
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5):
                await self._busy.acquire()
                self._busy.release()

    async def on_partitions_assigned(self, assigned: Sequence[TopicPartition]) -> None:
        log.info("partitions assigned", partitions=len(assigned))


class Consumer:
    """One consumer of one group, for all topics of a service. Run it once."""

    def __init__(
        self,
        group: str,
        subscriptions: Sequence[Subscription],
        pool: Pool,
        kafka: KafkaSettings,
        *,
        machine_now: Callable[[], datetime] = system_machine_now,
        tuning: Tuning | None = None,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._group = group
        self._kafka = kafka
        self._tuning = tuning or Tuning()
        self._batches = {entry.topic: Batches(pool, entry, machine_now) for entry in subscriptions}
        self._settled: dict[TopicPartition, int] = {}
        self._watermarks: dict[TopicPartition, float] = {}
        self._commit_at = 0.0
        self._busy = asyncio.Lock()
        self.pulse = Pulse(monotonic=monotonic)
        self._failures = 0
        self._paused_until: float | None = None
        self._failed: set[TopicPartition] = set()

    async def run(self, stop: asyncio.Event) -> None:
        """Consume until `stop` is set; then finish the batch in work, commit and leave the group."""
        while not stop.is_set():
            self.pulse.turn()
            try:
                await self._belong(stop)
            except (KafkaError, OSError, TimeoutError) as error:
                self.pulse.turn()
                self._wait_for(error, "kafka", Cause.KAFKA)
                self._failures += 1
                await rest(stop, back_off(self._failures, self._tuning.longest_back_off_seconds))

    async def _belong(self, stop: asyncio.Event) -> None:
        """Be a member of the group once; a future that aiokafka cancelled for itself is an error like its others."""
        try:
            await self._session(stop)
        except asyncio.CancelledError as error:
            if is_being_cancelled():
                raise
            raise KafkaError("the client cancelled what it was asked for") from error

    async def _session(self, stop: asyncio.Event) -> None:
        """One membership of the group, from joining to leaving."""
        client = self._client()
        self._paused_until = None
        self._failed.clear()
        # What is not committed may be of a topic that was lost and made anew meanwhile.
        self._settled.clear()
        try:
            async with asyncio.timeout(15):
                await start(client, self._kafka)
                await see(client, self._batches)
            client.subscribe(list(self._batches), listener=_Drain(self._busy))
            watch = Watch(client, self._tuning.watch_seconds, self._watermarks)
            while not stop.is_set():
                self.pulse.turn()
                await self._turn(client)
                await watch.look()
                if self._paused_until is None and self._reads(client):
                    self._go_on()
            await self._commit(client)
        except (KafkaError, OSError, TimeoutError) as error:
            # Leaving a broker that stands still takes many seconds: whoever asks is told before.
            self._wait_for(error, "kafka", Cause.KAFKA)
            raise
        finally:
            await leave(client)

    def _reads(self, client: Any) -> bool:
        """Tell whether all that is ours is read; after a failure only once the broker has answered a fetch of each."""
        owned = client.assignment()
        if self._failed & owned:
            return False
        return not self._failures or (bool(owned) and all(client.highwater(place) is not None for place in owned))

    async def _turn(self, client: Any) -> None:
        if self._paused_until is not None and time.monotonic() >= self._paused_until:
            self._paused_until = None
            client.resume(*client.assignment())
        batches = await client.getmany(timeout_ms=self._tuning.poll_ms, max_records=self._tuning.max_records)
        async with self._busy:
            if batches:
                await self._settle(client, batches)
            if time.monotonic() >= self._commit_at:
                await self._commit(client)
        facts = sum(map(len, batches.values()))
        if 0 < facts < self._tuning.max_records:
            # The first fact is handled at once; the thicker the flow, the longer the next ones gather into a batch.
            await asyncio.sleep(min(facts * self._tuning.gather_seconds_a_fact, self._tuning.longest_gather_seconds))

    async def _settle(self, client: Any, batches: Mapping[TopicPartition, Sequence[Any]]) -> None:
        """Settle each topic's batch, side by side; remember how far the good ones came, seek back on the others."""
        by_topic: dict[str, list[TopicPartition]] = {}
        for place in batches:
            by_topic.setdefault(place.topic, []).append(place)
        records = {topic: [each for place in places for each in batches[place]] for topic, places in by_topic.items()}
        errors = dict(zip(records, await asyncio.gather(*map(self._try, records, records.values())), strict=True))
        failed = {place: batches[place][0].offset for place in batches if errors[place.topic] is not None}
        settled = {place: batches[place][-1].offset + 1 for place in batches.keys() - failed.keys()}
        self._settled |= settled
        self._watermarks |= {
            place: records[0 if place in failed else -1].timestamp / 1000 for place, records in batches.items()
        }
        self._failed = (self._failed - settled.keys()) | failed.keys()
        if failed:
            self._pause(client, failed, next(error for error in errors.values() if error is not None))
        else:
            self._failures = 0

    async def _try(self, topic: str, records: Sequence[Any]) -> Exception | None:
        """Settle one batch; answers the error that stopped it."""
        try:
            await self._batches[topic].settle(
                records, Patience(time.monotonic() + self._tuning.settle_seconds, self.pulse.turn)
            )
        except Exception as error:  # noqa: BLE001 - told to the operator and tried again, never passed over
            return error
        finally:
            self.pulse.turn()
        return None

    async def _commit(self, client: Any) -> None:
        """Commit what is settled, of partitions still owned; losing that race costs only reading again."""
        self._commit_at = time.monotonic() + self._tuning.commit_seconds
        owned = client.assignment()
        mine = {place: offset for place, offset in self._settled.items() if place in owned}
        self._settled = {}
        if mine:
            # aiokafka tries for ever while the coordinator is away.
            with contextlib.suppress(CommitFailedError, IllegalStateError):
                async with asyncio.timeout(ANSWER_SECONDS):
                    await client.commit(mine)

    def _pause(self, client: Any, failed: Mapping[TopicPartition, int], error: Exception) -> None:
        self._failures += 1
        self._wait_for(error, "handling" if passes(error) else "unexpected", cause_of(error))
        owned = client.assignment()
        for place, offset in failed.items():
            if place in owned:
                client.seek(place, offset)
        client.pause(*owned)
        self._paused_until = time.monotonic() + back_off(self._failures, self._tuning.longest_back_off_seconds)

    def _wait_for(self, error: Exception, what: str, cause: Cause) -> None:
        reason = f"{what}: {reason_of(error)}"
        if reason != self.pulse.reason:
            log.warning("consumer waits", group=self._group, reason=reason)
        self.pulse.reason = reason
        self._show(cause)

    def _go_on(self) -> None:
        if self.pulse.reason:
            log.info("consumer goes on", group=self._group, after=self.pulse.reason)
            self.pulse.reason = ""
            self._show(None)

    def _show(self, present: Cause | None) -> None:
        for cause in Cause:
            PAUSED.labels(self._group, cause.value).set(cause is present)

    def _client(self) -> Any:
        tuning = self._tuning
        return Member(
            **connection(self._kafka),
            client_id=self._group,
            group_id=self._group,
            group_instance_id=self._kafka.instance,
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            partition_assignment_strategy=(StickyPartitionAssignor,),
            session_timeout_ms=tuning.session_timeout_ms,
            heartbeat_interval_ms=tuning.session_timeout_ms // 4,
            max_poll_interval_ms=tuning.max_poll_interval_ms,
            max_partition_fetch_bytes=tuning.fetch_bytes,
            fetch_max_bytes=tuning.fetch_bytes * 16,
            fetch_max_wait_ms=500,
            # A topic that was lost and made anew is seen only so; aiokafka's own five minutes are long.
            metadata_max_age_ms=int(tuning.watch_seconds * 1000),
        )
