"""The journal: history, audit chain and outbox in one append-only table.

A fact gets its sequence under the row lock of its chain's head, so that sequences have no gaps and no order but that of
commits; its place in `unsent` is written by the same statement. Nothing is published any other way.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID
from zlib import crc32

from uuid_utils.compat import uuid7

from shared.clocks import machine_now as system_machine_now
from shared.contracts.facts import Fact
from shared.database import Connection
from shared.messaging.chain import COLUMNS, GENESIS, Breach, breaches, fact_hash, root_of
from shared.observability import current_traceparent

SHARDS = 4
"""Leases of the relay: a subject belongs to shard crc32(subject) % SHARDS for ever."""


@dataclass(frozen=True)
class Draft:
    """A fact that is about to be recorded.

    `legal_time` is that of the act, or of the timer's due moment. `partition_key` is Kafka's key, the subject unless
    given. `headers` travel as extra Kafka headers and are hashed. `trace_parent` names the trace that caused this fact:
    the present one unless given; a handler of a batch gives that of the fact it acts upon.
    """

    topic: str
    subject: str
    fact: Fact
    legal_time: datetime
    partition_key: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    trace_parent: str = ""


@dataclass(frozen=True)
class Entry:
    """A recorded fact: its draft, and what the journal gave it."""

    draft: Draft
    seq: int
    id: UUID
    recorded_at: datetime
    hash: bytes


@dataclass(frozen=True)
class JournalHeads:
    """The heads of all chains as (topic, subject, seq, hash hex), sorted, and the root over them."""

    heads: tuple[tuple[str, str, int, str], ...]
    root: str


def shard_of(subject: str) -> int:
    """Tell the relay's shard of a subject."""
    return crc32(subject.encode()) % SHARDS


LOCK_HEADS = """
insert into journal_heads as head (topic, subject, seq, hash)
select topic, subject, 0, $3 from unnest($1::text[], $2::text[]) as wanted (topic, subject)
order by topic, subject
on conflict (topic, subject) do update set seq = head.seq
returning topic, subject, seq, hash
"""

RECORD = """
with fact as (
    select * from unnest(
        $1::text[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::text[], $7::timestamptz[], $8::timestamptz[],
        $9::text[], $10::text[], $11::text[], $12::bytea[], $13::bytea[], $14::bytea[], $15::smallint[]
    ) with ordinality as f (
        topic, subject, seq, id, type, source, legal_time, recorded_at,
        partition_key, headers, trace_parent, body, previous_hash, hash, shard, place
    )
), recorded as (
    insert into journal
    select topic, subject, seq, id, type, source, legal_time, recorded_at,
        partition_key, headers, trace_parent, body, previous_hash, hash
    from fact
), queued as (
    insert into unsent (shard, topic, subject, seq, recorded_at)
    select shard, topic, subject, seq, recorded_at from fact order by place
)
update journal_heads as head set seq = fact.seq, hash = fact.hash
from (select distinct on (topic, subject) topic, subject, seq, hash from fact order by topic, subject, seq desc) as fact
where head.topic = fact.topic and head.subject = fact.subject
"""

ROW_COLUMNS = (*COLUMNS, "previous_hash", "hash", "shard")
"""What RECORD takes, in its order: what the hash covers, the two hashes, the relay's shard."""


async def lock_chain(tx: Connection, topic: str, subject: str) -> int:
    """Hold a chain until the transaction ends, and answer the sequence of its last fact, 0 while it has none."""
    [head] = await tx.fetch(LOCK_HEADS, [topic], [subject], GENESIS)
    return int(head["seq"])


FACTS_ON = """
select subject, seq, body from journal where topic = $1 order by subject, seq
"""


async def facts_on(tx: Connection, topic: str) -> list[tuple[str, int, bytes]]:
    """Read subject, sequence and body of every fact on a topic that has few: the rules."""
    return [(row["subject"], row["seq"], row["body"]) for row in await tx.fetch(FACTS_ON, topic)]


class Journal:
    """The journal of one service, whose name is the `source` of its facts.

    `appended` is set at each append; the relay of this process clears it. The append may not be committed yet then: the
    relay looks again within milliseconds.
    """

    def __init__(self, source: str, machine_now: Callable[[], datetime] = system_machine_now) -> None:
        self.source = source
        self.appended = asyncio.Event()
        self._machine_now = machine_now

    async def append(self, tx: Connection, drafts: Sequence[Draft]) -> list[Entry]:
        """Record facts in the caller's transaction, in the order given; answer them in that order.

        Two statements however many drafts. Chains are locked in (topic, subject) order until the transaction ends; a
        second transaction on the same subject waits, at most the connection's lock timeout.
        """
        if not drafts:
            return []
        chains = sorted({(draft.topic, draft.subject) for draft in drafts})
        topics, subjects = zip(*chains, strict=True)
        found = await tx.fetch(LOCK_HEADS, topics, subjects, GENESIS)
        heads = {(row["topic"], row["subject"]): (row["seq"], row["hash"]) for row in found}
        rows = chained(self.source, drafts, heads, self._machine_now())
        await tx.execute(RECORD, *([row[column] for row in rows] for column in ROW_COLUMNS))
        self.appended.set()
        return [
            Entry(draft=draft, seq=row["seq"], id=row["id"], recorded_at=row["recorded_at"], hash=row["hash"])
            for draft, row in zip(drafts, rows, strict=True)
        ]


Heads = dict[tuple[str, str], tuple[int, bytes]]
"""(topic, subject) → sequence and hash of the last fact of a chain."""


def chained(source: str, drafts: Sequence[Draft], heads: Heads, recorded_at: datetime) -> list[dict[str, Any]]:
    """Make the rows of facts that follow these heads, which move on with them."""
    rows = []
    for draft in drafts:
        last_seq, last_hash = heads[draft.topic, draft.subject]
        row = _row(draft) | {
            "seq": last_seq + 1,
            "source": source,
            "recorded_at": recorded_at,
            "previous_hash": last_hash,
        }
        row["hash"] = fact_hash(last_hash, row)
        heads[draft.topic, draft.subject] = (row["seq"], row["hash"])
        rows.append(row)
    return rows


def _row(draft: Draft) -> dict[str, Any]:
    return {
        "topic": draft.topic,
        "subject": draft.subject,
        "id": uuid7(),
        "type": draft.fact.TYPE,
        "legal_time": draft.legal_time,
        "partition_key": draft.partition_key or draft.subject,
        "headers": json.dumps(dict(draft.headers), sort_keys=True, ensure_ascii=False) if draft.headers else "{}",
        "trace_parent": draft.trace_parent or current_traceparent(),
        "body": draft.fact.model_dump_json().encode(),
        "shard": shard_of(draft.subject),
    }


HEADS = """
select topic, subject, seq, hash from journal_heads order by topic, subject
"""


async def heads(tx: Connection) -> JournalHeads:
    """Read all heads and their root: written down elsewhere, they show whether history was shortened or replaced."""
    found = [(row["topic"], row["subject"], row["seq"], row["hash"]) for row in await tx.fetch(HEADS)]
    return JournalHeads(heads=tuple((t, s, n, h.hex()) for t, s, n, h in sorted(found)), root=root_of(found))


FACTS_IN_ORDER = """
select topic, subject, seq, id, type, source, legal_time, recorded_at, partition_key, headers, trace_parent, body,
    previous_hash, hash
from journal
where $1::text is null or subject = $1
order by topic, subject, seq, recorded_at
"""

HEADS_OF = """
select topic, subject, seq, hash from journal_heads where $1::text is null or subject = $1
"""


Published = Mapping[tuple[str, str], tuple[int, bytes]]
"""(topic, subject) → sequence and hash of a chain's head, as it was written down elsewhere."""

NOTHING_PUBLISHED: Published = {}


async def verify_chain(
    tx: Connection, subject: str | None = None, *, published: Published = NOTHING_PUBLISHED
) -> AsyncIterator[Breach]:
    """Find every place where a chain of this journal (or of one subject) does not hold; needs a transaction.

    Facts are streamed, so a journal of any size fits. A chain that is shorter than its head says is a breach too, and
    so is a published head that is not in its chain: whoever rewrites a whole journal cannot rewrite what others keep.
    """
    kept = set()
    ends = {(row["topic"], row["subject"]): (row["seq"], row["hash"]) for row in await tx.fetch(HEADS_OF, subject)}
    walked: dict[tuple[str, str], tuple[int, bytes]] = {}
    async for row in tx.cursor(FACTS_IN_ORDER, subject, prefetch=1000):
        chain = (row["topic"], row["subject"])
        for breach in breaches(walked.get(chain, (0, GENESIS)), row):
            yield breach
        walked[chain] = (row["seq"], row["hash"])
        if published.get(chain) == walked[chain]:
            kept.add(chain)
    for chain in sorted(ends.keys() | walked.keys()):
        if walked.get(chain) != ends.get(chain):
            topic, name = chain
            yield Breach(topic, name, ends.get(chain, (0, GENESIS))[0], "the head does not name the last fact")
    for chain in sorted(published.keys() - kept):
        yield Breach(*chain, published[chain][0], _lost(published[chain], walked.get(chain)))


def _lost(published: tuple[int, bytes], last: tuple[int, bytes] | None) -> str:
    if last is None:
        return "was published, and its whole chain is gone"
    if last[0] < published[0]:
        return f"was published, and its chain ends at {last[0]}"
    return "another fact was published: the chain was rewritten"
