"""The year itself: the clock moves, 25 desks file, and officers work off what their worklists answer.

At each moment: timers first; then every awake officer reads his worklist, and only when all have read does anyone act,
while the places file. So an officer does one step of a dossier at a moment, whatever order the answers come in, and the
same seed makes the same facts. What is due at this day's close goes on in rounds until it is finished.

The driver keeps no list of dossiers. It knows the ledger, and which officers may have work: those named by the open
duties of an answer, the desks where something was filed, leaders who owe an apology (timers open its draft), and at
the first moment of a day every officer seen so far, which is how dossiers filed by others are found.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

from deploy.demo.calls import Refused
from deploy.demo.ledger import Ledger
from deploy.demo.offices import Duty, Item, Officer, Offices, Outcome
from deploy.demo.plan import Arrival, Fate, YearPlan
from deploy.demo.quiet import Watch
from shared.rulebook.calendar import Calendar

REREADS = 8
"""How often an officer looks again when others keep acting on the same dossier."""

NEW = 2
"""The national state of a dossier that nobody has been named for yet."""

Hook = Callable[[], Coroutine[Any, Any, None]]


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
    calendar: Calendar
    set_clock: Callable[[datetime], None]


@dataclass
class Year:
    """One year. `hooks` run at the given shares of the filings, while the year goes on."""

    plan: YearPlan
    world: World
    hooks: Mapping[float, Hook] = field(default_factory=dict)
    on_progress: Callable[[Counts], None] = lambda _: None

    def __post_init__(self) -> None:
        self.counts = Counts()
        self._known = {Officer(arrival.place.code, "desk") for arrival in self.plan.arrivals}
        self._awake: set[Officer] = set()
        self._apologisers: set[Officer] = set()
        self._now = self.plan.moments[0]
        self._pending = sorted(self.hooks.items())
        self._running: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """From the first morning to quiet after the close of the last day."""
        arrivals = self.plan.arrivals_by_moment()
        for moment in self.plan.moments:
            await self.world.watch.quiet()
            await self._move(moment)
            await self._work_through(arrivals[moment])
            self.on_progress(self.counts)
        await asyncio.gather(*self._running)
        await self.world.watch.quiet()

    async def _move(self, moment: datetime) -> None:
        self.world.set_clock(moment)
        if moment.date() != self._now.date():
            self._awake |= self._known
        self._now = self.counts.moment = moment
        await self.world.watch.timers_fired()

    async def _work_through(self, arrivals: Sequence[Arrival]) -> None:
        lists = await self._read(self._awake | self._apologisers)
        self._awake = set()
        urgent: set[Officer] = {Officer(arrival.place.code, "desk") for arrival in arrivals}
        async with asyncio.TaskGroup() as group:
            for place in {arrival.place.code for arrival in arrivals}:
                group.create_task(self._file([arrival for arrival in arrivals if arrival.place.code == place]))
            group.create_task(self._visit_all(lists, urgent))
        if arrivals:
            await self.world.watch.cases_opened()
        while urgent:
            lists = [found for found in await self._read(urgent) if found[0].state == NEW or self._presses(found[0])]
            urgent = set()
            await self._visit_all(lists, urgent)

    async def _file(self, arrivals: Sequence[Arrival]) -> None:
        """One place's client: one dossier after the other, so that numbers follow the plan."""
        for arrival in arrivals:
            entry = await self.world.offices.file(arrival)
            self.world.ledger.record(entry)
            if arrival.fate is Fate.LATE:
                self._apologisers.add(Officer(entry.competent_agency, "leader"))
            self.counts.filed += 1
            while self._pending and self.counts.filed >= self._pending[0][0] * len(self.plan.arrivals):
                self._running.append(asyncio.create_task(self._pending.pop(0)[1]()))

    async def _read(self, officers: Iterable[Officer]) -> list[tuple[Item, Duty]]:
        """Find what these officers may do now; who has something left that waits for another day stays awake."""
        asked = sorted(officers)
        lists = await asyncio.gather(*(self.world.offices.worklist(officer) for officer in asked))
        self.counts.worklists += len(asked)
        found = []
        for officer, items in zip(asked, lists, strict=True):
            for item in items:
                duty = self._next_duty(item)
                if duty is None:
                    self._awake.add(officer)
                else:
                    found.append((item, duty))
        return found

    def _next_duty(self, item: Item) -> Duty | None:
        possible = [duty for duty in item.duties if self._may_do(item, duty)]
        return min(possible, key=lambda duty: (duty.action != "send_apology", duty.step_no), default=None)

    def _may_do(self, item: Item, duty: Duty) -> bool:
        """Open and late dossiers are held where the plan says; only late ones get an apology."""
        entry = self.world.ledger.get(item.code)
        fate = Fate.ORDINARY if entry is None else entry.arrival.fate
        if duty.action == "send_apology":
            return fate is Fate.LATE
        if entry is None or fate is Fate.ORDINARY or (fate is Fate.LATE and self._now > item.promised_due):
            return True
        return duty.action not in {"finish", "hand_over"} and duty.step_no <= entry.arrival.halt_after

    def _presses(self, item: Item) -> bool:
        """Due at this day's close, or the year is about to end."""
        last_call = self._now >= self.plan.moments[-2]
        return last_call or item.promised_due <= self.world.calendar.close(self._now.date())

    async def _visit_all(self, work: Iterable[tuple[Item, Duty]], urgent: set[Officer]) -> None:
        """Act on every item at once; who comes next is urgent for what presses, else awake at the next moment."""

        async def visit(item: Item, duty: Duty) -> None:
            outcome = await self._visit(item, duty)
            owners = {open_duty.officer for open_duty in outcome.open_duties}
            self._known |= owners
            (urgent if self._presses(item) else self._awake).update(owners)

        await asyncio.gather(*(visit(item, duty) for item, duty in work))

    async def _visit(self, item: Item, duty: Duty) -> Outcome:
        """One step of one dossier: take it when nobody has, then complete it. Looks again when overtaken."""
        for _ in range(REREADS):
            try:
                outcome = await self._act(item, duty, item.version)
                while duty.action == "take" and (following := _same_step(outcome, duty)):
                    duty = following
                    outcome = await self._act(item, duty, outcome.version)
            except Refused as refused:
                if refused.status != HTTPStatus.PRECONDITION_FAILED:
                    raise
            else:
                return outcome
            self.counts.rereads += 1
            again = [found for found in await self.world.offices.worklist(duty.officer) if found.code == item.code]
            if not again or (next_duty := self._next_duty(again[0])) is None:
                return Outcome(item.version, ())
            item, duty = again[0], next_duty
        raise RuntimeError(f"{item.code}: overtaken {REREADS} times")

    async def _act(self, item: Item, duty: Duty, version: int) -> Outcome:
        outcome = await self.world.offices.act(item, duty, version)
        self.counts.acts += 1
        return outcome


def _same_step(outcome: Outcome, duty: Duty) -> Duty | None:
    same = (found for found in outcome.open_duties if (found.officer, found.step_no) == (duty.officer, duty.step_no))
    return next(same, None)
