"""Timers that have fallen due: whole batches are claimed, fired and spent with a handful of statements."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from services.processing.domain.duties import duties
from services.processing.domain.workflow import Decision
from services.processing.repository.acting import Locked, timer_of
from services.processing.repository.rows import CASE_COLUMNS, STEP_COLUMNS, by_code, case_of, columns, step_of
from shared.database import Connection

# Cases are locked, never timers: an act holds its case first, so neither waits for the other in a circle.
CLAIM_DUE = f"""
with due as (
    select code, min(fires_at) as fires_at from timers where fires_at <= $1 group by code order by 2 limit $2
)
select {CASE_COLUMNS} from cases c join due on due.code = c.code for update of c skip locked
"""  # noqa: S608 - names of the dataclass's fields

STEPS_OF = f"""
select code, {STEP_COLUMNS} from steps where code = any($1::text[]) order by code, step_no
"""  # noqa: S608 - fixed names

TIMERS_OF = """
select code, kind, due_at from timers where code = any($1::text[]) and fires_at <= $2
"""


async def claim_due(tx: Connection, now: datetime, limit: int) -> list[Locked]:
    """Lock the cases whose timers have been due longest, leaving out those that somebody is acting on just now."""
    rows = await tx.fetch(CLAIM_DUE, now, limit)
    codes = [row["code"] for row in rows]
    steps = by_code(await tx.fetch(STEPS_OF, codes)) if codes else {}
    timers = by_code(await tx.fetch(TIMERS_OF, codes, now)) if codes else {}
    return [
        Locked(
            case_of(row, tuple(map(step_of, steps[row["code"]]))),
            tuple(map(timer_of, timers[row["code"]])),
        )
        for row in rows
    ]


SAVE_FIRED = """
with spent as (
    delete from timers using unnest($1::text[], $2::text[]) as t (code, kind)
    where timers.code = t.code and timers.kind = t.kind
), drafted as (
    update cases set draft_opened_at = d.opened_at
    from unnest($3::text[], $4::timestamptz[]) as d (code, opened_at) where cases.code = d.code
)
insert into duties (code, promised_due, step_no, action, agency, role, move, step_agency, step_role, holder, taken)
select * from unnest(
    $5::text[], $6::timestamptz[], $7::bigint[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
    $13::text[], $14::text[], $15::boolean[]
)
on conflict (code, step_no, action) do nothing
"""


async def save_fired(tx: Connection, fired: Sequence[tuple[Locked, Decision]]) -> None:
    """Spend the timers of these cases and write what they changed: drafts of apologies, and who owes them."""
    spent = [(locked.case.code, timer.kind) for locked, _ in fired for timer in locked.due_timers]
    drafts = [
        (decision.after.code, decision.after.draft_opened_at)
        for _, decision in fired
        if decision.after.draft_opened_at != decision.before.draft_opened_at
    ]
    owed = [
        (
            *(decision.after.code, decision.after.promised_due, duty.step_no, duty.action, duty.agency, duty.role),
            *(duty.move, duty.step_agency, duty.step_role, duty.holder, duty.taken),
        )
        for _, decision in fired
        if decision.after is not decision.before
        for duty in set(duties(decision.after)) - set(duties(decision.before))
    ]
    await tx.execute(SAVE_FIRED, *columns(spent, 2), *columns(drafts, 2), *columns(owed, 11))


COUNT_DUE = """
select count(*) from timers where fires_at <= $1
"""


async def count_due(tx: Connection, now: datetime) -> int:
    """Count the timers that have fallen due and not fired."""
    return int(await tx.fetchval(COUNT_DUE, now))
