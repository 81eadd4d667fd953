from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import asyncpg
import pytest

from deploy.local.ports import Ports
from deploy.local.stack import Stack
from shared.database import create_pool
from shared.messaging.journal import Journal
from shared.messaging.relay import Relay
from shared.rulebook.loader import load_seed, parse_agencies, parse_calendar, parse_catalogue
from shared.settings import DatabaseSettings
from tests.clients import plain_client
from tests.integration.processing.hall import FIRST_MORNING, Hall
from tests.ports import port_base

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="package")
async def hall() -> AsyncIterator[Hall]:
    ports = Ports.from_base(port_base("processing"))
    folder, parts = ROOT / "var" / "test-processing", ("postgres", "kafka", "processing")
    async with AsyncExitStack() as end:
        stack = Stack(folder, ports, parts=parts, scenario=FIRST_MORNING, fresh=True)
        await end.enter_async_context(stack)
        environment = stack.environment("intake")
        settings = DatabaseSettings(
            host="127.0.0.1",
            port=ports.postgres,
            name=environment["MOTCUA_DATABASE__NAME"],
            user="intake",
            password_file=Path(environment["MOTCUA_DATABASE__PASSWORD_FILE"]),
        )
        pool = await create_pool(settings, "intake", size=4)
        end.callback(pool.terminate)
        journal, stop = Journal("intake"), asyncio.Event()
        relays = await end.enter_async_context(asyncio.TaskGroup())
        end.callback(stop.set)
        relays.create_task(Relay(pool, journal, stack.kafka_login("intake")).run(stop))
        http = plain_client(base_url=stack.urls["processing"])
        await end.enter_async_context(http)
        database = await asyncpg.connect(stack.dsn())
        end.push_async_callback(database.close)
        seed = load_seed()
        versions = {rule_set: version for rule_set, version, _ in seed.versions()}
        yield Hall(
            stack,
            http,
            database,
            pool,
            journal,
            parse_catalogue(versions["catalogue"], seed.catalogue),
            parse_calendar(versions["calendar"], seed.calendar),
            parse_agencies(versions["agencies"], seed.agencies),
        )
