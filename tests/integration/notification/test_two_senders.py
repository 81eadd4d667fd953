"""Two replicas of notification: what one holds in its hands while it cannot write, and what the other makes of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg
import pytest

from tests.clients import plain_client
from tests.faults.proxy import Proxy
from tests.integration.notification.house import FAST, LEASE_SECONDS, House, Person, Process
from tests.ports import port_base, spare_port
from tests.waiting import until

LEASE = {LEASE_SECONDS: "10"}
"""Long enough that who comes back to the database a moment after the other is well within it."""

STANDS = """
select m.fact_id, m.state, m.attempts from messages m join notices n using (fact_id) where m.fact_id = any($1)
"""
LEASES_ARE_OVER = """
select bool_and(wake_at < clock_timestamp()) from messages where fact_id = any($1) and state = 'sending'
"""


@dataclass
class Pair:
    """The replica of the house and another one, each with a way of its own to the database."""

    house: House
    first_way: Proxy
    second: Process
    second_way: Proxy

    async def start_second(self) -> None:
        environment = self.house.stack.environment("notification_2") | FAST | LEASE
        await self.second.start(environment | {"MOTCUA_DATABASE__PORT": str(self.second_way.port)})

    def cut(self) -> None:
        """Take the database away from both."""
        for way in (self.first_way, self.second_way):
            way.cut()

    async def second_delivers(self, *, able: bool) -> None:
        """Wait until the second's delivery has had its turn with the database, or has found that it is away."""
        async with plain_client(timeout=10) as client:

            async def holds() -> bool:
                answer = await client.get(f"http://127.0.0.1:{self.house.stack.ports.notification_2}/readyz")
                return able is ("delivery" not in answer.json()["reasons"])

            await until(holds, "the second sender has looked")

    async def stand(self, *fact_ids: UUID) -> list[tuple[str, int]]:
        """Read how the messages of some facts stand, and after how many attempts."""
        rows = await self.house.pools["notification"].fetch(STANDS, fact_ids)
        found = {row["fact_id"]: (str(row["state"]), int(row["attempts"])) for row in rows}
        return [found[fact_id] for fact_id in fact_ids]

    async def leases_over(self, *fact_ids: UUID) -> None:
        """Wait until the leases of messages that are still being sent have ended."""
        pool = self.house.pools["notification"]
        await until(lambda: pool.fetchval(LEASES_ARE_OVER, fact_ids), "the leases are over")

    async def judged_lost(self, owed: UUID, once: UUID) -> None:
        """Wait until the policy has decided: what is owed went again, what may come once never will."""

        async def holds() -> bool:
            (state, attempts), second = await self.stand(owed, once)
            return state in {"handed_over", "delivered"} and attempts == 2 and second[0] in {"unknown", "delivered"}

        await until(holds, "the policy has decided")


@pytest.fixture
async def pair(house: House) -> AsyncIterator[Pair]:
    """Start the house's replica over a way that can be cut; the test starts the other one."""
    server = house.stack.ports.postgres
    ways = [Proxy(spare_port(port_base("notification"), number), server) for number in range(2)]
    ready = f"http://127.0.0.1:{house.stack.ports.notification_2}/readyz"
    command = [sys.executable, "-m", "services.notification"]
    second = Process(command, house.stack.folder.logs / "notification_2.log", ready)
    for way in ways:
        await way.open()
    await house.settled()
    await house.restart(MOTCUA_DATABASE__PORT=str(ways[0].port), **LEASE)
    try:
        yield Pair(house, ways[0], second, ways[1])
    finally:
        for way in ways:
            way.join()
        await second.end()
        await house.restart()
        for way in ways:
            await way.close()


@asynccontextmanager
async def answered_and_not_written_down(pair: Pair) -> AsyncIterator[tuple[str, UUID, str, UUID]]:
    """The first sender has the gateway's answers for two messages, one owed and one that may come once.

    It cannot write them down as long as the block runs.
    """
    house = pair.house
    told, _ = await house.accept(Person())
    await house.message(told, "delivered")
    holder = await asyncpg.connect(house.stack.dsn())
    try:
        async with holder.transaction():
            await holder.execute("lock table notification.journal_heads in exclusive mode")
            once_id = await house.finish(told)
            owed, owed_id = await house.accept(Person())
            await asyncio.gather(house.arrived(once_id), house.arrived(owed_id))
            yield owed, owed_id, told, once_id
    finally:
        await holder.close()


@pytest.mark.parametrize("other", ["there before", "started meanwhile"])
async def test_answers_kept_while_the_database_was_away_are_not_judged_by_another(pair: Pair, other: str) -> None:
    """The database comes back to the other first, when the leases are long over."""
    house = pair.house
    async with answered_and_not_written_down(pair) as (owed, owed_id, told, once_id):
        if other == "there before":
            await pair.start_second()
        pair.cut()
    await pair.leases_over(owed_id, once_id)
    if other == "there before":
        await pair.second_delivers(able=False)
        pair.second_way.join()
        await pair.second_delivers(able=True)
    else:
        pair.second_way.join()
        await pair.start_second()
    pair.first_way.join()
    assert (await house.message(owed, "delivered"))["attempts"] == 1
    await house.message(told, "delivered", template="result_ready")
    assert await house.outcomes(owed, 2) == ["handed_over", "delivered"]
    assert await house.outcomes(told, 4) == ["handed_over", "delivered"] * 2
    assert [len(house.arrivals(fact_id)) for fact_id in (owed_id, once_id)] == [1, 1]


async def test_answers_of_a_sender_killed_while_the_database_was_away_are_judged_a_lease_after_its_return(
    pair: Pair,
) -> None:
    house = pair.house
    async with answered_and_not_written_down(pair) as (owed, owed_id, told, once_id):
        await pair.start_second()
        pair.cut()
    await house.service.end(signal.SIGKILL)
    pair.second_way.join()
    await pair.judged_lost(owed_id, once_id)
    assert [line["repeat"] for line in house.arrivals(owed_id)] == [False, True]
    assert len(house.arrivals(once_id)) == 1
    assert (await house.outcomes(owed, 2))[:2] == ["unknown", "handed_over"]
    assert (await house.outcomes(told, 3))[2:3] == ["unknown"]


async def test_a_sender_frozen_past_its_lease_is_judged_like_a_killed_one(pair: Pair) -> None:
    """Nobody can tell the two apart; when it wakes up, what it had in hand changes nothing."""
    house = pair.house
    async with answered_and_not_written_down(pair) as (owed, owed_id, told, once_id):
        await pair.start_second()
        os.kill(house.service.pid, signal.SIGSTOP)
    try:
        await pair.judged_lost(owed_id, once_id)
        assert await house.outcomes(told, 3) == ["handed_over", "delivered", "unknown"]
    finally:
        os.kill(house.service.pid, signal.SIGCONT)
    await house.message(owed, "delivered")
    # The gateway's receipt proves more than the sender's own record, which came too late.
    await house.message(told, "delivered", template="result_ready")
    assert await house.outcomes(owed, 3) == ["unknown", "handed_over", "delivered"]
    assert [len(house.arrivals(fact_id)) for fact_id in (owed_id, once_id)] == [2, 1]
