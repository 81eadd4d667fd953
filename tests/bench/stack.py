"""The stack under the bench: durable servers with commit timestamps; services begin and end one by one."""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local.parts import Part
from deploy.local.ports import Ports
from deploy.local.services import service_part
from deploy.local.stack import Stack
from shared.database import Pool, create_pool
from shared.settings import DatabaseSettings
from tests.faults.trial import FIRST_MORNING, end_for_good
from tests.ports import port_base
from tests.waiting import until

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "var" / "bench"
PORT_BASE = port_base("bench")
SERVER_SETTINGS = {"fsync": "on", "full_page_writes": "on", "track_commit_timestamp": "on"}
"""A wiped stack would write without fsync; the moment of each commit is how the bench reads what happened when."""
NOTHING_VACUUMED = "select not exists (select from pg_stat_activity where backend_type = 'autovacuum worker')"
NOTHING_UNSENT = "select not exists (select from {schema}.unsent)"


class BenchStack(Stack):
    """Both servers, provisioned, the rules published; of the services only those that are begun."""

    def __init__(self, *more: str, scenario: datetime = FIRST_MORNING, replicas: int = 1) -> None:
        parts = ("postgres", "kafka", *more)
        # One client plays a whole office here, as fast as it is answered: his rate is what is measured.
        os.environ["MOTCUA_LIMITS__TOKEN_REQUESTS"] = "10000"
        ports = Ports.from_base(PORT_BASE)
        super().__init__(FOLDER, ports, parts=parts, replicas=replicas, fresh=True, scenario=scenario)

    async def start(self) -> None:
        await super().start()
        try:
            self.database = await asyncpg.connect(self.dsn())
            await self.provision()
            await self.publish_rules()
        except BaseException:
            await super().stop()
            raise

    async def stop(self) -> None:
        self.database.terminate()
        await super().stop()

    async def publish_rules(self) -> None:
        """Let intake publish what provision recorded: every other service waits for it."""
        running = "intake" in self._names
        if not running:
            await self.begin("intake")
        await self.sent("intake")
        if not running:
            await self.end("intake")

    async def begin(self, name: str, module: str = "") -> None:
        """Start a service and wait until it is ready; `module` runs in its place, with its environment."""
        part = service_part(self._setting, name)
        if module:
            environment = {**part.launch.environment, "PYTHONPATH": str(ROOT)}
            command = [part.launch.command[0], "-m", module]
            launch = dataclasses.replace(part.launch, command=command, environment=environment)
            part = dataclasses.replace(part, launch=launch)
        await self._start(part)

    async def end(self, name: str) -> None:
        """End a service and let nobody start it again."""
        await end_for_good(self, name)

    async def sent(self, service: str, *, pause: float | None = None) -> None:
        """Wait until the relay of a service has nothing left."""

        async def empty() -> bool:
            return bool(await self.ask(NOTHING_UNSENT.format(schema=service)))

        await until(empty, f"{service} has nothing unsent", seconds=180, pause=pause)

    async def pool(self, service: str) -> Pool:
        """Make a pool as a service has it, with its own role."""
        environment = self.environment(service)
        settings = DatabaseSettings(
            host="127.0.0.1",
            port=self.ports.postgres,
            name=environment["MOTCUA_DATABASE__NAME"],
            user=service,
            password_file=Path(environment["MOTCUA_DATABASE__PASSWORD_FILE"]),
        )
        return await create_pool(settings, service)

    async def ask(self, query: str, *arguments: Any) -> Any:
        """Ask the database for one value, as the superuser."""
        return await self.database.fetchval(query, *arguments)

    async def rows(self, query: str, *arguments: Any) -> Sequence[asyncpg.Record]:
        """Ask the database for rows, as the superuser; however long that takes."""
        return await self.database.fetch(query, *arguments, timeout=None)

    async def rest(self) -> None:
        """Let the servers write down and clean up what a load left behind: it would weigh on the next one."""
        await self.database.execute("checkpoint", timeout=300)
        await until(self._vacuumed, "nothing is being vacuumed", seconds=900, pause=1)

    async def _vacuumed(self) -> bool:
        return bool(await self.ask(NOTHING_VACUUMED))

    async def _prepare_servers(self) -> list[Part]:
        parts = await super()._prepare_servers()
        with (self.folder.postgres / "motcua.conf").open("a", encoding="ascii") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in SERVER_SETTINGS.items())
        return parts
