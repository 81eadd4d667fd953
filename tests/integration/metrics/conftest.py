from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import pytest

from deploy.local.ports import Ports
from deploy.local.stack import Stack
from shared.database import create_pool
from shared.messaging.journal import Journal
from shared.messaging.relay import Relay
from shared.rulebook.calendar import ZONE
from shared.rulebook.loader import load_seed
from shared.settings import DatabaseSettings
from tests.integration.metrics.town import MetricsProcess, Town
from tests.ports import port_base
from tests.waiting import until

ROOT = Path(__file__).parents[3]
BEGIN = datetime(2020, 3, 2, 7, 0, tzinfo=ZONE)
SOURCES = ("intake", "processing", "notification")


@pytest.fixture(scope="package")
async def town() -> AsyncIterator[Town]:
    ports = Ports.from_base(port_base("metrics"))
    async with AsyncExitStack() as end:
        stack = Stack(ROOT / "var" / "test-metrics", ports, parts=("postgres", "kafka"), scenario=BEGIN, fresh=True)
        await end.enter_async_context(stack)
        await stack.provision()
        pools, journals = {}, {}
        stop = asyncio.Event()
        relays = await end.enter_async_context(asyncio.TaskGroup())
        end.callback(stop.set)
        for source in SOURCES:
            settings = DatabaseSettings(
                host="127.0.0.1",
                port=ports.postgres,
                name=stack.environment(source)["MOTCUA_DATABASE__NAME"],
                user=source,
                password_file=Path(stack.environment(source)["MOTCUA_DATABASE__PASSWORD_FILE"]),
            )
            pools[source] = await create_pool(settings, source, size=4)
            journals[source] = Journal(source)
            relay = Relay(pools[source], journals[source], stack.kafka_login(source))
            relays.create_task(relay.run(stop))
        versions = {rule_set: version for rule_set, version, _ in load_seed().versions()}
        town = Town(stack, pools, journals, versions)
        end.push_async_callback(town.end)
        for port in (ports.metrics, ports.metrics + 1):
            town.processes.append(MetricsProcess(stack, port))
        for process in town.processes:
            await until(process.ready, "metrics is ready")
        yield town
    for pool in pools.values():
        pool.terminate()
