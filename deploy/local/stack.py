"""The embedded stack as one object: the CLI, the demo and the tests all use this class.

async with Stack(Path("var/trial"), Ports.from_base(21000), parts=("postgres", "kafka"), fresh=True) as stack:
    ...
"""

from __future__ import annotations

import asyncio
import dataclasses
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import asyncpg

from deploy.installation import DATABASE, Installation
from deploy.local import kafka, postgres, status
from deploy.local.folder import Folder
from deploy.local.parts import Part
from deploy.local.ports import Ports, refuse_taken
from deploy.local.processes import Identity
from deploy.local.services import (
    MOST_REPLICAS,
    SERVICES,
    Setting,
    environment,
    replicas_of,
    service_part,
    sinks_part,
    token,
)
from deploy.local.supervisor import Supervisor
from deploy.provision.database import SUPERUSER, create_database
from deploy.provision.run import Report, provision
from deploy.secret_files import ADMINISTRATOR, make_missing
from shared.clocks import ScenarioClock, SystemLegalClock, write_scenario
from shared.settings import KafkaSettings

ALL_PARTS = ("postgres", "kafka", "sinks", *SERVICES)
SERVER_PARTS = ("postgres", "kafka")

Teller = Callable[[str], None]


class Stack:
    """Real PostgreSQL, real Kafka, the sinks and the four services under one supervisor, in one folder.

    `parts` names what is started, each service in `replicas` processes; `scenario` is the moment at which a scenario
    clock begins (None: the system's clock); `fresh` wipes the folder's earlier data first (never the shared cache of
    jars and binaries).
    """

    def __init__(
        self,
        folder: Path,
        ports: Ports,
        *,
        parts: Sequence[str] = ALL_PARTS,
        replicas: int = 1,
        scenario: datetime | None = None,
        fresh: bool = False,
        log_level: str = "info",
        told: Teller = lambda _line: None,
    ) -> None:
        unknown = set(parts) - set(ALL_PARTS)
        if unknown:
            raise ValueError(f"unknown parts: {', '.join(sorted(unknown))}; there are {', '.join(ALL_PARTS)}")
        if not 1 <= replicas <= MOST_REPLICAS:
            raise ValueError(f"there may be 1 to {MOST_REPLICAS} replicas of a service, not {replicas}")
        self.folder, self.ports = Folder(folder), ports
        self.replicas = replicas
        self._names = tuple(part for name in ALL_PARTS if name in parts for part in self.processes(name))
        self._scenario, self._fresh, self._told = scenario, fresh, told
        clock = self.folder.scenario_clock if scenario is not None else None
        self._setting = Setting(self.folder, ports, clock, log_level)
        self._supervisor = Supervisor(self.folder, dataclasses.asdict(ports))

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    def processes(self, name: str) -> tuple[str, ...]:
        """Name the parts that are processes of a service; any other part is one process."""
        return replicas_of(name, self.replicas) if name in SERVICES else (name,)

    @property
    def urls(self) -> dict[str, str]:
        """The address of each service: that of its first replica."""
        return {service: f"http://127.0.0.1:{self.ports.of(service)}" for service in SERVICES}

    @property
    def scenario_file(self) -> Path | None:
        """The scenario clock's file, written in place by whoever moves the time; None under the system's clock."""
        return self._setting.scenario

    def dsn(self, role: str = SUPERUSER, database: str = DATABASE) -> str:
        """Say where and as whom to reach the database: a service's name, `motcua_owner`, or the superuser."""
        return installation(self.folder, self.ports).dsn(role, database)

    def kafka_login(self, user: str = ADMINISTRATOR) -> KafkaSettings:
        """Say where and as whom to reach Kafka: as the administrator, or as a service."""
        return installation(self.folder, self.ports).kafka_login(user)

    def environment(self, name: str) -> dict[str, str]:
        """Make the whole environment that a service, or another replica of it, is started with."""
        return environment(self._setting, name)

    def token(self, role: str, agency: str = "", subject: str = "developer", *, seconds: int = 8 * 3600) -> str:
        """Issue a bearer token that the services of this stack believe."""
        return token(self.folder.secrets, role=role, agency=agency, subject=subject, seconds=seconds)

    def pid(self, name: str) -> int:
        """Look up the process id of a running part."""
        return self._supervisor.identity(name).pid

    async def kill(self, name: str) -> Identity:
        """SIGKILL a part and wait until that very process is gone; the supervisor then starts it again."""
        victim = self._supervisor.kill(name)
        await victim.gone(10)
        return victim

    async def wait_ready(self, name: str, seconds: float = 60) -> None:
        """Wait until a part is ready (again). Raises TimeoutError."""
        await asyncio.wait_for(self._supervisor.wait_ready(name), seconds)

    async def start(self) -> None:
        """Start everything and wait until it is ready; on any error all that was started is ended again.

        Raises FolderInUse, NotOurs, PortTaken, PartFailed, PostgresFailed, KafkaFailed, JarsUnavailable,
        WheelMissing.
        """
        self.folder.prepare()
        self.folder.lock()
        try:
            await self._start_parts()
        except BaseException as error:
            await self._supervisor.stop()
            self._supervisor.say("failed", error=str(error))
            self.folder.unlock()
            raise
        self._supervisor.say("running")

    async def stop(self) -> None:
        """End everything, the servers last, and give the folder back."""
        self._supervisor.say("stopping")
        await self._supervisor.stop()
        self._supervisor.say("stopped")
        self.folder.unlock()

    async def status(self) -> list[status.PartStatus]:
        """Tell the parts as they are now, each probed."""
        return await status.parts(self.folder)

    async def _start_parts(self) -> None:
        # nothing is written before: the state file names what an earlier run left behind
        for name in await self._supervisor.end_leftovers():
            self._told(f"ended {name}, left behind by an earlier run")
        refuse_taken(self.ports, _listeners(self._names))
        if self._fresh:
            self.folder.wipe()
        make_missing(self.folder.secrets)
        if self._scenario is None:
            self.folder.scenario_clock.unlink(missing_ok=True)
        elif not self.folder.scenario_clock.exists():
            write_scenario(self.folder.scenario_clock, self._scenario)
        await self._start(*await self._prepare_servers())
        await self._provision()
        await self._start(*(self._client(name) for name in self._names if name not in SERVER_PARTS))

    async def _provision(self) -> None:
        """Provision everything where services are to run; for bare servers only the empty database."""
        if set(self._names) - {*SERVER_PARTS, "sinks"}:
            self._say("provisioning: roles, schemas, migrations, topics, logins, rules")
            await self.provision()
        elif "postgres" in self._names:
            server = await asyncpg.connect(self.dsn(database="postgres"))
            try:
                await create_database(server, DATABASE)
            finally:
                await server.close()

    async def provision(self) -> Report:
        """Bring database, topics and rules of the running servers to the declared state; safe at any time."""
        return await provision(installation(self.folder, self.ports).target(), legal_time=legal_now(self.folder))

    async def _prepare_servers(self) -> list[Part]:
        servers = []
        if "postgres" in self._names:
            self._say("preparing PostgreSQL")
            bin_folder = await asyncio.to_thread(postgres.prepare, self.folder, durable=not self._fresh)
            servers.append(postgres.part(self.folder, bin_folder, self.ports.postgres))
        if "kafka" in self._names:
            self._say("preparing Kafka")
            path = await asyncio.to_thread(kafka.prepare, self.folder, self.ports)
            servers.append(kafka.part(self.folder, path, self.ports.kafka))
        return servers

    def _client(self, name: str) -> Part:
        return sinks_part(self._setting) if name == "sinks" else service_part(self._setting, name)

    async def _start(self, *parts: Part) -> None:
        if parts:
            self._say(f"starting {', '.join(part.name for part in parts)}")
            await self._supervisor.start(parts)

    def _say(self, line: str) -> None:
        self._told(line)
        self._supervisor.say("starting", line)


def _listeners(names: Sequence[str]) -> list[str]:
    return [port for name in names for port in status.listeners(name)]


def installation(folder: Folder, ports: Ports) -> Installation:
    """Tell a stack as its operator sees it."""
    return Installation("127.0.0.1", ports.postgres, DATABASE, f"127.0.0.1:{ports.kafka}", folder.secrets)


def legal_now(folder: Folder) -> datetime:
    """Read the legal clock of a stack: its scenario's, else the system's."""
    scenario = folder.scenario_clock
    clock = ScenarioClock(scenario) if scenario.exists() else SystemLegalClock()
    return clock.now()
