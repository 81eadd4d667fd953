"""Who may do what: the database, one role and one schema for each service, and the rights between them."""

from __future__ import annotations

from typing import TypeAlias

import asyncpg

Connection: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

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
    """Make the database if it is not there; answers whether it was made. `server` is connected to another one."""
    if await server.fetchval(DATABASE_EXISTS, name):
        return False
    await server.execute(CREATE_DATABASE.format(name=name))
    return True
