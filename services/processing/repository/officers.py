"""The register of officers: read from an entry on, and added to."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from shared.contracts.officers import EntryKind
from shared.database import Connection
from shared.rulebook.officers import Entry, Said

ENTRIES_AFTER = """
select no, kind, agency, officer, role, deputy, first_day, last_day, withdraws, recorded_at, recorded_by
from officer_entries where no > $1 order by no
"""


async def entries_after(tx: Connection, no: int) -> list[Entry]:
    """Read what was said after an entry."""
    return [_entry_of(row) for row in await tx.fetch(ENTRIES_AFTER, no)]


ADD_ENTRY = """
-- In turn: whoever has read an entry has read every one before it.
with turn as materialized (select pg_advisory_xact_lock(hashtext(current_schema() || '.officer_entries')))
insert into officer_entries (
    kind, agency, agency_path, officer, role, deputy, first_day, last_day, withdraws, recorded_at, recorded_by
)
select $1::text, $2::text, $3::text, $4::text, $5::text, $6::text, $7::date, $8::date, $9::bigint, $10::timestamptz,
    $11::text
from turn
returning no, kind, agency, officer, role, deputy, first_day, last_day, withdraws, recorded_at, recorded_by
"""


async def add_entry(tx: Connection, unit: tuple[str, str], said: Said, *, at: datetime, by: str) -> Entry:
    """Add what a leader said of his unit (code and path)."""
    row = await tx.fetchrow(
        ADD_ENTRY,
        *(
            said.kind,
            *unit,
            said.officer,
            said.role,
            said.deputy,
            said.first_day,
            said.last_day,
            said.withdraws,
            at,
            by,
        ),
    )
    assert row is not None  # noqa: S101 - an insert of one row returns it
    return _entry_of(row)


def _entry_of(row: asyncpg.Record) -> Entry:
    said = Said(
        EntryKind(row["kind"]),
        row["officer"],
        row["first_day"],
        row["last_day"],
        role=row["role"],
        deputy=row["deputy"],
        withdraws=row["withdraws"],
    )
    return Entry(row["no"], row["agency"], said, row["recorded_at"], row["recorded_by"])
