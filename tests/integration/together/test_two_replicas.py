"""Two replicas of each service: one by one they are replaced under load, then a server goes away; nothing is lost."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass, field, replace

import asyncpg
import pytest

from deploy.demo.calls import Caller
from deploy.demo.ledger import Entry
from deploy.demo.offices import Duty, Item, Officer, Offices
from deploy.local.ports import Ports
from deploy.local.rolling import Replaced, restart
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from shared.contracts.topics import LIFECYCLE
from shared.http.wire import Wire
from tests.faults.acknowledged import EXPECTED
from tests.faults.outage import Desks, Measure, asked, outage
from tests.faults.signals import frozen
from tests.faults.town import act_on, arrivals_of
from tests.holding import WAITING, held
from tests.integration.intake.counter import FIRST_MORNING
from tests.integration.together.conftest import PORT_BASE, ROOT
from tests.integration.together.everywhere import Everywhere, eyes_on, filed, grown
from tests.ports import BLOCK
from tests.topics import records_of
from tests.waiting import until

FIRST_NUMBER = 50_000
"""Numbers make keys: these are nobody else's."""
DESKS, OFFICERS, STOCK, ACTS = 2, 2, 20, 2
PAUSE_SECONDS = 0.25
"""How long a desk or an officer takes until the next call: the two cores are for the services that start."""
DESKS_AT_ONE_PLACE, FILED_BY_EACH = 4, 3
"""Desks of one place at each process of intake, and what each of them then files at once with all others."""
WAITING_FOR_A_ROW = "select count(*) from pg_stat_activity where wait_event = 'transactionid' and usename = $1"
SHORT = Measure(rate=50, seconds=3, on_the_desks=10)
"""`make outage`, small."""
WHERE_EACH_STANDS_ONCE = ("dossiers", "cases", "counted", "notices")
VERSIONS = "select code, version from processing.cases where code = any($1::text[])"


@pytest.fixture(scope="module")
async def pair() -> AsyncIterator[Stack]:
    """All parts, two replicas of each service, as `make up REPLICAS=2` starts them."""
    ports = Ports.from_base(PORT_BASE + BLOCK)
    async with Stack(ROOT / "var" / "test-pair", ports, replicas=2, scenario=FIRST_MORNING, fresh=True) as running:
        yield running


@pytest.fixture(scope="module")
def desks(pair: Stack) -> Iterator[Desks]:
    with contextlib.closing(Desks(pair)) as made:
        yield made


@dataclass
class Day:
    """Desks file, officers act and a reader asks every service, one call after the other, until it is over."""

    everywhere: Everywhere
    over: asyncio.Event = field(default_factory=asyncio.Event)
    versions: dict[str, int] = field(default_factory=dict)
    """Of each dossier that was acknowledged: the version that officers were told last."""
    waiting: deque[Entry] = field(default_factory=deque)
    replaced: list[tuple[str, int, int]] = field(default_factory=list)
    """Which replica was replaced ("" before the first), and how many filings and acts were acknowledged by then."""

    def __post_init__(self) -> None:
        self._arrivals = arrivals_of(seed=5, first=FIRST_NUMBER)
        self._offices = self.everywhere.stage.offices

    @property
    def acts(self) -> int:
        """Each act makes a version, and so does the filing."""
        return sum(self.versions.values()) - len(self.versions)

    async def file(self) -> None:
        entry = await self._offices.file(next(self._arrivals))
        self.versions[entry.code] = 1
        self.waiting.append(entry)

    async def act(self) -> None:
        """Let an officer do what is owed of the dossier that has waited longest."""
        if not self.waiting:
            return
        item, duty = await self._first_duty(self.waiting.popleft())
        for _ in range(ACTS):
            item, owed = await act_on(self._offices, item, duty, 1)
            self.versions[item.code] = item.version
            if owed is None:
                return
            duty = owed

    async def read(self) -> None:
        await self.everywhere.stage.watch.figures()

    async def _first_duty(self, entry: Entry) -> tuple[Item, Duty]:
        desk = Officer(entry.arrival.place.code, "desk")

        async def listed() -> Item | None:
            found = await self._offices.worklist(desk)
            return next((item for item in found if item.code == entry.code and item.duties), None)

        item: Item = await until(listed)
        return item, item.duties[0]

    async def goes_on(self, work: Callable[[], Awaitable[None]]) -> None:
        while not self.over.is_set():
            await work()
            await asyncio.sleep(PAUSE_SECONDS)

    def told(self, replaced: Replaced) -> None:
        self.replaced.append((replaced.part, len(self.versions), self.acts))

    async def through(self, change: Callable[[], Awaitable[None]]) -> None:
        """Make a change while the day goes on."""
        for _ in range(STOCK):
            await self.file()
        self.replaced.append(("", len(self.versions), self.acts))
        async with asyncio.TaskGroup() as people:
            for work in (*DESKS * (self.file,), *OFFICERS * (self.act,), self.read):
                people.create_task(self.goes_on(work))
            await change()
            self.over.set()


async def facts_on_the_topic(stack: Stack, codes: Collection[str]) -> dict[tuple[str, str], list[int]]:
    """Subject and source → its sequence numbers as they stand on the topic, read raw."""
    found: dict[tuple[str, str], list[int]] = {}
    async for record in records_of(stack.kafka_login(), LIFECYCLE.name, LIFECYCLE.partitions):
        said = {name: value.decode() for name, value in record.headers}
        if said.get("ce_subject", "") in codes:
            found.setdefault((said["ce_subject"], said["ce_source"]), []).append(int(said["ce_sequence"]))
    return found


async def test_a_rolling_restart_under_load_loses_and_doubles_nothing_and_somebody_always_answers(pair: Stack) -> None:
    async with eyes_on(pair) as everywhere:
        before, day = await everywhere.look(), Day(everywhere)
        await day.through(lambda: restart(pair.folder, SERVICES, day.told))
        grew, expected = grown(before, await everywhere.look()), filed(*day.versions)
        versions = dict(await everywhere.database.fetch(VERSIONS, list(day.versions)))
        callers = everywhere.stage.callers
    assert {service: caller.in_vain for service, caller in callers.items()} == dict.fromkeys(SERVICES, 0)
    parts, filings, acts = zip(*day.replaced, strict=True)
    assert parts[1:] == tuple(part for service in SERVICES for part in pair.processes(service))
    assert len(set(filings)) == len(set(acts)) == len(parts), "nobody filed, or acted, while a replica was replaced"
    for service in ("intake", "processing"):
        assert callers[service].repeated, f"nobody met a replica of {service} that was away"

    assert {name: grew[name] for name in WHERE_EACH_STANDS_ONCE} == {
        name: expected[name] for name in WHERE_EACH_STANDS_ONCE
    }
    assert set(grew["told"].values()) == {1}
    assert versions == day.versions
    on_the_topic = await facts_on_the_topic(pair, day.versions)
    assert {code for code, source in on_the_topic if source == "intake"} == day.versions.keys()
    assert {code for code, source in on_the_topic if source == "processing"} == {
        code for code, version in versions.items() if version > 1
    }
    assert [stream for stream, seqs in on_the_topic.items() if seqs != list(range(1, len(seqs) + 1))] == []


async def test_weakness_3_two_processes_of_intake_draw_one_row_of_numbers_at_one_place(pair: Stack) -> None:
    """While one has drawn a number and not committed, the other waits for it; then many desks of both draw at once."""
    arrivals = arrivals_of(seed=5, first=3 * FIRST_NUMBER)
    here = next(arrivals)
    filed_here = (replace(each, place=here.place, case=here.case, area_code=here.area_code) for each in arrivals)
    parts = pair.processes("intake")
    async with eyes_on(pair) as everywhere, contextlib.AsyncExitStack() as opened:
        holder = everywhere.database
        desks = [(part, await opened.enter_async_context(desk_at(pair, part))) for part in parts * DESKS_AT_ONE_PLACE]
        (_, first), (_, second) = desks[:2]
        async with held(holder, "intake", "intake.dossiers", "after insert") as let_through:
            drawing = [asyncio.create_task(first.offices.file(here))]
            await until(lambda: shown(holder, WAITING), "one process has drawn a number")
            drawing.append(asyncio.create_task(second.offices.file(next(filed_here))))
            await until(lambda: shown(holder, WAITING_FOR_A_ROW), "the other waits to draw one")
            await let_through()
            entries = list(zip(parts, await asyncio.gather(*drawing), strict=True))
        at_once = [(part, desk) for part, desk in desks for _ in range(FILED_BY_EACH)]
        filings = (desk.offices.file(next(filed_here)) for _, desk in at_once)
        entries += zip((part for part, _ in at_once), await asyncio.gather(*filings), strict=True)

    numbers = sorted((int(entry.code.rpartition("-")[2]), part) for part, entry in entries)
    lowest = numbers[0][0]
    assert [number for number, _ in numbers] == list(range(lowest, lowest + len(entries)))
    assert {entry.code.rpartition("-")[0] for _, entry in entries} == {entries[0][1].code.rpartition("-")[0]}
    turns = sum(part != after for (_, part), (_, after) in itertools.pairwise(numbers))
    assert turns > 1, "one process drew after the other"


async def shown(holder: asyncpg.Connection[asyncpg.Record], query: str) -> bool:
    return bool(await holder.fetchval(query, "intake"))


@pytest.mark.parametrize("server", EXPECTED)
async def test_while_a_server_is_away_what_is_acknowledged_is_kept_and_nothing_else(
    pair: Stack, desks: Desks, server: str
) -> None:
    desks.acknowledged[:] = [row["code"] for row in await asked(pair, "select code from intake.dossiers")]
    heard, report = await outage(pair, desks, server, SHORT)
    assert report == [], heard.in_words()


async def test_a_replica_that_stands_still_inside_a_filing_holds_its_place_up_for_seconds(pair: Stack) -> None:
    """It holds the day's number of the place; the server ends its transaction, and the other replica files there."""
    arrivals = arrivals_of(seed=5, first=2 * FIRST_NUMBER)
    here = next(arrivals)
    there = replace(next(arrivals), place=here.place, case=here.case, area_code=here.area_code)
    async with eyes_on(pair) as everywhere, desk_at(pair, "intake") as first, desk_at(pair, "intake_2") as second:
        holder = everywhere.database
        async with held(holder, "intake", "intake.dossiers", "after insert") as let_through:
            filing = asyncio.create_task(first.offices.file(here))
            await until(lambda: shown(holder, WAITING), "the filing is in its transaction")
            with frozen(pair.pid("intake")):
                await let_through()
                entry = await second.offices.file(there)
            assert second.caller.repeated, "nothing was held up"
            codes = [entry.code, (await filing).code]
        assert await holder.fetchval("select count(*) from intake.dossiers where code = any($1::text[])", codes) == 2
    await pair.wait_ready("intake")


@dataclass(frozen=True)
class DeskAt:
    """What desks file at one replica alone."""

    caller: Caller
    offices: Offices


@contextlib.asynccontextmanager
async def desk_at(stack: Stack, part: str) -> AsyncIterator[DeskAt]:
    with contextlib.closing(Wire("127.0.0.1", stack.ports.of(part))) as wire:
        caller = Caller(wire)
        yield DeskAt(caller, Offices(caller, caller, stack.token, seed=5))
