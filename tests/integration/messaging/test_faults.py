"""Consumers that are killed, frozen, doubled, or lose their database. Each test asserts that its fault struck."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import asyncpg
import pytest
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.errors import KafkaError

from shared.database import Connection, create_pool, transaction
from shared.messaging import membership
from shared.messaging.connection import connection
from shared.messaging.consumer import Consumer
from shared.messaging.cursors import lock_cursors, move_cursors
from shared.messaging.envelope import Received
from shared.messaging.faults import Fenced, Unready, passes
from shared.messaging.watch import Watch
from tests.faults.proxy import Proxy
from tests.integration.messaging.conftest import Servers
from tests.integration.messaging.house import (
    LASTING,
    QUICK,
    House,
    Sending,
    create_topic,
    delete_topic,
    record_effects,
    running,
)
from tests.integration.messaging.victim import said, victim
from tests.ports import port_base, spare_port
from tests.waiting import until

SUBJECTS = [f"D{number}" for number in range(30)]


async def test_a_consumer_killed_inside_a_batch_leaves_no_trace_and_another_applies_it_once(house: House) -> None:
    await house.publish(*(Sending(subject, 1) for subject in SUBJECTS))
    async with victim(house, ("D7", 2)) as process:
        await house.until_effects(30)
        await house.publish(*(Sending(subject, seq) for seq in (2, 3) for subject in SUBJECTS))
        assert await said(process, "inside") >= 1
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
    assert len((await house.effects())["D7", "intake"]) == 1
    async with running(house.consumer()):
        await house.until_effects(90)
    assert await house.effects() == {(subject, "intake"): [1, 2, 3] for subject in SUBJECTS}


async def test_who_comes_under_the_name_of_a_killed_consumer_goes_on_in_its_place(house: House) -> None:
    """Its session lasts longer than the test, so without the name its partitions would stand still."""
    await house.publish(*(Sending(subject, 1) for subject in SUBJECTS))
    async with victim(house, ("D7", 1), name="one") as process:
        await said(process, "inside")
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
    one = house.kafka.model_copy(update={"instance": "one"})
    async with running(Consumer(house.schema, [house.subscription()], house.pool, one, tuning=LASTING)):
        await house.until_effects(30)
    assert await house.effects() == {(subject, "intake"): [1] for subject in SUBJECTS}


async def test_whoever_ends_politely_leaves_his_place_under_a_name_too(house: House) -> None:
    one = house.kafka.model_copy(update={"instance": "one"})
    await house.publish(*(Sending(subject, 1) for subject in SUBJECTS))
    async with running(Consumer(house.schema, [house.subscription()], house.pool, one, tuning=LASTING)):
        await house.until_effects(30)
    await house.publish(*(Sending(subject, 2) for subject in SUBJECTS))
    async with running(house.consumer()):
        await house.until_effects(60)
    assert await house.effects() == {(subject, "intake"): [1, 2] for subject in SUBJECTS}


async def test_a_frozen_consumer_that_wakes_up_finds_itself_replaced(house: House) -> None:
    async with victim(house, ("D7", 2), idle="1s") as process:
        await house.publish(*(Sending(subject, seq) for seq in (1, 2, 3) for subject in SUBJECTS))
        await said(process, "inside")
        process.send_signal(signal.SIGSTOP)
        async with running(house.consumer()):
            await house.until_effects(90)
        process.send_signal(signal.SIGCONT)
        assert await said(process, "cut")  # it really was in the middle of its transaction
        await house.publish(*(Sending(subject, 4) for subject in SUBJECTS))
        await house.until_effects(120)  # the zombie itself goes on, as a consumer among others
    assert await house.effects() == {(subject, "intake"): [1, 2, 3, 4] for subject in SUBJECTS}
    assert await house.parked() == []


async def test_a_client_that_cannot_leave_its_group_leaves_nothing_running(
    house: House, servers: Servers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(membership, "ANSWER_SECONDS", 0.2)
    broker = servers.stack.pid("kafka")
    try:
        async with running(house.consumer()):
            await house.publish(Sending("D0", 1))
            await house.until_effects(1)
            assert of_aiokafka()
            os.kill(broker, signal.SIGSTOP)
        assert of_aiokafka() == []
    finally:
        os.kill(broker, signal.SIGCONT)
    async with running(house.consumer()):
        await house.publish(Sending("D0", 2))
        await house.until_effects(2)


async def test_what_was_settled_of_a_lost_topic_is_not_committed_in_the_one_made_anew(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = asyncio.Event()

    async def look(self: Watch) -> None:
        if lost.is_set():
            lost.clear()
            raise KafkaError("the session is over")

    monkeypatch.setattr(Watch, "look", look)
    seldom = replace(QUICK, commit_seconds=3600)
    async with running(Consumer(house.schema, [house.subscription()], house.pool, house.kafka, tuning=seldom)):
        await house.publish(*(Sending(subject, 1) for subject in SUBJECTS))
        await house.until_effects(len(SUBJECTS))
        await delete_topic(house.kafka, house.topic)
        await create_topic(house.kafka, house.topic)
        lost.set()
        await house.publish(Sending("D0", 2))
        await house.until_effects(len(SUBJECTS) + 1)
    assert [offset for offset in await committed(house) if offset > 0] == [1]


async def test_a_reader_whose_topic_vanishes_says_so_though_its_others_flow_and_goes_on_when_it_is_back(
    house: House,
) -> None:
    """The group silently gives out the other topics' partitions alone, and of those nothing is wrong."""
    other = f"{house.topic}.other"
    await create_topic(house.kafka, other)
    readers = [house.subscription(), replace(house.subscription(), topic=other)]
    consumer = Consumer(house.schema, readers, house.pool, house.kafka, tuning=QUICK)

    async def said() -> bool:
        return f"{other}: missing, or forbidden to us" in consumer.pulse.reason

    async def goes_on() -> bool:
        return not consumer.pulse.reason

    async with running(consumer):
        await house.publish(Sending("D0", 1))
        await house.until_effects(1)
        await delete_topic(house.kafka, other)
        await until(said, "the topic is missed", seconds=30)
        await create_topic(house.kafka, other)
        await until(goes_on, "the consumer goes on")
        await replace(house, topic=other).publish(Sending("D1", 1))
        await house.until_effects(2)


async def committed(house: House) -> list[int]:
    """The offsets that the group has committed."""
    admin = AIOKafkaAdminClient(**connection(house.kafka))
    await admin.start()
    try:
        return [each.offset for each in (await admin.list_consumer_group_offsets(house.schema)).values()]
    finally:
        await admin.close()


def of_aiokafka() -> list[str]:
    """Name the client's own tasks that still run."""
    running_ones = (task.get_coro() for task in asyncio.all_tasks())
    return [str(coro) for coro in running_ones if "aiokafka" in getattr(coro, "cr_code", coro).co_filename]


async def test_two_consumers_that_both_believe_to_own_everything_have_one_effect(house: House) -> None:
    calls = {"first": 0, "second": 0}

    def handler_of(name: str) -> Any:
        async def handler(tx: Connection, facts: Sequence[Received]) -> None:
            calls[name] += len(facts)
            await record_effects(tx, facts)

        return handler

    zombies = [
        house.consumer(group=f"{house.schema}-{name}", subscription=house.subscription(handler_of(name)))
        for name in calls
    ]
    async with running(*zombies):
        for seq in range(1, 21):
            await house.publish(*(Sending(subject, seq) for subject in SUBJECTS))
        await house.until_effects(600)
        await house.publish(*(Sending(f"{subject}-last", 1) for subject in SUBJECTS))
        await house.until_effects(630)
    effects = await house.effects()
    assert all(effects[subject, "intake"] == list(range(1, 21)) for subject in SUBJECTS)
    assert sum(map(len, effects.values())) == 630
    # Both were at work: what one applied, the other read too and dropped.
    assert sum(calls.values()) == 630
    assert house.outcomes("duplicate") > 0
    assert await house.parked() == []


async def test_who_saw_an_older_cursor_is_fenced_and_has_no_effect(house: House) -> None:
    stream = ("A", "intake")
    async with transaction(house.pool) as tx:
        seen = await lock_cursors(tx, house.topic, [stream])
    async with transaction(house.pool) as tx:
        await move_cursors(tx, house.topic, seen, {stream: 1})

    async def zombie() -> None:
        async with transaction(house.pool) as tx:
            await tx.execute("insert into effects (subject, source, seq) values ('A', 'zombie', 1)")
            await move_cursors(tx, house.topic, seen, {stream: 1})

    with pytest.raises(Fenced):
        await zombie()
    assert await house.effects() == {}
    assert await house.pool.fetchval("select seq from cursors") == 1


async def test_a_consumer_that_hangs_inside_a_statement_gives_its_locks_back(house: House) -> None:
    """The bound of the whole transaction replaces that of the session, which is longer and runs already."""
    async with house.pool.acquire() as connection:
        assert await connection.fetchval("show transaction_timeout") == "30s"

    async def hang() -> None:
        async with transaction(house.pool) as tx:
            await lock_cursors(tx, house.topic, [("A", "intake")], whole_seconds=1)
            await tx.execute("set local statement_timeout = 0")
            await tx.execute("select pg_sleep(4)")
            pytest.fail("the transaction outlived its bound")

    with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresError)) as ended:
        await hang()
    assert passes(ended.value)


async def test_a_dead_database_pauses_with_its_reason_and_nothing_is_lost_or_parked(house: House) -> None:
    way = Proxy(spare_port(port_base("messaging"), 0), house.database.port)
    await way.open()
    pool = await create_pool(house.database.model_copy(update={"port": way.port}), house.schema)
    consumer, relay = house.consumer(pool=pool), house.relay(pool=pool)

    async def ready() -> bool:
        return consumer.pulse.health().ready and relay.pulse.health().ready

    async def waiting() -> bool:
        return bool(consumer.pulse.health().reason) and bool(relay.pulse.health().reason)

    try:
        async with running(consumer, relay):
            await house.append(*(house.draft(subject, 1) for subject in SUBJECTS))
            await house.until_effects(30)
            await until(ready)
            assert way.cut()
            await house.publish(*(Sending(subject, 1, source="processing") for subject in SUBJECTS))
            await house.append(*(house.draft(subject, 2) for subject in SUBJECTS))
            await until(waiting)
            health = consumer.pulse.health()
            assert (health.alive, health.ready) == (True, False)
            assert health.reason.startswith("handling: ")
            assert await house.count("effects") == 30
            way.join()
            await house.until_effects(90)
            await until(ready)
    finally:
        await way.close()
        pool.terminate()
    effects = await house.effects()
    assert all(effects[subject, "intake"] == [1, 2] for subject in SUBJECTS)
    assert await house.parked() == []


async def test_ended_sessions_are_no_poison(house: House) -> None:
    struck = 0

    async def handler(tx: Connection, facts: Sequence[Received]) -> None:
        nonlocal struck
        await record_effects(tx, facts)
        if struck < 3:
            struck += 1
            await house.pool.execute("select pg_terminate_backend($1)", await tx.fetchval("select pg_backend_pid()"))
            await tx.execute("select 1")

    async with running(house.consumer(subscription=house.subscription(handler))):
        await house.publish(*(Sending(subject, seq) for seq in (1, 2) for subject in SUBJECTS))
        await house.until_effects(60)
    assert struck == 3
    assert await house.effects() == {(subject, "intake"): [1, 2] for subject in SUBJECTS}
    assert await house.parked() == []


async def test_a_handler_that_lacks_a_rule_version_pauses_the_consumer(house: House) -> None:
    missing = True

    async def handler(tx: Connection, facts: Sequence[Received]) -> None:
        await record_effects(tx, facts)
        if missing:
            raise Unready("catalogue-2 is not published yet")

    consumer = house.consumer(subscription=house.subscription(handler))

    async def paused() -> bool:
        return consumer.pulse.health().reason == "handling: Unready: catalogue-2 is not published yet"

    async with running(consumer):
        await house.publish(Sending("A", 1))
        await until(paused)
        assert consumer.pulse.health().alive
        assert await house.effects() == {}
        missing = False
        await house.until_effects(1)
    assert await house.parked() == []
