"""Parked facts tried again on real servers: rehearsed, refused whole, applied whole, and never beside the consumer."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import asyncpg
import pytest

from shared.contracts.facts import StepTaken
from shared.database import Connection, transaction
from shared.messaging.batch import Subscription
from shared.messaging.envelope import Received
from shared.messaging.faults import Unready
from shared.messaging.parking import list_parked
from shared.messaging.replay import Outcome, Replayed, drop_undecodable, relay_again, replay
from tests.integration.messaging.house import SMALL, House, Sending, record_effects, running
from tests.integration.messaging.test_relay import all_sent
from tests.waiting import until

AT = datetime(2026, 1, 2, tzinfo=UTC)
BUG = "LookupError: no such step"


class Mendable:
    """Fails for the facts in `bad`, (subject, sequence), until somebody takes them out."""

    def __init__(self, *bad: tuple[str, int]) -> None:
        self.bad = set(bad)

    async def __call__(self, tx: Connection, facts: Sequence[Received]) -> None:
        await record_effects(tx, facts)
        if self.bad & {(fact.subject, fact.seq) for fact in facts}:
            raise LookupError("no such step")


async def everything(house: House) -> list[Any]:
    """Cursors, effects and the parking table, whole."""
    tables = {"cursors": "subject, source", "effects": "ordinal", "parked": "id"}
    return [await house.pool.fetch(f"select * from {table} order by {order}") for table, order in tables.items()]


@asynccontextmanager
async def parked(house: House, handler: Any, facts: int, *sendings: Sending) -> AsyncIterator[Subscription]:
    """A running consumer that has parked so many of these facts."""
    subscription = house.subscription(handler)
    async with running(house.consumer(subscription=subscription)):
        await house.publish(*sendings)

        async def waiting() -> bool:
            return await house.count("parked") == facts

        await until(waiting)
        yield subscription


def told(found: list[Replayed]) -> list[tuple[str, int, Outcome, str]]:
    return [(one.source, one.seq, one.outcome, one.reason) for one in found]


BAD = [Sending("bad", 1), Sending("bad", 2), Sending("bad", 3), Sending("bad", 1, source="processing")]


async def test_a_replay_that_fails_changes_nothing_and_one_that_succeeds_applies_all_in_order(house: House) -> None:
    handler = Mendable(("bad", 2))
    async with parked(house, handler, 3, *BAD) as subscription:
        before = await everything(house)
        for apply in (False, True):
            found = await replay(house.pool, subscription, "bad", apply=apply)
            assert told(found) == [
                ("intake", 2, Outcome.FAILS, BUG),
                ("intake", 3, Outcome.BEHIND, ""),
                ("processing", 1, Outcome.BEHIND, ""),
            ]
        assert await everything(house) == before
        handler.bad.clear()
        rehearsed = await replay(house.pool, subscription, "bad", apply=False)
        assert {one.outcome for one in rehearsed} == {Outcome.APPLIED}
        assert await everything(house) == before
        assert await replay(house.pool, subscription, "bad", apply=True) == rehearsed
        assert await house.parked() == []
        await house.publish(Sending("bad", 4), Sending("bad", 2, source="processing"))
        await house.until_effects(6)
    rows = await house.pool.fetch("select source, seq from effects order by ordinal")
    assert [tuple(row) for row in rows[:4]] == [("intake", 1), ("intake", 2), ("intake", 3), ("processing", 1)]
    assert await house.effects() == {("bad", "intake"): [1, 2, 3, 4], ("bad", "processing"): [1, 2]}


async def test_a_second_poison_behind_the_first_keeps_all_where_it_is(house: House) -> None:
    handler = Mendable(("bad", 2), ("bad", 3))
    async with parked(house, handler, 3, *BAD) as subscription:
        handler.bad.remove(("bad", 2))
        before = await everything(house)
        found = await replay(house.pool, subscription, "bad", apply=True)
        assert [one.outcome for one in found] == [Outcome.APPLIED, Outcome.FAILS, Outcome.BEHIND]
        assert await everything(house) == before


async def test_bodies_that_do_not_fit_and_rules_that_are_missing_still_fail(house: House) -> None:
    async def lacking(tx: Connection, facts: Sequence[Received]) -> None:
        raise Unready("catalogue-9 is not published")

    async with parked(house, record_effects, 2, Sending("torn", 1, value=b"{"), Sending("torn", 2)) as subscription:
        found = await replay(house.pool, subscription, "torn", apply=True)
    assert [one.outcome for one in found] == [Outcome.FAILS, Outcome.BEHIND]
    assert found[0].reason.startswith("the body does not fit its type")
    async with parked(house, Mendable(("bad", 1)), 3, Sending("bad", 1)) as subscription:
        unready = replace(subscription, handlers={StepTaken.TYPE: lacking})
        [one] = await replay(house.pool, unready, "bad", apply=True)
    assert (one.outcome, one.reason) == (Outcome.FAILS, "Unready: catalogue-9 is not published")
    assert await house.effects() == {}


async def test_what_follows_after_a_gap_waits_on_and_comes_by_itself(house: House) -> None:
    handler = Mendable(("bad", 1))
    async with parked(house, handler, 2, Sending("bad", 1), Sending("bad", 4)) as subscription:
        handler.bad.clear()
        found = await replay(house.pool, subscription, "bad", apply=True)
        assert [one.outcome for one in found] == [Outcome.APPLIED, Outcome.GAP]
        assert await house.parked() == [("gap", "bad", 4)]
        await house.publish(Sending("bad", 2), Sending("bad", 3))
        await house.until_effects(4)
    assert await house.effects() == {("bad", "intake"): [1, 2, 3, 4]}
    assert await house.parked() == []


async def test_two_replays_at_once_have_one_effect(house: House) -> None:
    handler = Mendable(("bad", 2))
    async with parked(house, handler, 3, *BAD) as subscription:
        handler.bad.clear()
        both = [replay(house.pool, subscription, "bad", apply=True) for _ in range(2)]
        found = await asyncio.gather(*both)
    assert sorted(map(len, found)) == [0, 3]
    assert await house.effects() == {("bad", "intake"): [1, 2, 3], ("bad", "processing"): [1]}


WAITS_FOR_A_ROW = """
select count(*) from pg_stat_activity
where wait_event_type = 'Lock' and query like '%from parked%for share%' and application_name = $1
"""


async def test_a_fact_that_comes_while_its_dossier_is_replayed_is_not_parked_behind_nothing(house: House) -> None:
    handler, inside, go_on = Mendable(("bad", 1)), asyncio.Event(), asyncio.Event()

    async def slow(tx: Connection, facts: Sequence[Received]) -> None:
        await tx.execute("set local idle_in_transaction_session_timeout = 0")
        inside.set()
        await go_on.wait()
        await record_effects(tx, facts)

    async def consumer_waits() -> bool:
        return bool(await house.pool.fetchval(WAITS_FOR_A_ROW, f"motcua-{house.schema}"))

    async with parked(house, handler, 1, Sending("bad", 1)) as subscription:
        handler.bad.clear()
        held = replace(subscription, handlers={StepTaken.TYPE: slow})
        replaying = asyncio.create_task(replay(house.pool, held, "bad", apply=True))
        await inside.wait()
        await house.publish(Sending("bad", 1, source="processing"))
        await until(consumer_waits)
        go_on.set()
        assert [one.outcome for one in await replaying] == [Outcome.APPLIED]
        await house.until_effects(2)
    assert await house.effects() == {("bad", "intake"): [1], ("bad", "processing"): [1]}
    assert await house.parked() == []


async def test_what_no_broker_took_goes_to_the_relay_again(house: House) -> None:
    narrow = replace(SMALL, largest_fact_bytes=100)
    await house.append(house.draft("long", 1), house.draft("long", 2))
    async with running(house.relay(tuning=narrow)):

        async def refused() -> bool:
            return await house.parked() == [("unpublishable", "long", 1)]

        await until(refused)
    async with running(house.relay(), house.consumer()):
        for apply, left in ((False, 1), (True, 0)):
            async with transaction(house.pool) as tx:
                [one] = await relay_again(tx, "long", apply=apply)
            assert (one.seq, one.outcome) == (1, Outcome.RELAYED)
            assert await house.count("parked") == left
        await house.until_effects(2)
        await all_sent(house)
    assert await house.effects() == {("long", "intake"): [1, 2]}


async def test_bytes_are_dropped_with_a_reason_that_stays_and_facts_are_not(house: House) -> None:
    partition, offset = await house.publish_bytes(b"key", b"no fact", [])
    async with parked(house, Mendable(("bad", 1)), 2, Sending("bad", 1)):
        async with transaction(house.pool) as tx:
            rows = {row.kind.value: row.id for row in await list_parked(tx)}
            assert not await drop_undecodable(tx, rows["poison"], AT, by="operator", why="tired of it")
            assert await drop_undecodable(tx, rows["undecodable"], AT, by="operator", why="a trial record")
            assert not await drop_undecodable(tx, rows["undecodable"], AT, by="operator", why="a trial record")
        assert await house.parked() == [("poison", "bad", 1)]
    row = await house.pool.fetchrow("select * from dropped")
    assert row is not None
    assert (row["partition"], row["offset"], row["value"]) == (partition, offset, b"no fact")
    assert (row["dropped_at"], row["dropped_by"], row["why"]) == (AT, "operator", "a trial record")
    for change in ("update dropped set why = 'x'", "delete from dropped"):
        with pytest.raises(asyncpg.RestrictViolationError, match="never changed"):
            await house.pool.execute(change)
