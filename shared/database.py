"""PostgreSQL: one pool for each service, bound to its schema, with every wait bounded."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, TypeAlias

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from prometheus_client import Gauge

from shared.settings import DatabaseSettings

Pool: TypeAlias = "asyncpg.Pool[asyncpg.Record]"
Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record] | PoolConnectionProxy[asyncpg.Record]"

IN_USE = Gauge("motcua_database_connections_in_use", "Connections of the pool that are at work")
MOST = Gauge("motcua_database_connections_limit", "Connections that the pool may have")

POOL_SIZE = 12
ACQUIRE_SECONDS = 5.0
COMMAND_SECONDS = 11.0
"""Just above the server's own limit. A frozen server costs a transaction two of them, statement and rollback, which is
less than the 30 s after which a loop that stands still counts as dead (`shared.loops`)."""


async def create_pool(settings: DatabaseSettings, schema: str, *, size: int = POOL_SIZE) -> Pool:
    """Make a pool whose connections see `schema` first.

    No connection is opened yet: a service starts without its database, says so at /readyz, and goes on when it can.
    Statements end after 10 s, waits for a lock after 2 s, transactions after 30 s, or when they stand idle for 5 s.
    """
    return await asyncpg.create_pool(
        host=settings.host,
        port=settings.port,
        database=settings.name,
        user=settings.user,
        password=settings.password_file.read_text("utf-8").strip(),
        min_size=0,
        max_size=size,
        timeout=ACQUIRE_SECONDS,
        reset=_keep_session,
        command_timeout=COMMAND_SECONDS,
        server_settings={
            "application_name": f"motcua-{schema}",
            "search_path": schema,
            "timezone": "UTC",
            "jit": "off",
            # Up to half of an act's time in the server was planning: arrays make a plan of its own look cheap (ADR 14).
            "plan_cache_mode": "force_generic_plan",
            "statement_timeout": "10s",
            "lock_timeout": "2s",
            # Whoever stands still inside a transaction holds locks that others wait for.
            "idle_in_transaction_session_timeout": "5s",
            # A client frozen while it prepares a statement is neither idle nor in one: only this ends its locks.
            "transaction_timeout": "30s",
        },
    )


def show_use(pool: Pool) -> None:
    """Let the process's metrics tell how much of its pool is in use, read whenever they are collected."""
    IN_USE.set_function(lambda: pool.get_size() - pool.get_idle_size())
    MOST.set(pool.get_max_size())


async def _keep_session(_connection: object) -> None:
    """Leave the session as it is: nothing is ever set beyond a transaction, and asyncpg itself ends one left open.

    The default, `RESET ALL`, is one round trip in twelve of an officer's act.
    """


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """One connection in one transaction: commits at the end, rolls back when anything is raised."""
    async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
        yield connection


@dataclass(frozen=True, slots=True)
class Scope:
    """What a caller from outside may see; an empty scope sees nothing.

    Dossiers in which a subtree under one of these paths of agencies has a part, the one that he applied for, or those
    that this applicant (a blind index in hex) registered himself; of the answers that are kept to be given again, those
    to these callers. No path and no caller's name has a comma in it.
    """

    paths: tuple[str, ...] = ()
    dossier: str = ""
    callers: tuple[str, ...] = ()
    applicant: str = ""

    @property
    def settings(self) -> tuple[str, ...]:
        """The values of `ENTER_SCOPE`, in its order."""
        return ",".join(self.paths), self.dossier, ",".join(self.callers), self.applicant


ENTER_SCOPE = """
select set_config('role', $1, true), set_config('motcua.paths', $2, true), set_config('motcua.dossier', $3, true),
    set_config('motcua.callers', $4, true), set_config('motcua.applicant', $5, true)
"""


def api_role(schema: str) -> str:
    """Name the role in which a service does what a caller asks: provision makes it, `CallersPool` takes it on."""
    return f"{schema}_api"


class CallersPool:
    """A service's pool for the routes of officers and applicants: each transaction sees what its scope allows (ADR 41).

    The transaction takes on the role `SCHEMA_api`, which row-level security binds to the scope. It is the second lock:
    every query carries its own predicate all the same.
    """

    def __init__(self, pool: Pool, schema: str) -> None:
        self._pool = pool
        self._role = api_role(schema)

    @asynccontextmanager
    async def transaction(self, scope: Scope) -> AsyncIterator[Connection]:
        """One transaction within a scope, which ends with it."""
        async with transaction(self._pool) as tx:
            # A statement of its own: folded into a query it would come too late for that query's policies.
            await tx.fetchval(ENTER_SCOPE, self._role, *scope.settings)
            yield tx


@asynccontextmanager
async def autocommit(pool: Pool) -> AsyncIterator[Connection]:
    """One connection whose statements each commit by themselves: a transaction around one costs two round trips."""
    async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
        yield connection


def columns(rows: Iterable[Sequence[Any]], width: int) -> list[list[Any]]:
    """Turn rows into the array parameters of `unnest`: as many lists as a row is wide, also when there is no row."""
    turned = [list(column) for column in zip(*rows, strict=True)]
    return turned or [[] for _ in range(width)]


async def unreachable(pool: Pool) -> str | None:
    """None when the database answers, else why not: a check for /readyz."""
    try:
        async with autocommit(pool) as connection:
            await connection.execute("select 1")
    except (OSError, TimeoutError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
        return f"database: {type(error).__name__}"
    return None
