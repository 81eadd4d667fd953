"""Group commit: requests share transactions, and each has an outcome of its own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial

import asyncpg
import pytest

from shared.database import Connection, transaction
from shared.group_commit import MOST_AT_ONCE, Busy, GroupCommit
from tests.integration.messaging.house import House


@dataclass(frozen=True)
class Entry:
    subject: str
    seq: int = 1

    def needs(self) -> tuple[str]:
        return (self.subject,)


class Refused(Exception):
    """The outcome of an entry that may not be."""


class Unforeseen(Exception):
    """An error that ends the transaction."""


def _begin(house: House, _entries: Sequence[Entry]) -> AbstractAsyncContextManager[Connection]:
    return transaction(house.pool)


class Register:
    """Writes one row for each entry; remembers who was settled beside whom. Held rows are asked for as acts do."""

    def __init__(self, house: House) -> None:
        self.shared: list[list[Entry]] = []
        self.together: GroupCommit[Entry, int] = GroupCommit(partial(_begin, house), self.settle, needs=Entry.needs)

    async def settle(self, tx: Connection, entries: Sequence[Entry]) -> list[int | Exception]:
        self.shared.append(list(entries))
        wait = "" if len(entries) == 1 else "skip locked"
        await tx.execute("set local lock_timeout = 0")
        rows = await tx.fetch(
            f"select subject from effects where subject = any($1) and source = 'register' for update {wait}",
            [entry.subject for entry in entries],
        )
        free = {row["subject"] for row in rows}
        if any(entry.seq == 0 for entry in entries):
            raise Unforeseen
        outcomes: list[int | Exception] = []
        for entry in entries:
            if entry.subject not in free:
                outcomes.append(Busy())
            elif entry.seq < 0:
                outcomes.append(Refused())
            else:
                await tx.execute("insert into effects (subject, source, seq) values ($1, 'act', $2)", *_row(entry))
                outcomes.append(entry.seq)
        return outcomes


def _row(entry: Entry) -> tuple[str, int]:
    return entry.subject, entry.seq


@pytest.fixture
async def register(house: House) -> Register:
    subjects = [f"S{number}" for number in range(2 * MOST_AT_ONCE)]
    await house.pool.execute(
        "insert into effects (subject, source, seq) select unnest($1::text[]), 'register', 0", subjects
    )
    return Register(house)


async def acts(house: House) -> list[tuple[str, int]]:
    rows = await house.pool.fetch("select subject, seq from effects where source = 'act' order by ordinal")
    return [(row["subject"], row["seq"]) for row in rows]


async def test_who_comes_alone_waits_for_nobody_and_who_comes_meanwhile_shares_the_next_transaction(
    house: House, register: Register
) -> None:
    entries = [Entry(f"S{number}", number + 1) for number in range(MOST_AT_ONCE + 5)]
    assert await asyncio.gather(*map(register.together, entries)) == [entry.seq for entry in entries]
    assert [len(shared) for shared in register.shared] == [MOST_AT_ONCE, 5]
    await register.together(Entry("S0", 100))
    assert register.shared[-1] == [Entry("S0", 100)]
    assert len(await acts(house)) == len(entries) + 1


async def test_two_that_need_the_same_are_never_settled_together_and_keep_their_order(
    house: House, register: Register
) -> None:
    entries = [Entry("S1", 1), Entry("S2", 1), Entry("S1", 2), Entry("S1", 3), Entry("S3", 1)]
    await asyncio.gather(*map(register.together, entries))
    assert register.shared == [
        [Entry("S1", 1), Entry("S2", 1), Entry("S3", 1)],
        [Entry("S1", 2)],
        [Entry("S1", 3)],
    ]
    assert [seq for subject, seq in await acts(house) if subject == "S1"] == [1, 2, 3]


async def test_a_refusal_is_the_outcome_of_one(house: House, register: Register) -> None:
    entries = [Entry("S1", 1), Entry("S2", -1), Entry("S3", 1)]
    told = await asyncio.gather(*map(register.together, entries), return_exceptions=True)
    assert [type(outcome) for outcome in told] == [int, Refused, int]
    assert await acts(house) == [("S1", 1), ("S3", 1)]
    assert len(register.shared) == 1


async def test_an_error_that_only_one_may_have_caused_is_only_his(house: House, register: Register) -> None:
    entries = [Entry("S1", 1), Entry("S2", 0), Entry("S3", 1)]
    told = await asyncio.gather(*map(register.together, entries), return_exceptions=True)
    assert [type(outcome) for outcome in told] == [int, Unforeseen, int]
    assert sorted(await acts(house)) == [("S1", 1), ("S3", 1)]
    assert sorted(map(len, register.shared)) == [1, 1, 1, 3]


async def test_who_needs_what_somebody_holds_waits_alone(house: House, register: Register) -> None:
    async with transaction(house.pool) as tx:
        await tx.execute("set local idle_in_transaction_session_timeout = 0")
        await tx.execute("select from effects where subject = 'S2' for update")
        held = asyncio.create_task(register.together(Entry("S2")))
        beside = asyncio.gather(*map(register.together, [Entry("S1"), Entry("S3")]))
        assert await beside == [1, 1]
        assert not held.done()
        assert await asyncio.gather(*map(register.together, [Entry("S4"), Entry("S5")])) == [1, 1]
        assert not held.done()
    assert await held == 1
    assert [subject for subject, _ in await acts(house)][-1] == "S2"


async def test_a_lost_database_is_everybodys(house: House, register: Register) -> None:
    async def end_the_session(tx: Connection, entries: Sequence[Entry]) -> list[int | Exception]:
        register.shared.append(list(entries))
        await tx.execute("select pg_terminate_backend(pg_backend_pid())")
        raise AssertionError

    together: GroupCommit[Entry, int] = GroupCommit(partial(_begin, house), end_the_session, needs=Entry.needs)
    told = await asyncio.gather(*map(together, [Entry("S1"), Entry("S2")]), return_exceptions=True)
    assert all(isinstance(outcome, asyncpg.PostgresError | asyncpg.InterfaceError) for outcome in told)
    assert len(register.shared) == 1
