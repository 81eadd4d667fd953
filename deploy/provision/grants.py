"""Who may do what with schemas, tables, columns and sequences: declared here; whatever else is granted is taken away.

A service's role may use the tables of its schema, no other's, and can change none of them. A table whose comment begins
with 'append-only' is only read and added to. Partitions grant nothing: they are reached through their parent. The
`keyring` schema is the one exception: intake writes, notification reads. What officers and applicants ask is done in a
role of its own, `SCHEMA_api`, which cannot log in and has the few rights of `API_RIGHTS`; row-level security binds it
to the caller's scope (ADR 41). Memberships of roles, functions, default privileges and the database are not looked at.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deploy.faults import DeployError
from deploy.provision.database import KEYRING, ROLE_EXISTS, SCHEMAS, Connection
from shared.database import api_role

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


class RightsLeft(DeployError):
    """A right could not be taken away; the message says which, and what to do."""

    def __init__(self, left: Iterable[Grant]) -> None:
        super().__init__(
            f"could not be taken away: {'; '.join(map(str, left))}. A role that may pass it on granted it: revoke it as"
            " that role (SET ROLE), then provision again"
        )


@dataclass(frozen=True)
class Relation:
    """A table or a sequence; `thing` is its name as GRANT takes it."""

    schema: str
    name: str
    thing: str
    is_table: bool
    append_only: bool


@dataclass(frozen=True, order=True)
class Grant:
    """One right of a role, or of PUBLIC, on one thing, in the words of GRANT and REVOKE."""

    role: str
    thing: str
    right: str

    def __str__(self) -> str:
        """Say it for people."""
        return f"{self.right} on {self.thing} to {self.role}"


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


def declared(relations: Sequence[Relation], schemas: Iterable[str] = SCHEMAS) -> frozenset[Grant]:
    """All rights that anybody but the owner is to have on these schemas and on their relations."""
    return frozenset(
        Grant(role, thing, right)
        for schema in schemas
        for role in _roles(schema)
        for thing, rights in (
            (f"SCHEMA {schema}", "USAGE"),
            *((each.thing, _rights(role, each)) for each in relations if each.schema == schema),
        )
        for right in filter(None, rights.split(", "))
    )


def _roles(schema: str) -> tuple[str, ...]:
    if schema == KEYRING:
        return tuple(_KEYRING_RIGHTS)
    return (schema, api_role(schema)) if schema in API_RIGHTS else (schema,)


def _rights(role: str, relation: Relation) -> str:
    if not relation.is_table:
        return "USAGE"
    if relation.schema == KEYRING:
        return _KEYRING_RIGHTS[role]
    if role == relation.schema:
        return _APPEND if relation.append_only else _FULL
    return API_RIGHTS[relation.schema].get(relation.name, "")


_THING = "format('%s %I.%I', CASE c.relkind WHEN 'S' THEN 'SEQUENCE' ELSE 'TABLE' END, n.nspname, c.relname) AS thing"

RELATIONS = f"""
SELECT
    n.nspname AS schema,
    c.relname AS name,
    {_THING},
    c.relkind <> 'S' AS is_table,
    starts_with(coalesce(obj_description(c.oid, 'pg_class'), ''), $2) AS append_only
FROM pg_class AS c
JOIN pg_namespace AS n ON n.oid = c.relnamespace
WHERE n.nspname = any($1) AND c.relkind IN ('r', 'p', 'S') AND NOT c.relispartition AND c.relname <> $3
"""  # noqa: S608 - a text of our own

# What owners may do with their own is left out. A right that may be passed on is two: itself and the option.
GRANTED = f"""
WITH relations AS (
    SELECT c.oid, {_THING}, c.relacl, c.relowner
    FROM pg_class AS c
    JOIN pg_namespace AS n ON n.oid = c.relnamespace
    WHERE n.nspname = any($1) AND c.relkind IN ('r', 'p', 'S', 'v', 'm', 'f')
), things (thing, columns, rights, owner) AS (
    SELECT format('SCHEMA %I', nspname), '', nspacl, nspowner FROM pg_namespace WHERE nspname = any($1)
    UNION ALL
    SELECT thing, '', relacl, relowner FROM relations
    UNION ALL
    SELECT r.thing, format(' (%I)', a.attname), a.attacl, r.relowner
    FROM relations AS r
    JOIN pg_attribute AS a ON a.attrelid = r.oid AND a.attacl IS NOT NULL
)
SELECT coalesce(quote_ident(r.rolname), 'PUBLIC') AS role, t.thing, o.option || a.privilege_type || t.columns AS right
FROM things AS t
CROSS JOIN aclexplode(t.rights) AS a
CROSS JOIN LATERAL (SELECT '' UNION ALL SELECT 'GRANT OPTION FOR ' WHERE a.is_grantable) AS o (option)
LEFT JOIN pg_roles AS r ON r.oid = a.grantee
WHERE a.grantee <> t.owner
"""  # noqa: S608 - a text of our own


async def declare(
    connection: Connection, schemas: Sequence[str] = SCHEMAS
) -> tuple[frozenset[Grant], list[Grant], list[Grant]]:
    """Bring the rights on these schemas to the declared ones, whoever granted what; nobody sees a state between.

    Answers all that stand now, those that were given, and those that were taken away. Raises RightsLeft.
    """
    relations = [Relation(*row) for row in await connection.fetch(RELATIONS, schemas, APPEND_ONLY, MIGRATIONS_TABLE)]
    wanted = declared(relations, schemas)
    async with connection.transaction():
        undeclared = sorted(await granted(connection, schemas) - wanted)
        # What somebody passed on goes with his right to; where it was declared it is given anew below.
        await _execute(connection, (f"REVOKE {g.right} ON {g.thing} FROM {g.role} CASCADE" for g in undeclared))
        found = await granted(connection, schemas)
        if left := sorted(found - wanted):
            raise RightsLeft(left)
        missing = sorted(wanted - found)
        await _execute(connection, (f"GRANT {g.right} ON {g.thing} TO {g.role}" for g in missing))
    return wanted, missing, undeclared


async def granted(connection: Connection, schemas: Sequence[str] = SCHEMAS) -> frozenset[Grant]:
    """All that anybody but the owners may do there."""
    return frozenset(Grant(*row) for row in await connection.fetch(GRANTED, schemas))


async def _execute(connection: Connection, statements: Iterable[str]) -> None:
    if script := ";".join(statements):
        await connection.execute(script)
