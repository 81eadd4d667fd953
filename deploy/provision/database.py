"""Who may do what: the database, one role and one schema for each service, and the rights between them.

Tables belong to a role of their own, `motcua_owner`; a service's role may use the tables of its schema, no other's, and
can change none of them. A table whose comment begins with 'append-only' grants only SELECT and INSERT. Partitions grant
nothing: they are reached through their parent. The `keyring` schema is the one exception: intake writes, notification
reads. What officers and applicants ask is done in a role of its own, `SCHEMA_api`, which cannot log in and has the few
rights of `API_RIGHTS`; row-level security binds it to the caller's scope (ADR 41).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import asyncpg

from shared.database import api_role

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SUPERUSER = "postgres"
OWNER = "motcua_owner"
SERVICES = ("intake", "processing", "notification", "metrics")
KEYRING = "keyring"
SCHEMAS = (*SERVICES, KEYRING)
APPEND_ONLY = "append-only"
MIGRATIONS_TABLE = "schema_migrations"

_FULL = "SELECT, INSERT, UPDATE, DELETE"
_APPEND = "SELECT, INSERT"
_KEYRING_RIGHTS: Mapping[str, str] = {
    "intake": "SELECT, INSERT, DELETE",
    api_role("intake"): "SELECT, INSERT",
    "notification": "SELECT",
}
_PUBLISHING = {"journal": "INSERT", "journal_heads": "SELECT, INSERT, UPDATE", "unsent": "INSERT"}
API_RIGHTS: Mapping[str, Mapping[str, str]] = {
    "intake": _PUBLISHING
    | {
        "day_numbers": "SELECT, INSERT, UPDATE",
        "dossiers": "SELECT, INSERT, UPDATE",
        "papers": "SELECT, INSERT, UPDATE",
        "backdatings": "SELECT, INSERT, UPDATE",
        "reads": "INSERT",
        "idempotency_keys": _FULL,
    },
    "processing": _PUBLISHING
    | {
        "journal": _APPEND,
        "cases": "SELECT, UPDATE",
        "steps": "SELECT, UPDATE",
        "duties": _FULL,
        "asks": "SELECT, INSERT, UPDATE",
        "halts": "SELECT, INSERT, UPDATE",
        "proposals": _FULL,
        "timers": "SELECT, INSERT, DELETE",
        "registers": "SELECT, INSERT, UPDATE",
        "officer_entries": _APPEND,
        "idempotency_keys": _FULL,
    },
    "notification": {"dossiers": "SELECT", "notices": "SELECT", "messages": "SELECT"},
}
"""Service → table → what its routes do there for a caller; metrics has public figures only."""

DATABASE_EXISTS = """
SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)
"""

CREATE_DATABASE = """
CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8' LOCALE_PROVIDER builtin BUILTIN_LOCALE 'C.UTF-8' LOCALE 'C'
"""


async def create_database(server: Connection, name: str) -> bool:
    """Make the database if it is not there; answer whether it was made. `server` is connected to another one."""
    if await server.fetchval(DATABASE_EXISTS, name):
        return False
    await server.execute(CREATE_DATABASE.format(name=name))
    return True


ROLE_EXISTS = """
SELECT EXISTS (SELECT FROM pg_roles WHERE rolname = $1)
"""

# A utility statement takes no parameters: the server itself quotes the name and the password.
QUOTE_ROLE = """
SELECT format(
    '%s ROLE %I LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT PASSWORD %L',
    $1::text, $2::text, $3::text
)
"""


async def create_roles(connection: Connection, passwords: Mapping[str, str]) -> list[str]:
    """Make every role that is not there and give each its password; answer the names of the new ones."""
    made = []
    for role, password in passwords.items():
        known = await connection.fetchval(ROLE_EXISTS, role)
        await connection.execute(await connection.fetchval(QUOTE_ROLE, "ALTER" if known else "CREATE", role, password))
        made += [] if known else [role]
    return made


CREATE_API_ROLE = """
CREATE ROLE {role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS NOINHERIT
"""

LEND_API_ROLE = """
GRANT {role} TO {service} WITH INHERIT FALSE, SET TRUE
"""


async def create_api_roles(connection: Connection) -> list[str]:
    """Make the roles of the services' routes, which only their service can take on; answer the new ones' names."""
    made = []
    for service in API_RIGHTS:
        role = api_role(service)
        if not await connection.fetchval(ROLE_EXISTS, role):
            await connection.execute(CREATE_API_ROLE.format(role=role))
            made.append(role)
        await connection.execute(LEND_API_ROLE.format(role=role, service=service))
    return made


CLOSE_DATABASE = """
REVOKE ALL ON DATABASE {database} FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT CONNECT ON DATABASE {database} TO {roles}
"""

CREATE_SCHEMA = """
CREATE SCHEMA IF NOT EXISTS {schema} AUTHORIZATION {owner}
"""


async def create_schemas(connection: Connection, database: str) -> None:
    """Close the database to everybody but our roles and make the schemas, owned by the owner role."""
    await connection.execute(CLOSE_DATABASE.format(database=database, roles=", ".join((OWNER, *SERVICES))))
    for schema in SCHEMAS:
        await connection.execute(CREATE_SCHEMA.format(schema=schema, owner=OWNER))


TABLES = """
SELECT c.relname AS name, coalesce(obj_description(c.oid, 'pg_class'), '') AS comment
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = $1 AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relname <> $2
ORDER BY c.relname
"""

GRANT = """
GRANT {rights} ON {schema}.{table} TO {role}
"""

START_FROM_NOTHING = """
REVOKE ALL ON ALL TABLES IN SCHEMA {schema} FROM {role};
REVOKE ALL ON ALL SEQUENCES IN SCHEMA {schema} FROM {role};
GRANT USAGE ON SCHEMA {schema} TO {role};
GRANT USAGE ON ALL SEQUENCES IN SCHEMA {schema} TO {role}
"""


async def grant_rights(connection: Connection) -> int:
    """Give each role exactly its rights, in one transaction, whatever was granted before; answer their number."""
    granted = 0
    async with connection.transaction():
        for service in SERVICES:
            granted += await _grant(connection, service, service, None)
        for service in API_RIGHTS:
            granted += await grant_api_rights(connection, service)
        for role, rights in _KEYRING_RIGHTS.items():
            granted += await _grant(connection, KEYRING, role, rights)
    return granted


async def _grant(connection: Connection, schema: str, role: str, rights: str | None) -> int:
    await connection.execute(START_FROM_NOTHING.format(schema=schema, role=role))
    tables = await connection.fetch(TABLES, schema, MIGRATIONS_TABLE)
    for table in tables:
        usual = _APPEND if table["comment"].startswith(APPEND_ONLY) else _FULL
        await connection.execute(
            GRANT.format(rights=rights or usual, schema=schema, table=f'"{table["name"]}"', role=role)
        )
    return len(tables)


async def grant_api_rights(connection: Connection, service: str) -> int:
    """Give the role of a service's routes exactly its rights; answer their number."""
    role = api_role(service)
    await connection.execute(START_FROM_NOTHING.format(schema=service, role=role))
    for table, rights in API_RIGHTS[service].items():
        await connection.execute(GRANT.format(rights=rights, schema=service, table=table, role=role))
    return len(API_RIGHTS[service])
