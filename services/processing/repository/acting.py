"""What officers' acts change: one statement writes it for every dossier of a batch; registers of results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from services.processing.domain.cases import Step
from services.processing.domain.duties import Duty, duties
from services.processing.domain.workflow import Decision
from services.processing.repository.rows import duty_row, stays_text
from shared.database import Connection, columns

DRAW_NUMBERS = """
insert into registers as register (agency, year, last_number)
select agency, $3, wanted from unnest($1::text[], $2::bigint[]) as w (agency, wanted) order by agency
on conflict (agency, year) do update set last_number = register.last_number + excluded.last_number
returning agency, last_number
"""


async def draw_numbers(tx: Connection, wanted: Mapping[str, int], year: int) -> dict[str, Iterator[int]]:
    """Draw the next so many numbers of each agency's register; a transaction that is rolled back gives them back."""
    rows = await tx.fetch(DRAW_NUMBERS, list(wanted), list(wanted.values()), year)
    lasts = {row["agency"]: row["last_number"] for row in rows}
    return {agency: iter(range(lasts[agency] - count + 1, lasts[agency] + 1)) for agency, count in wanted.items()}


SAVE_ACTS = """
with moved as (
    update cases set state = m.state, version = m.version, result_number = m.result_number,
        finished_at = m.finished_at, handed_over_at = m.handed_over_at, apologised_at = m.apologised_at,
        reappointed_to = m.reappointed_to, parts = string_to_array(m.parts, ',')
    from unnest(
        $1::text[], $2::smallint[], $3::bigint[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
        $8::timestamptz[], $9::text[]
    ) as m (
        code, state, version, result_number, finished_at, handed_over_at, apologised_at, reappointed_to, parts
    )
    where cases.code = m.code
), stepped as (
    update steps set agency = s.agency, agency_path = s.agency_path, status = s.status, holder = s.holder,
        taken = s.taken, opened_at = s.opened_at, completed_at = s.completed_at, earlier = s.earlier::tstzmultirange
    from unnest(
        $10::text[], $11::bigint[], $12::text[], $13::text[], $14::text[], $15::text[], $16::boolean[],
        $17::timestamptz[], $18::timestamptz[], $19::text[]
    ) as s (code, step_no, agency, agency_path, status, holder, taken, opened_at, completed_at, earlier)
    where steps.code = s.code and steps.step_no = s.step_no
), settled as (
    delete from duties using unnest($20::text[], $21::bigint[], $22::text[]) as d (code, step_no, action)
    where duties.code = d.code and duties.step_no = d.step_no and duties.action = d.action
), owed as (
    insert into duties (
        code, promised_due, step_no, action, agency, role, move, step_agency, step_role, holder, taken
    )
    select * from unnest(
        $23::text[], $24::timestamptz[], $25::bigint[], $26::text[], $27::text[], $28::text[], $29::text[], $30::text[],
        $31::text[], $32::text[], $33::boolean[]
    )
    on conflict (code, step_no, action) do update set holder = excluded.holder, taken = excluded.taken
)
delete from timers where code = any($34::text[])
"""


async def save_acts(tx: Connection, decisions: Sequence[Decision]) -> list[tuple[Duty, ...]]:
    """Write what acts changed, each in another dossier; answer what is owed now in each. Finishing ends the timers."""
    moved, stepped, settled, new, owed = [], [], [], [], []
    for decision in decisions:
        case = decision.after
        owed_before, owed_now = duties(decision.before), duties(case)
        kept = {(duty.step_no, duty.action) for duty in owed_now}
        moved.append(
            (
                *(case.code, case.state, case.version, case.result_number, case.finished_at, case.handed_over_at),
                *(case.apologised_at, case.reappointed_to, ",".join(case.parts)),
            )
        )
        stepped += [
            _step_row(case.code, step)
            for step, before in zip(case.steps, decision.before.steps, strict=True)
            if step is not before
        ]
        settled += [
            (case.code, duty.step_no, duty.action) for duty in owed_before if (duty.step_no, duty.action) not in kept
        ]
        new += [duty_row(case, duty) for duty in owed_now if duty not in owed_before]
        owed.append(owed_now)
    ended = [decision.after.code for decision in decisions if decision.ends_the_clock]
    rows = (*columns(moved, 9), *columns(stepped, 10), *columns(settled, 3), *columns(new, 11))
    await tx.execute(SAVE_ACTS, *rows, ended)
    return owed


def _step_row(code: str, step: Step) -> tuple[object, ...]:
    return (
        *(code, step.no, step.agency, step.agency_path, step.status, step.holder, step.taken, step.opened_at),
        *(step.completed_at, stays_text(step)),
    )
