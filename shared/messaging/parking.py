"""The parking table: facts that wait, why, and what an operator may see of them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import asyncpg

from shared.clocks import OFFICE_ZONE
from shared.contracts.topics import PROMISED_DUE_HEADER, STATUTORY_DUE_HEADER
from shared.database import Connection, columns
from shared.messaging.envelope import Headers, Received


class Kind(StrEnum):
    """Why a fact waits."""

    POISON = "poison"
    BEHIND = "behind"
    GAP = "gap"
    UNDECODABLE = "undecodable"
    UNPUBLISHABLE = "unpublishable"


@dataclass(frozen=True)
class Parking:
    """A fact that is about to be parked."""

    received: Received
    kind: Kind
    reason: str
    attempts: int = 0


@dataclass(frozen=True)
class ParkedFact:
    """One row of the parking table, as `motcua parked list|show` prints it; undecodable ones have no subject."""

    id: int
    kind: Kind
    topic: str
    subject: str | None
    source: str | None
    seq: int | None
    type: str | None
    partition: int | None
    offset: int | None
    reason: str
    attempts: int
    parked_at: datetime
    statutory_due: datetime | None
    promised_due: datetime | None
    headers: tuple[tuple[str, str], ...] = ()
    value: bytes | None = None


class ParkedRecord:
    """A row of the parking table in the shape of a record."""

    def __init__(self, row: Any) -> None:
        self.topic: str = row["topic"]
        self.partition: int = row["partition"]
        self.offset: int = row["offset"]
        self.headers: Sequence[tuple[str, bytes]] = load_headers(row["headers"])
        self.value: bytes | None = row["value"]


PARK = """
insert into parked as fact (
    kind, topic, subject, source, seq, type, partition, "offset", headers, value, reason, attempts, parked_at,
    statutory_due, promised_due
)
select * from unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::integer[], $8::bigint[], $9::text[],
    $10::bytea[], $11::text[], $12::integer[], $13::timestamptz[], $14::timestamptz[], $15::timestamptz[]
)
on conflict (topic, subject, source, seq) where subject is not null do update
set kind = excluded.kind, reason = excluded.reason, attempts = fact.attempts + excluded.attempts,
    parked_at = excluded.parked_at
where excluded.kind = 'poison' and fact.kind in ('gap', 'behind')
"""


async def park(tx: Connection, parkings: Sequence[Parking], at: datetime) -> None:
    """Park facts; one that is parked already stays as it is, unless it turns out to be the poison itself."""
    if parkings:
        await tx.execute(PARK, *columns((_row(parking, at) for parking in parkings), 15))


def _row(parking: Parking, at: datetime) -> tuple[Any, ...]:
    fact = parking.received
    return (
        parking.kind.value,
        fact.topic,
        fact.subject,
        fact.source,
        fact.seq,
        fact.type,
        fact.partition,
        fact.offset,
        dump_headers(fact.raw_headers),
        fact.value,
        parking.reason,
        parking.attempts,
        at,
        _moment(fact.headers.get(STATUTORY_DUE_HEADER)),
        _moment(fact.headers.get(PROMISED_DUE_HEADER)),
    )


PARK_BYTES = """
insert into parked (kind, topic, partition, "offset", headers, value, reason, attempts, parked_at)
select 'undecodable', topic, partition, place, headers, value, reason, 1, $7
from unnest($1::text[], $2::integer[], $3::bigint[], $4::text[], $5::bytea[], $6::text[])
    as bytes (topic, partition, place, headers, value, reason)
on conflict (topic, partition, "offset") where subject is null do nothing
"""


async def park_bytes(tx: Connection, records: Sequence[tuple[Any, str]], at: datetime) -> None:
    """Park records that are no envelope, each with its reason, under their place: topic, partition and offset."""
    if not records:
        return
    await tx.execute(
        PARK_BYTES,
        [record.topic for record, _ in records],
        [record.partition for record, _ in records],
        [record.offset for record, _ in records],
        [dump_headers(record.headers) for record, _ in records],
        [record.value for record, _ in records],
        [reason for _, reason in records],
        at,
    )


WAITING = """
select kind, topic, subject, source, seq, type, partition, "offset", headers, value
from parked
where topic = $1 and subject in (select unnest($2::text[]))
order by source, subject, seq
for share
"""


async def waiting(tx: Connection, topic: str, subjects: Sequence[str]) -> Sequence[asyncpg.Record]:
    """Read the parked facts of these subjects in one topic, by source and sequence.

    The share lock keeps what is about to be parked behind them from missing an operator's replay.
    """
    return await tx.fetch(WAITING, topic, subjects)


FORGET_GAPS = """
delete from parked as fact
using unnest($2::text[], $3::text[], $4::bigint[]) as moved (subject, source, seq)
where fact.topic = $1 and fact.subject = moved.subject and fact.source = moved.source
    and fact.seq <= moved.seq and fact.kind = 'gap'
"""


async def forget_gaps(tx: Connection, topic: str, moved: Iterable[tuple[str, str, int]]) -> None:
    """Take out what waited for a missing fact and is applied now: `moved` is (subject, source, new cursor)."""
    subjects, sources, seqs = zip(*moved, strict=True)
    await tx.execute(FORGET_GAPS, topic, subjects, sources, seqs)


LIST = """
select id, kind, topic, subject, source, seq, type, partition, "offset", reason, attempts, parked_at, statutory_due,
    promised_due
from parked
where id > $1 and ($2::text is null or kind = $2) and ($3::text is null or subject = $3)
order by id
limit $4
"""


async def list_parked(
    tx: Connection, *, after: int = 0, kind: Kind | None = None, subject: str | None = None, limit: int = 100
) -> list[ParkedFact]:
    """Read a page of the parking table without the facts' bytes, oldest first, beginning after the given id."""
    rows = await tx.fetch(LIST, after, kind, subject, limit)
    return [ParkedFact(**(dict(row) | {"kind": Kind(row["kind"])})) for row in rows]


SHOW = """
select * from parked where id = $1
"""


async def show_parked(tx: Connection, parked_id: int) -> ParkedFact | None:
    """Read one parked fact with its headers and bytes."""
    row = await tx.fetchrow(SHOW, parked_id)
    if row is None:
        return None
    headers = tuple((name, text) for name, text in json.loads(row["headers"]))
    return ParkedFact(**(dict(row) | {"kind": Kind(row["kind"]), "headers": headers}))


def dump_headers(headers: Headers) -> str:
    """Write headers as a JSON list of pairs, pure ASCII: what is no UTF-8 and what the database refuses is escaped."""
    return json.dumps([(name, (value or b"").decode("utf-8", "backslashreplace")) for name, value in headers])


def load_headers(text: str) -> list[tuple[str, bytes]]:
    """Read back what `dump_headers` wrote of headers that were UTF-8."""
    return [(name, value.encode()) for name, value in json.loads(text)]


def _moment(text: str | None) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text) if text else None
        return moment.astimezone(OFFICE_ZONE) if moment and moment.tzinfo else None
    except (ValueError, OverflowError):
        return None
