"""SQL of messages in work: claiming, locking, writing what became of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from services.notification.domain.messages import Change, Progress, State
from shared.contracts.facts import Channel, Language
from shared.database import Connection


@dataclass(frozen=True)
class Message:
    """One message with what its notice says. `was` is the state before a claim."""

    id: UUID
    fact_id: UUID
    code: str
    trace_parent: str
    channel: Channel
    language: Language
    parameters: dict[str, str]
    sealed: bytes
    was: State
    progress: Progress


WORK_WAITS = """
select exists (select from messages where wake_at <= $1)
    or exists (select from notices join contacts using (code) where state = 'awaiting_contact')
"""


async def is_work_waiting(tx: Connection, now: datetime) -> bool:
    """Tell whether a message is due (the database's clock) or a notice has its contact: a look, not a transaction."""
    return bool(await tx.fetchval(WORK_WAITS, now))


CLAIM = """
with ripe as (
    select id from messages
    where wake_at <= $1
    order by wake_at, id
    limit $2
    for update skip locked
)
update messages as m
set state = 'sending', wake_at = $3, attempts = m.attempts + (m.state <> 'sending')::integer
from ripe, notices as n
where m.id = ripe.id and n.fact_id = m.fact_id
returning m.id, m.fact_id, n.code, n.trace_parent, n.template, n.parameters, m.channel, m.language, m.sealed,
    m.state, m.attempts, m.losses, m.handed_over_at, old.state as was
"""


async def claim(tx: Connection, *, now: datetime, limit: int, lease_until: datetime) -> list[Message]:
    """Take messages that are due into `sending` until the end of a lease (the database's clock).

    One that `was` sending already is left over from a sender whose lease has ended: its attempt is not counted again.
    """
    return [_message(row) for row in await tx.fetch(CLAIM, now, limit, lease_until)]


KEEP = """
with held as (
    select id from messages
    where id = any($1::uuid[]) and state = 'sending'
    order by id
    for update
)
update messages as m
set wake_at = $2
from held
where m.id = held.id
"""


async def keep(tx: Connection, ids: Sequence[UUID], *, lease_until: datetime) -> None:
    """Give messages that are being sent a new lease."""
    await tx.execute(KEEP, ids, lease_until)


LOCK = """
select m.id, m.fact_id, n.code, n.trace_parent, n.template, n.parameters, m.channel, m.language, m.sealed,
    m.state, m.attempts, m.losses, m.handed_over_at, m.state as was
from messages as m
join notices as n using (fact_id)
where m.id = any($1::uuid[])
order by m.id
for update of m
"""


async def lock(tx: Connection, ids: Iterable[UUID]) -> list[Message]:
    """Lock messages in one order and read them as they are now."""
    return [_message(row) for row in await tx.fetch(LOCK, list(ids))]


WRITE = """
update messages as m
set state = c.state,
    reason = c.reason,
    wake_at = c.wake_at,
    attempts = m.attempts - c.given_back,
    losses = m.losses + c.losses,
    handed_over_at = case when c.handed_over then coalesce(m.handed_over_at, $8) else m.handed_over_at end,
    changed_at = $8
from unnest($1::uuid[], $2::text[], $3::text[], $4::timestamptz[], $5::integer[], $6::integer[], $7::boolean[])
    as c (id, state, reason, wake_at, given_back, losses, handed_over)
where m.id = c.id
"""


async def write(tx: Connection, changes: Sequence[tuple[Message, Change]], legal_now: datetime) -> None:
    """Write changes of messages that this transaction has locked."""
    await tx.execute(
        WRITE,
        [message.id for message, _ in changes],
        [change.state for _, change in changes],
        [change.reason for _, change in changes],
        [change.wake_at for _, change in changes],
        [change.attempts_given_back for _, change in changes],
        [change.losses for _, change in changes],
        [change.hands_over for _, change in changes],
        legal_now,
    )


def _message(row: asyncpg.Record) -> Message:
    return Message(
        id=row["id"],
        fact_id=row["fact_id"],
        code=row["code"],
        trace_parent=row["trace_parent"],
        channel=Channel(row["channel"]),
        language=Language(row["language"]),
        parameters=json.loads(row["parameters"]),
        sealed=row["sealed"],
        was=State(row["was"]),
        progress=Progress(
            state=State(row["state"]),
            template=row["template"],
            attempts=row["attempts"],
            handed_over=row["handed_over_at"] is not None,
            losses=row["losses"],
        ),
    )
