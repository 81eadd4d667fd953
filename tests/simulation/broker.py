"""Kafka in memory: what the relay's producer and the consumer's client see of it, and what it may do to them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from zlib import crc32

from aiokafka import TopicPartition
from aiokafka.errors import CommitFailedError, KafkaConnectionError, KafkaError, RequestTimedOutError

from shared.contracts.topics import TOPICS
from tests.simulation.chaos import Chaos
from tests.simulation.stepping import Actor

PARTITIONS = 3
Message = tuple[bytes, bytes, Sequence[tuple[str, bytes]]]
"""Key, value and headers, as a producer hands them over."""

Name = tuple[str, str, int]
"""Subject, source and sequence of a fact."""


@dataclass
class Stored:
    """A record in its log; the shape of aiokafka's."""

    topic: str
    partition: int
    offset: int
    headers: Sequence[tuple[str, bytes]]
    value: bytes | None
    timestamp: int = 0

    @property
    def name(self) -> Name:
        """Which fact it is."""
        return _name(self.headers)


@dataclass
class Broker:
    """The logs. `late` is on its way: its producer has given it up, and it may land all the same."""

    chaos: Chaos
    logs: dict[TopicPartition, list[Stored]] = field(default_factory=dict)
    late: list[tuple[str, Message]] = field(default_factory=list)

    def append(self, topic: str, message: Message) -> None:
        """Put a record at the end of its partition's log."""
        key, value, headers = message
        place = TopicPartition(topic, crc32(key) % PARTITIONS)
        log = self.logs.setdefault(place, [])
        log.append(Stored(topic, place.partition, len(log), headers, value))

    def land_late(self) -> str:
        """Let a record arrive that was on its way; answers what it is."""
        topic, message = self.late.pop(self.chaos.rng.randrange(len(self.late)))
        self.append(topic, message)
        return str(_name(message[2]))


def _name(headers: Sequence[tuple[str, bytes]]) -> Name:
    found = dict(headers)
    return found["ce_subject"].decode(), found["ce_source"].decode(), int(found["ce_sequence"])


class Producer:
    """A relay's producer: each message meets a fate of its own."""

    def __init__(self, broker: Broker, actor: Actor) -> None:
        self._broker, self._actor = broker, actor

    async def start(self) -> None:
        """Connect."""

    async def stop(self) -> None:
        """Leave."""

    async def send(
        self, topic: str, *, value: bytes, key: bytes, headers: Sequence[tuple[str, bytes]]
    ) -> asyncio.Future[None]:
        """Hand one message over; the future is its acknowledgement."""
        message = (key, value, headers)
        await self._actor.stop_before(f"send {_name(headers)}")
        self._actor.outcome, error = self._fate(topic, message)
        acknowledged: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if error is None:
            acknowledged.set_result(None)
        else:
            acknowledged.set_exception(error)
            acknowledged.exception()  # a relay that is killed now never reads it
        return acknowledged

    def _fate(self, topic: str, message: Message) -> tuple[str, KafkaError | None]:
        broker, chaos = self._broker, self._broker.chaos
        if chaos.strikes("send refused"):
            return "refused", KafkaConnectionError("refused")
        if chaos.strikes("record late"):
            broker.late.append((topic, message))
            return "late", RequestTimedOutError()
        broker.append(topic, message)
        if chaos.strikes("acknowledgement lost"):
            return "acknowledgement lost", RequestTimedOutError()
        if chaos.strikes("record doubled"):
            broker.append(topic, message)
            return "doubled", None
        return "acknowledged", None


class Group:
    """One consumer group: who owns which partition, and the offsets committed."""

    def __init__(self, broker: Broker, topic: str, members: Sequence[str]) -> None:
        self.broker = broker
        self.committed: dict[TopicPartition, int] = {}
        self.clients: dict[str, Client] = {}
        self._members = members
        self._owners = {TopicPartition(topic, number): members[number % len(members)] for number in range(PARTITIONS)}

    def hand_over(self) -> str:
        """Move one partition to the next member, whatever its owner is doing; he learns it now or at his next poll."""
        rng = self.broker.chaos.rng
        place = rng.choice(list(self._owners))
        loser, winner = self._owners[place], rng.choice([name for name in self._members if name != self._owners[place]])
        self._owners[place] = winner
        if rng.random() < 0.5 and loser in self.clients:
            self.clients[loser].lose(place)
        return f"{place.partition} from {loser} to {winner}"

    def owned_by(self, member: str) -> list[TopicPartition]:
        """List what the broker believes that a member owns."""
        return [place for place, owner in self._owners.items() if owner == member]


class Client:
    """One membership of a group, from joining to leaving."""

    def __init__(self, group: Group, actor: Actor) -> None:
        self._group, self._actor = group, actor
        self._positions: dict[TopicPartition, int] = {}
        self._paused: set[TopicPartition] = set()

    async def start(self) -> None:
        """Join."""
        self._group.clients[self._actor.name] = self

    async def topics(self) -> set[str]:
        """Name every topic: nobody is refused here."""
        return {topic.name for topic in TOPICS}

    async def stop(self) -> None:
        """Leave; the group keeps the place for the next life."""

    def subscribe(self, topics: Sequence[str], *, listener: object) -> None:
        """Take the group's one topic."""

    async def getmany(self, *, max_records: int, **_timeout: int) -> dict[TopicPartition, Sequence[Stored]]:
        """Take records from the partitions owned now; as many as the seed says."""
        await self._actor.stop_before("poll", lambda: not any(self._unread()))
        owned = self._group.owned_by(self._actor.name)
        for place in self._positions.keys() - set(owned):
            self.lose(place)
        self._positions = {place: self._position(place) for place in owned}
        found = {}
        for place, records in self._unread():
            if place not in self._paused:
                found[place] = records[: self._group.broker.chaos.rng.choice((1, 2, 3, max_records))]
        for place, records in found.items():
            self._positions[place] += len(records)
        self._actor.outcome = f"{sum(map(len, found.values()))} records of {len(found)} partitions"
        return found

    def _unread(self) -> Iterator[tuple[TopicPartition, Sequence[Stored]]]:
        for place in self._group.owned_by(self._actor.name):
            if records := self._group.broker.logs.get(place, [])[self._position(place) :]:
                yield place, records

    def _position(self, place: TopicPartition) -> int:
        return self._positions.get(place, self._group.committed.get(place, 0))

    def lose(self, place: TopicPartition) -> None:
        """Forget a partition; who gets it back begins at the group's offset."""
        self._positions.pop(place, None)
        self._paused.discard(place)

    def assignment(self) -> set[TopicPartition]:
        """List what this member believes that it owns."""
        return set(self._positions)

    def highwater(self, place: TopicPartition) -> int:
        """Tell the end of a partition as the last fetch had it."""
        return len(self._group.broker.logs.get(place, []))

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit, unless the group has moved on."""
        await self._actor.stop_before("commit offsets")
        if self._group.broker.chaos.strikes("offsets refused"):
            self._actor.outcome = "refused"
            raise KafkaConnectionError("refused")
        if not offsets.keys() <= set(self._group.owned_by(self._actor.name)):
            self._actor.outcome = "fenced"
            raise CommitFailedError
        self._group.committed.update(offsets)

    def seek(self, place: TopicPartition, offset: int) -> None:
        """Go back to an offset."""
        self._positions[place] = offset

    def pause(self, *places: TopicPartition) -> None:
        """Bring nothing from these partitions until they are resumed."""
        self._paused.update(places)

    def resume(self, *places: TopicPartition) -> None:
        """Bring records again."""
        self._paused.difference_update(places)
