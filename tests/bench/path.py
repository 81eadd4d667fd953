"""The whole path of a dossier: handed in, five acts of officers over HTTP, two notices at the gateway.

The stack runs whole. A dossier's way is over when its second notice has arrived at the SMS gateway, by the gateway's
own log; nobody asks the services meanwhile. An officer begins as soon as the case is open: a look-up of all waiting
codes in the database, every 5 ms, tells that (a worklist for each would be the client's load, not the system's).
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import itertools
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

import asyncpg

from deploy.demo.calls import Caller
from deploy.demo.offices import Duty, Item, Officer, Offices
from deploy.demo.people import person
from deploy.demo.plan import Arrival, places_of
from deploy.demo.play import seed_rules
from deploy.local.services import SERVICES
from deploy.local.sinks.logbook import LOG_NAME, SALT_NAME
from shared.http.wire import Wire
from shared.rulebook.agencies import Agency
from shared.rulebook.catalogue import Case
from tests.bench import load
from tests.bench.machine import cpu_seconds, resident_megabytes
from tests.bench.rounds import Refused, Round, Size
from tests.bench.stack import BenchStack
from tests.faults.trial import FIRST_MORNING
from tests.waiting import until

PROCEDURE, CASE = "1.001193", "default"
"""Birth registration: assign, forward, sign, number, finish."""
ACTS, NOTICES = 5, 2
READY = 9
AT_ONCE = 64
"""Dossiers under way at full load."""
RATE = 96
PARTS = (*SERVICES, "postgres", "kafka", "sinks")
OPEN = "select code from processing.cases where code = any($1::text[])"
LOOK_SECONDS = 0.005
CONNECTIONS = 128


@dataclass(frozen=True)
class Passed:
    """One dossier: when it was due to be handed in, its wait for its case, the span of each act, when it was done.

    Moments in seconds of the epoch, spans in seconds.
    """

    number: int
    began: float
    opening: float
    acts: Sequence[float]
    done: float


class Town:
    """Desks, officers, and an eye on what opens and what arrives."""

    def __init__(self, stack: BenchStack, offices: Offices) -> None:
        self.stack, self.offices = stack, offices
        kind, self.places = _places()
        self.arrivals = _arrivals(kind, self.places)
        self.first_duties: dict[str, Duty] = {}
        self._waiting: dict[str, asyncio.Event] = {}

    async def look(self) -> None:
        """Tell who waits for a case that it is open, until cancelled."""
        database = await asyncpg.connect(self.stack.dsn())
        try:
            while True:
                if self._waiting:
                    for row in await database.fetch(OPEN, list(self._waiting)):
                        self._waiting.pop(row["code"]).set()
                await asyncio.sleep(LOOK_SECONDS)
        finally:
            database.terminate()

    async def learn(self) -> None:
        """File one dossier at each place and read from its desk's worklist what the first duty there is."""
        for arrival in itertools.islice(self.arrivals, len(self.places)):
            entry = await self.offices.file(arrival)
            await self._opened(entry.code)
            desk = Officer(arrival.place.code, "desk")
            found = next(item for item in await self.offices.worklist(desk) if item.code == entry.code)
            self.first_duties[arrival.place.code] = found.duties[0]
            await self._act(Item.accepted(entry), found.duties[0])

    async def pass_through(self, began: float | None = None) -> Passed:
        """Lead one dossier from the desk to its result."""
        arrival = next(self.arrivals)
        began = time.time() if began is None else began
        entry = await self.offices.file(arrival)
        answered = time.time()
        await self._opened(entry.code)
        opening = time.time() - answered
        acts = await self._act(Item.accepted(entry), self.first_duties[arrival.place.code])
        return Passed(arrival.number, began, opening, acts, done=time.time())

    async def _act(self, item: Item, duty: Duty) -> list[float]:
        took = []
        for _ in range(ACTS):
            began = time.perf_counter()
            outcome = await self.offices.act(item, duty)
            took.append(time.perf_counter() - began)
            item = replace(item, state=outcome.state, version=outcome.version)
            duty = outcome.open_duties[0]
        if item.state != READY:
            raise Refused(f"{item.code} is in state {item.state} after {ACTS} acts")
        return took

    async def _opened(self, code: str) -> None:
        opened = self._waiting[code] = asyncio.Event()
        async with asyncio.timeout(30):
            await opened.wait()


@dataclass
class Gateway:
    """The log of the SMS gateway, read as it grows: when each number got its messages."""

    stack: BenchStack
    arrived: dict[str, list[float]] = field(default_factory=dict)
    _read: int = 0

    def second_notices(self, passed: Sequence[Passed]) -> list[float] | None:
        """When each of these dossiers had its second notice; None while one has not. Raises Refused for a third."""
        self._go_on()
        found = [self.arrived.get(self._digest(each.number), []) for each in passed]
        if any(len(times) > NOTICES for times in found):
            raise Refused("somebody got a third notice")
        return [max(times) for times in found] if all(len(times) == NOTICES for times in found) else None

    def _go_on(self) -> None:
        with (self.stack.folder.sinks / LOG_NAME).open("rb") as log:
            log.seek(self._read)
            for line in log:
                if not line.endswith(b"\n"):
                    break
                self._read += len(line)
                message = json.loads(line)
                at = datetime.fromisoformat(message["at"]).timestamp()
                self.arrived.setdefault(message["to"], []).append(at)

    def _digest(self, number: int) -> str:
        salt = (self.stack.folder.sinks / SALT_NAME).read_bytes()
        phone = "+84" + person(number, "").phone.removeprefix("0")
        return hashlib.sha256(salt + phone.encode()).hexdigest()


@contextlib.asynccontextmanager
async def begin(size: Size) -> AsyncIterator[Round]:
    """Start everything and learn the way."""
    async with BenchStack("sinks", *SERVICES) as stack:
        wires = [
            Wire("127.0.0.1", port, connections=CONNECTIONS) for port in (stack.ports.intake, stack.ports.processing)
        ]
        intake, processing = map(Caller, wires)
        town = Town(stack, Offices(intake, processing, stack.token, seed=uuid.uuid4().int))
        gateway = Gateway(stack)
        looking = asyncio.create_task(town.look())

        async def one_round() -> Mapping[str, float]:
            found = await full_load(town, gateway, size.seconds) | await at_a_rate(town, gateway, 2 * size.seconds)
            if repeated := intake.repeated + processing.repeated:
                raise Refused(f"{repeated} requests were answered only when they were sent again")
            return found

        try:
            await town.learn()
            yield one_round
        finally:
            looking.cancel()
            for wire in wires:
                wire.close()


async def full_load(town: Town, gateway: Gateway, seconds: int) -> dict[str, float]:
    """Keep many dossiers under way; from the first filing to the last notice, and what that cost."""
    await town.stack.rest()
    passed: list[Passed] = []
    pids = [town.stack.pid(part) for part in PARTS]
    cpu, began = cpu_seconds(*pids), time.time()

    async def clerk() -> None:
        while time.time() < began + seconds:
            passed.append(await town.pass_through())

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(clerk())
    ended = max(await notices(gateway, passed))
    used = cpu_seconds(*pids) - cpu
    return {
        "path_per_s": len(passed) / (ended - began),
        "path_cpu_s": used / len(passed) * 1000,
        "notification_rss_mb": resident_megabytes(town.stack.pid("notification")),
    }


async def at_a_rate(town: Town, gateway: Gateway, seconds: int) -> dict[str, float]:
    """File at the rate; milliseconds from the moment at which each was due to be filed to its second notice."""
    await town.stack.rest()
    passed: list[Passed] = []

    async def one(_number: int, due: float) -> None:
        passed.append(await town.pass_through(due))

    await load.at_rate(RATE, seconds, one)
    told = await notices(gateway, passed)
    took = [(at - each.began) * 1000 for each, at in zip(passed, told, strict=True)]
    acts = [act * 1000 for each in passed for act in each.acts]
    return {
        "path_p50_ms": load.percentile(took, 0.50),
        "path_p99_ms": load.percentile(took, 0.99),
        "path_opened_p50_ms": load.percentile([each.opening * 1000 for each in passed], 0.50),
        "path_told_p50_ms": load.percentile(
            [(at - each.done) * 1000 for each, at in zip(passed, told, strict=True)], 0.50
        ),
        "path_act_p99_ms": load.percentile(acts, 0.99),
    }


async def notices(gateway: Gateway, passed: Sequence[Passed]) -> list[float]:
    """Wait until every dossier's second notice has arrived; when each did."""

    async def arrived() -> list[float] | None:
        return gateway.second_notices(passed)

    return await until(arrived, "every dossier has its second notice", seconds=60, pause=0.1)


def _places() -> tuple[Case, Sequence[Agency]]:
    """Give the case, and where it is handed in."""
    rules = seed_rules()
    kind = rules.catalogue.case(PROCEDURE, CASE)
    return kind, places_of(kind, rules.agencies)


def _arrivals(kind: Case, places: Sequence[Agency]) -> Iterator[Arrival]:
    """Yield filings at all places in turn, by people who have a telephone and no e-mail: one message for a notice."""
    numbers = (number for number in itertools.count(1) if person(number, "").email is None)
    for number, place in zip(numbers, itertools.cycle(places), strict=False):
        yield Arrival(number, FIRST_MORNING, place, str(place.area_code), kind)
