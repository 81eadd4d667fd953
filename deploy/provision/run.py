"""`provision`: one run over all parts, under a lock of its own, telling what it did."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from deploy.provision import broker, database, grants, logins, migrations, rights, rules, topics
from deploy.provision.database import Connection
from shared.clocks import machine_now
from shared.settings import KafkaSettings

NAMED = 20
"""So many new rights are named one by one."""


@dataclass(frozen=True)
class Target:
    """Where to provision.

    `server_dsn` names a role that may make roles and databases, and any existing database; `kafka` the administrator of
    the brokers, `logins` how each service comes to them.
    """

    server_dsn: str
    database: str
    passwords: Mapping[str, str]
    kafka: KafkaSettings
    logins: Mapping[str, KafkaSettings]


@dataclass(frozen=True)
class Report:
    """What one run did; everything empty when there was nothing left to do.

    `granted` counts all rights that stand in the database, and `given` and `taken_away` name those that did not before,
    there and on Kafka.

    `in_default` names the months (`schema YYYY-MM`) that the journal keeps in its default partition for good.
    """

    database: bool
    roles: list[str]
    migrations: list[str]
    partitions: int
    in_default: list[str]
    granted: int
    topics: list[str]
    logins: list[str]
    given: list[str]
    taken_away: list[str]
    rules: list[str]

    def lines(self) -> list[str]:
        """Say it for people."""
        names = {
            "roles": self.roles,
            "migrations": self.migrations,
            "topics": self.topics,
            "logins to Kafka": self.logins,
            "rights given": _some(self.given),
            "rights taken away": self.taken_away,
            "rule versions": self.rules,
        }
        told = [f"{what}: {', '.join(made)}" for what, made in names.items() if made]
        told += ["database made"] if self.database else []
        told += [f"journal partitions: {self.partitions}"] if self.partitions else []
        told += [f"no journal partition, facts stay in the default one: {month}" for month in self.in_default]
        in_force = f"{self.granted} rights in the database and {len(rights.RIGHTS)} on Kafka stand as declared"
        return [*(told or ["nothing new"]), in_force]


def _some(names: list[str]) -> list[str]:
    """Those of a first run fill pages."""
    return names if len(names) <= NAMED else [*names[:NAMED], f"and {len(names) - NAMED} more"]


TAKE_TURN = """
SELECT pg_advisory_lock(7305)
"""


async def provision(target: Target, *, legal_time: datetime) -> Report:
    """Bring database, topics and rules to the declared state; safe to run twice, and twice at once.

    `legal_time` is the legal time of the seed rules' publication. Raises what its parts raise.
    """
    server = await asyncpg.connect(target.server_dsn)
    try:
        await server.execute(TAKE_TURN)
        made_database = await database.create_database(server, target.database)
        made_roles = await database.create_roles(server, target.passwords)
        made_roles += await grants.create_api_roles(server)
        connection = await asyncpg.connect(target.server_dsn, database=target.database)
        try:
            made_migrations, partitions, in_default = await _schemas(connection, target.database)
            granted, given, taken_away = await grants.declare(connection)
            made_topics = await topics.create_topics(target.kafka)
            async with broker.connected(target.kafka) as kafka:
                made_logins = await logins.make_logins(kafka, target.logins)
                given_on_kafka, taken_away_on_kafka = await rights.declare(kafka)
            made_rules = await rules.seed_rules(connection, legal_time)
        finally:
            await connection.close()
    finally:
        await server.close()
    return Report(
        database=made_database,
        roles=made_roles,
        migrations=made_migrations,
        partitions=partitions,
        in_default=in_default,
        granted=len(granted),
        topics=made_topics,
        logins=made_logins,
        given=[*map(str, given), *given_on_kafka],
        taken_away=[*map(str, taken_away), *taken_away_on_kafka],
        rules=made_rules,
    )


async def _schemas(connection: Connection, name: str) -> tuple[list[str], int, list[str]]:
    await database.create_schemas(connection, name)
    at, partitions = machine_now(), 0
    applied: list[str] = []
    in_default: list[str] = []
    for schema in database.SCHEMAS:
        applied += [f"{schema}: {file}" for file in await migrations.migrate(connection, schema, at)]
        if schema in database.SERVICES:
            made, months = await migrations.add_partitions(connection, schema, at.date())
            partitions += made
            in_default += [f"{schema} {month:%Y-%m}" for month in months]
    return applied, partitions, in_default
