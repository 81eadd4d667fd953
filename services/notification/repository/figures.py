"""SQL of what is shown: notices of a dossier, figures, what still waits."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from shared.database import Connection

VISIBLE = """
select exists (
    select from dossiers
    where code = $1 and (
        (received_path || '@' || area_code) ^@ any ($2::text[])
        or (competent_path || '@' || area_code) ^@ any ($2::text[])
    )
)
"""


async def is_visible(tx: Connection, code: str, paths: Sequence[str]) -> bool:
    """Tell whether a dossier is known here that a subtree under one of these paths received or decides."""
    return bool(await tx.fetchval(VISIBLE, code, paths))


class ToldNotice(NamedTuple):
    """One message of a notice, or a notice without any. Moments are legal time."""

    fact_id: UUID
    template: str
    asked_at: datetime
    channel: str | None
    language: str | None
    state: str
    reason: str | None
    attempts: int
    changed_at: datetime


NOTICES_OF = """
select n.fact_id, n.template, n.asked_at, m.channel, m.language,
    case
        when m.state is not null then m.state
        when n.state = 'awaiting_contact' and n.wait_until <= $1 then 'unreachable'
        else n.state
    end as state,
    m.reason, coalesce(m.attempts, 0) as attempts, coalesce(m.changed_at, n.asked_at) as changed_at
from notices as n
left join messages as m using (fact_id)
where n.code = $2
order by n.asked_at, n.fact_id, m.channel
"""


async def notices_of(tx: Connection, code: str, now: datetime) -> list[ToldNotice]:
    """Read all notices of a dossier, oldest first; `now` is machine time, as in all of this module."""
    return [ToldNotice(*row) for row in await tx.fetch(NOTICES_OF, now, code)]


WAITING = """
select (select count(*) from messages where wake_at is not null)
    + (select count(*) from notices where state = 'awaiting_contact' and wait_until > $1)
"""

SUMMARY = f"""
select
    (select count(*) from messages) + (select count(*) from notices where state <> 'addressed') as requested,
    (select count(*) from messages where handed_over_at is not null) as handed_over,
    (select count(*) from messages where state = 'delivered') as delivered,
    (select count(*) from messages where state = 'unknown') as unknown,
    (select count(*) from messages where state = 'failed') as failed,
    (select count(*) from notices where state <> 'addressed' and not (state = 'awaiting_contact' and wait_until > $1))
        as unreachable,
    ({WAITING}) as waiting
"""  # noqa: S608 - a statement of our own inside another


async def summarise(tx: Connection, now: datetime) -> Mapping[str, int]:
    """Count messages by what became of them; a notice without messages counts as one that was requested."""
    return dict(await tx.fetchrow(SUMMARY, now) or {})


async def count_waiting(tx: Connection, now: datetime) -> int:
    """Count what is queued, in work, to be tried again, or waiting for its contact."""
    return int(await tx.fetchval(WAITING, now))


MOMENTS_TOLD = """
select distinct n.code, (n.parameters ->> $2)::timestamptz as moment
from notices n join messages m on m.fact_id = n.fact_id
where n.code = any($1::text[]) and n.parameters ? $2 and m.handed_over_at is not null
"""


async def read_moments_told(tx: Connection, codes: Collection[str], name: str) -> list[tuple[str, datetime]]:
    """Read which moments of this name, `promised_due` or `limit_at`, went out to the applicants of these dossiers."""
    return [(row["code"], row["moment"]) for row in await tx.fetch(MOMENTS_TOLD, codes, name)]
