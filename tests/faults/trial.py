"""The stack that faults strike: small disks under its servers, proxies before them, few connections, short waits."""

from __future__ import annotations

import contextlib
import dataclasses
import signal
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Any

from deploy.local.parts import Part
from deploy.local.ports import Ports
from deploy.local.services import not_ready, service_part
from deploy.local.stack import Stack
from shared.clocks import OFFICE_ZONE
from tests.faults import witness
from tests.faults.disks import Disk, Refused
from tests.faults.proxy import Proxy
from tests.ports import port_base, spare_port

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "var" / "faults"
PORT_BASE = port_base("faults")
FIRST_MORNING = datetime(2020, 1, 2, 7, 30, tzinfo=OFFICE_ZONE)
"""A working day on which all 25 places of 2020 receive."""
DATABASE_PROXY, KAFKA_PROXY, THIRD_REPLICA = (spare_port(PORT_BASE, number) for number in range(3))
"""Their ports, beside those of the stack."""
SERVER_SETTINGS = {
    "max_connections": "64",
    "max_wal_size": "96MB",
    "track_commit_timestamp": "on",
    "deadlock_timeout": "1700ms",  # time to close the circle; the services give up a lock after 2 s
}
LEASE_SECONDS = 8
QUICK = {
    "MOTCUA_SMS__TIMEOUT_SECONDS": "2",
    "MOTCUA_MAIL__TIMEOUT_SECONDS": "2",
    "MOTCUA_ZALO__TIMEOUT_SECONDS": "2",
    "MOTCUA_NOTICES__LEASE_SECONDS": str(LEASE_SECONDS),
}
"""A gateway that withholds its answer is given up sooner than in earnest."""
DISK_MEGABYTES = 400


class TrialStack(Stack):
    """A stack whose services reach both servers through proxies."""

    def __init__(self, **more: Any) -> None:
        super().__init__(FOLDER, Ports.from_base(PORT_BASE), fresh=True, scenario=FIRST_MORNING, **more)
        self.database = Proxy(DATABASE_PROXY, self.ports.postgres)
        self.kafka = Proxy(KAFKA_PROXY, self.ports.kafka)
        self.database_disk = Disk(self.folder.postgres, DISK_MEGABYTES)
        self.kafka_disk = Disk(self.folder.kafka / "data", DISK_MEGABYTES)
        self.without_disks = ""
        """Why nothing could be mounted; empty when both servers have their disks."""

    async def start(self) -> None:
        await self._unmount()
        try:
            await self.database.open()
            await self.kafka.open()
            await super().start()
        except BaseException:
            await self._let_go()
            raise

    async def stop(self) -> None:
        await super().stop()
        await self._let_go()

    async def _let_go(self) -> None:
        await self.database.close()
        await self.kafka.close()
        await self._unmount()

    def part(self, name: str) -> Part:
        """Describe a process of a service as this stack starts it."""
        part = service_part(self._setting, name)
        environment = {
            **part.launch.environment,
            "MOTCUA_DATABASE__PORT": str(self.database.port),
            "MOTCUA_KAFKA__BOOTSTRAP_SERVERS": f"127.0.0.1:{self.kafka.port}",
        }
        if name.startswith("notification"):
            environment |= QUICK
        return dataclasses.replace(part, launch=dataclasses.replace(part.launch, environment=environment))

    def relaunch(self, name: str, **changed: str) -> None:
        """Start this part with a changed environment whenever it is started again; with none, as at first."""
        part = self.part(name)
        launch = dataclasses.replace(part.launch, environment={**part.launch.environment, **changed})
        self._supervisor._running[name].part = dataclasses.replace(part, launch=launch)

    @contextlib.asynccontextmanager
    async def second(self, service: str, **changed: str) -> AsyncIterator[str]:
        """Run one more process of a service, in a changed environment; yields its name."""
        part = self.part(f"{service}_2")
        launch = dataclasses.replace(part.launch, environment={**part.launch.environment, **changed})
        async with self._beside(dataclasses.replace(part, launch=launch)) as name:
            yield name

    @contextlib.asynccontextmanager
    async def third(self, service: str) -> AsyncIterator[str]:
        """Run yet another, for which a stack has no port of its own; yields its name."""
        launch, name, port = self.part(f"{service}_2").launch, f"{service}_3", THIRD_REPLICA
        environment = {**launch.environment, "MOTCUA_HTTP__PORT": str(port), "MOTCUA_KAFKA__INSTANCE": name}
        launch = dataclasses.replace(launch, environment=environment, log=self.folder.logs / f"{name}.log")
        async with self._beside(Part(name, launch, lambda: not_ready(port))):
            yield name

    @contextlib.asynccontextmanager
    async def _beside(self, part: Part) -> AsyncIterator[str]:
        await self._supervisor.start([part])
        try:
            yield part.name
        finally:
            await end_for_good(self, part.name)

    def _client(self, name: str) -> Part:
        return super()._client(name) if name == "sinks" else self.part(name)

    async def _provision(self) -> None:
        await super()._provision()
        await witness.call(self.dsn())

    async def _prepare_servers(self) -> list[Part]:
        parts = await super()._prepare_servers()
        with (self.folder.postgres / "motcua.conf").open("a", encoding="ascii") as file:
            file.writelines(f"{name} = '{value}'\n" for name, value in SERVER_SETTINGS.items())
        settings = self.folder.kafka / "server.properties"
        told = f"advertised.listeners=CLIENTS://127.0.0.1:{self.ports.kafka}"
        through = f"advertised.listeners=CLIENTS://127.0.0.1:{self.kafka.port}"
        settings.write_text(settings.read_text("utf-8").replace(told, through), "utf-8")
        try:
            await self.database_disk.mount()
            await self.kafka_disk.mount()
        except Refused as error:
            self.without_disks = str(error)
        return parts

    async def _unmount(self) -> None:
        await self.database_disk.unmount()
        await self.kafka_disk.unmount()


async def end_for_good(stack: Stack, name: str, how: signal.Signals | None = None) -> Part:
    """End one part, politely unless told how, and let nobody start it again; answers the part."""
    watch, running = stack._supervisor._watches.pop(name), stack._supervisor._running.pop(name)
    watch.cancel()
    await running.child.end(how or running.part.stop_signal, running.part.stop_seconds)
    return running.part
