from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path

import pytest

from deploy.local.ports import Ports
from deploy.local.services import KEY_SECRET, RECEIPTS_SECRET, SMS_SECRET
from deploy.local.stack import Stack
from shared.database import Pool, create_pool
from shared.messaging.journal import Journal
from shared.messaging.relay import Relay
from shared.rulebook.calendar import ZONE
from shared.rulebook.loader import load_seed
from shared.sealing import KeyEncryptionKey
from shared.settings import DatabaseSettings
from tests.clients import plain_client
from tests.integration.notification.house import ROOT, House, Process
from tests.ports import port_base

BEGIN = datetime(2020, 3, 2, 8, 0, tzinfo=ZONE)


@pytest.fixture(scope="package")
async def house() -> AsyncIterator[House]:
    ports = Ports.from_base(port_base("notification"))
    async with AsyncExitStack() as end:
        stack = Stack(
            ROOT / "var" / "test-notification", ports, parts=("postgres", "kafka"), scenario=BEGIN, fresh=True
        )
        await end.enter_async_context(stack)
        await stack.provision()
        pools = {name: await _pool(stack, ports, name) for name in ("intake", "processing", "notification")}
        for pool in pools.values():
            end.callback(pool.terminate)
        journals = {source: Journal(source) for source in ("intake", "processing")}
        stop = asyncio.Event()
        relays = await end.enter_async_context(asyncio.TaskGroup())
        end.callback(stop.set)
        for source, journal in journals.items():
            relays.create_task(Relay(pools[source], journal, stack.kafka_login(source)).run(stop))
        client = plain_client(base_url=f"http://127.0.0.1:{ports.notification}", timeout=10)
        await end.enter_async_context(client)
        house = House(
            stack=stack,
            pools=pools,
            journals=journals,
            versions={rule_set: version for rule_set, version, _ in load_seed().versions()},
            kek=KeyEncryptionKey.read(stack.folder.secrets / KEY_SECRET),
            begin=BEGIN,
            sinks=_sinks(stack, ports),
            service=_service(stack, ports),
            client=client,
        )
        end.push_async_callback(house.sinks.end)
        end.push_async_callback(house.service.end)
        await house.start_sinks()
        await house.start_service()
        yield house


async def _pool(stack: Stack, ports: Ports, name: str) -> Pool:
    environment = stack.environment(name)
    settings = DatabaseSettings(
        host="127.0.0.1",
        port=ports.postgres,
        name=environment["MOTCUA_DATABASE__NAME"],
        user=name,
        password_file=Path(environment["MOTCUA_DATABASE__PASSWORD_FILE"]),
    )
    return await create_pool(settings, name, size=4)


def _sinks(stack: Stack, ports: Ports) -> Process:
    secrets = stack.folder.secrets
    options = {
        "--sms-port": ports.sms,
        "--mail-port": ports.mail,
        "--log-folder": stack.folder.path / "sinks",
        "--token-file": secrets / SMS_SECRET,
        "--receipts-url": f"http://127.0.0.1:{ports.notification}/v1/receipts/sms",
        "--receipts-token-file": secrets / RECEIPTS_SECRET,
    }
    command = [sys.executable, "-m", "deploy.local.sinks", *(str(word) for item in options.items() for word in item)]
    return Process(command, stack.folder.logs / "sinks.log", f"http://127.0.0.1:{ports.sms}/v1/summary")


def _service(stack: Stack, ports: Ports) -> Process:
    command = [sys.executable, "-m", "services.notification"]
    return Process(command, stack.folder.logs / "notification.log", f"http://127.0.0.1:{ports.notification}/readyz")
