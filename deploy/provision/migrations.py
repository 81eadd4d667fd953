"""Numbered SQL files, each applied once to its schema in one transaction and remembered by its checksum."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path

from deploy.faults import DeployError
from deploy.provision.database import KEYRING, OWNER, Connection

_ROOT = Path(__file__).parents[2]
_SHARED = ("shared/messaging/migrations",)
MONTHS_AHEAD = 24


class MigrationChanged(DeployError):
    """A file that was applied has another content now; a change belongs in a new file."""


@dataclass(frozen=True)
class Migration:
    """One file. `name` is its path in the repository, the same in every schema."""

    name: str
    sql: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text, as hex."""
        return hashlib.sha256(self.sql.encode()).hexdigest()


def migrations_of(schema: str, root: Path = _ROOT) -> Iterator[Migration]:
    """Yield the files of a schema in the order of application: messaging's tables first, then the service's own."""
    folders = (
        ("services/intake/keyring_migrations",) if schema == KEYRING else (*_SHARED, f"services/{schema}/migrations")
    )
    for folder in folders:
        for path in sorted((root / folder).glob("[0-9]*.sql")):
            yield Migration(path.relative_to(root).as_posix(), path.read_text("utf-8"))


REMEMBER_MIGRATIONS = """
CREATE TABLE IF NOT EXISTS schema_migrations (
    name text PRIMARY KEY,
    checksum text NOT NULL,
    applied_at timestamptz NOT NULL
)
"""

APPLIED = """
SELECT name, checksum FROM schema_migrations
"""

REMEMBER = """
INSERT INTO schema_migrations (name, checksum, applied_at) VALUES ($1, $2, $3)
"""


async def migrate(connection: Connection, schema: str, at: datetime, *, root: Path = _ROOT) -> list[str]:
    """Apply what is new to one schema; answer the names. `at` is machine time.

    Raises MigrationChanged before anything is applied. A file that fails leaves nothing behind.
    """
    async with connection.transaction():
        await _become_owner(connection, schema)
        await connection.execute(REMEMBER_MIGRATIONS)
        known = {row["name"]: row["checksum"] for row in await connection.fetch(APPLIED)}
    files = list(migrations_of(schema, root))
    changed = [file.name for file in files if known.get(file.name, file.checksum) != file.checksum]
    if changed:
        raise MigrationChanged(f"schema {schema}: {', '.join(changed)} changed after it was applied; add a new file")
    new = [file for file in files if file.name not in known]
    for file in new:
        async with connection.transaction():
            await _become_owner(connection, schema)
            await connection.execute(file.sql)
            await connection.execute(REMEMBER, file.name, file.checksum, at)
    return [file.name for file in new]


BECOME_OWNER = """
SET LOCAL ROLE {owner};
SET LOCAL search_path = {schema};
SET LOCAL lock_timeout = '5s';
SET LOCAL statement_timeout = '60s'
"""


async def _become_owner(connection: Connection, schema: str) -> None:
    await connection.execute(BECOME_OWNER.format(owner=OWNER, schema=schema))


IN_DEFAULT = """
SELECT DISTINCT date_trunc('month', recorded_at AT TIME ZONE 'UTC')::date AS month FROM journal_default ORDER BY month
"""

ADD_PARTITIONS = """
SELECT add_journal_partition(month) FROM unnest($1::date[]) AS month
"""

PARTITIONS = """
SELECT count(*) FROM pg_inherits WHERE inhparent = 'journal'::regclass
"""


async def add_partitions(connection: Connection, schema: str, today: date) -> tuple[int, list[date]]:
    """Make the journal's partitions of this month and the next 24 (machine time, UTC).

    Answers how many are new, and the months that stay in the default partition: what was recorded before its month had
    a partition is never moved, because a recorded fact is never deleted. It is read and verified there like any other.
    """
    first = today.year * 12 + today.month - 1
    months = [date(month // 12, month % 12 + 1, 1) for month in range(first, first + MONTHS_AHEAD + 1)]
    async with connection.transaction():
        await _become_owner(connection, schema)
        before = await connection.fetchval(PARTITIONS)
        in_default = [row["month"] for row in await connection.fetch(IN_DEFAULT)]
        await connection.fetch(ADD_PARTITIONS, [month for month in months if month not in in_default])
        return int(await connection.fetchval(PARTITIONS) - before), in_default
