from __future__ import annotations

import asyncio
import random
import signal
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from deploy.debian_tools import FAKETIME
from shared.clocks import machine_now
from shared.contracts.topics import LIFECYCLE
from shared.database import transaction
from shared.messaging.journal import Draft
from shared.messaging.relay import Relay
from shared.settings import KafkaSettings
from tests.faults.proxy import Proxy
from tests.faults.strikes.at_facts import ROT
from tests.integration.messaging.house import MOMENT, SMALL, House, create_topic, delete_topic, fact, running
from tests.integration.messaging.victim import victim
from tests.machine_clock import MachineClock
from tests.ports import port_base, spare_port
from tests.tools import library
from tests.topics import records_of
from tests.waiting import until

Published = list[tuple[str, int, bytes]]
HOLD = """
begin;
set local idle_in_transaction_session_timeout = 0;
set local transaction_timeout = 0;
lock table unsent in share mode
"""
"""Relays may read it and not delete, for as long as a process takes to start."""
STEAL = """
update relay_leases set expires_at = 'epoch'
where shard in (select shard from relay_leases order by shard for update)
"""
"""In the order in which relays lock them."""


async def records_on(kafka: KafkaSettings, topic: str) -> list[Any]:
    """Every record on a topic now, read raw."""
    return [record async for record in records_of(kafka, topic, partitions=4)]


async def on_topic(house: House, topic: str = "") -> Published:
    """Everything on the topic now: subject, sequence, body."""
    found = [(dict(record.headers), record.value) for record in await records_on(house.kafka, topic or house.topic)]
    return [(headers["ce_subject"].decode(), int(headers["ce_sequence"]), value) for headers, value in found]


async def all_sent(house: House) -> None:
    async def empty() -> bool:
        return await house.count("unsent") == 0

    await until(empty)


async def until_published(house: House, facts: int) -> None:
    async def published() -> bool:
        return len(await on_topic(house)) >= facts

    await until(published)


async def until_ready(relay: Relay) -> None:
    async def ready() -> bool:
        return relay.pulse.health().ready

    await until(ready)


async def test_facts_that_commit_late_are_published_and_nothing_is_lost(house: House) -> None:
    chance = random.Random(3)
    late: list[bool] = []
    observer, alone = await asyncpg.connect(house.service_dsn), asyncio.Lock()
    await observer.execute(f"set search_path = {house.schema}")

    async def write(writer: int) -> None:
        for number in range(15):
            async with transaction(house.pool) as tx:
                subjects = sorted({f"D{chance.randrange(40)}", f"W{writer}"})
                await house.journal.append(tx, [house.draft(subject, number) for subject in subjects])
                mine = await tx.fetchval("select max(ordinal) from unsent where subject = any($1)", subjects)
                await asyncio.sleep(chance.uniform(0, 0.02))
                # Somebody who wrote after us is seen before us: a relay with a position would pass us by.
                async with alone:
                    late.append(await observer.fetchval("select coalesce(max(ordinal), 0) from unsent") > mine)

    async with running(house.relay(), house.relay(), house.consumer()):
        await asyncio.gather(*(write(writer) for writer in range(16)))
        facts = await house.count("journal")
        await house.until_effects(facts)
        await all_sent(house)
    await observer.close()
    assert sum(late) > 10
    effects = await house.effects()
    assert sum(map(len, effects.values())) == facts
    for seqs in effects.values():
        assert seqs == list(range(1, len(seqs) + 1))


async def test_the_published_bytes_are_the_hashed_bytes(house: House) -> None:
    await house.append(*(house.draft("A", number, officer="ỗ") for number in (1, 2, 3)))
    async with running(house.relay()):
        await all_sent(house)
    stored = await house.pool.fetch("select subject, seq, body from journal order by seq")
    assert await on_topic(house) == [(row["subject"], row["seq"], row["body"]) for row in stored]


async def test_a_relay_killed_between_acknowledgement_and_delete_publishes_twice_and_effects_stay_once(
    house: House,
) -> None:
    for number in range(1, 31):
        await house.append(*(house.draft(f"D{subject}", number) for subject in range(10)))
    async with house.pool.acquire() as holder, victim(house, trap=None) as process:
        await holder.execute(HOLD)
        await until_published(house, SMALL.batch_facts)
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
        await holder.execute("rollback")
    assert await house.count("unsent") == 300
    async with running(house.relay(), house.consumer()):
        await house.until_effects(300)
        await all_sent(house)
    assert len(await on_topic(house)) >= 300 + SMALL.batch_facts
    assert await house.effects() == {(f"D{subject}", "intake"): list(range(1, 31)) for subject in range(10)}
    assert await house.parked() == []


async def test_who_comes_under_the_name_of_a_killed_relay_has_its_lease(house: House) -> None:
    """Which lasts longer than the test: nobody else would publish."""
    await house.append(house.draft("A", 1))
    async with victim(house, trap=None, name="one") as process:
        await all_sent(house)
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
    await house.append(house.draft("A", 2))
    async with running(house.relay(kafka=house.kafka.model_copy(update={"instance": "one"}))):
        await all_sent(house)
    assert [seq for _, seq, _ in await on_topic(house)] == [1, 2]


@pytest.mark.parametrize("ahead", [timedelta(hours=3), timedelta(hours=-3)], ids=["ahead", "behind"])
async def test_a_relay_whose_clock_is_hours_away_publishes_by_the_brokers(
    house: House, tmp_path: Path, ahead: timedelta
) -> None:
    """To a topic as it is declared: where writers date their records, a broker takes none from over an hour ahead."""
    await delete_topic(house.kafka, house.topic)
    await create_topic(house.kafka, house.topic, **LIFECYCLE.config)
    clock = MachineClock(library(FAKETIME), tmp_path / "clock")
    clock.set(ahead)
    before = machine_now()
    await house.append(house.draft("A", 1))
    async with victim(house, trap=None, changed=clock.environment):
        await all_sent(house)
    (record,) = await records_on(house.kafka, house.topic)
    assert before.timestamp() - 1 <= record.timestamp / 1000 <= machine_now().timestamp() + 1


async def test_two_relays_at_once_publish_twice_and_effects_stay_once_and_in_order(house: House) -> None:
    for number in range(1, 21):
        await house.append(*(house.draft(f"D{subject}", number) for subject in range(20)))
    eager = replace(SMALL, renew_seconds=0.0)

    async def steal() -> None:
        await house.pool.execute(STEAL)

    async with house.pool.acquire() as holder, running(house.relay(tuning=eager), house.consumer()):
        await holder.execute(HOLD)
        await until_published(house, SMALL.batch_facts)
        await steal()
        async with running(house.relay(tuning=eager)):
            await until_published(house, 2 * SMALL.batch_facts)  # the second holds the facts of the first
            await holder.execute("rollback")
            while await house.count("effects") < 400:
                await steal()
                await asyncio.sleep(0)
            await all_sent(house)
    assert len(await on_topic(house)) >= 400 + SMALL.batch_facts
    assert await house.effects() == {(f"D{subject}", "intake"): list(range(1, 21)) for subject in range(20)}
    assert await house.pool.fetchval("select max(epoch) from relay_leases") > 1
    assert await house.parked() == []


BURST = 1_500


async def burst(house: House) -> None:
    """Record many facts at once, and come back while the relay is in the middle of them."""
    await house.append(*(house.draft(f"D{number % 20}", number) for number in range(BURST)))

    async def in_the_middle() -> bool:
        return 0 < await house.count("unsent") < BURST

    await until(in_the_middle)


def come_late(published: Published) -> int:
    """How many records stand behind a later fact of their subject."""
    highest: dict[str, int] = {}
    late = 0
    for subject, seq, _ in published:
        late += seq < highest.get(subject, 0)
        highest[subject] = max(seq, highest.get(subject, 0))
    return late


async def test_a_relay_frozen_past_its_lease_and_one_killed_are_replaced_and_effects_stay_once_and_in_order(
    house: House,
) -> None:
    bursts = 0
    async with victim(house, trap=None) as process, running(house.consumer()):
        while bursts < 2 or not come_late(await on_topic(house)):
            assert bursts < 15, "woken up, it never published behind another relay's back"
            await burst(house)
            process.send_signal(signal.SIGSTOP)
            left = await house.count("unsent")
            assert left, "frozen when all was done"
            async with running(house.relay()):
                await all_sent(house)
            process.send_signal(signal.SIGCONT)
            bursts += 1
        assert await house.pool.fetchval("select max(epoch) from relay_leases") > bursts
        await burst(house)
        process.send_signal(signal.SIGKILL)
        assert await process.wait() == -signal.SIGKILL
        assert await house.count("unsent")
        async with running(house.relay()):
            await all_sent(house)
        facts = BURST * (bursts + 1)
        await house.until_effects(facts)
    assert await house.effects() == {
        (f"D{subject}", "intake"): list(range(1, facts // 20 + 1)) for subject in range(20)
    }
    assert await house.parked() == []


async def test_a_fact_that_no_broker_takes_parks_its_subject_and_others_flow(house: House) -> None:
    big = Draft(topic=house.topic, subject="big", fact=fact(2, "x" * 1_100_000), legal_time=MOMENT)
    await house.append(house.draft("big", 1), big, house.draft("big", 3), house.draft("A", 1))
    async with running(house.relay(), house.consumer()):
        await house.until_effects(2)
        await house.until_parked(1)
        assert await house.parked() == [("unpublishable", "big", 2)]
        await house.append(house.draft("big", 4), house.draft("A", 2))
        await house.until_effects(3)
    assert await house.effects() == {("big", "intake"): [1], ("A", "intake"): [1, 2]}
    assert await house.count("unsent") == 3
    assert {(subject, seq) for subject, seq, _ in await on_topic(house)} == {("big", 1), ("A", 1), ("A", 2)}


@pytest.mark.parametrize("rot", ["[", "[]", '{"number": 1}'])
async def test_a_fact_of_which_no_message_can_be_made_parks_its_subject_and_others_flow(house: House, rot: str) -> None:
    await house.append(house.draft("rotten", 1))
    owner = await asyncpg.connect(house.owner_dsn)
    await owner.execute(ROT.format(schema=house.schema, subject="rotten", headers=rot))
    await owner.close()
    await house.append(house.draft("rotten", 2), house.draft("rotten", 3), house.draft("A", 1))
    async with running(house.relay(), house.consumer()):
        await house.until_effects(2)
        await house.until_parked(1)
    assert await house.parked() == [("unpublishable", "rotten", 2)]
    assert await house.effects() == {("rotten", "intake"): [1], ("A", "intake"): [1]}
    assert await house.count("unsent") == 2


async def test_a_long_fact_that_fits_is_published(house: House) -> None:
    long = Draft(topic=house.topic, subject="long", fact=fact(1, "x" * 900_000), legal_time=MOMENT)
    await house.append(long, house.draft("long", 2))
    async with running(house.relay(), house.consumer()):
        await house.until_effects(2)
    assert await house.parked() == []


async def append_to(house: House, topic: str, *numbers: int) -> None:
    for number in numbers:
        drafts = [replace(house.draft(f"D{subject}", number), topic=topic) for subject in range(10)]
        await house.append(*drafts)


async def unsent(house: House, topic: str) -> int:
    return int(await house.pool.fetchval("select count(*) from unsent where topic = $1", topic))


async def drained(house: House, topic: str) -> None:
    async def empty() -> bool:
        return await unsent(house, topic) == 0

    await until(empty)


async def test_a_topic_that_is_missing_holds_up_no_other_and_is_published_when_it_is_there(house: House) -> None:
    missing = f"{house.topic}.missing"
    await append_to(house, missing, *range(1, 13))
    assert await unsent(house, missing) > 2 * SMALL.batch_facts  # more than a batch stands before all others
    relay = house.relay()
    async with running(relay):
        for number in range(1, 6):
            await append_to(house, house.topic, number)
            await drained(house, house.topic)
        assert await unsent(house, missing) == 120
        assert relay.pulse.health().reason.startswith(f"relay: {missing}: UnknownTopicOrPartitionError")
        await create_topic(house.kafka, missing)
        await drained(house, missing)
        await until_ready(relay)
    assert len(await on_topic(house)) == 50
    assert sorted((subject, seq) for subject, seq, _ in await on_topic(house, missing)) == sorted(
        (f"D{subject}", seq) for subject in range(10) for seq in range(1, 13)
    )


async def test_a_topic_that_is_deleted_under_the_relay_holds_up_no_other(house: House) -> None:
    deleted = f"{house.topic}.deleted"
    await create_topic(house.kafka, deleted)
    relay = house.relay(tuning=replace(SMALL, doubt_seconds=0.2))
    async with running(relay):
        await append_to(house, deleted, 1)
        await drained(house, deleted)
        await delete_topic(house.kafka, deleted)
        await append_to(house, deleted, *range(2, 13))
        for number in range(1, 6):
            await append_to(house, house.topic, number)
            await drained(house, house.topic)
        assert await unsent(house, deleted) == 110
        assert relay.pulse.health().reason.startswith(f"relay: {deleted}: UnknownTopicOrPartitionError")
        assert relay.pulse.health().alive
        await create_topic(house.kafka, deleted)
        await drained(house, deleted)
    found = [(subject, seq) for subject, seq, _ in await on_topic(house, deleted)]
    assert set(found) == {(f"D{subject}", seq) for subject in range(10) for seq in range(2, 13)}


async def test_without_a_broker_facts_wait_and_the_relay_says_why(house: House) -> None:
    await house.append(house.draft("A", 1))
    way = Proxy(spare_port(port_base("messaging"), 0), int(house.kafka.bootstrap_servers.rpartition(":")[2]))
    relay = house.relay(kafka=house.kafka.model_copy(update={"bootstrap_servers": f"127.0.0.1:{way.port}"}))
    async with running(relay, house.consumer()):

        async def waits() -> bool:
            return relay.pulse.health().reason.startswith("relay: KafkaConnectionError")

        await until(waits)
        assert relay.pulse.health().alive
        assert not relay.pulse.health().ready
        assert await house.count("unsent") == 1
        await way.open()
        await house.until_effects(1)
        await until_ready(relay)  # the fact is out before the relay says so
    await way.close()
