"""Idempotent requests: keys are claimed, and their answers stored, in the transaction of the effects."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import TypeAlias

import asyncpg

from shared.database import Connection, Pool, autocommit
from shared.messaging.leases import database_now

KEPT = timedelta(days=7)
"""How long an answer is kept to be given again, by the database's clock; after it the same key is a new request."""
FORGET_AT_ONCE = 500


class RequestInFlight(Exception):
    """A twin with the same key is still at work after the pool's lock timeout (2 s): 409."""


class KeyReused(Exception):
    """The key was used before with another request: 422."""


@dataclass(frozen=True)
class StoredAnswer:
    """What the first request with this key was answered."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Claim:
    """A caller's key, and the hash of the request that he sent under it."""

    caller: str
    key: str
    request_hash: bytes


CLAIM = """
insert into idempotency_keys (caller, key, request_hash)
select caller, key, request_hash from unnest($1::text[], $2::text[], $3::bytea[]) as c (caller, key, request_hash)
order by caller, key
on conflict do nothing
returning caller, key
"""

STORED = """
select caller, key, request_hash, status, headers, body
from idempotency_keys join unnest($1::text[], $2::text[]) as c (caller, key) using (caller, key)
"""

Earlier: TypeAlias = "StoredAnswer | KeyReused | RequestInFlight"
"""What became of a key that was claimed before."""


async def claim_requests(tx: Connection, claims: Collection[Claim]) -> dict[Claim, Earlier]:
    """Claim keys, each another; answer those that had been claimed before.

    Whoever is not in the answer is the first: his answer is stored, or his claim dropped, before the commit. A
    concurrent twin waits on the unique index until the first one commits or rolls back, at most the connection's
    `lock_timeout`. Needs READ COMMITTED, so that the twin then sees the winner's row.
    Raises RequestInFlight when that wait was too long: the transaction is lost, roll it back.
    """
    try:
        first = await tx.fetch(CLAIM, *_columns(claims), [claim.request_hash for claim in claims])
    except asyncpg.LockNotAvailableError as error:
        raise RequestInFlight from error
    won = {(row["caller"], row["key"]) for row in first}
    lost = [claim for claim in claims if (claim.caller, claim.key) not in won]
    if not lost:
        return {}
    rows = {(row["caller"], row["key"]): row for row in await tx.fetch(STORED, *_columns(lost))}
    return {claim: _earlier(claim, rows.get((claim.caller, claim.key))) for claim in lost}


def _earlier(claim: Claim, row: asyncpg.Record | None) -> Earlier:
    if row is None or row["status"] is None:
        return RequestInFlight()
    if row["request_hash"] != claim.request_hash:
        return KeyReused()
    return StoredAnswer(status=row["status"], headers=json.loads(row["headers"]), body=row["body"])


STORE = """
update idempotency_keys as kept set status = a.status, headers = a.headers, body = a.body
from unnest($1::text[], $2::text[], $3::smallint[], $4::text[], $5::bytea[]) as a (caller, key, status, headers, body)
where kept.caller = a.caller and kept.key = a.key
"""


async def store_answers(tx: Connection, answers: Mapping[Claim, StoredAnswer]) -> None:
    """Keep answers beside their claims; they commit with the effects."""
    if answers:
        stored = answers.values()
        headers = [json.dumps(dict(answer.headers)) for answer in stored]
        bodies = [answer.body for answer in stored]
        await tx.execute(STORE, *_columns(answers), [answer.status for answer in stored], headers, bodies)


DROP = """
delete from idempotency_keys as kept using unnest($1::text[], $2::text[]) as c (caller, key)
where kept.caller = c.caller and kept.key = c.key
"""


async def drop_claims(tx: Connection, claims: Collection[Claim]) -> None:
    """Give keys back that were claimed in this transaction and had no effect: a repeat is judged anew."""
    if claims:
        await tx.execute(DROP, *_columns(claims))


def _columns(claims: Collection[Claim]) -> tuple[list[str], list[str]]:
    return [claim.caller for claim in claims], [claim.key for claim in claims]


FORGET = """
with old as (
    select caller, key from idempotency_keys where recorded_at < $1 limit $2 for update skip locked
), forgotten as (
    delete from idempotency_keys as kept using old where kept.caller = old.caller and kept.key = old.key
    returning true
)
select count(*) from forgotten
"""


async def forget_requests(pool: Pool) -> None:
    """Forget the answers that have been kept for long enough, in small transactions, until none is left."""
    forgotten = FORGET_AT_ONCE
    while forgotten == FORGET_AT_ONCE:
        async with autocommit(pool) as database:
            forgotten = await database.fetchval(FORGET, await database_now(database) - KEPT, FORGET_AT_ONCE)
