"""Watches a Kafka client from outside: how far behind it is, whether the broker answers, whether it still moves.

aiokafka says nothing when its broker is gone, and was seen to stay alive without ever reading again.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from typing import Any

from aiokafka import TopicPartition
from aiokafka.errors import IllegalStateError, KafkaError

from shared.messaging.figures import LAG

STALLED_SECONDS = 60.0
ANSWER_SECONDS = 5.0


class Stalled(KafkaError):  # type: ignore[misc]
    """Nothing moved for a minute although it should: begin a new session.

    Records wait where nothing is paused; or the group has given us no partition at all, though it has more of them than
    a service has replicas.
    """


class Watch:
    """Looks every few seconds; raises KafkaError or TimeoutError when the client is of no use any more."""

    def __init__(self, client: Any, seconds: float, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._client = client
        self._seconds = seconds
        self._monotonic = monotonic
        self._looked = monotonic()
        self._owned_at = self._looked
        self._moved: dict[TopicPartition, tuple[int, float]] = {}

    async def look(self) -> None:
        """Set the lag gauges; once every `seconds`, otherwise nothing."""
        if self._monotonic() - self._looked < self._seconds:
            return
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
        self._judge(ends, positions)

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
