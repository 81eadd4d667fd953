"""Cursors: how far this service has applied each stream of facts, one row per (subject, source, topic)."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from shared.database import Connection
from shared.messaging.faults import Fenced
from shared.messaging.sorting import Stream

WHOLE_SECONDS = 15

LOCK = """
with bound as materialized (
    select
        set_config('transaction_timeout', '0', true) as disarmed, -- one that runs already is not wound again
        set_config('transaction_timeout', $4, true) as whole
), wanted as (
    select subject, source from unnest($2::text[], $3::text[]) as w (subject, source) cross join bound
), made as (
    insert into cursors (subject, source, topic, seq)
    select subject, source, $1, 0 from wanted order by subject, source
    on conflict do nothing
    returning subject, source, seq
), found as (
    select c.subject, c.source, c.seq
    from cursors as c join wanted using (subject, source)
    where c.topic = $1
    order by c.subject, c.source
    for update of c
)
select subject, source, seq from made union all select subject, source, seq from found
"""


async def lock_cursors(
    tx: Connection, topic: str, streams: Collection[Stream], *, whole_seconds: int = WHOLE_SECONDS
) -> dict[Stream, int]:
    """Lock the cursors of these streams in one order and read them; a stream seen for the first time gets one at 0.

    From here on the server ends this transaction when it takes longer than 15 s: a frozen consumer must not keep its
    successor waiting, and nothing else ends one that is frozen inside a statement.
    Raises Fenced when another consumer made one at the same moment: the batch is tried again.
    """
    subjects, sources = zip(*sorted(streams), strict=True)
    rows = await tx.fetch(LOCK, topic, subjects, sources, f"{whole_seconds}s")
    if len(rows) != len(streams):
        raise Fenced("another consumer began one of these streams at the same moment")
    return {(row["subject"], row["source"]): row["seq"] for row in rows}


MOVE = """
with move as (
    select * from unnest($2::text[], $3::text[], $4::bigint[], $5::bigint[]) as m (subject, source, expected, seq)
), moved as (
    update cursors as c set seq = move.seq
    from move
    where c.topic = $1 and c.subject = move.subject and c.source = move.source and c.seq = move.expected
    returning true
)
select count(*) from moved
"""


async def move_cursors(tx: Connection, topic: str, before: Mapping[Stream, int], after: Mapping[Stream, int]) -> None:
    """Move cursors by compare-and-set. Raises Fenced unless every one stood where this batch saw it."""
    if not after:
        return
    streams = sorted(after)
    subjects, sources = zip(*streams, strict=True)
    expected, target = [before[stream] for stream in streams], [after[stream] for stream in streams]
    if await tx.fetchval(MOVE, topic, subjects, sources, expected, target) != len(streams):
        raise Fenced("a cursor was moved by another consumer")
