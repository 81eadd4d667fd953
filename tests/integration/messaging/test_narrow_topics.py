"""Topics that take less than our producer puts into one batch: only a fact that is refused alone is refused."""

from __future__ import annotations

from contextlib import aclosing

import pytest

from shared.messaging.journal import Draft
from shared.messaging.publisher import Bounds
from shared.messaging.relay import RelayTuning
from shared.messaging.republish import Pace, Position, refiller, republish
from tests.integration.messaging.house import (
    MOMENT,
    House,
    create_topic,
    delete_topic,
    fact,
    running,
)
from tests.integration.messaging.test_relay import on_topic

SUBJECTS = [f"D{number}" for number in range(10)]
WHOLE = RelayTuning(batch_bytes=40_000, longest_rest_seconds=0.05, longest_back_off_seconds=0.3)
"""All that is unsent at once: several batches for each partition."""
BACKLOG = range(1, 31)


@pytest.fixture
async def narrow(house: House) -> House:
    """A house whose topic takes batches of 20,000 bytes."""
    await delete_topic(house.kafka, house.topic)
    await create_topic(house.kafka, house.topic, **{"max.message.bytes": "20000"})
    return house


async def backlog(house: House) -> None:
    """Record facts that each fit, and together do not."""
    for number in BACKLOG:
        await house.append(*(house.draft(subject, number, officer="x" * 1_000) for subject in SUBJECTS))


async def last_on_topic(house: House) -> dict[str, int]:
    """What a compacted topic would keep: the last sequence of each subject."""
    return {subject: seq for subject, seq, _ in await on_topic(house)}


async def test_a_fact_that_its_topic_does_not_take_parks_its_subject_and_others_flow(house: House) -> None:
    await delete_topic(house.kafka, house.topic)
    await create_topic(house.kafka, house.topic, **{"max.message.bytes": "200000"})
    big = Draft(topic=house.topic, subject="big", fact=fact(2, "x" * 220_000), legal_time=MOMENT)
    assert len("x" * 220_000) < Bounds().batch_bytes
    await house.append(house.draft("big", 1), big, house.draft("big", 3), house.draft("A", 1))
    async with running(house.relay(), house.consumer()):
        await house.until_effects(2)
        await house.until_parked(1)
        assert await house.parked() == [("unpublishable", "big", 2)]
        await house.append(house.draft("big", 4), *(house.draft("A", number) for number in (2, 3)))
        await house.until_effects(4)
    assert await house.effects() == {("big", "intake"): [1], ("A", "intake"): [1, 2, 3]}
    assert await house.count("unsent") == 3
    assert {(subject, seq) for subject, seq, _ in await on_topic(house)} == {("big", 1), *(("A", n) for n in (1, 2, 3))}


async def test_a_backlog_of_small_facts_flows_in_order_though_its_batches_are_refused(narrow: House) -> None:
    big = Draft(topic=narrow.topic, subject="D0", fact=fact(31, "x" * 25_000), legal_time=MOMENT)
    await backlog(narrow)
    await narrow.append(big, narrow.draft("D1", 31))
    relay = narrow.relay(tuning=WHOLE)
    async with running(relay, narrow.consumer()):
        await narrow.until_effects(301)
        await narrow.append(narrow.draft("D2", 31), narrow.draft("D0", 32))
        await narrow.until_effects(302)
        assert relay.pulse.health().reason == ""
    ends = {subject: 31 if subject in {"D1", "D2"} else 30 for subject in SUBJECTS}
    assert await narrow.effects() == {(subject, "intake"): list(range(1, ends[subject] + 1)) for subject in SUBJECTS}
    assert await narrow.parked() == [("unpublishable", "D0", 31)]
    assert await last_on_topic(narrow) == ends


async def test_a_lost_topic_that_takes_less_now_is_refilled_whole(narrow: House) -> None:
    sizes = {"D0": 10, "D1": 2_500, "D2": 10}  # ten facts of D1 fit one by one, and the producer goes on behind them
    for number in range(1, 11):
        drafts = [
            narrow.draft(subject, number, officer="x" * size, partition_key="one") for subject, size in sizes.items()
        ]
        await narrow.append(*drafts)
    await narrow.pool.execute("delete from unsent")  # as if all had been published once
    publisher = refiller(narrow.kafka, "intake")
    try:
        await publisher.start()
        pace = Pace(batch=10, per_second=100_000)
        async with aclosing(republish(narrow.pool, publisher, narrow.topic, Position(), pace)) as batches:
            assert [taken async for _, taken in batches] == [10, 10, 10]
    finally:
        await publisher.close()
    found = [(subject, seq) for subject, seq, _ in await on_topic(narrow)]
    assert found == [(subject, seq) for subject in sizes for seq in range(1, 11)]
