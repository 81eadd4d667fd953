"""An officer's act: the case under its row lock, and one statement that writes everything it changes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from services.processing.domain.cases import Case
from services.processing.domain.duties import Duty, duties
from services.processing.domain.timers import Timer, TimerKind
from services.processing.domain.workflow import Decision
from services.processing.repository.rows import CASE_COLUMNS, STEP_COLUMNS, VISIBLE, case_of, columns, step_of
from shared.database import Connection
from shared.rulebook.calendar import local

LOCK_CASE = f"""
select {CASE_COLUMNS}, (select min(fires_at) from timers where code = $1) as next_timer
from cases c where c.code = $1 and {VISIBLE} for update
"""  # noqa: S608 - names of the dataclass's fields

# A statement of its own: after a wait for the lock, a join would see the case new and the steps old.
READ_STEPS = f"""
select {STEP_COLUMNS} from steps where code = $1 order by step_no
"""  # noqa: S608 - fixed names

DUE_TIMERS = """
select kind, due_at from timers where code = $1 and fires_at <= $2
"""


@dataclass(frozen=True, slots=True)
class Locked:
    """A case that nobody else changes until the transaction ends, and the timers that have fallen due unfired."""

    case: Case
    due_timers: tuple[Timer, ...]


async def lock_case(
    tx: Connection, code: str, path: str, now: Callable[[], datetime]
) -> tuple[Locked, datetime] | None:
    """Lock and read one case, and the legal time at which it was ours; None when it is unknown or none of theirs.

    The clock is read under the lock: an act that had to wait for the timers, or for another officer, is no earlier.
    """
    row = await tx.fetchrow(LOCK_CASE, code, path)
    if row is None:
        return None
    steps = tuple(map(step_of, await tx.fetch(READ_STEPS, code)))
    moment = now()
    timers: tuple[Timer, ...] = ()
    if row["next_timer"] is not None and row["next_timer"] <= moment:
        found = await tx.fetch(DUE_TIMERS, code, moment)
        timers = tuple(map(timer_of, found))
    return Locked(case_of(row, steps), timers), moment


def timer_of(row: asyncpg.Record) -> Timer:
    """Read a timer."""
    return Timer(TimerKind(row["kind"]), local(row["due_at"]))


DRAW_NUMBER = """
insert into registers as register (agency, year, last_number) values ($1, $2, 1)
on conflict (agency, year) do update set last_number = register.last_number + 1
returning last_number
"""


async def draw_number(tx: Connection, agency: str, year: int) -> int:
    """Draw the next number of an agency's register; a transaction that is rolled back gives it back."""
    return int(await tx.fetchval(DRAW_NUMBER, agency, year))


SAVE_ACT = """
with moved as (
    update cases set state = $2, version = $3, result_number = $4, finished_at = $5, handed_over_at = $6,
        apologised_at = $7, reappointed_to = $8
    where code = $1
), stepped as (
    update steps set agency = s.agency, agency_path = s.agency_path, status = s.status, holder = s.holder,
        taken = s.taken, opened_at = s.opened_at, completed_at = s.completed_at
    from unnest(
        $9::bigint[], $10::text[], $11::text[], $12::text[], $13::text[], $14::boolean[], $15::timestamptz[],
        $16::timestamptz[]
    ) as s (step_no, agency, agency_path, status, holder, taken, opened_at, completed_at)
    where steps.code = $1 and steps.step_no = s.step_no
), settled as (
    delete from duties using unnest($17::bigint[], $18::text[]) as d (step_no, action)
    where duties.code = $1 and duties.step_no = d.step_no and duties.action = d.action
), owed as (
    insert into duties (
        code, promised_due, step_no, action, agency, role, move, step_agency, step_role, holder, taken
    )
    select $1, $19, d.* from unnest(
        $20::bigint[], $21::text[], $22::text[], $23::text[], $24::text[], $25::text[], $26::text[], $27::text[],
        $28::boolean[]
    ) as d
    on conflict (code, step_no, action) do update set holder = excluded.holder, taken = excluded.taken
)
delete from timers where code = $1 and $29
"""


async def save_act(tx: Connection, decision: Decision) -> tuple[Duty, ...]:
    """Write what an act changed, in one statement; answer what is owed now. Finishing ends the dossier's timers."""
    case = decision.after
    changed = [
        (
            step.no,
            step.agency,
            step.agency_path,
            step.status,
            step.holder,
            step.taken,
            step.opened_at,
            step.completed_at,
        )
        for step, before in zip(case.steps, decision.before.steps, strict=True)
        if step is not before
    ]
    owed_before, owed = duties(decision.before), duties(case)
    kept = {(duty.step_no, duty.action) for duty in owed}
    settled = [(duty.step_no, duty.action) for duty in owed_before if (duty.step_no, duty.action) not in kept]
    new = [
        (
            *(duty.step_no, duty.action, duty.agency, duty.role, duty.move),
            *(duty.step_agency, duty.step_role, duty.holder, duty.taken),
        )
        for duty in owed
        if duty not in owed_before
    ]
    await tx.execute(
        SAVE_ACT,
        *(case.code, case.state, case.version, case.result_number, case.finished_at, case.handed_over_at),
        *(case.apologised_at, case.reappointed_to),
        *columns(changed, 8),
        *columns(settled, 2),
        case.promised_due,
        *columns(new, 9),
        decision.ends_the_clock,
    )
    return owed
