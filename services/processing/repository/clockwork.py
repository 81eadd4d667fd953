"""Timers that have fallen due: whole batches are fired and spent with one statement."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.processing.domain.duties import duties
from services.processing.domain.timers import Timer
from services.processing.domain.workflow import Decision
from services.processing.repository.halting import save_standing
from services.processing.repository.locking import Locked
from services.processing.repository.rows import duty_row
from shared.database import Connection, columns

INSERT_TIMERS = """
insert into timers (code, kind, due_at, fires_at)
select * from unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[])
"""


async def set_timers(tx: Connection, timers: Sequence[tuple[str, Timer]]) -> None:
    """Set timers of dossiers that have none of their kind."""
    rows = [(code, timer.kind, timer.due_at, timer.fires_at) for code, timer in timers]
    await tx.execute(INSERT_TIMERS, *columns(rows, 4))


SAVE_FIRED = """
with spent as (
    delete from timers using unnest($1::text[], $2::text[]) as t (code, kind)
    where timers.code = t.code and timers.kind = t.kind
), warned as (
    update cases set draft_opened_at = d.opened_at, half_time_at = d.half_time_at
    from unnest($3::text[], $4::timestamptz[], $5::timestamptz[]) as d (code, opened_at, half_time_at)
    where cases.code = d.code
)
insert into duties (
    code, promised_due, step_no, action, agency, role, move, step_agency, step_role, holder, taken, step_code, clock
)
select * from unnest(
    $6::text[], $7::timestamptz[], $8::bigint[], $9::text[], $10::text[], $11::text[], $12::text[], $13::text[],
    $14::text[], $15::text[], $16::boolean[], $17::text[], $18::text[]
)
on conflict (code, step_no, action, agency) do nothing
"""


async def save_fired(tx: Connection, fired: Sequence[tuple[Locked, Decision]]) -> None:
    """Spend the timers of these cases and write what they changed: warnings, drafts of apologies, and who owes what."""
    spent = [(locked.case.code, timer.kind) for locked, _ in fired for timer in locked.due_timers]
    warned = [
        (after.code, after.draft_opened_at, after.half_time_at)
        for before, after in ((decision.before, decision.after) for _, decision in fired)
        if (after.draft_opened_at, after.half_time_at) != (before.draft_opened_at, before.half_time_at)
    ]
    owed = [
        duty_row(decision.after, duty)
        for _, decision in fired
        if decision.after is not decision.before
        for duty in set(duties(decision.after)) - set(duties(decision.before))
    ]
    await tx.execute(SAVE_FIRED, *columns(spent, 2), *columns(warned, 3), *columns(owed, 13))
    await save_standing(tx, [(decision.before, decision.after) for _, decision in fired])


COUNT_DUE = """
select count(*) from timers where fires_at <= $1
"""


async def count_due(tx: Connection, now: datetime) -> int:
    """Count the timers that have fallen due and not fired."""
    return int(await tx.fetchval(COUNT_DUE, now))
