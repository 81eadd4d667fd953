"""All SQL of metrics: moments of dossiers, daily counters, places and the lease of the exporter."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from services.metrics.domain.figures import Dossier, NoticeOutcome, NoticeTally, Reopening, Tally
from services.metrics.domain.report import Counted, CountRow, NoticeRow, OverdueRow, Period, Place
from services.metrics.domain.totals import Totals
from shared.contracts.facts import Channel
from shared.database import Connection, columns
from shared.rulebook.agencies import Agency
from shared.rulebook.calendar import ZONE
from shared.rulebook.figures import Figure

_LOAD_DOSSIERS = """
    select code, place, received_path, field, accepted_at, promised_due, finished_at, apologised_at, restated, paused,
        closed_at, backdated, (
            select array_agg(row(figure, finished_at, reopened_at) order by reopening_no)
            from reopenings where reopenings.code = dossiers.code
        ) as reopenings, (
            select array_agg(requested_at order by request_no)
            from repeated_supplements where repeated_supplements.code = dossiers.code
        ) as repeated_supplements
    from dossiers
    where code = any($1::text[])
    order by code
    for update
"""


async def load_dossiers(tx: Connection, codes: Iterable[str]) -> dict[str, Dossier]:
    """Read and lock the moments of these dossiers; a dossier that is not known yet is not among them."""
    rows = await tx.fetch(_LOAD_DOSSIERS, list(codes))
    return {row["code"]: _dossier(row) for row in rows}


def _dossier(row: asyncpg.Record) -> Dossier:
    repeated = tuple(row["repeated_supplements"] or ())
    return Dossier(**{**row, "reopenings": _reopenings(row["reopenings"]), "repeated_supplements": repeated})


def _reopenings(found: Iterable[Sequence[Any]] | None) -> tuple[Reopening, ...]:
    return tuple(Reopening(Figure(figure), finished, reopened) for figure, finished, reopened in found or ())


_SAVE_DOSSIERS = """
    insert into dossiers (
        code, place, received_path, field, accepted_at, promised_due, finished_at, apologised_at, restated, paused,
        closed_at, backdated
    )
    select * from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::timestamptz[], $7::timestamptz[],
        $8::timestamptz[], $9::boolean[], $10::boolean[], $11::timestamptz[], $12::boolean[]
    )
    on conflict (code) do update set
        place = excluded.place,
        received_path = excluded.received_path,
        field = excluded.field,
        accepted_at = excluded.accepted_at,
        promised_due = excluded.promised_due,
        finished_at = excluded.finished_at,
        apologised_at = excluded.apologised_at,
        restated = excluded.restated,
        paused = excluded.paused,
        closed_at = excluded.closed_at,
        backdated = excluded.backdated
"""


async def save_dossiers(tx: Connection, dossiers: Sequence[Dossier]) -> None:
    """Write the moments of these dossiers, each at most once."""
    rows = [
        (
            *(each.code, each.place, each.received_path, each.field, each.accepted_at, each.promised_due),
            *(each.finished_at, each.apologised_at, each.restated, each.paused, each.closed_at),
            each.backdated,
        )
        for each in dossiers
    ]
    await tx.execute(_SAVE_DOSSIERS, *columns(rows, 12))


_SAVE_REOPENINGS = """
    insert into reopenings (code, reopening_no, figure, finished_at, reopened_at)
    select * from unnest($1::text[], $2::bigint[], $3::text[], $4::timestamptz[], $5::timestamptz[])
    on conflict (code, reopening_no) do nothing
"""


async def save_reopenings(tx: Connection, dossiers: Sequence[Dossier]) -> None:
    """Write which finishes of these dossiers were taken back; one that is written never changes."""
    rows = [(dossier.code, no, *each) for dossier in dossiers for no, each in enumerate(dossier.reopenings, 1)]
    if rows:
        await tx.execute(_SAVE_REOPENINGS, *columns(rows, 5))


_SAVE_REPEATED = """
    insert into repeated_supplements (code, request_no, requested_at)
    select * from unnest($1::text[], $2::bigint[], $3::timestamptz[])
    on conflict (code, request_no) do nothing
"""


async def save_repeated_supplements(tx: Connection, dossiers: Sequence[Dossier]) -> None:
    """Write when papers were asked for again; what is written never changes."""
    rows = [(dossier.code, no, at) for dossier in dossiers for no, at in enumerate(dossier.repeated_supplements, 1)]
    if rows:
        await tx.execute(_SAVE_REPEATED, *columns(rows, 3))


_ADD_COUNTS = """
    with turn as materialized (select pg_advisory_xact_lock(hashtext(current_schema() || '.daily_counters')))
    insert into daily_counters as counters (day, place, field, figure, number)
    select added.* from turn, unnest($1::date[], $2::text[], $3::text[], $4::text[], $5::bigint[]) as added
    on conflict (day, place, field, figure) do update set number = counters.number + excluded.number
"""


async def add_counts(tx: Connection, added: Mapping[Tally, int]) -> None:
    """Add to the daily counters.

    Batches of several partitions meet in the same rows in no common order: they take turns, so none can deadlock.
    """
    rows = [(*tally, number) for tally, number in added.items() if number]
    if rows:
        await tx.execute(_ADD_COUNTS, *columns(rows, 5))


_ADD_NOTICES = """
    with turn as materialized (select pg_advisory_xact_lock(hashtext(current_schema() || '.daily_counters')))
    insert into daily_notices as counters (day, place, channel, outcome, number)
    select added.* from turn, unnest($1::date[], $2::text[], $3::text[], $4::text[], $5::bigint[]) as added
    on conflict (day, place, channel, outcome) do update set number = counters.number + excluded.number
"""


async def add_notices(tx: Connection, added: Mapping[NoticeTally, int]) -> None:
    """Add to the daily notice counters; batches take turns as in `add_counts`."""
    await tx.execute(_ADD_NOTICES, *columns([(*tally, number) for tally, number in added.items()], 5))


_CLAIM_PLACE_VERSION = """
    insert into place_versions (version) values ($1) on conflict do nothing returning version
"""
_SAVE_PLACES = """
    insert into places (code, path, name_vi, name_en, sort_key, receives, valid_from, valid_to)
    select * from unnest(
        $1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::boolean[], $7::date[], $8::date[]
    )
    on conflict (code) do update set
        path = excluded.path,
        name_vi = excluded.name_vi,
        name_en = excluded.name_en,
        sort_key = excluded.sort_key,
        receives = excluded.receives,
        valid_from = excluded.valid_from,
        valid_to = excluded.valid_to
"""


async def save_places(
    tx: Connection, version: str, agencies: Sequence[Agency], sort_keys: Mapping[str, str], receiving: set[str]
) -> None:
    """Keep the agencies of one version, once; `sort_keys` and `receiving` go by code."""
    if await tx.fetchval(_CLAIM_PLACE_VERSION, version) is None:
        return
    await tx.execute(
        _SAVE_PLACES,
        [agency.code for agency in agencies],
        [agency.path for agency in agencies],
        [agency.name_vi for agency in agencies],
        [agency.name_en for agency in agencies],
        [sort_keys[agency.code] for agency in agencies],
        [agency.code in receiving for agency in agencies],
        [agency.valid_from for agency in agencies],
        [agency.valid_to for agency in agencies],
    )


_ONE_SNAPSHOT = """
    set transaction isolation level repeatable read, read only
"""
_COUNTS = """
    select place, field, figure,
        coalesce(sum(number) filter (where day < $2), 0)::bigint as before,
        coalesce(sum(number) filter (where day >= $2), 0)::bigint as within
    from daily_counters
    where place in (select code from places where starts_with(path, $1)) and day <= $3
    group by place, field, figure
"""
_TAKEN_BACK = """
    select place, field, figure,
        -count(*) filter (where finished_on < $2) as before,
        -count(*) filter (where finished_on >= $2) as within
    from (
        select d.place, d.field, r.figure,
            (r.finished_at at time zone $4)::date as finished_on,
            (r.reopened_at at time zone $4)::date as reopened_on
        from reopenings r join dossiers d on d.code = r.code
        where starts_with(d.received_path, $1) and d.accepted_at is not null
    ) as reopened
    where reopened_on <= $3
    group by place, field, figure
"""
_OVERDUE = """
    select place, field, count(*) as overdue
    from dossiers
    where starts_with(received_path, $1) and accepted_at <= $2 and promised_due < $2
        and (finished_at is null or finished_at > $2) and (closed_at is null or closed_at > $2)
        and not exists (
            select from reopenings r where r.code = dossiers.code and r.finished_at <= $2 and r.reopened_at > $2
        )
    group by place, field
"""
_NOTICES = """
    select channel, outcome, sum(number)::bigint as number
    from daily_notices
    where place in (select code from places where starts_with(path, $1)) and day between $2 and $3
    group by channel, outcome
"""
_PLACES = """
    select code, path, name_vi, name_en, sort_key
    from places
    where starts_with(path, $1) and receives and valid_from <= $3 and coalesce(valid_to >= $2, true)
"""


async def count(tx: Connection, path: str, period: Period, as_of: datetime) -> Counted:
    """Read what was counted under an agency's path in a period, all in one snapshot of the database.

    The transaction must be new: this sets its isolation.
    """
    await tx.execute(_ONE_SNAPSHOT)
    counts = await tx.fetch(_COUNTS, path, period.first, period.last)
    counts += await tx.fetch(_TAKEN_BACK, path, period.first, period.last, ZONE.key)
    overdue = await tx.fetch(_OVERDUE, path, as_of)
    notices = await tx.fetch(_NOTICES, path, period.first, period.last)
    places = await tx.fetch(_PLACES, path, period.first, period.last)
    return Counted(
        places=[Place(**row) for row in places],
        counts=[CountRow(**{**row, "figure": Figure(row["figure"])}) for row in counts],
        overdue=[OverdueRow(**row) for row in overdue],
        notices=[NoticeRow(Channel(row["channel"]), NoticeOutcome(row["outcome"]), row["number"]) for row in notices],
    )


_TAKE_LEASE = """
    insert into export_leases as lease (name, holder, expires_at) values ('domain figures', $1, $2)
    on conflict (name) do update set holder = excluded.holder, expires_at = excluded.expires_at
    where lease.holder = excluded.holder or lease.expires_at <= $3
    returning holder
"""


async def take_lease(tx: Connection, holder: str, expires_at: datetime, now: datetime) -> bool:
    """Take or renew the lease of the domain figures (the database's clock); False while another process holds it."""
    return await tx.fetchval(_TAKE_LEASE, holder, expires_at, now) is not None


_LEAVE_LEASE = """
    delete from export_leases where name = 'domain figures' and holder = $1
"""


async def leave_lease(tx: Connection, holder: str) -> None:
    """Give the lease up, if it is ours: the next process exports at once."""
    await tx.execute(_LEAVE_LEASE, holder)


_TOTALS = """
    select field, figure, sum(number)::bigint as number from daily_counters group by field, figure
"""
_OVERDUE_BY_FIELD = """
    select field, count(*) as overdue
    from dossiers
    where accepted_at is not null and finished_at is null and closed_at is null and promised_due < $1
    group by field
"""
_NOTICE_TOTALS = """
    select channel, outcome, sum(number)::bigint as number from daily_notices group by channel, outcome
"""


async def totals(tx: Connection, now: datetime) -> Totals:
    """Read what Prometheus is shown: everything ever counted, and what is overdue at the legal `now`; one snapshot."""
    await tx.execute(_ONE_SNAPSHOT)
    counts = await tx.fetch(_TOTALS)
    overdue = await tx.fetch(_OVERDUE_BY_FIELD, now)
    notices = await tx.fetch(_NOTICE_TOTALS)
    return Totals.of(
        [(row["field"], Figure(row["figure"]), row["number"]) for row in counts],
        [(row["field"], row["overdue"]) for row in overdue],
        [NoticeRow(Channel(row["channel"]), NoticeOutcome(row["outcome"]), row["number"]) for row in notices],
    )
