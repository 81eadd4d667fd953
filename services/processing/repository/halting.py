"""What stopped the clocks of dossiers, and further supplements that wait for a leader."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import fields
from typing import Any

import asyncpg

from services.processing.domain.cases import Case
from services.processing.domain.halts import Halt, Proposal
from services.processing.repository.rows import Standing, by_code
from shared.contracts.facts import State
from shared.database import Connection, columns
from shared.rulebook.pauses import PauseKind

HALTS_OF = """
select code, halt_no, kind, begins_at, came_from, agency, officer, basis, step_no, ends_at, limit_at, limit_reached,
    papers, missing, amount_vnd, ended_by, first_limit_at, limit_calendar
from halts where code = any($1::text[]) order by code, halt_no
"""

HALT_FIELDS = tuple(field.name for field in fields(Halt))
"""In the order of the columns, after the dossier's code."""

PROPOSALS_OF = """
select code, papers, agency, officer, proposed_at from proposals where code = any($1::text[])
"""


async def read_standing(tx: Connection, rows: Iterable[asyncpg.Record]) -> dict[str, Standing]:
    """Read the pauses of these dossiers, in order, and what is proposed; nothing is read for those that have none."""
    codes = [row["code"] for row in rows if row["halt_count"]]
    if not codes:
        return {}
    halts = by_code(await tx.fetch(HALTS_OF, codes))
    proposals = {row["code"]: _proposal_of(row) for row in await tx.fetch(PROPOSALS_OF, codes)}
    return {code: Standing(tuple(map(_halt_of, halts.get(code, ()))), proposals.get(code)) for code in codes}


def _halt_of(row: asyncpg.Record) -> Halt:
    values: dict[str, Any] = dict(zip(HALT_FIELDS, list(row)[1:], strict=True))
    typed = {"kind": PauseKind(row["kind"]), "came_from": State(row["came_from"])}
    listed = {name: tuple(row[name]) for name in ("papers", "missing")}
    return Halt(**{**values, **typed, **listed})


def _proposal_of(row: asyncpg.Record) -> Proposal:
    return Proposal(tuple(row["papers"]), row["agency"], row["officer"], row["proposed_at"])


SAVE_HALTS = """
insert into halts (
    code, halt_no, kind, begins_at, came_from, agency, officer, basis, step_no, ends_at, limit_at, limit_reached,
    papers, missing, amount_vnd, ended_by, first_limit_at, limit_calendar
)
select code, halt_no, kind, begins_at, came_from, agency, officer, basis, step_no, ends_at, limit_at, limit_reached,
    string_to_array(papers, ','), string_to_array(missing, ','), amount_vnd, ended_by, first_limit_at, limit_calendar
from unnest(
    $1::text[], $2::bigint[], $3::text[], $4::timestamptz[], $5::bigint[], $6::text[], $7::text[], $8::text[],
    $9::bigint[], $10::timestamptz[], $11::timestamptz[], $12::boolean[], $13::text[], $14::text[], $15::bigint[],
    $16::text[], $17::timestamptz[], $18::text[]
) as h (
    code, halt_no, kind, begins_at, came_from, agency, officer, basis, step_no, ends_at, limit_at, limit_reached,
    papers, missing, amount_vnd, ended_by, first_limit_at, limit_calendar
)
on conflict (code, halt_no) do update set
    ends_at = excluded.ends_at, limit_reached = excluded.limit_reached, missing = excluded.missing,
    ended_by = excluded.ended_by, limit_at = excluded.limit_at, first_limit_at = excluded.first_limit_at,
    limit_calendar = excluded.limit_calendar
"""

SAVE_PROPOSALS = """
with decided as (
    delete from proposals where code = any($5::text[])
)
insert into proposals (code, papers, agency, officer, proposed_at)
select code, string_to_array(papers, ','), agency, officer, proposed_at
from unnest($1::text[], $2::text[], $3::text[], $4::text[], $6::timestamptz[])
    as p (code, papers, agency, officer, proposed_at)
on conflict (code) do update set papers = excluded.papers, agency = excluded.agency, officer = excluded.officer,
    proposed_at = excluded.proposed_at
"""


async def save_standing(tx: Connection, changes: Sequence[tuple[Case, Case]]) -> None:
    """Write pauses that began, changed or ended, and proposals made or decided; each case before and after."""
    halts = [
        _halt_row(after.code, halt)
        for before, after in changes
        if after.halts is not before.halts
        for halt in after.halts
        if halt not in before.halts
    ]
    if halts:
        await tx.execute(SAVE_HALTS, *columns(halts, 18))
    proposed = [after for before, after in changes if after.proposal is not before.proposal]
    if proposed:
        await _save_proposals(tx, proposed)


async def _save_proposals(tx: Connection, cases: Collection[Case]) -> None:
    rows = [
        (case.code, ",".join(each.papers), each.agency, each.officer, each.proposed_at)
        for case in cases
        if (each := case.proposal) is not None
    ]
    codes, papers, agencies, officers, moments = columns(rows, 5)
    decided = [case.code for case in cases if case.proposal is None]
    await tx.execute(SAVE_PROPOSALS, codes, papers, agencies, officers, decided, moments)


def _halt_row(code: str, halt: Halt) -> tuple[object, ...]:
    return (
        *(code, halt.no, halt.kind, halt.begins_at, halt.came_from, halt.agency, halt.officer, halt.basis),
        *(halt.step_no, halt.ends_at, halt.limit_at, halt.limit_reached, ",".join(halt.papers)),
        *(",".join(halt.missing), halt.amount_vnd, halt.ended_by, halt.first_limit_at, halt.limit_calendar),
    )
