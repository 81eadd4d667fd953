"""Any path: random acts, legal and illegal, over HTTP on all parts while time jumps, and nobody can cheat the clock.

After every run the witness folds the facts of each dossier again. It moves the clock of the whole stack by months.
"""

from __future__ import annotations

import asyncio
import collections
import random
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from shared.clocks import OFFICE_ZONE, ScenarioClock, write_scenario
from shared.contracts.facts import State
from shared.http.wire import Answer
from tests.integration.intake.counter import Counter as Desk
from tests.integration.together.everywhere import Everywhere
from tests.integration.together.refold import MOVERS, clock_of, history, refolded, refolded_stays, stored, stored_stays
from tests.integration.together.situations import (
    ACTS,
    BEGINNINGS,
    BIRTH_ABROAD,
    INTAKE,
    LAND,
    MARITAL_STATUS,
    POOR_HOUSEHOLD,
    PROCESSING,
    ROLES,
    ROWS,
    Kind,
    Situation,
)
from tests.integration.together.walker import Dossier, Walker, walking

RUNS, STEPS, SEED, AT_MOST = 15, 30, 20200123, 4
KINDS = (MARITAL_STATUS, POOR_HOUSEHOLD, LAND, BIRTH_ABROAD)
TET = datetime(2020, 1, 21, 16, 0, tzinfo=OFFICE_ZONE)
"""Two days before the first that is off: what runs then runs over Tết."""
Result = TypeVar("Result")


@dataclass
class Town:
    """The running stack for a machine that is not asynchronous itself, and what all its runs came to."""

    everywhere: Everywhere
    walker: Walker
    loop: asyncio.AbstractEventLoop
    mix: collections.Counter[tuple[str, bool]] = field(default_factory=collections.Counter)
    refolds: int = 0
    moved: int = 0

    def wait(self, work: Coroutine[Any, Any, Result]) -> Result:
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()

    def now(self) -> datetime:
        assert self.everywhere.stack.scenario_file is not None
        return ScenarioClock(self.everywhere.stack.scenario_file).now()

    async def go_to(self, moment: datetime) -> None:
        assert self.everywhere.stack.scenario_file is not None
        write_scenario(self.everywhere.stack.scenario_file, moment)
        await self.everywhere.stage.watch.timers_fired()

    async def quiet(self) -> None:
        await self.everywhere.stage.watch.quiet()


def _next_close(now: datetime) -> datetime:
    """The close of the office day itself, to the second, or of the day after."""
    close = datetime.combine(now.date(), time(17), tzinfo=OFFICE_ZONE)
    return close if close > now else close + timedelta(days=1)


JUMPS: tuple[Callable[[datetime], datetime], ...] = (
    lambda now: now + timedelta(minutes=1),
    lambda now: now + timedelta(hours=1),
    _next_close,
    lambda now: now + timedelta(days=1),
    lambda now: now + timedelta(days=3, minutes=7),
)
STOPS = ("request_supplement", "request_supplement", "demand_payment", "pause", "propose_supplement")
THE_APPLICANTS = (*("submit_papers",) * 9, "request_withdrawal")
AT_INTAKE = tuple(action for action in ACTS[INTAKE] if action not in BEGINNINGS)
SHARES = {
    "what_is_owed": 8,
    "stop_the_clock": 5,
    "the_applicant": 4,
    "anything": 4,
    "anything_at_intake": 1,
    "time_passes": 4,
    "hand_in_another": 2,
}
"""What is done next → how often, beside the others."""


OFTEN = {"assign", "take", "forward", "request_supplement", "submit_papers", "demand_payment"}
"""What walks of this length do in any case."""


class Wandering(RuleBasedStateMachine):
    """Some dossiers of one run, and whoever acts on them."""

    town: Town

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.dossiers: list[Dossier] = []
        self.states: dict[str, int] = {}
        self.late: dict[str, datetime] = {}
        self.clocks: dict[str, Mapping[str, Any]] = {}
        self.movers: dict[str, int] = {}

    @initialize(kind=st.sampled_from(KINDS))
    def begin(self, kind: Kind) -> None:
        if self.town.now() < TET:
            self.town.wait(self.town.go_to(TET))
        self.town.wait(self.hand_in(kind))
        self.town.wait(self.hand_in(LAND))

    @rule(cast=st.integers(0, 2**48))
    def go_on(self, cast: int) -> None:
        """One cast of Hypothesis is many dice, others each time: its own integers are mostly small and the same."""
        self.steps += 1
        dice = random.Random(f"{cast} {self.steps}")
        (does,) = dice.choices(tuple(DEEDS), tuple(SHARES.values()))
        self.town.wait(DEEDS[does](self, dice.choice(self.dossiers), dice))

    def teardown(self) -> None:
        if self.dossiers:
            self.town.wait(self._refold())

    async def hand_in(self, kind: Kind) -> None:
        answer = await self.town.walker.begin("register_online", "citizen", kind)
        assert answer.status == 201, answer.body
        dossier = Dossier(Situation("wandering", "1", (), kind=kind), code=answer.json()["code"])
        accepted = await self.town.walker.act(dossier, INTAKE, "accept", "desk", kind.place)
        assert accepted.status == 200, accepted.body
        self.dossiers.append(dossier)
        await self._look()

    async def hand_in_another(self, _dossier: Dossier, dice: random.Random) -> None:
        if len(self.dossiers) < AT_MOST:
            await self.hand_in(dice.choice(KINDS))

    async def what_is_owed(self, dossier: Dossier, dice: random.Random) -> None:
        seen = await self.town.walker.read(dossier, PROCESSING)
        if owed := seen["open_duties"]:
            duty = dice.choice(owed)
            await self._do(dossier, duty["action"], duty["role"], duty["agency"], seen)

    async def stop_the_clock(self, dossier: Dossier, dice: random.Random) -> None:
        seen = await self.town.walker.read(dossier, PROCESSING)
        agency = next((step["agency"] for step in seen["steps"] if step["status"] == "open"), seen["received_by"])
        await self._do(dossier, dice.choice(STOPS), "specialist", agency, seen)

    async def anything(self, dossier: Dossier, dice: random.Random) -> None:
        seen = await self.town.walker.read(dossier, PROCESSING)
        mine = [step["agency"] for step in seen["steps"] if step["status"] == "open" and step["agency"]]
        role = dice.choice(ROLES)
        agency = "" if role == "citizen" else dice.choice([*mine, seen["received_by"], seen["competent_agency"]])
        await self._do(dossier, dice.choice(ACTS[PROCESSING]), role, agency, seen)

    async def the_applicant(self, dossier: Dossier, dice: random.Random) -> None:
        """Bring papers, mostly where they are waited for."""
        waiting = [each for each in self.dossiers if self.states[each.code] == State.WAITING_FOR_PAPERS]
        await self._at_intake(dice.choice(waiting or [dossier]), dice.choice(THE_APPLICANTS), "citizen")

    async def anything_at_intake(self, dossier: Dossier, dice: random.Random) -> None:
        await self._at_intake(dossier, dice.choice(AT_INTAKE), dice.choice(ROLES))

    async def time_passes(self, _dossier: Dossier, dice: random.Random) -> None:
        await self.town.go_to(dice.choice(JUMPS)(self.town.now()))
        await self._look()

    async def _do(self, dossier: Dossier, action: str, role: str, agency: str, seen: Mapping[str, Any]) -> None:
        dossier.versions[PROCESSING] = seen["version"]
        body = None
        if action == "assign":
            first = next(step for step in seen["steps"] if step["status"] != "done")
            body = {"officer": f"{first['role']}.{first['agency']}", "agency": first["agency"]}
        answer = await self.town.walker.act(dossier, PROCESSING, action, role, agency, body=body)
        if self._done(PROCESSING, action, role, seen["state"], answer):
            await self._look()

    async def _at_intake(self, dossier: Dossier, action: str, role: str) -> None:
        seen = await self.town.walker.read(dossier, INTAKE)
        dossier.versions[INTAKE] = seen["version"]
        agency = "" if role == "citizen" else dossier.situation.kind.place
        answer = await self.town.walker.act(dossier, INTAKE, action, role, agency)
        if self._done(INTAKE, action, role, seen["state"], answer):
            await self._look()

    def _done(self, service: str, action: str, role: str, state: int, answer: Answer) -> bool:
        """Tell whether it was done: nothing is that no row of the law's table allows; what is not has its code."""
        rows = [
            row
            for row in ROWS
            if (row.owner, row.action) == (service, action) and str(state) in row.states and role in row.roles
        ]
        done, said = answer.status == 200, answer.json()
        self.town.mix[action, done] += 1
        assert answer.status in ({200, 409, 403, 422} if rows else {403, 404, 409}), (action, role, state, said)
        assert not done or str(said["state"]) in {row.to or str(state) for row in rows}, (action, state, said)
        return done

    async def _look(self) -> None:
        """Once all is at rest: no due moment has moved without a fact, and what was late has the moment that it had."""
        await self.town.quiet()
        codes = [dossier.code for dossier in self.dossiers]
        cases, facts = await stored(self.town.everywhere, codes), await history(self.town.everywhere, codes)
        now = self.town.now()
        for code, case in cases.items():
            clock, movers = clock_of(case), sum(kind in MOVERS for kind, *_ in facts[code])
            if self.clocks.get(code, clock) != clock:
                self.town.moved += 1
                assert movers > self.movers[code], (code, self.clocks[code], clock)
            self.clocks[code], self.movers[code], self.states[code] = clock, movers, case["state"]
            if code in self.late:
                assert case["promised_due"] == self.late[code], f"{code} was late"
            due, judged = clock["promised"][0], case["finished_at"] or case["closed_at"] or now
            if due is not None and judged > due:
                self.late[code] = case["promised_due"]
            if case["finished_late_at"] is not None:
                assert code in self.late

    async def _refold(self) -> None:
        codes = [dossier.code for dossier in self.dossiers]
        await self.town.quiet()
        cases, facts = await stored(self.town.everywhere, codes), await history(self.town.everywhere, codes)
        for code, case in cases.items():
            assert clock_of(case) == refolded(case, facts[code]), (code, _short(facts[code]))
            stood = await stored_stays(self.town.everywhere, code)
            assert stood == refolded_stays(case, facts[code]), (code, _short(facts[code]))
            self.town.refolds += 1


DEEDS = {name: getattr(Wandering, name) for name in SHARES}


def _short(facts: Sequence[tuple[str, datetime, Any]]) -> list[str]:
    return [f"{at:%d/%m %H:%M} {kind}" for kind, at, _ in sorted(facts, key=lambda fact: fact[1])]


@pytest.fixture
async def town(everywhere: Everywhere, counter: Desk) -> AsyncIterator[Town]:
    async with walking(everywhere, counter) as walker:
        yield Town(everywhere, walker, asyncio.get_running_loop())


async def test_whatever_is_done_on_any_path_the_clock_is_what_the_facts_say(town: Town) -> None:
    Wandering.town = town
    how = settings(
        max_examples=RUNS,
        stateful_step_count=STEPS,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        print_blob=True,
    )
    await asyncio.to_thread(run_state_machine_as_test, seed(SEED)(Wandering), settings=how)
    told = f"seed {SEED}: {town.refolds} refolds, {town.moved} due moments moved, {sorted(town.mix.items())}"
    assert town.refolds >= RUNS, told
    assert town.moved >= RUNS, told
    assert {action for action, done in town.mix if done} >= OFTEN, told
    assert sum(number for (_, done), number in town.mix.items() if not done) >= RUNS * 4, told
