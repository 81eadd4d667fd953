"""Opening the cases of a whole wave of accepted dossiers: one insert for each table."""

from __future__ import annotations

from collections.abc import Sequence

from services.processing.domain.duties import duties
from services.processing.domain.opening import Opened
from services.processing.repository.clockwork import set_timers
from services.processing.repository.rows import CASE_FIELDS, duty_row
from shared.database import Connection, columns

INSERT_CASES = f"""
insert into cases ({", ".join(CASE_FIELDS)}, tracking_secret_hash, parts)
select {", ".join(CASE_FIELDS)}, tracking_secret_hash, string_to_array(parts, ',') from unnest(
    $1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::timestamptz[], $16::timestamptz[],
    $17::timestamptz[], $18::text[], $19::timestamptz[], $20::timestamptz[], $21::timestamptz[], $22::timestamptz[],
    $23::timestamptz[], $24::timestamptz[], $25::timestamptz[], $26::timestamptz[], $27::timestamptz[],
    $28::timestamptz[], $29::timestamptz[], $30::timestamptz[], $31::text[], $32::timestamptz[], $33::text[],
    $34::text[], $35::text[], $36::text[], $37::boolean[], $38::bytea[], $39::text[]
) as c ({", ".join(CASE_FIELDS)}, tracking_secret_hash, parts)
"""  # noqa: S608 - names of the dataclass's fields

INSERT_STEPS = """
insert into steps (
    code, step_no, step_code, move, agency, agency_path, officer_role, parallel_group, status, opened_at, completed_at,
    period
)
select * from unnest(
    $1::text[], $2::bigint[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::timestamptz[], $11::timestamptz[], $12::text[]
)
"""

INSERT_DUTIES = """
insert into duties (
    code, promised_due, step_no, action, agency, role, move, step_agency, step_role, holder, taken, step_code, clock
)
select * from unnest(
    $1::text[], $2::timestamptz[], $3::bigint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::boolean[], $12::text[], $13::text[]
)
"""


async def insert_cases(tx: Connection, opened: Sequence[Opened]) -> None:
    """Write new cases with their steps, duties and timers, in four statements however many they are."""
    cases = [
        (
            *(getattr(each.case, name) for name in CASE_FIELDS),
            *(each.tracking_secret_hash, ",".join(each.case.parts)),
        )
        for each in opened
    ]
    steps = [
        (
            *(each.case.code, step.no, step.code, step.move, step.agency, step.agency_path, step.role, step.group),
            *(step.status, step.opened_at, step.completed_at, step.period),
        )
        for each in opened
        for step in each.case.steps
    ]
    owed = [duty_row(each.case, duty) for each in opened for duty in duties(each.case)]
    await tx.execute(INSERT_CASES, *columns(cases, 39))
    await tx.execute(INSERT_STEPS, *columns(steps, 12))
    await tx.execute(INSERT_DUTIES, *columns(owed, 13))
    await set_timers(tx, [(each.case.code, timer) for each in opened for timer in each.timers])
