"""Watches a Kafka client from outside: how far behind it is, whether the broker answers, whether it still moves.

aiokafka says nothing when its broker is gone or has a topic no more, and was seen to stay alive without ever reading
again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, MutableMapping
from datetime import datetime
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from shared.clocks import machine_now as system_machine_now
from shared.messaging.connection import not_seen
from shared.messaging.figures import LAG, LAG_SECONDS

STALLED_SECONDS = 60.0
ANSWER_SECONDS = 5.0


class Stalled(KafkaError):  # type: ignore[misc]
    """Nothing moved for a minute although it should: begin a new session.

    Records wait where nothing is paused; or the group has given us no partition at all, though it has more of them than
    a service has replicas.
    """


class Watch:
    """Looks every few seconds; raises KafkaError or TimeoutError when the client is of no use any more.

    `watermarks` has, by partition, a moment (seconds of Unix time) up to which every record is settled: the consumer
    moves them with each batch, the watch where it sees nothing left to read.
    """

    def __init__(
        self,
        client: Any,
        seconds: float,
        watermarks: MutableMapping[TopicPartition, float],
        *,
        monotonic: Callable[[], float] = time.monotonic,
        machine_now: Callable[[], datetime] = system_machine_now,
    ) -> None:
        self._client = client
        self._seconds = seconds
        self._watermarks = watermarks
        self._monotonic = monotonic
        self._machine_now = machine_now
        self._looked = monotonic()
        self._owned_at = self._looked
        self._moved: dict[TopicPartition, tuple[int, float]] = {}

    async def look(self) -> None:
        """Set the lag gauges; once every `seconds`, otherwise nothing."""
        if self._monotonic() - self._looked < self._seconds:
            return
        # Without a topic the group gives out the others' partitions alone, and nothing else tells.
        if unseen := [topic for topic in self._client.subscription() if not self._client.partitions_for_topic(topic)]:
            raise not_seen(*unseen)
        owned = self._client.assignment()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                ends = await self._client.end_offsets(list(owned)) if owned else {}
                positions = {place: await self._client.position(place) for place in owned}
        except IllegalStateError:
            return  # a rebalance took a partition meanwhile; look again at the next turn
        self._looked = self._monotonic()
        self._moved = {place: moved for place, moved in self._moved.items() if place in owned}
        if owned:
            self._owned_at = self._looked
        elif self._looked - self._owned_at > STALLED_SECONDS:
            raise Stalled("the group gave us no partition for a minute")
        self._tell_lag(ends, positions)
        self._judge(ends, positions)

    def _tell_lag(self, ends: Mapping[TopicPartition, int], positions: Mapping[TopicPartition, int]) -> None:
        """How long a topic's oldest unread record may have been there; a partition never read yet tells nothing."""
        now = self._machine_now().timestamp()
        for place in self._watermarks.keys() - positions.keys():
            del self._watermarks[place]
        seconds: dict[str, float] = {}
        for place, position in positions.items():
            if position >= ends[place]:
                self._watermarks[place] = now
            behind = now - self._watermarks.get(place, now)
            seconds[place.topic] = max(behind, seconds.get(place.topic, 0.0))
        LAG_SECONDS.clear()
        for topic, behind in seconds.items():
            LAG_SECONDS.labels(topic).set(behind)

    def _judge(self, ends: Mapping[TopicPartition, int], positions: Mapping[TopicPartition, int]) -> None:
        paused = self._client.paused()
        LAG.clear()
        for place, position in positions.items():
            lag = max(ends[place] - position, 0)
            LAG.labels(place.topic, str(place.partition)).set(lag)
            last, since = self._moved.get(place, (-1, 0.0))
            if last != position or lag == 0 or place in paused:
                self._moved[place] = (position, self._looked)
            elif self._looked - since > STALLED_SECONDS:
                raise Stalled(f"{place.topic}/{place.partition} stands at {position}, {lag} records before its end")
