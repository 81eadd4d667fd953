from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from deploy.local.stack import Stack
from deploy.provision import grants
from deploy.provision.database import SERVICES
from deploy.provision.migrations import MigrationChanged, migrate, migrations_of
from deploy.provision.run import Report
from shared.clocks import machine_now
from shared.contracts.topics import TOPICS
from shared.database import api_role


@pytest.fixture(scope="module")
async def first(stack: Stack) -> Report:
    return await stack.provision()


@asynccontextmanager
async def connected(stack: Stack, role: str, schema: str | None = None) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.dsn(role), server_settings={"search_path": schema or role})
    try:
        yield connection
    finally:
        await connection.close()


async def test_the_first_run_makes_everything(first: Report) -> None:
    assert first.topics == [topic.name for topic in TOPICS]
    assert {"motcua_owner", *SERVICES, *map(api_role, grants.API_RIGHTS)} == set(first.roles)
    assert [version.split("-")[0] for version in first.rules] == ["catalogue", "calendar", "agencies"]
    assert first.partitions == len(SERVICES) * 25


async def test_two_more_at_once_find_nothing_to_do(stack: Stack, first: Report) -> None:
    for again in await asyncio.gather(stack.provision(), stack.provision()):
        assert (again.roles, again.migrations, again.topics, again.rules) == ([], [], [], [])
        assert (again.partitions, again.granted, again.given, again.taken_away) == (0, first.granted, [], [])


TAKEN = """
grant insert on processing.cases to metrics, public;
grant delete on processing.journal to processing;
grant select (code) on intake.dossiers to metrics;
grant select on keyring.dossier_keys to processing;
grant create on schema notification to notification;
grant usage on schema intake to metrics;
grant select on metrics.journal_default to processing;
grant select on processing.steps to processing with grant option;
set role processing; grant select on processing.steps to metrics; reset role
"""
TAKEN_AWAY = {
    "INSERT on TABLE processing.cases to metrics",
    "INSERT on TABLE processing.cases to PUBLIC",
    "DELETE on TABLE processing.journal to processing",
    "SELECT (code) on TABLE intake.dossiers to metrics",
    "SELECT on TABLE keyring.dossier_keys to processing",
    "CREATE on SCHEMA notification to notification",
    "USAGE on SCHEMA intake to metrics",
    "SELECT on TABLE metrics.journal_default to processing",
    "GRANT OPTION FOR SELECT on TABLE processing.steps to processing",
    "SELECT on TABLE processing.steps to metrics",
}


async def test_rights_that_nobody_declared_are_taken_away_and_missing_ones_given_back(
    stack: Stack, first: Report
) -> None:
    async with connected(stack, "postgres") as connection:
        before = await grants.granted(connection)
        assert len(before) == first.granted
        await connection.execute(f"{TAKEN}; revoke update on processing.cases from processing")
        report = await stack.provision()
        assert set(report.taken_away) == TAKEN_AWAY
        assert report.given == ["UPDATE on TABLE processing.cases to processing"]
        assert await grants.granted(connection) == before
    assert report.lines()[0].startswith("rights given: UPDATE on TABLE")


async def test_a_right_that_was_passed_on_where_no_revoke_reaches_is_named(stack: Stack, first: Report) -> None:
    async with connected(stack, "postgres") as connection:
        await connection.execute("""
            grant select on processing.steps to processing with grant option;
            set role processing; grant select (code) on processing.steps to metrics; reset role
        """)
        before = await grants.granted(connection)
        with pytest.raises(grants.RightsLeft, match=r"SELECT \(code\) on TABLE processing.steps to metrics"):
            await stack.provision()
        assert await grants.granted(connection) == before, "some of it was done"
        await connection.execute("""
            set role processing; revoke select (code) on processing.steps from metrics; reset role
        """)
        assert len((await stack.provision()).taken_away) == 1


def test_every_table_of_the_routes_is_there(first: Report) -> None:
    declared = {f"{service}.{table}" for service, tables in grants.API_RIGHTS.items() for table in tables}
    named = {right.split()[3] for right in first.given if right.endswith("_api") and " on TABLE " in right}
    assert named - {"keyring.dossier_keys"} == declared


@pytest.mark.parametrize("service", SERVICES)
async def test_a_service_reads_no_schema_but_its_own(stack: Stack, first: Report, service: str) -> None:
    async with connected(stack, service) as connection:
        await connection.fetch("SELECT seq FROM cursors")
        for other in set(SERVICES) - {service}:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch(f"SELECT seq FROM {other}.cursors")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("CREATE TABLE mine (value int)")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute("SELECT name FROM schema_migrations")


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("statement", ["UPDATE journal SET body = ''", "DELETE FROM journal", "TRUNCATE journal"])
async def test_a_service_cannot_change_its_history(stack: Stack, first: Report, service: str, statement: str) -> None:
    async with connected(stack, service) as connection:
        await connection.fetch("SELECT body FROM journal")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await connection.execute(statement)


async def test_the_keyring_is_written_by_intake_and_read_by_notification(stack: Stack, first: Report) -> None:
    insert = "INSERT INTO dossier_keys (code, wrapped_key, key_id, created_at) VALUES ('A', '', 'k', $1)"
    async with connected(stack, "intake", "keyring") as intake, connected(stack, "notification", "keyring") as other:
        await intake.execute(insert, machine_now())
        assert await other.fetchval("SELECT count(*) FROM dossier_keys") == 1
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await other.execute("DELETE FROM dossier_keys")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await intake.execute("UPDATE dossier_keys SET wrapped_key = 'x'")
        await intake.execute("DELETE FROM dossier_keys")
    for stranger in ("processing", "metrics"):
        async with connected(stack, stranger, "keyring") as connection:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await connection.fetch("SELECT code FROM keyring.dossier_keys")


async def test_a_changed_file_is_refused_and_a_failing_one_leaves_nothing(
    stack: Stack, first: Report, tmp_path: Path
) -> None:
    async with connected(stack, "postgres") as connection:
        root = tmp_path / "checkout"
        for file in migrations_of("metrics"):
            (root / file.name).parent.mkdir(parents=True, exist_ok=True)
            (root / file.name).write_text(file.sql, "utf-8")
        target = root / "services" / "metrics" / "migrations"
        (target / "0900_half.sql").write_text("create table half (id int); select 1/0;", "utf-8")
        with pytest.raises(asyncpg.DivisionByZeroError):
            await migrate(connection, "metrics", machine_now(), root=root)
        assert await connection.fetchval("SELECT to_regclass('metrics.half')") is None

        (target / "0900_half.sql").unlink()
        applied = next(iter(target.glob("0001_*.sql")))
        applied.write_text(applied.read_text("utf-8") + "\n-- an afterthought\n", "utf-8")
        with pytest.raises(MigrationChanged, match=applied.name):
            await migrate(connection, "metrics", machine_now(), root=root)
        shutil.rmtree(root)


async def test_errors_leave_no_values_in_the_servers_log(stack: Stack, first: Report) -> None:
    async with connected(stack, "intake") as connection:
        with pytest.raises(asyncpg.PostgresError):
            await connection.fetchval("SELECT $1::text::date", "Nguyễn Thị Bí Mật")
        with pytest.raises(asyncpg.PostgresError):
            await connection.execute("SELECT 'Nguyễn Thị Bí Mật'::int")
    log = (stack.folder.logs / "postgres.log").read_text("utf-8", "replace")
    assert "ready to accept connections" in log
    assert "Nguyễn" not in log
