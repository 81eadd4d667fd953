"""The relay's tables: leases on shards, the queue of unsent facts, and the facts that no broker takes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

import asyncpg

from shared.database import Connection
from shared.messaging.journal import SHARDS

HOLD = """
insert into relay_leases as lease (shard, holder, epoch, expires_at)
select shard, $1, 1, clock_timestamp() + $3 from unnest($2::smallint[]) as s (shard) order by shard
on conflict (shard) do update
set holder = excluded.holder,
    expires_at = excluded.expires_at,
    epoch = lease.epoch + case when lease.holder = excluded.holder then 0 else 1 end
where lease.holder = excluded.holder or lease.expires_at < clock_timestamp()
returning shard
"""


async def hold_shards(tx: Connection, holder: str, lease: timedelta) -> list[int]:
    """Take every shard that is free, renew those held already; answers the shards now held."""
    return [row["shard"] for row in await tx.fetch(HOLD, holder, list(range(SHARDS)), lease)]


RELEASE = """
update relay_leases set expires_at = clock_timestamp()
where shard in (select shard from relay_leases where holder = $1 order by shard for update)
"""
"""Locked in the order in which others lock them who want to hold them."""


async def release_shards(tx: Connection, holder: str) -> None:
    """Give all shards back, so that another relay goes on at once."""
    await tx.execute(RELEASE, holder)


PENDING = """
with pending as (
    select u.ordinal, u.topic, u.subject, u.seq, u.recorded_at
    from unsent as u
    where u.shard = any (array(select shard from relay_leases where holder = $1 and expires_at > clock_timestamp()))
        and u.topic <> all($3::text[])
        -- A scalar subquery: of `not exists` the planner makes a join over the whole queue, each time anew.
        and (
            select true from parked as p
            where p.kind = 'unpublishable' and p.topic = u.topic and p.subject = u.subject limit 1
        ) is null
    order by u.ordinal
    limit $2
)
select pending.ordinal, journal.*
from pending join journal using (topic, subject, seq, recorded_at)
order by pending.ordinal
"""


async def pending_facts(
    tx: Connection, holder: str, limit: int, closed: Sequence[str] = ()
) -> Sequence[asyncpg.Record]:
    """Read the oldest unsent facts of the shards held, in the order of recording within each subject.

    Nothing remembers a position: a fact that commits late is simply seen later. Subjects with an unpublishable fact are
    left out, and topics that are closed now.
    """
    return await tx.fetch(PENDING, holder, limit, closed)


FORGET = """
delete from unsent where ordinal = any($1::bigint[])
"""


async def forget_sent(tx: Connection, ordinals: Sequence[int]) -> None:
    """Take acknowledged facts out of the queue."""
    if ordinals:
        await tx.execute(FORGET, ordinals)


PARK = """
insert into parked (kind, topic, subject, source, seq, type, headers, reason, attempts, parked_at)
select 'unpublishable', $1, $2, $3, $4, $5, '[]', $6, 1, $7
on conflict do nothing
"""


async def park_unpublishable(tx: Connection, row: asyncpg.Record, reason: str, at: datetime) -> None:
    """Park a subject at the relay; its bytes stay in the journal, and it keeps counting as unsent."""
    await tx.execute(PARK, row["topic"], row["subject"], row["source"], row["seq"], row["type"], reason, at)
