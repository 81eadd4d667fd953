"""The database, its roles and its schemas: one of each for a service, and `keyring`, which two of them share.

Schemas and tables belong to a role of their own, `motcua_owner`. Who may do what stands in `grants`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

SUPERUSER = "postgres"
OWNER = "motcua_owner"
SERVICES = ("intake", "processing", "notification", "metrics")
KEYRING = "keyring"
SCHEMAS = (*SERVICES, KEYRING)

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
