"""A topic that is read without a group: from its beginning to its end, then followed; what it says is held in memory.

For what a service must know before it answers anybody: the rules in force, who its officers are.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

import structlog
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from shared.loops import Pulse, rest, unless
from shared.messaging.connection import connection, see, start
from shared.messaging.envelope import Record
from shared.messaging.faults import reason_of
from shared.settings import KafkaSettings

LOOK_MS = 200
FOLLOW_MS = 10_000
"""How long a look waits for records; who follows is idle nearly always, and the broker answers as soon as one comes."""

log = structlog.get_logger()


class FollowedTopic(ABC):
    """Follows one topic; `name` is what its loop is called in logs and where a service says what it waits for."""

    def __init__(
        self,
        kafka: KafkaSettings,
        topic: tuple[str, int],
        *,
        name: str,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._kafka = kafka
        self._name = name
        self._places = [TopicPartition(topic[0], number) for number in range(topic[1])]
        self.pulse = Pulse(f"{name}: not read yet", monotonic)

    @abstractmethod
    def add(self, record: Record) -> None:
        """Take one record in; the same may come again."""

    def ended(self) -> None:
        """Note that everything that the topic held when it was looked at has been taken in."""
        self.pulse.reason = ""

    async def load(self) -> None:
        """Read the topic from its beginning to its end; waits for Kafka and for the topic as long as it takes."""
        await self._sessions(asyncio.Event(), follow=False)

    async def run(self, stop: asyncio.Event) -> None:
        """Follow the topic until `stop` is set; loads first if nobody has."""
        await self._sessions(stop, follow=True)

    async def _sessions(self, stop: asyncio.Event, *, follow: bool) -> None:
        while not stop.is_set():
            self.pulse.turn()
            try:
                await self._session(stop, follow=follow)
            except (KafkaError, OSError, TimeoutError) as error:
                self.pulse.turn()
                self.pulse.reason = f"{self._name}: {reason_of(error)}"
                log.warning("topic_waits", reason=self.pulse.reason)
                await rest(stop, 0.5)
            else:
                return

    async def _session(self, stop: asyncio.Event, *, follow: bool) -> None:
        client = AIOKafkaConsumer(
            **connection(self._kafka),
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            fetch_max_wait_ms=FOLLOW_MS,
        )
        try:
            async with asyncio.timeout(10):
                await start(client, self._kafka)
                await see(client, {place.topic for place in self._places})
            async with asyncio.timeout(10):
                ends = await client.end_offsets(self._places)
            client.assign(self._places)
            await self._read(client, ends)
            self.ended()
            while follow and not stop.is_set():
                self.pulse.turn()
                await unless(stop, self._take(client, FOLLOW_MS))
        finally:
            with contextlib.suppress(TimeoutError, KafkaError):
                await asyncio.wait_for(client.stop(), 5)

    async def _read(self, client: Any, ends: Mapping[TopicPartition, int]) -> None:
        async with asyncio.timeout(60):
            while any([await client.position(place) < ends[place] for place in self._places]):
                self.pulse.turn()
                await self._take(client, LOOK_MS)

    async def _take(self, client: Any, wait_ms: int) -> None:
        for records in (await client.getmany(timeout_ms=wait_ms)).values():
            for record in records:
                self.add(record)
