"""A rolling restart: each service drains, commits and leaves while desks file; nothing is lost or done twice."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from itertools import count

from aiokafka import AIOKafkaConsumer, TopicPartition

from deploy.local.services import SERVICES
from shared.contracts.topics import LIFECYCLE
from tests.faults.signals import replaced
from tests.faults.town import plan_of
from tests.integration.together.everywhere import Everywhere, filed, grown

FIRST_NUMBER = 50_000
"""Numbers make keys: these are nobody else's."""
WHERE_EACH_STANDS_ONCE = ("dossiers", "cases", "counted", "notices")


async def facts_on_the_topic(everywhere: Everywhere, codes: list[str]) -> list[tuple[str, str, str]]:
    """Subject, source and sequence of every record about these dossiers, read raw."""
    places = [TopicPartition(LIFECYCLE.name, number) for number in range(LIFECYCLE.partitions)]
    servers = f"127.0.0.1:{everywhere.stack.ports.kafka}"
    client = AIOKafkaConsumer(bootstrap_servers=servers, auto_offset_reset="earliest")
    await client.start()
    try:
        client.assign(places)
        ends = await client.end_offsets(places)
        found: list[tuple[str, str, str]] = []
        while any([await client.position(place) < ends[place] for place in places]):
            for record in (each for batch in (await client.getmany(timeout_ms=200)).values() for each in batch):
                said = {name: value.decode() for name, value in record.headers}
                found.append((said.get("ce_subject", ""), said.get("ce_source", ""), said.get("ce_sequence", "")))
    finally:
        await client.stop()
    return sorted(fact for fact in found if fact[0] in codes)


async def test_a_rolling_restart_loses_and_doubles_nothing(everywhere: Everywhere) -> None:
    before, over, codes = await everywhere.look(), asyncio.Event(), list[str]()
    numbers, arrivals = count(FIRST_NUMBER), plan_of(seed=5)

    async def desk() -> None:
        while not over.is_set():
            number = next(numbers)
            arrival = replace(arrivals[number % len(arrivals)], number=number)
            codes.append((await everywhere.stage.offices.file(arrival)).code)

    async with asyncio.TaskGroup() as desks:
        for _ in range(3):
            desks.create_task(desk())
        for service in SERVICES:
            already = len(codes)
            await replaced(everywhere.stack, service)
            assert len(codes) > already or service == "intake", f"nobody filed while {service} was replaced"
        over.set()
    grew, expected = grown(before, await everywhere.look()), filed(*codes)
    assert {name: grew[name] for name in WHERE_EACH_STANDS_ONCE} == {
        name: expected[name] for name in WHERE_EACH_STANDS_ONCE
    }
    assert set(grew["told"].values()) == {1}
    assert await facts_on_the_topic(everywhere, codes) == sorted((code, "intake", f"{1:019}") for code in codes)
