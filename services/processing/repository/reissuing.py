"""Dossiers that have not followed a calendar version yet, and what it moves in them."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

from services.processing.domain.cases import Case
from services.processing.domain.duties import duties
from services.processing.domain.reissuing import Checked, Fate
from services.processing.domain.timers import Alarms, TimerKind
from services.processing.repository.clockwork import set_timers
from services.processing.repository.halting import read_standing, save_standing
from services.processing.repository.reading import read_asks, read_steps
from services.processing.repository.rows import CASE_COLUMNS, NOTHING_STANDS, case_of
from shared.database import Connection, columns

DECIDED_AFTER_A_LIMIT = frozenset({"refuse_after_limit", "stop_unpaid"})
"""What is owed only once the applicant's own limit has passed."""

_BEHIND = f"""
select {CASE_COLUMNS}, array(select kind from timers where timers.code = c.code offset 0) as unfired
from cases c
"""  # noqa: S608 - names of the dataclass's fields

LOCK_BEHIND = f"""{_BEHIND}
where c.calendar_followed = any($1::text[]) and c.finished_at is null
order by c.calendar_followed, c.promised_due
limit $2
for update of c skip locked
"""

LOCK_BEHIND_NAMED = f"""{_BEHIND}
where c.code = any($1::text[]) and c.calendar_followed = any($2::text[]) and c.finished_at is null
order by c.code
for update of c
"""

READ_OPEN = f"""{_BEHIND}
where c.finished_at is null
order by c.code
"""


@dataclass(frozen=True, slots=True)
class Behind:
    """A dossier that follows an older calendar version, and its timers that have not fired."""

    case: Case
    unfired: frozenset[TimerKind]


async def lock_behind(tx: Connection, older: Collection[str], limit: int) -> list[Behind]:
    """Lock dossiers that follow one of these versions, leaving out those that somebody is acting on just now."""
    return await _read(tx, await tx.fetch(LOCK_BEHIND, older, limit))


async def lock_behind_named(tx: Connection, codes: Collection[str], older: Collection[str]) -> list[Behind]:
    """Lock those of these dossiers that follow one of these versions."""
    return await _read(tx, await tx.fetch(LOCK_BEHIND_NAMED, codes, older))


async def read_open(tx: Connection) -> list[Behind]:
    """Read every dossier that is not finished, by code; without its steps, for who only looks at its clock."""
    rows = await tx.fetch(READ_OPEN)
    standing = await read_standing(tx, rows)
    return [_behind(row, case_of(row, (), (), standing.get(row["code"], NOTHING_STANDS))) for row in rows]


async def _read(tx: Connection, rows: Sequence[asyncpg.Record]) -> list[Behind]:
    if not rows:
        return []
    steps, asks = await read_steps(tx, [row["code"] for row in rows]), await read_asks(tx, rows)
    standing = await read_standing(tx, rows)
    return [
        _behind(row, case_of(row, steps[code], asks[code], standing.get(code, NOTHING_STANDS)))
        for code, row in ((row["code"], row) for row in rows)
    ]


def _behind(row: asyncpg.Record, case: Case) -> Behind:
    return Behind(case, frozenset(map(TimerKind, row["unfired"])))


NOT_FOLLOWING = """
select count(*) from cases where finished_at is null and calendar_followed <> $1
"""


async def count_behind(tx: Connection, version: str) -> int:
    """Count the dossiers that are not finished and follow another calendar version."""
    return int(await tx.fetchval(NOT_FOLLOWING, version))


RECKONED_BY = """
select code from cases where code = any($1::text[]) and $2 in (calendar_version, statutory_calendar)
union
select code from halts where code = any($1::text[]) and limit_calendar = $2
"""


async def reckoned_by(tx: Connection, codes: Collection[str], version: str) -> frozenset[str]:
    """Find those of these dossiers of which a due moment, or the applicant's own limit, goes by a calendar version."""
    return frozenset(row["code"] for row in await tx.fetch(RECKONED_BY, codes, version))


FOLLOW = """
update cases set calendar_followed = f.version
from unnest($1::text[], $2::text[]) as f (code, version) where cases.code = f.code
"""

MOVE = """
with moved as (
    update cases set statutory_due = m.statutory_due, promised_due = m.promised_due,
        calendar_version = m.calendar_version, statutory_calendar = m.statutory_calendar,
        draft_opened_at = m.draft_opened_at
    from unnest($1::text[], $2::timestamptz[], $3::timestamptz[], $4::text[], $5::text[], $6::timestamptz[]) as m (
        code, statutory_due, promised_due, calendar_version, statutory_calendar, draft_opened_at
    )
    where cases.code = m.code
), owed as (
    update duties set promised_due = m.promised_due
    from unnest($1::text[], $3::timestamptz[]) as m (code, promised_due)
    where duties.code = m.code and not (duties.code = any($7::text[]) and duties.action = 'send_apology')
)
delete from duties where code = any($7::text[]) and action = 'send_apology'
"""

SETTLE = """
delete from duties using unnest($1::text[], $2::text[]) as d (code, action)
where duties.code = d.code and duties.step_no = 0 and duties.action = d.action
"""

DROP_TIMERS = """
delete from timers using unnest($1::text[], $2::text[]) as t (code, kind)
where timers.code = t.code and timers.kind = t.kind
"""


async def save_checked(tx: Connection, checked: Sequence[Checked], alarms: Mapping[str, Alarms]) -> None:
    """Write which version these dossiers follow now; of those that moved, the dates and all that goes by them.

    `alarms` are the timers that are dropped and set anew, by the code of their dossier.
    """
    await tx.execute(FOLLOW, *columns([(each.after.code, each.after.calendar_followed) for each in checked], 2))
    if moved := [each for each in checked if each.fate is Fate.MOVED]:
        await _save_dates(tx, moved)
    if limited := [each for each in checked if each.limit is not None]:
        await _save_limits(tx, limited)
    if dropped := [(code, kind) for code, each in alarms.items() for kind in each.dropped]:
        await tx.execute(DROP_TIMERS, *columns(dropped, 2))
    if fresh := [(code, timer) for code, each in alarms.items() for timer in each.set]:
        await set_timers(tx, fresh)


async def _save_dates(tx: Connection, moved: Sequence[Checked]) -> None:
    rows = [
        (
            *(after.code, after.statutory_due, after.promised_due),
            *(after.calendar_version, after.statutory_calendar, after.draft_opened_at),
        )
        for after in (each.after for each in moved)
    ]
    discarded = [each.after.code for each in moved if each.before.draft_is_open and not each.after.draft_is_open]
    await tx.execute(MOVE, *columns(rows, 6), discarded)


async def _save_limits(tx: Connection, limited: Sequence[Checked]) -> None:
    """Write the applicants' own limits; where the passing of one was told already, nobody has to decide on it yet."""
    await save_standing(tx, [(each.before, each.after) for each in limited])
    settled = [
        (each.after.code, duty.action)
        for each in limited
        for duty in set(duties(each.before)) - set(duties(each.after))
        if duty.action in DECIDED_AFTER_A_LIMIT
    ]
    if settled:
        await tx.execute(SETTLE, *columns(settled, 2))
