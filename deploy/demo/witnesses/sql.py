"""The third witness: the year counted from processing's own moments, by SQL that shares no code with metrics.

No table of processing holds a total: what was late is worked out here from when a dossier was received, when it was
promised, since when that stands still, and when it was finished (C6, C11, C15). Only of a late finish that was taken
back does processing keep the moment (`finished_late_at`): reopening makes nothing punctual, and the year reopens none.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TypeAlias

import asyncpg

from deploy.demo.report import Witness
from deploy.demo.witnesses.ledger import Told

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

COUNT_YEAR = """
select
    count(*) as received,
    count(*) filter (where finished_at <= promised_due and finished_late_at is null) as resolved_on_time,
    count(*) filter (where finished_at is not null and (finished_at > promised_due or finished_late_at is not null))
        as resolved_late,
    count(*) filter (where state in (3, 7, 8)) as closed_without_result,
    count(*) filter (
        where finished_at is null and state not in (3, 7, 8)
            and (promised_due >= $1 or promised_paused_since is not null)
    ) as in_progress_within_limit,
    count(*) filter (
        where finished_at is null and state not in (3, 7, 8) and promised_due < $1 and promised_paused_since is null
    ) as in_progress_overdue,
    count(apologised_at) as apologies_published
from processing.cases
where accepted_at <= $1
"""

HELD = {
    "intake": """
        select code, statutory_due, promised_due, competent_agency from intake.dossiers where accepted_at is not null
    """,
    "processing": "select code, statutory_due, promised_due, competent_agency from processing.cases",
    "notification": "select code from notification.dossiers",
    "metrics": "select code from metrics.dossiers",
}
"""What each service holds of a dossier that the client was told too; two of them know no more than its code."""


async def sql_of(connection: Connection, closes_at: datetime) -> Witness:
    """Count the year as it stood at `closes_at` (legal time)."""
    row = await connection.fetchrow(COUNT_YEAR, closes_at)
    found = {name: int(number) for name, number in (row or {}).items()}
    resolved = found["resolved_on_time"] + found["resolved_late"] + found["closed_without_result"]
    in_progress = found["in_progress_within_limit"] + found["in_progress_overdue"]
    return Witness("sql", {**found, "resolved": resolved, "in_progress": in_progress})


async def held_by_code(connection: Connection) -> Mapping[str, Mapping[str, Told | None]]:
    """Service → code → what it holds of the acknowledged answer; None where it knows the code only."""
    return {
        service: {code: (told[0], told[1], told[2]) if told else None for code, *told in await connection.fetch(query)}
        for service, query in HELD.items()
    }
