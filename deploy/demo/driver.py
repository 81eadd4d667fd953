"""The year itself: the clock moves, 25 desks file, and officers work off what their worklists answer.

At each moment: timers first; then every awake officer has read his worklist, and only when all have does anyone act,
while the places file. So a dossier meets one officer at a moment, whatever order the answers come in, and the same
seed makes the same facts. An officer goes on with the dossier before him while the answer to his act names a next duty
of his own (`open_duties`): for that he reads no worklist. What is due before the clock moves again goes on in rounds
until it is finished.

The driver keeps no list of dossiers. It knows the ledger, and which officers may have work: those named by the open
duties of an answer, the desks where something was filed, leaders who owe an apology (timers open its draft), and every
desk once intake has accepted dossiers that are not in the ledger: their worklists are how those are found.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from http import HTTPStatus
from typing import Any

from deploy.demo.calls import Refused
from deploy.demo.fates import Fate
from deploy.demo.ledger import Ledger
from deploy.demo.offices import Duty, Item, Officer, Offices, Outcome, Owed
from deploy.demo.plan import Arrival, YearPlan
from deploy.demo.quiet import Figures, Watch
from shared.contracts.topics import LIFECYCLE

REREADS = 8
"""How often an officer looks again when others keep acting on the same dossier."""

READY = 9
"""The national state of a dossier whose result waits for its receiver."""

Hook = Callable[[], Coroutine[Any, Any, None]]
Worklists = dict[Officer, list[Item]]


@dataclass
class Counts:
    """How far the year is; the progress bar shows it."""

    moment: datetime | None = None
    filed: int = 0
    acts: int = 0
    rereads: int = 0
    worklists: int = 0


@dataclass(frozen=True)
class World:
    """What the driver works through."""

    offices: Offices
    watch: Watch
    ledger: Ledger
    set_clock: Callable[[datetime], None]


@dataclass
class Year:
    """One year; `now` is where its clock stands. `hooks` run at the given shares of the filings, while it goes on."""

    plan: YearPlan
    world: World
    hooks: Mapping[float, Hook] = field(default_factory=dict)
    on_progress: Callable[[Counts], None] = lambda _: None

    def __post_init__(self) -> None:
        self.counts = Counts()
        self._desks = {Officer(arrival.place.code, "desk") for arrival in self.plan.arrivals}
        self._awake: set[Officer] = set()
        self._urgent: set[Officer] = set()
        self._apologies_owed: Counter[Officer] = Counter()
        self._held: set[tuple[datetime, Officer]] = set()
        self._strangers = 0
        self.now = self.plan.moments[0]
        self._next_moment = dict(itertools.pairwise(self.plan.moments))
        self._books: dict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._pending = sorted(self.hooks.items())
        self._running: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """From the first morning to quiet after the close of the last day. Raises `Parked` where it had to end."""
        arrivals = self.plan.arrivals_by_moment()
        try:
            for moment in self.plan.moments:
                ahead = await self._settle()
                await self._move(moment)
                await self._work_through(arrivals[moment], ahead)
                self.on_progress(self.counts)
        finally:
            await asyncio.gather(*self._running)
        await self.world.watch.quiet()

    async def _settle(self) -> Worklists:
        """Wait for quiet; meanwhile those who are awake read ahead, once the last filings have their cases.

        Between this moment and the next nobody acts, and the clock opens nothing but drafts of apologies: who owes one
        reads at the moment itself, as every desk does where strangers have filed.
        """
        reading = asyncio.create_task(self._read_ahead(self._awake - set(+self._apologies_owed)))
        try:
            strangers = self._look_for_strangers(await self.world.watch.quiet())
        except BaseException:
            reading.cancel()
            raise
        ahead = await reading
        return {} if strangers else ahead

    async def _read_ahead(self, officers: Collection[Officer]) -> Worklists:
        await self.world.watch.cases_opened()
        return await self._worklists(officers)

    async def _move(self, moment: datetime) -> None:
        self.world.set_clock(moment)
        self.now = self.counts.moment = moment
        await self.world.watch.timers_fired()

    def _look_for_strangers(self, figures: Figures) -> bool:
        """Wake every desk when others have filed since the last moment; any of them may have it on its list."""
        strangers = figures.journaled("intake", LIFECYCLE.name) - self.counts.filed
        came = strangers != self._strangers
        if came:
            self._awake |= self._desks
        self._strangers = strangers
        return came

    async def _work_through(self, arrivals: Sequence[Arrival], ahead: Worklists) -> None:
        """Work through one moment; `ahead` are worklists that need not be read again."""
        asked = self._awake | set(+self._apologies_owed) | self._freed()
        self._awake, self._urgent = set(), set()
        work = self._choose(ahead | await self._worklists(asked - ahead.keys()))
        async with asyncio.TaskGroup() as group:
            for place in {arrival.place.code for arrival in arrivals}:
                group.create_task(self._file([arrival for arrival in arrivals if arrival.place.code == place]))
            group.create_task(self._visit_all(work))
        if self._urgent and arrivals:
            await self.world.watch.cases_opened()
        while self._urgent:
            asked, self._urgent = self._urgent, set()
            work = self._choose(await self._worklists(asked))
            await self._visit_all([found for found in work if self._presses(found[0])])

    def _freed(self) -> set[Officer]:
        """Name those who may at last go on with a dossier that is to be late."""
        over = {(due, officer) for due, officer in self._held if due < self.now}
        self._held -= over
        return {officer for _, officer in over}

    async def _file(self, arrivals: Sequence[Arrival]) -> None:
        """One place's client: one dossier after the other, so that numbers follow the plan."""
        for arrival in arrivals:
            entry = await self.world.offices.file(arrival)
            self.world.ledger.record(entry)
            self._wake({Officer(arrival.place.code, "desk")}, Item.accepted(entry))
            if arrival.fate is Fate.LATE:
                self._apologies_owed[Officer(entry.competent_agency, "leader")] += 1
            self.counts.filed += 1
            while self._pending and self.counts.filed >= self._pending[0][0] * len(self.plan.arrivals):
                self._running.append(asyncio.create_task(self._pending.pop(0)[1]()))

    def _wake(self, officers: set[Officer], item: Item) -> None:
        """Let these officers look again: at once for what presses, else at the next moment."""
        (self._urgent if self._presses(item) else self._awake).update(officers)

    async def _worklists(self, officers: Collection[Officer]) -> Worklists:
        """Read what these officers have before them."""
        self.counts.worklists += len(officers)
        lists = await asyncio.gather(*(self.world.offices.worklist(officer) for officer in officers))
        return dict(zip(officers, lists, strict=True))

    def _choose(self, lists: Worklists) -> list[Owed]:
        """Find what officers may do now, one act on a dossier; who may not yet, looks again when he may."""
        found: dict[str, Owed] = {}
        for officer, items in sorted(lists.items()):
            for item in items:
                duty = self._next_duty(item)
                if duty is None:
                    self._hold(officer, item)
                elif item.code in found:
                    self._wake({officer}, item)
                else:
                    found[item.code] = (item, duty)
        return list(found.values())

    def _hold(self, officer: Officer, item: Item) -> None:
        """Leave a dossier alone: one that stays open for good, one that is to be late until its day has passed."""
        entry = self.world.ledger.get(item.code)
        if entry is not None and entry.arrival.fate is Fate.LATE:
            self._held.add((item.promised_due, officer))

    def _next_duty(self, item: Item) -> Duty | None:
        possible = [duty for duty in item.duties if self._may_do(item, duty)]
        return min(possible, key=lambda duty: (duty.action != "send_apology", duty.step_no), default=None)

    def _may_do(self, item: Item, duty: Duty) -> bool:
        """Open and late dossiers are held where the plan says; only late ones get an apology."""
        entry = self.world.ledger.get(item.code)
        fate = Fate.ORDINARY if entry is None else entry.arrival.fate
        if duty.action == "send_apology":
            return fate is Fate.LATE
        if entry is None or fate is Fate.ORDINARY or (fate is Fate.LATE and self.now > item.promised_due):
            return True
        return duty.action not in {"finish", "hand_over"} and duty.step_no <= entry.arrival.halt_after

    def _presses(self, item: Item) -> bool:
        """Not finished and due before the clock moves again, or the year is about to end."""
        if self.now >= self.plan.moments[-2]:
            return True
        return item.state != READY and item.promised_due < self._next_moment[self.now]

    async def _visit_all(self, work: Iterable[Owed]) -> None:
        """Let every officer work off what is his; no dossier is before two of them."""
        by_officer: dict[Officer, list[Owed]] = defaultdict(list)
        for item, duty in work:
            by_officer[duty.officer].append((item, duty))
        await asyncio.gather(*(self._work_off(officer, owed) for officer, owed in by_officer.items()))

    async def _work_off(self, officer: Officer, work: Sequence[Owed]) -> None:
        """Do what an officer owes, step after step while the next is his own; look again where he was overtaken."""
        rereads = 0
        while work:
            async with self._book(officer, work):
                outcomes = await self.world.offices.act_on_all(officer, work)
            following: list[Owed] = []
            overtaken: set[str] = set()
            for (item, duty), outcome in zip(work, outcomes, strict=True):
                if not isinstance(outcome, Refused):
                    following += self._done(item, duty, outcome)
                elif outcome.status == HTTPStatus.PRECONDITION_FAILED:
                    overtaken.add(item.code)
                else:
                    raise outcome
            if overtaken:
                rereads += 1
                if rereads > REREADS:
                    raise RuntimeError(f"{', '.join(sorted(overtaken))}: overtaken {REREADS} times")
                following += await self._look_again(officer, overtaken)
            work = following

    def _done(self, item: Item, duty: Duty, outcome: Outcome) -> list[Owed]:
        """Take down what an act left behind: what the same officer does next, or whom it wakes."""
        self.counts.acts += 1
        if duty.action == "send_apology":
            self._apologies_owed[duty.officer] -= 1
        item = replace(item, state=outcome.state, version=outcome.version, duties=outcome.duties_of(duty.officer))
        following = None if item.state == READY else self._next_duty(item)
        if following is not None:
            return [(item, following)]
        self._wake({open_duty.officer for open_duty in outcome.open_duties}, item)
        return []

    async def _look_again(self, officer: Officer, overtaken: Collection[str]) -> list[Owed]:
        """Read the officer's worklist for dossiers on which others have acted meanwhile."""
        self.counts.rereads += len(overtaken)
        found = [item for item in await self.world.offices.worklist(officer) if item.code in overtaken]
        again = [(item, duty) for item in found if (duty := self._next_duty(item)) is not None]
        if len(again) < len(overtaken):
            # Whoever was quicker may be a stranger, whose answer woke nobody.
            self._awake |= self._desks
        return again

    def _book(self, officer: Officer, work: Iterable[Owed]) -> contextlib.AbstractAsyncContextManager[object]:
        """An office has one book of result numbers: its clerks write in it one after the other."""
        numbers = any(duty.action == "number" for _, duty in work)
        return self._books[officer.agency] if numbers else contextlib.nullcontext()
