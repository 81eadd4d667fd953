"""The town under fire: desks that file, officers who act, and everything that is written down of it."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient

from deploy.demo.calls import Caller
from deploy.demo.ledger import Entry
from deploy.demo.offices import Duty, Item, Officer, Offices
from deploy.demo.plan import Arrival, YearRequest, plan_year
from deploy.demo.play import seed_rules
from deploy.demo.quiet import NeverQuiet, Watch
from deploy.local.services import SERVICES, SMS_SECRET
from shared.clocks import ScenarioClock, write_scenario
from shared.contracts.topics import LIFECYCLE
from shared.http.wire import Wire
from shared.messaging.connection import connection
from shared.settings import KafkaSettings
from tests.faults.recorder import RecordedWire, Recorder
from tests.faults.trial import TrialStack
from tests.waiting import until

DESKS = 3
PLANNED = 600
OWED_BY_LEADER = "send_apology"
SECONDS_TO_LIST = 900.0
"""Longer than the longest fault: what was filed without Kafka stands on a worklist only when it is back."""
END_SESSIONS = """
select pg_terminate_backend(pid, 5000) from pg_stat_activity where usename = $1 and pid <> pg_backend_pid()
"""
"""And wait until each is gone."""


@dataclass(frozen=True)
class Size:
    """How much is filed and acted around one fault, how often it strikes, and for how many seconds it lasts."""

    filings: int
    acts: int
    times: int
    hold: float

    @property
    def full(self) -> bool:
        """Whether the fault lasts: in its short form it does not."""
        return self.hold > 0


SHORT = Size(filings=4, acts=3, times=1, hold=0.0)
FULL = Size(filings=40, acts=8, times=5, hold=12.0)


def arrivals_of(seed: int, first: int = 1) -> Iterator[Arrival]:
    """Yield dossiers to be filed, without end; the numbers, which make the keys, begin with `first`."""
    arrivals = plan_year(seed_rules(), YearRequest(PLANNED, open=0, late=0, seed=seed)).arrivals
    for number, arrival in enumerate(itertools.cycle(arrivals), first):
        yield replace(arrival, number=number)


async def act_on(offices: Offices, item: Item, duty: Duty, acts: int) -> tuple[Item, Duty | None]:
    """Let officers do what they owe a dossier, so many acts at most; answers how it stands and what is owed then."""
    for _ in range(acts):
        outcome = await offices.act(item, duty)
        item = replace(item, state=outcome.state, version=outcome.version)
        owed = [each for each in outcome.open_duties if each.action != OWED_BY_LEADER]
        if not owed:
            return item, None
        duty = owed[0]
    return item, duty


class Town:
    """One running stack, its clients and its history."""

    def __init__(self, stack: TrialStack, seed: int) -> None:
        self.stack, self.seed = stack, seed
        self.recorder = Recorder(stack.folder.path)
        self.tokens = stack.token
        self._wires: list[Wire] = []
        self.callers = {name: self.caller(stack.ports.of(name)) for name in SERVICES}
        self.offices = self.offices_over(self.callers["intake"], self.callers["processing"])
        self.watch = Watch(self.callers, self.tokens("operator", "", "faults"))
        self.sinks = self.caller(stack.ports.sms)
        self._arrivals = arrivals_of(seed)
        self.recorded = 0

    def close(self) -> None:
        for wire in self._wires:
            wire.close()

    def caller(self, port: int) -> Caller:
        """Speak to one port, and write everything down."""
        wire = RecordedWire(self.recorder, "127.0.0.1", port, timeout_seconds=20.0, kept_seconds=0.5)
        self._wires.append(wire)
        return Caller(wire)

    def offices_over(self, intake: Caller, processing: Caller) -> Offices:
        return Offices(intake, processing, self.tokens, self.seed)

    def arrival(self) -> Arrival:
        """Give the next dossier to be filed."""
        return next(self._arrivals)

    async def file(self, offices: Offices | None = None) -> Entry:
        """File one dossier, however often that takes."""
        return await (offices or self.offices).file(self.arrival())

    async def act(self, entry: Entry, acts: int) -> tuple[Item, Duty] | None:
        """Let officers do what they owe this dossier, so many acts at most; answers what is owed then."""
        item, duty = await act_on(self.offices, *await self.first_duty(entry), acts)
        return None if duty is None else (item, duty)

    async def first_duty(self, entry: Entry) -> tuple[Item, Duty]:
        """Wait until the dossier stands on the worklist of its desk."""
        desk = Officer(entry.arrival.place.code, "desk")

        async def listed() -> Item | None:
            found = await self.offices.worklist(desk)
            return next((item for item in found if item.code == entry.code and item.duties), None)

        item = await until(listed, seconds=SECONDS_TO_LIST)
        return item, next(duty for duty in item.duties if duty.action != OWED_BY_LEADER)

    @contextlib.asynccontextmanager
    async def load(self, size: Size) -> AsyncIterator[Load]:
        """Desks file and officers act while the block runs; at its end all of it is waited for."""
        load = Load(self, size)
        load.desks += [asyncio.create_task(load.desk()) for _ in range(DESKS)]
        try:
            yield load
            await load.over()
        finally:
            for desk in load.desks:
                desk.cancel()
            await asyncio.gather(*load.desks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def database(self, role: str = "postgres", **more: Any) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
        """Reach the database past the proxy."""
        connection = await asyncpg.connect(self.stack.dsn(role), **more)
        try:
            yield connection
        finally:
            connection.terminate()

    async def ask(self, query: str, *arguments: Any) -> Any:
        """Ask the database for one value, as the superuser."""
        async with self.database() as connection:
            return await connection.fetchval(query, *arguments)

    async def holds(self, query: str, *arguments: Any) -> None:
        """Wait until the database answers with something that is not nothing."""

        async def answered() -> bool:
            return bool(await self.ask(query, *arguments))

        await until(answered, query)

    async def execute(self, script: str) -> None:
        """Run a script, as the superuser."""
        async with self.database() as connection:
            await connection.execute(script)

    async def disconnect(self, service: str) -> None:
        """End every session of a service."""
        async with self.database() as connection:
            await connection.fetch(END_SESSIONS, service)

    @contextlib.asynccontextmanager
    async def kafka_admin(self) -> AsyncIterator[AIOKafkaAdminClient]:
        admin = AIOKafkaAdminClient(**connection(self.kafka))
        await admin.start()
        try:
            yield admin
        finally:
            await admin.close()

    @property
    def kafka(self) -> KafkaSettings:
        """Past the proxy, as the administrator."""
        return self.stack.kafka_login()

    async def ends(self) -> dict[TopicPartition, int]:
        """Tell where each partition of the lifecycle ends."""
        consumer = AIOKafkaConsumer(**connection(self.kafka))
        await consumer.start()
        try:
            places = [TopicPartition(LIFECYCLE.name, number) for number in range(LIFECYCLE.partitions)]
            return dict(await consumer.end_offsets(places))
        finally:
            await consumer.stop()

    async def conduct(self, sink: str, conduct: str, times: int) -> None:
        """Order a sink to misbehave for its next messages."""
        self.recorder.note("ordered", {"sink": sink, "conduct": conduct, "times": times})
        token = (self.stack.folder.secrets / SMS_SECRET).read_text("utf-8").strip()
        await self.sinks.post("/v1/conduct", token, "", {"sink": sink, "conduct": conduct, "times": times})

    def answers(self, since: int = 0) -> list[dict[str, Any]]:
        """List what clients were answered since so many answers."""
        return self.recorder.answers[since:]

    async def answered(self, wanted: Callable[[dict[str, Any]], bool], since: int = 0) -> list[dict[str, Any]]:
        """Wait until clients were answered so at least once."""

        async def seen() -> list[dict[str, Any]]:
            return [line for line in self.answers(since) if wanted(line)]

        return await until(seen)

    def legal_now(self) -> datetime:
        """Tell what time it is for the law."""
        return ScenarioClock(self.stack.folder.scenario_clock).now()

    def move_clock(self, span: timedelta) -> None:
        """Move legal time on."""
        write_scenario(self.stack.folder.scenario_clock, self.legal_now() + span)

    async def quiet(self) -> None:
        """Wait until every fact is applied, nothing is parked and every message has its receipt."""
        for part in SERVICES:
            await self.stack.wait_ready(part)

        async def receipts_in() -> bool:
            return not (await self.sinks.get("/v1/summary"))["receipts"]["waiting"]

        try:
            await self.watch.quiet()
            await until(receipts_in)
            await self.watch.quiet()
        except NeverQuiet as error:
            error.add_note(self._last_words())
            raise

    def _last_words(self) -> str:
        """Gather the end of each service's log, for whoever has to find out why it never came to rest."""
        logs = {name: self.stack.folder.logs / f"{name}.log" for name in SERVICES}
        ends = {name: log.read_text("utf-8", "replace").splitlines()[-20:] for name, log in logs.items()}
        return "\n".join(line[:400] for name, lines in ends.items() for line in (f"== {name}", *lines))

    async def record(self, row: int) -> None:
        """Write down everything that the checker judges."""
        self.recorded += 1
        await self.recorder.read_topics(self.kafka)
        async with self.database() as connection:
            await self.recorder.read_tables(connection, self.recorded)
            await self.recorder.hear_witness(connection)
        await self.recorder.read_pages(self.callers)
        self.recorder.read_processes(row, self.pids())

    def pids(self) -> dict[str, int]:
        """Name the processes of the services that live now."""
        return {name: self.stack.pid(name) for name in SERVICES}


@dataclass
class Load:
    """What desks and officers do around one fault."""

    town: Town
    size: Size
    entries: list[Entry] = field(default_factory=list)
    desks: list[asyncio.Task[None]] = field(default_factory=list)
    _begun: int = 0
    _ending: bool = False
    _answered: asyncio.Event = field(default_factory=asyncio.Event)

    def wind_up(self) -> None:
        """The fault is over: what is begun is finished, nothing new begins, so that recovery is what is measured."""
        self._ending = True

    async def desk(self) -> None:
        """File one dossier after the other, and let officers act on each."""
        while self._begun < self.size.filings and not self._ending:
            self._begun += 1
            entry = await self.town.file()
            self.entries.append(entry)
            self._answered.set()
            if self.size.acts:
                await self.town.act(entry, self.size.acts)

    async def under_way(self) -> None:
        """Wait until something was acknowledged."""
        await self._answered.wait()

    async def over(self) -> None:
        """Wait until every desk has done what the size says."""
        await asyncio.gather(*self.desks)

    async def more(self, filings: int) -> list[Entry]:
        """File more now, and wait until all are acknowledged."""
        return list(await asyncio.gather(*(self.town.file() for _ in range(filings))))

    def begin(self, filings: int) -> asyncio.Task[list[Entry]]:
        """Begin to file more: what the fault may hold up until it is over."""
        return asyncio.create_task(self.more(filings))


@dataclass
class Scene:
    """One fault at its time: where it strikes, amid which load, how large, and from which seed.

    `let_go_at`: the monotonic second at which the fault let go.
    """

    town: Town
    load: Load
    size: Size
    draw: Random
    let_go_at: float = math.inf

    def let_go(self) -> None:
        """Say that the fault lets go now: what a strike still waits for is recovery. The last time counts."""
        self.let_go_at = time.monotonic()

    @property
    def stack(self) -> TrialStack:
        return self.town.stack


Strike = Callable[[Scene], Awaitable[str]]
"""Strikes, sees that it struck, lets go; answers in words how it was seen. Raises DidNotStrike.

One that waits for recovery itself says before that when it let go.
"""
