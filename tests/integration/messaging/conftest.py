from __future__ import annotations

import itertools
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import asyncpg
import pytest

from deploy.local.ports import Ports
from deploy.local.stack import Stack
from shared.database import create_pool
from shared.messaging.journal import Journal
from shared.settings import DatabaseSettings, KafkaSettings
from tests.integration.messaging.house import ROOT, House, create_topic, make_schema
from tests.ports import port_base

ROLE = "messaging_trial"
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Servers:
    """The suite's real servers."""

    stack: Stack
    kafka: KafkaSettings
    database: DatabaseSettings

    @property
    def service_dsn(self) -> str:
        database = self.database
        password = database.password_file.read_text("ascii")
        return f"postgresql://{ROLE}:{password}@{database.host}:{database.port}/{database.name}"


@pytest.fixture(scope="package")
async def servers() -> AsyncIterator[Servers]:
    ports = Ports.from_base(port_base("messaging"))
    folder = ROOT / "var" / "test-messaging"
    async with Stack(folder, ports, parts=("postgres", "kafka"), fresh=True) as stack:
        password = stack.folder.secret(f"{ROLE}.password")
        connection = await asyncpg.connect(stack.dsn())
        await connection.execute(f"create role {ROLE} login password '{password.read_text('ascii')}'")
        database = await connection.fetchval("select current_database()")
        await connection.execute(f"grant connect on database {database} to {ROLE}")  # provision closes it to others
        await connection.close()
        settings = DatabaseSettings(
            host="127.0.0.1", port=ports.postgres, name=database, user=ROLE, password_file=Path(password)
        )
        yield Servers(stack, stack.kafka_login(), settings)


@pytest.fixture
async def house(servers: Servers) -> AsyncIterator[House]:
    schema = f"trial_{next(_numbers)}"
    await make_schema(servers.stack.dsn(), schema, ROLE)
    await create_topic(servers.kafka, schema)
    pool = await create_pool(servers.database, schema, size=24)
    yield House(
        schema=schema,
        topic=schema,
        pool=pool,
        kafka=servers.kafka,
        owner_dsn=servers.stack.dsn(),
        service_dsn=servers.service_dsn,
        database=servers.database,
        journal=Journal("intake"),
    )
    await pool.close()
