"""SQL of accepted dossiers with their papers, of the numbers of the day, and of the audit of reads."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from services.intake.domain.acceptance import Acceptance
from services.intake.domain.filing import Filing
from shared.contracts.facts import Channel
from shared.database import Connection, columns
from shared.rulebook.identifiers import DossierCode

NEXT_NUMBERS = """
insert into day_numbers (place, day, last_number)
select place, $3, wanted from unnest($1::text[], $2::integer[]) as w (place, wanted) order by place
on conflict (place, day) do update set last_number = day_numbers.last_number + excluded.last_number
returning place, last_number
"""


async def next_numbers(tx: Connection, wanted: Mapping[str, int], day: date) -> dict[str, Iterator[int]]:
    """Take the next so many numbers of each place for a day; others at these places wait until the transaction ends.

    A transaction that rolls back gives its numbers back, so there are no gaps.
    """
    rows = await tx.fetch(NEXT_NUMBERS, list(wanted), list(wanted.values()), day)
    lasts = {row["place"]: row["last_number"] for row in rows}
    return {place: iter(range(lasts[place] - count + 1, lasts[place] + 1)) for place, count in wanted.items()}


@dataclass(frozen=True)
class SealedPeople:
    """People as they are stored: ciphertext, the blind indexes, and which key-encryption key is above."""

    people: bytes
    citizen_index: bytes
    phone_index: bytes | None
    key_id: str


ADD_DOSSIERS = """
with paper as (
    insert into papers (code, paper_code, originals, certified, photocopies)
    select * from unnest($27::text[], $28::text[], $29::integer[], $30::integer[], $31::integer[])
)
insert into dossiers (
    code, place, day, number, procedure_code, case_code, area_code, catalogue_version, calendar_version,
    agencies_version, received_path, competent_agency, competent_path, step_paths, accepted_by, accepted_at,
    limit_kind, statutory_due, promised_due, fee_vnd, language, channels, key_id, people, citizen_index, phone_index
)
select code, place, day, number, procedure_code, case_code, area_code, catalogue_version, calendar_version,
    agencies_version, received_path, competent_agency, competent_path, string_to_array(step_paths, ','), accepted_by,
    accepted_at, limit_kind, statutory_due, promised_due, fee_vnd, language, string_to_array(channels, ','), key_id,
    people, citizen_index, phone_index
from unnest(
    $1::text[], $2::text[], $3::date[], $4::integer[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::timestamptz[], $17::text[],
    $18::timestamptz[], $19::timestamptz[], $20::bigint[], $21::text[], $22::text[], $23::text[], $24::bytea[],
    $25::bytea[], $26::bytea[]
) as d (
    code, place, day, number, procedure_code, case_code, area_code, catalogue_version, calendar_version,
    agencies_version, received_path, competent_agency, competent_path, step_paths, accepted_by, accepted_at,
    limit_kind, statutory_due, promised_due, fee_vnd, language, channels, key_id, people, citizen_index, phone_index
)
"""


@dataclass(frozen=True, slots=True)
class NewDossier:
    """A dossier to be stored: what was decided, what was handed in to which officer, and its sealed people."""

    code: DossierCode
    acceptance: Acceptance
    filing: Filing
    channels: tuple[Channel, ...]
    officer: str
    sealed: SealedPeople


async def add_dossiers(tx: Connection, dossiers: Sequence[NewDossier]) -> None:
    """Store dossiers and the papers that came with them, by one statement."""
    rows = columns(map(_row, dossiers), 26)
    papers = columns((row for dossier in dossiers for row in _paper_rows(dossier)), 5)
    await tx.execute(ADD_DOSSIERS, *rows, *papers)


def _paper_rows(dossier: NewDossier) -> Iterator[tuple[Any, ...]]:
    for paper in dossier.filing.papers:
        yield str(dossier.code), paper.paper_code, paper.originals, paper.certified, paper.photocopies


def _row(dossier: NewDossier) -> tuple[Any, ...]:
    code, acceptance, filing, sealed = dossier.code, dossier.acceptance, dossier.filing, dossier.sealed
    case, rules = acceptance.case, acceptance.rules
    return (
        *(str(code), code.place, code.day, code.number, case.procedure_code, case.case_code, filing.area_code),
        *(rules.catalogue.version, rules.calendar.version, rules.agencies.version, acceptance.place.path),
        *(acceptance.competent.code, acceptance.competent.path, ",".join(acceptance.step_paths), dossier.officer),
        *(acceptance.accepted_at, case.limit_kind, acceptance.statutory_due, acceptance.promised_due, case.fee_vnd),
        *(filing.language, ",".join(dossier.channels), sealed.key_id, sealed.people, sealed.citizen_index),
        sealed.phone_index,
    )


@dataclass(frozen=True)
class StoredDossier:
    """A dossier as it was accepted; `people` is still sealed."""

    code: str
    place: str
    procedure_code: str
    case_code: str
    area_code: str
    catalogue_version: str
    calendar_version: str
    agencies_version: str
    competent_agency: str
    accepted_at: datetime
    limit_kind: str
    statutory_due: datetime
    promised_due: datetime
    fee_vnd: int
    language: str
    channels: Sequence[str]
    people: bytes
    closed_at: datetime | None
    papers: Sequence[dict[str, Any]]


_READ = """
select d.code, d.place, d.procedure_code, d.case_code, d.area_code, d.catalogue_version, d.calendar_version,
    d.agencies_version, d.competent_agency, d.accepted_at, d.limit_kind, d.statutory_due, d.promised_due, d.fee_vnd,
    d.language, d.channels, d.people, d.closed_at,
    coalesce((
        select json_agg(row_to_json(p)) from (
            select paper_code, originals, certified, photocopies from papers where code = d.code order by paper_code
        ) as p
    ), '[]') as papers
from dossiers as d
"""

READ_VISIBLE_DOSSIER = f"""
{_READ} where d.accepted_at is not null and d.code = $1 and (
    (d.received_path || '@' || d.area_code) ^@ any ($2::text[])
    or (d.competent_path || '@' || d.area_code) ^@ any ($2::text[])
    or exists (
        select from unnest(d.step_paths) as step (path) where (step.path || '@' || d.area_code) ^@ any ($2::text[])
    )
)
"""


async def read_visible_dossier(tx: Connection, code: str, paths: Sequence[str]) -> StoredDossier | None:
    """Read an accepted dossier if a subtree under one of these paths received it, decides it or has a step of it."""
    row = await tx.fetchrow(READ_VISIBLE_DOSSIER, code, paths)
    return None if row is None else StoredDossier(**{**row, "papers": json.loads(row["papers"])})


READ_PEOPLE = """
select people from dossiers where code = $1
"""


async def read_people(tx: Connection, code: str) -> bytes | None:
    """Read the sealed people of any dossier, accepted or not; for callers that see all (services)."""
    found: bytes | None = await tx.fetchval(READ_PEOPLE, code)
    return found


@dataclass(frozen=True)
class Reader:
    """Who reads, as what, and for what purpose."""

    subject: str
    role: str
    agency: str
    purpose: str


ADD_READ = """
insert into reads (code, subject, role, agency, purpose, read_at, trace_id) values ($1, $2, $3, $4, $5, $6, $7)
"""


async def add_read(tx: Connection, code: str, reader: Reader, *, read_at: datetime, trace_id: str) -> None:
    """Write down that somebody read a dossier; `read_at` is machine time."""
    await tx.execute(ADD_READ, code, reader.subject, reader.role, reader.agency, reader.purpose, read_at, trace_id)
