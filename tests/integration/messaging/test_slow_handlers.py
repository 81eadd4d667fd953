"""Handlers that take longer than a member of a group may stay away from its polls, with an interval of seconds."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from aiokafka.admin import AIOKafkaAdminClient
from structlog.testing import capture_logs

from shared.database import Connection
from shared.loops import ALIVE_SECONDS
from shared.messaging.connection import connection
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Received
from tests.integration.messaging.house import QUICK, House, Sending, record_effects, running, until
from tests.integration.messaging.test_relay import all_sent

SUBJECTS = [f"D{number}" for number in range(64)]
BAD = {"D0", "D21", "D42"}
"""Fewer than an epidemic. The first needs a try at each half of the batch before anything is achieved."""


async def test_a_long_search_for_poison_ends_in_time_and_the_rest_is_read_again(house: House) -> None:
    """The tries at all halves take longer than the interval; those at the first fact longer than half of it."""
    now, alive = 0.0, set()

    async def slow(tx: Connection, facts: Sequence[Received]) -> None:
        nonlocal now
        now += ALIVE_SECONDS * 2 / 3
        alive.add(consumer.pulse.health().alive)
        await record_effects(tx, facts)
        await tx.execute("select pg_sleep(0.5)")
        if BAD & {fact.subject for fact in facts}:
            raise LookupError("a step that nobody knows")

    tuning = replace(QUICK, max_poll_interval_ms=6_000)
    await house.append(*(house.draft(subject, partition_key="one") for subject in SUBJECTS))
    async with running(house.relay()):
        await all_sent(house)
    consumer = Consumer(
        house.schema, [house.subscription(slow)], house.pool, house.kafka, tuning=tuning, monotonic=lambda: now
    )
    with capture_logs() as logs:
        async with running(consumer):

            async def all_settled() -> bool:
                return await house.count("effects") + await house.count("parked") == len(SUBJECTS)

            await until(all_settled)
    assert alive == {True}, "each try is a turn of the loop"
    assert assignments(logs) == [4], "its group gave it up"
    assert any(entry.get("reason", "").startswith("handling: Unfinished: ") for entry in logs)
    assert await house.effects() == {(subject, "intake"): [1] for subject in {*SUBJECTS} - BAD}
    assert await house.parked() == [("poison", subject, 1) for subject in sorted(BAD)]


async def test_a_member_whose_handler_is_slower_than_the_interval_leaves_and_all_is_applied_once(house: House) -> None:
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def slow(tx: Connection, facts: Sequence[Received]) -> None:
        await record_effects(tx, facts)
        inside.set()
        while not go_on.is_set():  # the server ends it after 15 s
            await tx.execute("select pg_sleep(0.05)")

    async def left() -> bool:
        return await members(house) == 0

    tuning = replace(QUICK, max_poll_interval_ms=2_000)
    leaver = Consumer(house.schema, [house.subscription(slow)], house.pool, house.kafka, tuning=tuning)
    await house.publish(*(Sending(subject, 1) for subject in SUBJECTS))
    with capture_logs() as logs:
        async with running(leaver):
            await inside.wait()
            await until(left)
            async with running(house.consumer()):

                async def replaced() -> bool:
                    return assignments(logs) == [4, 4]

                await until(replaced)
                go_on.set()
                await house.until_effects(len(SUBJECTS))
                await house.publish(*(Sending(subject, 2) for subject in SUBJECTS))
                await house.until_effects(2 * len(SUBJECTS))
    assert await house.effects() == {(subject, "intake"): [1, 2] for subject in SUBJECTS}
    assert await house.parked() == []


def assignments(logs: Sequence[Mapping[str, Any]]) -> list[int]:
    """How many partitions each assignment brought."""
    return [entry["partitions"] for entry in logs if entry["event"] == "partitions assigned"]


async def members(house: House) -> int:
    """How many members the group has."""
    admin = AIOKafkaAdminClient(**connection(house.kafka))
    await admin.start()
    try:
        [answer] = await admin.describe_consumer_groups([house.schema])
    finally:
        await admin.close()
    [(_, _, _, _, _, found, *_)] = answer.groups
    return len(found)
