"""When a Kafka client counts as of no use any more."""

from __future__ import annotations

from collections.abc import Iterable

import pytest
from aiokafka import TopicPartition

from shared.messaging.watch import STALLED_SECONDS, Stalled, Watch

PLACE = TopicPartition("facts", 0)


class Client:
    """What the watch asks of a client: a member of a group that is told these things."""

    def __init__(self) -> None:
        self.owned, self.at, self.end, self.resting = {PLACE}, 5, 9, False

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
        await minutes(Watch(client, 5, clock), clock)


async def test_a_member_without_any_partition_for_a_minute_ends_the_session(client: Client, clock: Clock) -> None:
    watch = Watch(client, 5, clock)
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
    await minutes(Watch(client, 5, clock), clock)
