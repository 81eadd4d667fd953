"""When a Kafka client counts as of no use any more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaError
from prometheus_client import REGISTRY

from shared.messaging.watch import STALLED_SECONDS, Stalled, Watch

PLACE = TopicPartition("facts", 0)
NOON = datetime(2026, 1, 2, 12, 0, tzinfo=UTC)


class Client:
    """What the watch asks of a client: a member of a group that is told these things."""

    def __init__(self) -> None:
        self.owned, self.at, self.end, self.resting = {PLACE}, 5, 9, False
        self.seen = {PLACE.topic: {PLACE.partition}}

    def subscription(self) -> frozenset[str]:
        return frozenset({PLACE.topic})

    def partitions_for_topic(self, topic: str) -> set[int] | None:
        return self.seen.get(topic)

    def assignment(self) -> set[TopicPartition]:
        return self.owned

    def paused(self) -> set[TopicPartition]:
        return self.owned if self.resting else set()

    async def end_offsets(self, places: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
        return dict.fromkeys(places, self.end)

    async def position(self, _place: TopicPartition) -> int:
        return self.at


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds

    def machine_now(self) -> datetime:
        return NOON + timedelta(seconds=self.seconds)


@pytest.fixture
def client() -> Client:
    return Client()


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def minutes(watch: Watch, clock: Clock) -> None:
    """Look every five seconds until more than the time has passed after which a client counts as stalled."""
    for _ in range(int(STALLED_SECONDS) // 5 + 2):
        clock.seconds += 5
        await watch.look()


async def test_records_that_wait_for_a_minute_end_the_session(client: Client, clock: Clock) -> None:
    with pytest.raises(Stalled, match="facts/0 stands at 5, 4 records before its end"):
        await minutes(Watch(client, 5, {}, monotonic=clock), clock)


async def test_a_topic_that_is_not_seen_any_more_ends_the_session(client: Client, clock: Clock) -> None:
    watch = Watch(client, 5, {}, monotonic=clock)
    client.owned, client.seen = set(), {}
    clock.seconds += 5
    with pytest.raises(KafkaError, match="facts: missing, or forbidden to us"):
        await watch.look()


async def test_a_member_without_any_partition_for_a_minute_ends_the_session(client: Client, clock: Clock) -> None:
    watch = Watch(client, 5, {}, monotonic=clock)
    client.owned, held = set(), client.owned
    clock.seconds += STALLED_SECONDS
    await watch.look()
    client.owned, client.at = held, client.end
    await minutes(watch, clock)
    client.owned = set()
    with pytest.raises(Stalled, match="no partition"):
        await minutes(watch, clock)


@pytest.mark.parametrize("fine", [{"at": 9}, {"resting": True}], ids=str)
async def test_who_is_at_the_end_or_paused_has_not_stalled(client: Client, clock: Clock, fine: dict[str, int]) -> None:
    vars(client).update(fine)
    await minutes(Watch(client, 5, {}, monotonic=clock), clock)


@dataclass
class Looks:
    """A watch that looks every five seconds, and what it tells of the lag."""

    clock: Clock
    client: Client
    watermarks: dict[TopicPartition, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        clock = self.clock
        self.watch = Watch(self.client, 5, self.watermarks, monotonic=clock, machine_now=clock.machine_now)

    async def told(self) -> float | None:
        self.clock.seconds += 5
        await self.watch.look()
        return REGISTRY.get_sample_value("motcua_consumer_lag_seconds", {"topic": PLACE.topic})


async def test_the_lag_in_seconds_is_the_age_of_what_was_settled_last_where_records_wait(
    client: Client, clock: Clock
) -> None:
    looks = Looks(clock, client)
    assert await looks.told() == 0, "nothing was read yet: nobody knows"
    looks.watermarks[PLACE] = NOON.timestamp() - 3600
    assert await looks.told() == 3610
    client.at = client.end
    assert await looks.told() == 0


async def test_one_record_after_an_idle_hour_is_not_an_hour_late(client: Client, clock: Clock) -> None:
    looks = Looks(clock, client, {PLACE: NOON.timestamp() - 3600})
    client.at = client.end
    assert await looks.told() == 0
    client.end += 1
    assert await looks.told() == 5


async def test_a_partition_that_went_to_another_member_and_came_back_begins_anew(client: Client, clock: Clock) -> None:
    looks = Looks(clock, client, {PLACE: NOON.timestamp()})
    client.owned, held = set(), client.owned
    assert await looks.told() is None
    client.owned = held
    assert await looks.told() == 0
