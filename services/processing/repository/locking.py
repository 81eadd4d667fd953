"""Cases that nobody else changes until the transaction ends: those that acts name, or those whose timers are due.

Cases are locked, never steps or timers: acts and timers hold their case first, so neither waits for the other in a
circle.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.processing.domain.cases import Case
from services.processing.domain.timers import Timer, TimerKind
from services.processing.repository.halting import read_standing
from services.processing.repository.reading import read_asks, read_steps
from services.processing.repository.rows import CASE_COLUMNS, NOTHING_STANDS, by_code, case_of
from shared.database import Connection
from shared.rulebook.calendar import local

LOCK_NAMED = f"""
select {CASE_COLUMNS}, (
    -- The fence keeps the planner from walking the timers of all cases in their order.
    select min(fires_at) from (select fires_at from timers where timers.code = c.code offset 0) as fence
) as next_timer
from cases c
where c.code = any($1::text[])
order by c.code
for update
"""  # noqa: S608 - names of the dataclass's fields

LOCK_NAMED_AND_FREE = f"{LOCK_NAMED} skip locked"

LOCK_DUE = f"""
with due as (
    select code, min(fires_at) as next_timer from timers where fires_at <= $1 group by code order by 2 limit $2
)
select {CASE_COLUMNS}, due.next_timer
from cases c join due on due.code = c.code
for update of c skip locked
"""  # noqa: S608 - names of the dataclass's fields

DUE_TIMERS_OF = """
select code, kind, due_at from timers where code = any($1::text[]) and fires_at <= $2
"""


@dataclass(frozen=True, slots=True)
class Locked:
    """A case under its row lock, and the timers that have fallen due unfired."""

    case: Case
    due_timers: tuple[Timer, ...]


async def lock_named(
    tx: Connection, codes: Collection[str], now: Callable[[], datetime]
) -> tuple[Mapping[str, Locked], datetime]:
    """Lock and read the cases of these codes, and answer the legal time at which they were ours.

    Missing is a code that is unknown and, of several, one that somebody else holds: only for a single one it waits.

    The clock is read under the locks: an act that had to wait for the timers, or for another officer, is no earlier.
    """
    rows = await tx.fetch(LOCK_NAMED if len(codes) == 1 else LOCK_NAMED_AND_FREE, codes)
    moment = now()
    return {locked.case.code: locked for locked in await _read(tx, rows, moment)}, moment


async def lock_known(tx: Connection, codes: Collection[str], now: datetime) -> Mapping[str, Locked]:
    """Lock and read those of these dossiers that are known here, however long somebody else holds one."""
    return {locked.case.code: locked for locked in await _read(tx, await tx.fetch(LOCK_NAMED, codes), now)}


async def lock_due(tx: Connection, now: datetime, limit: int) -> Sequence[Locked]:
    """Lock the cases whose timers have been due longest, leaving out those that somebody is acting on just now."""
    return await _read(tx, await tx.fetch(LOCK_DUE, now, limit), now)


async def _read(tx: Connection, rows: Sequence[asyncpg.Record], now: datetime) -> list[Locked]:
    if not rows:
        return []
    # A statement of its own: after a wait for the lock, a join would see the case new and the steps old.
    steps, asks = await read_steps(tx, [row["code"] for row in rows]), await read_asks(tx, rows)
    standing = await read_standing(tx, rows)
    late = [row["code"] for row in rows if row["next_timer"] is not None and row["next_timer"] <= now]
    timers = by_code(await tx.fetch(DUE_TIMERS_OF, late, now)) if late else {}
    return [
        Locked(
            case_of(row, steps[row["code"]], asks[row["code"]], standing.get(row["code"], NOTHING_STANDS)),
            tuple(map(_timer_of, timers.get(row["code"], ()))),
        )
        for row in rows
    ]


def _timer_of(row: asyncpg.Record) -> Timer:
    return Timer(TimerKind(row["kind"]), local(row["due_at"]))
