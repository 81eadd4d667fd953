"""A topic that is lost and filled again from the journal: byte for byte, in order, and nothing is applied twice."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.producer.transaction_manager import PidAndEpoch

from shared.database import create_pool
from shared.messaging.connection import connection
from shared.messaging.publisher import Publisher
from shared.messaging.republish import NotTaken, Pace, Position, count_facts, refiller, republish
from tests.integration.messaging.conftest import ROLE, Servers
from tests.integration.messaging.house import House, create_topic, delete_topic, make_schema, running
from tests.integration.messaging.test_relay import all_sent, records_on
from tests.waiting import until

SUBJECTS = [f"D{number}" for number in range(20)]
FACTS = 5 * len(SUBJECTS)
BEGINNING = Position()
PACE = Pace(batch=30, per_second=10_000)


@asynccontextmanager
async def publisher_of(house: House) -> AsyncIterator[Publisher]:
    publisher = refiller(house.kafka, "intake")
    try:
        await publisher.start()
        yield publisher
    finally:
        await publisher.close()


async def refill(house: House, place: Position = BEGINNING, most: int = FACTS) -> tuple[Position, int]:
    """Republish until so many facts are there, as one run of the command; answers where it ended and how many went."""
    sent = 0
    async with (
        publisher_of(house) as publisher,
        aclosing(republish(house.pool, publisher, house.topic, place, PACE)) as batches,
    ):
        async for taken, facts in batches:
            place, sent = taken, sent + facts
            if sent >= most:
                break
    return place, sent


@asynccontextmanager
async def newcomer(house: House, servers: Servers) -> AsyncIterator[House]:
    """Another service that reads the same topic for the first time."""
    schema = f"{house.schema}_newcomer"
    await make_schema(servers.stack.dsn(), schema, ROLE)
    pool = await create_pool(servers.database, schema, size=8)
    yield replace(house, schema=schema, pool=pool)
    await pool.close()


def as_told(records: list[Any]) -> list[tuple[int, bytes, bytes, tuple[Any, ...]]]:
    """What a reader sees of records, but for their offsets: partition, key, value, headers."""
    return sorted((record.partition, record.key, record.value, tuple(record.headers)) for record in records)


async def lose_topic(house: House) -> None:
    await delete_topic(house.kafka, house.topic)
    await create_topic(house.kafka, house.topic)
    assert await records_on(house.kafka, house.topic) == []


async def test_a_lost_topic_comes_back_whole_a_newcomer_gets_all_once_and_who_had_it_applies_nothing_twice(
    house: House, servers: Servers
) -> None:
    for number in range(1, 6):
        await house.append(*(house.draft(subject, number) for subject in SUBJECTS))
    async with running(house.relay(), house.consumer()):
        await house.until_effects(FACTS)
        await all_sent(house)
        before = await records_on(house.kafka, house.topic)
        assert house.outcomes("duplicate") == 0
        await lose_topic(house)
        assert await count_facts(house.pool, house.topic, BEGINNING) == FACTS
        place, first = await refill(house, most=40)
        assert (first, place) != (FACTS, BEGINNING)
        assert await count_facts(house.pool, house.topic, place) == FACTS - first
        assert (await refill(house, place))[1] == FACTS - first  # goes on where it was interrupted
        after = await records_on(house.kafka, house.topic)
        assert as_told(after) == as_told(before)

        async def dropped() -> bool:
            return house.outcomes("duplicate") >= FACTS

        await until(dropped)
        assert await house.count("effects") == FACTS
        async with newcomer(house, servers) as other, running(other.consumer()):
            await other.until_effects(FACTS)
            await house.append(*(house.draft(subject, 6) for subject in SUBJECTS))
            await house.until_effects(FACTS + len(SUBJECTS))
            await other.until_effects(FACTS + len(SUBJECTS))
            whole = {(subject, "intake"): [1, 2, 3, 4, 5, 6] for subject in SUBJECTS}
            assert await other.effects() == await house.effects() == whole
            assert await other.parked() == []
    assert await house.parked() == []


async def test_what_the_relay_has_still_to_publish_is_left_to_it(house: House) -> None:
    await house.append(*(house.draft(subject, 1) for subject in SUBJECTS))
    async with running(house.relay()):
        await all_sent(house)
    await house.append(*(house.draft(subject, 2) for subject in SUBJECTS))
    assert (await refill(house))[1] == len(SUBJECTS)
    found = Counter(dict(record.headers)["ce_sequence"] for record in await records_on(house.kafka, house.topic))
    assert found == {b"%019d" % 1: 2 * len(SUBJECTS)}


@asynccontextmanager
async def producer_of_before(house: House) -> AsyncIterator[AIOKafkaProducer]:
    """One that had its id from the broker before it lost its data: the id that the broker gives out next."""
    async with AIOKafkaProducer(**connection(house.kafka), enable_idempotence=True, linger_ms=0) as producer:
        known = producer._txn_manager
        await known.wait_for_pid()
        known._pid_and_epoch = PidAndEpoch(known.producer_id + 1, known.producer_epoch)
        yield producer


async def test_a_refill_goes_through_beside_a_producer_that_had_the_same_id_before_the_brokers_data_were_lost(
    house: House,
) -> None:
    await house.append(*(house.draft(subject, 1) for subject in SUBJECTS))
    async with running(house.relay()):
        await all_sent(house)
    before = len(await records_on(house.kafka, house.topic))
    async with producer_of_before(house) as producer:
        for _ in range(2):
            for partition in range(4):
                await producer.send_and_wait(house.topic, b"another's", partition=partition)
        assert (await refill(house))[1] == len(SUBJECTS)
        for partition in range(4):
            await producer.send_and_wait(house.topic, b"another's", partition=partition)
    assert len(await records_on(house.kafka, house.topic)) == before + len(SUBJECTS) + 3 * 4


async def test_a_topic_that_is_not_there_stops_the_refill_and_says_so(house: House) -> None:
    await house.append(house.draft("A", 1))
    async with running(house.relay()):
        await all_sent(house)
    await delete_topic(house.kafka, house.topic)
    with pytest.raises(NotTaken, match="missing"):
        await refill(house)


def test_the_pace_is_kept() -> None:
    pace = Pace(batch=500, per_second=1000)
    assert pace.wait(facts=500, seconds=0.1) == pytest.approx(0.4)
    assert pace.wait(facts=500, seconds=0.5) == 0
    assert pace.wait(facts=500, seconds=9.0) == 0
    assert (pace.at_once, Pace(batch=500, per_second=7).at_once, Pace(per_second=0.1).at_once) == (500, 7, 1)
