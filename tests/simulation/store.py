"""One real PostgreSQL for all seeds: schemas made once, emptied before each seed, and read at its end."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import asyncpg
import structlog

from deploy.local.ports import Ports
from deploy.local.stack import Stack
from deploy.provision import grants
from deploy.provision.database import SERVICES, create_roles
from deploy.provision.migrations import migrations_of
from tests.ports import port_base
from tests.simulation.stepping import Line

ROOT = Path(__file__).parents[2]
SCHEMAS = ("intake", "processing", "metrics")

SESSION = {
    "timezone": "UTC",
    "jit": "off",
    "synchronous_commit": "off",
    # The scheduler alone says how long anything waits.
    "lock_timeout": "0",
    "deadlock_timeout": "10min",
}

EFFECTS = """
create table effects (
    ordinal bigint generated always as identity primary key, subject text not null, source text not null,
    seq bigint not null
)
"""

TABLES = """
select format('%I.%I', n.nspname, c.relname)
from pg_class as c join pg_namespace as n on n.oid = c.relnamespace
where n.nspname = any($1) and c.relkind in ('r', 'p') and not c.relispartition
order by 1
"""

FRESH_AFTER = 100
"""Seeds after which tables are truncated: deleting a few rows is far cheaper, but their space is not given back."""

READS: Mapping[str, str] = {
    "journal": "topic, subject, seq, recorded_at",
    "journal_heads": "topic, subject",
    "unsent": "ordinal",
    "parked": "topic, subject, source, seq",
    "cursors": "topic, subject, source",
    "effects": "ordinal",
}
OWN_READS: Mapping[str, Mapping[str, str]] = {
    "intake": {},
    "processing": {"cases": "code", "timers": "code, kind", "registers": "agency, year"},
    "metrics": {"daily_counters": "day, place, field, figure"},
}
"""Schema → table → the order in which its rows are read."""

Rows = Sequence[Any]
Tables = Mapping[str, Mapping[str, Rows]]
"""Schema → table → rows, as a seed leaves them behind."""


@dataclass
class Store:
    """The simulation's database, its connections, and how many seeds it has served."""

    dsn: str
    monitor: Line
    lines: dict[str, Line]
    tables: Sequence[str]
    seeds: int = 0

    @classmethod
    async def open(cls, dsn: str) -> Self:
        """Make the schemas in an empty database."""
        connection = await asyncpg.connect(dsn, server_settings=SESSION)
        await create_roles(connection, dict.fromkeys(SERVICES, "nobody logs in"))
        await grants.create_api_roles(connection)
        for schema in SCHEMAS:
            await _make_schema(connection, schema)
        await grants.declare(connection, ["processing"])
        # Nobody cleans up between two statements, or the second might wait; nothing here outlives the run.
        for setting in ("autovacuum", "fsync", "full_page_writes"):
            await connection.execute(f"alter system set {setting} = off")
        await connection.execute("select pg_reload_conf()")
        tables = [row[0] for row in await connection.fetch(TABLES, list(SCHEMAS))]
        await connection.execute("set session_replication_role = replica")
        return cls(dsn, Line("", connection, connection.get_server_pid()), {}, tables)

    async def line(self, name: str, schema: str) -> Line:
        """Lend an actor its connection; it keeps it from seed to seed."""
        if name not in self.lines:
            connection = await asyncpg.connect(self.dsn, server_settings={**SESSION, "search_path": schema})
            self.lines[name] = Line(schema, connection, connection.get_server_pid())
        return self.lines[name]

    async def reset(self) -> None:
        """Empty every table; as a replica, for which the journal's triggers and the foreign keys do not count."""
        if self.seeds % FRESH_AFTER:
            await self.monitor.connection.execute(";".join(f"delete from {table}" for table in self.tables))
        else:
            await self.monitor.connection.execute(f"truncate {', '.join(self.tables)} restart identity")
        self.seeds += 1

    async def read(self) -> Tables:
        """Read what a seed has left behind."""
        return {schema: await self._read(schema, {**READS, **own}) for schema, own in OWN_READS.items()}

    async def _read(self, schema: str, reads: Mapping[str, str]) -> Mapping[str, Rows]:
        return {
            table: await self.monitor.connection.fetch(f"select * from {schema}.{table} order by {order}")
            for table, order in reads.items()
        }

    async def close(self) -> None:
        """Close all connections."""
        for line in (*self.lines.values(), self.monitor):
            await line.connection.close()


async def _make_schema(connection: asyncpg.Connection[asyncpg.Record], schema: str) -> None:
    async with connection.transaction():
        await connection.execute(f"create schema {schema}; set local search_path = {schema}")
        for migration in migrations_of(schema):
            await connection.execute(migration.sql)
        await connection.execute(EFFECTS)


@asynccontextmanager
async def opened(name: str) -> AsyncIterator[Store]:
    """Start a PostgreSQL of our own with the simulation's schemas; nobody reads the product's warnings of trouble."""
    ports = Ports.from_base(port_base("simulation"))
    logs = structlog.get_config()
    async with Stack(ROOT / "var" / name, ports, parts=("postgres",), fresh=True) as stack:
        store = await Store.open(stack.dsn())
        structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
        try:
            yield store
        finally:
            structlog.configure(**logs)
            await store.close()
