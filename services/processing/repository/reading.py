"""What officers and applicants read: worklists, one dossier, its public way."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from itertools import chain
from typing import Any, NamedTuple

import asyncpg

from services.processing.domain.cases import Ask, Case, Clock, Step
from services.processing.domain.worklists import Selection, Span
from services.processing.repository.halting import read_standing
from services.processing.repository.rows import CASE_COLUMNS, NOTHING_STANDS, STEP_COLUMNS, by_code, case_of, step_of
from shared.database import Connection, columns
from shared.rulebook.agencies import NOTHING_INHERITED, Inheritance

LINES = """json_agg(json_build_object(
        'step_no', step_no, 'step_code', step_code, 'move', move, 'action', action, 'agency', step_agency,
        'role', step_role, 'holder', holder, 'taken', taken
    ) order by step_no, action)"""

NARROWED = """(promised_due, code) > ($5, $6) and promised_due < $7
        and ($3::text[] is null or holder = any($3) or ($4 and holder is null))
        and ($8::text is null or clock = $8) and ($9::text is null or step_code = $9)"""

SHOWN = """d.code, c.state, c.version, c.procedure_code, c.case_code, c.area_code, c.promised_due, c.statutory_due,
    c.promised_paused_since as paused_since, d.clock, d.duties"""
"""The fields of a `WorklistRow`, in its order."""

WORKLIST = f"""
select {SHOWN}
from (
    select code, promised_due, min(clock) as clock, {LINES} as duties
    from duties
    where agency = $1 and role = $2 and {NARROWED}
    group by promised_due, code
    order by promised_due, code
    limit $10
) d join cases c on c.code = d.code
order by d.promised_due, d.code
"""  # noqa: S608 - texts of our own
"""By `duties_of_an_office`, whatever it is narrowed by: what does not fit is passed over before its dossier is looked
at, for comparisons are leakproof and come before the policies."""

WORKLIST_OF_AN_HEIR = f"""
select {SHOWN}
from (
    select code, promised_due, min(owed.clock) as clock, json_agg(owed.duties) as duties
    from unnest($1::text[], $11::boolean[]) as office (agency, divided) cross join lateral (
        select code, promised_due, min(clock) as clock, {LINES} as duties
        from duties
        where agency = office.agency and role = $2 and {NARROWED} and (
            not office.divided
            or (select c.area_code = any($12::text[]) from cases c where c.code = duties.code)
        )
        group by promised_due, code
        order by promised_due, code
        limit $10
    ) as owed
    group by promised_due, code
    order by promised_due, code
    limit $10
) d join cases c on c.code = d.code
order by d.promised_due, d.code
"""  # noqa: S608 - texts of our own
"""The same lists of several agencies, merged: a page of each is walked. Of one whose work was divided by area each line
costs a look at its dossier's area; nothing is added to those lists any more."""


class WorklistRow(NamedTuple):
    """One dossier on a worklist, with what may be done in it."""

    code: str
    state: int
    version: int
    procedure_code: str
    case_code: str
    area_code: str
    promised_due: datetime
    statutory_due: datetime
    paused_since: datetime | None
    clock: Clock
    duties: list[dict[str, Any]]


class Place(NamedTuple):
    """After which dossier of a worklist a page begins, and how many it has at most."""

    after: tuple[datetime, str]
    limit: int


async def worklist(
    tx: Connection,
    selected: Selection,
    span: Span,
    place: Place,
    step_code: str | None = None,
    *,
    inherited: Inheritance = NOTHING_INHERITED,
) -> list[WorklistRow]:
    """Read the dossiers of a worklist, most urgent first: of a span, waiting at a step where one is named.

    Of an agency with all for whose work it answers beside its own.
    """
    begins = max((span.begins, ""), place.after)
    narrowed = (selected.role, selected.holders, selected.free, *begins, span.ends, span.clock, step_code, place.limit)
    if inherited == NOTHING_INHERITED:
        return [_line(row, json.loads(row["duties"])) for row in await tx.fetch(WORKLIST, selected.agency, *narrowed)]
    offices = [(selected.agency, False), *((former.code, False) for former in inherited.whole)]
    offices += [(former.code, True) for former in inherited.divided]
    agencies, divided = columns(offices, 2)
    rows = await tx.fetch(WORKLIST_OF_AN_HEIR, agencies, *narrowed, divided, inherited.areas)
    return [_line(row, _merged(json.loads(row["duties"]))) for row in rows]


def _line(row: asyncpg.Record, duties: list[dict[str, Any]]) -> WorklistRow:
    *fields, clock, _ = row.values()
    return WorklistRow._make((*fields, Clock(clock), duties))


def _merged(lists: Iterable[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return sorted(chain.from_iterable(lists), key=lambda duty: (duty["step_no"], duty["action"]))


STEPS_OF = f"""
select code, {STEP_COLUMNS} from steps where code = any($1::text[]) order by code, step_no
"""  # noqa: S608 - fixed names


async def read_steps(tx: Connection, codes: Collection[str]) -> dict[str, tuple[Step, ...]]:
    """Read the steps of these dossiers, in order."""
    return {code: tuple(map(step_of, rows)) for code, rows in by_code(await tx.fetch(STEPS_OF, codes)).items()}


ASKS_OF = """
select code, ask_no, step_no, agency, agency_path, asked_by, asked_at, answered_by, answered_at
from asks where code = any($1::text[]) order by code, ask_no
"""


async def read_asks(tx: Connection, rows: Sequence[asyncpg.Record]) -> dict[str, tuple[Ask, ...]]:
    """Read what other agencies were asked in these dossiers, in order; few ask, and nothing is read for the others."""
    codes = [row["code"] for row in rows if row["ask_count"]]
    found = by_code(await tx.fetch(ASKS_OF, codes)) if codes else {}
    return {row["code"]: tuple(Ask(*list(ask)[1:]) for ask in found.get(row["code"], ())) for row in rows}


READ_HASH = """
select tracking_secret_hash from cases where code = $1
"""


async def tracking_secret_hash(tx: Connection, code: str) -> bytes | None:
    """Read the SHA-256 of a dossier's tracking secret; None for an unknown dossier."""
    found: bytes | None = await tx.fetchval(READ_HASH, code)
    return found


READ_CASE = f"""
select {CASE_COLUMNS} from cases c where c.code = $1
"""  # noqa: S608 - names of the dataclass's fields


async def read_case(tx: Connection, code: str) -> Case | None:
    """Read one dossier, whoever asks; None when it is unknown."""
    row = await tx.fetchrow(READ_CASE, code)
    if row is None:
        return None
    steps, asks, standing = await read_steps(tx, [code]), await read_asks(tx, [row]), await read_standing(tx, [row])
    return case_of(row, steps[code], asks[code], standing.get(code, NOTHING_STANDS))
