"""A rolling restart: each service drains, commits and leaves while desks file; nothing is lost or done twice."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from deploy.local.services import SERVICES
from shared.contracts.topics import LIFECYCLE
from tests.faults.signals import replaced
from tests.faults.town import arrivals_of
from tests.integration.together.everywhere import Everywhere, filed, grown
from tests.topics import records_of

FIRST_NUMBER = 50_000
"""Numbers make keys: these are nobody else's."""
WHERE_EACH_STANDS_ONCE = ("dossiers", "cases", "counted", "notices")


async def facts_on_the_topic(everywhere: Everywhere, codes: Collection[str]) -> list[tuple[str, str, str]]:
    """Subject, source and sequence of every record about these dossiers, read raw."""
    servers = f"127.0.0.1:{everywhere.stack.ports.kafka}"
    found: list[tuple[str, str, str]] = []
    async for record in records_of(servers, LIFECYCLE.name, LIFECYCLE.partitions):
        said = {name: value.decode() for name, value in record.headers}
        found.append((said.get("ce_subject", ""), said.get("ce_source", ""), said.get("ce_sequence", "")))
    return sorted(fact for fact in found if fact[0] in codes)


async def test_a_rolling_restart_loses_and_doubles_nothing(everywhere: Everywhere) -> None:
    before, over, codes = await everywhere.look(), asyncio.Event(), list[str]()
    arrivals = arrivals_of(seed=5, first=FIRST_NUMBER)

    async def desk() -> None:
        while not over.is_set():
            codes.append((await everywhere.stage.offices.file(next(arrivals))).code)

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
    assert await facts_on_the_topic(everywhere, set(codes)) == sorted((code, "intake", f"{1:019}") for code in codes)
