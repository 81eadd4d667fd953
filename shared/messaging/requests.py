"""Idempotent requests: a key is claimed, and its answer stored, in the transaction of the effect."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import asyncpg

from shared.database import Connection, Pool, autocommit

KEPT = timedelta(days=7)
"""How long an answer is kept to be given again, by the machine's clock; after it the same key is a new request."""
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


CLAIM = """
insert into idempotency_keys (caller, key, request_hash) values ($1, $2, $3)
on conflict do nothing
returning true
"""

STORED = """
select request_hash, status, headers, body from idempotency_keys where caller = $1 and key = $2
"""


async def claim_request(tx: Connection, caller: str, key: str, request_hash: bytes) -> StoredAnswer | None:
    """Claim a key: None means the caller is the first and must `store_answer` before it commits.

    A concurrent twin waits on the unique index until the first one commits or rolls back, at most the connection's
    `lock_timeout`. Needs READ COMMITTED, so that the twin then sees the winner's row.
    Raises RequestInFlight (the transaction is lost, roll it back) and KeyReused.
    """
    try:
        if await tx.fetchval(CLAIM, caller, key, request_hash):
            return None
    except asyncpg.LockNotAvailableError as error:
        raise RequestInFlight from error
    row = await tx.fetchrow(STORED, caller, key)
    if row is None or row["status"] is None:
        raise RequestInFlight
    if row["request_hash"] != request_hash:
        raise KeyReused
    return StoredAnswer(status=row["status"], headers=json.loads(row["headers"]), body=row["body"])


STORE = """
update idempotency_keys set status = $3, headers = $4, body = $5 where caller = $1 and key = $2
"""


async def store_answer(tx: Connection, caller: str, key: str, answer: StoredAnswer) -> None:
    """Keep the answer beside the claim; it commits with the effect."""
    await tx.execute(STORE, caller, key, answer.status, json.dumps(dict(answer.headers)), answer.body)


FORGET = """
with old as (
    select caller, key from idempotency_keys where recorded_at < $1 limit $2 for update skip locked
), forgotten as (
    delete from idempotency_keys as kept using old where kept.caller = old.caller and kept.key = old.key
    returning true
)
select count(*) from forgotten
"""


async def forget_requests(pool: Pool, machine_time: datetime) -> None:
    """Forget the answers that have been kept for long enough, in small transactions, until none is left."""
    forgotten = FORGET_AT_ONCE
    while forgotten == FORGET_AT_ONCE:
        async with autocommit(pool) as database:
            forgotten = await database.fetchval(FORGET, machine_time - KEPT, FORGET_AT_ONCE)
