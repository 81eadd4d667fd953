"""Transactions held where they write to a table, until the test lets them go."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg

WAITING = "select count(*) from pg_stat_activity where wait_event = 'advisory' and usename = $1"
WAIT_HERE = """
create or replace function {schema}.wait_here() returns trigger language plpgsql as $$
begin
    perform set_config('lock_timeout', '0', true); -- of whoever waits here: he is held as long as the test wants
    perform pg_advisory_xact_lock_shared(7);
    return null;
end
$$;
create trigger wait_here {when} on {table} for each statement execute function {schema}.wait_here();
"""
LET_THROUGH = "select pg_advisory_unlock_all()"
GO_ON = "drop function if exists {schema}.wait_here cascade"


@asynccontextmanager
async def held(
    holder: asyncpg.Connection[asyncpg.Record], schema: str, table: str, when: str
) -> AsyncIterator[Callable[[], Awaitable[Any]]]:
    """Whoever does this to the table waits in his transaction while the block runs, or until he is let through."""
    await holder.execute("select pg_advisory_lock(7)")
    await holder.execute(WAIT_HERE.format(schema=schema, table=table, when=when))
    try:
        yield partial(holder.execute, LET_THROUGH)
    finally:
        await holder.execute(LET_THROUGH)
        await holder.execute(GO_ON.format(schema=schema))
