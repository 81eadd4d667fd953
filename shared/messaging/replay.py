"""Parked facts tried again, at an operator's word, while the service runs.

What is parked of a dossier in one topic is replayed whole, in one transaction, under the same locks, cursors and
handlers as in the consumer; if one fact still fails nothing of it is changed. A rehearsal does the same and is always
taken back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from shared.database import Connection, Pool, transaction
from shared.messaging.batch import Subscription
from shared.messaging.cursors import lock_cursors, move_cursors
from shared.messaging.envelope import Received
from shared.messaging.faults import Fenced, Unready, passes, reason_of
from shared.messaging.parking import Kind, ParkedRecord
from shared.messaging.sorting import Plan, Situation, Stream, sort_batch
from shared.observability import traced


class Outcome(StrEnum):
    """What becomes of a parked fact."""

    APPLIED = "applied"
    FAILS = "still fails"
    BEHIND = "waits behind it"
    GAP = "waits for a missing fact"
    KNOWN = "was applied before"
    RELAYED = "goes to the relay again"


OUTCOMES: Mapping[Kind, Outcome] = {Kind.POISON: Outcome.FAILS, Kind.BEHIND: Outcome.BEHIND, Kind.GAP: Outcome.GAP}
"""Kind of parking that a fact would still need → what it is called."""


@dataclass(frozen=True)
class Replayed:
    """One parked fact and what becomes of it, in the order of effect."""

    id: int
    topic: str
    source: str
    seq: int
    type: str
    outcome: Outcome
    reason: str = ""


class _TakenBack(Exception):
    """Rolls a rehearsal back, and a replay in which a fact still fails."""


async def replay(pool: Pool, subscription: Subscription, subject: str, *, apply: bool) -> list[Replayed]:
    """Try all parked facts of a subject in one topic; without `apply`, or when one still fails, nothing is changed.

    Raises Fenced when the consumer parks a fact of the subject meanwhile, and whatever else may pass by itself.
    """
    found: list[Replayed] = []
    with suppress(_TakenBack):
        async with transaction(pool) as tx:
            found = await _Replay(tx, subscription, subject).run()
            if not apply or any(one.outcome is Outcome.FAILS for one in found):
                raise _TakenBack
    return found


SOURCES = """
select distinct source from parked where topic = $1 and subject = $2 and kind <> 'unpublishable'
"""

# In the order in which a consumer that looks at them takes its share locks (see parking.WAITING).
HOLD = """
select from parked where topic = $1 and subject = $2 order by source, subject, seq for update
"""

IN_ORDER_OF_ARRIVAL = """
select id, kind, topic, subject, source, seq, type, partition, "offset", headers, value
from parked
where topic = $1 and subject = $2 and kind <> 'unpublishable'
order by id
"""

TAKE_OUT = """
delete from parked where id = any($1::bigint[])
"""

LEAVE_WAITING = """
update parked set kind = 'gap', reason = waits.reason
from unnest($1::bigint[], $2::text[]) as waits (id, reason)
where parked.id = waits.id
"""


class _Replay:
    def __init__(self, tx: Connection, subscription: Subscription, subject: str) -> None:
        self._tx, self._subscription, self._subject = tx, subscription, subject

    async def run(self) -> list[Replayed]:
        topic = self._subscription.topic
        streams = {(self._subject, row["source"]) for row in await self._tx.fetch(SOURCES, topic, self._subject)}
        if not streams:
            return []
        cursors = await lock_cursors(self._tx, topic, streams)
        rows = await self._hold(streams)
        facts = [self._subscription.read(ParkedRecord(row)) for row in rows]
        plan = sort_batch(facts, Situation(cursors), compacted=self._subscription.compacted)
        found = await self._judge(plan, dict(zip(map(_key, facts), rows, strict=True)))
        if all(one.outcome is not Outcome.FAILS for one in found):
            await move_cursors(self._tx, topic, cursors, plan.cursors)
            await self._settle(found)
        return found

    async def _hold(self, streams: set[Stream]) -> Sequence[Any]:
        """Keep the consumer from parking more behind these facts, then read them: a second look sees what came last."""
        topic = self._subscription.topic
        await self._tx.execute(HOLD, topic, self._subject)
        rows = await self._tx.fetch(IN_ORDER_OF_ARRIVAL, topic, self._subject)
        if {(self._subject, row["source"]) for row in rows} - streams:
            raise Fenced("a fact of another source was parked meanwhile")
        return rows

    async def _judge(self, plan: Plan, rows: dict[tuple[str, int], Any]) -> list[Replayed]:
        found: list[Replayed] = []
        failed = False
        for fact in plan.applied:
            reason = "" if failed else await self._fault_of(fact)
            outcome = Outcome.BEHIND if failed else Outcome.FAILS if reason else Outcome.APPLIED
            found.append(_replayed(rows.pop(_key(fact)), outcome, reason))
            failed = failed or bool(reason)
        found += [_replayed(rows.pop(_key(one.received)), OUTCOMES[one.kind], one.reason) for one in plan.parked]
        return found + [_replayed(row, Outcome.KNOWN) for row in rows.values()]

    async def _fault_of(self, fact: Received) -> str:
        """Apply one fact; on a lasting error take back what it did, and say why."""
        handler = self._subscription.handlers.get(fact.type)
        if handler is None:
            return ""
        try:
            with traced(fact.trace_parent):
                async with self._tx.transaction():
                    await handler(self._tx, [fact])
        except Exception as error:
            if passes(error) and not isinstance(error, Unready):
                raise
            return reason_of(error)
        return ""

    async def _settle(self, found: Sequence[Replayed]) -> None:
        done = [one.id for one in found if one.outcome in {Outcome.APPLIED, Outcome.KNOWN}]
        waits = [one for one in found if one.outcome is Outcome.GAP]
        await self._tx.execute(TAKE_OUT, done)
        await self._tx.execute(LEAVE_WAITING, [one.id for one in waits], [one.reason for one in waits])


def _key(fact: Received) -> tuple[str, int]:
    return (fact.source, fact.seq)


def _replayed(row: Any, outcome: Outcome, reason: str = "") -> Replayed:
    return Replayed(row["id"], row["topic"], row["source"], row["seq"], row["type"], outcome, reason)


UNPUBLISHABLE = """
select id, topic, source, seq, type from parked where subject = $1 and kind = 'unpublishable' order by id
"""


async def relay_again(tx: Connection, subject: str, *, apply: bool) -> list[Replayed]:
    """Let the relay try the facts of a subject that no broker took; one that is refused again is parked again."""
    rows = await tx.fetch(UNPUBLISHABLE, subject)
    if apply:
        await tx.execute(TAKE_OUT, [row["id"] for row in rows])
    return [_replayed(row, Outcome.RELAYED) for row in rows]


DROP = """
with gone as (
    delete from parked where id = $1 and kind = 'undecodable' returning *
)
insert into dropped (
    id, topic, partition, "offset", headers, value, reason, parked_at, dropped_at, dropped_by, why
)
select id, topic, partition, "offset", headers, value, reason, parked_at, $2, $3, $4 from gone
returning id
"""


async def drop_undecodable(tx: Connection, parked_id: int, at: datetime, *, by: str, why: str) -> bool:
    """Move a record that is no fact to `dropped`, with the reason; answers whether there was such a one.

    Facts cannot be dropped: a hole in a dossier's sequence would stop it for good.
    """
    return bool(await tx.fetchval(DROP, parked_id, at, by, why))
