"""Any path: random acts, legal and illegal, over HTTP while time jumps, calendars change and services die.

Whatever is done, the clock is what the facts say, and nobody can cheat it.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from hypothesis import HealthCheck, Phase, Verbosity, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from shared.contracts.facts import State
from shared.http.wire import Answer
from shared.messaging.journal import Published as Heads
from tests.integration.together.refold import (
    CATALOGUE,
    MOVERS,
    Told,
    clock_of,
    history,
    refolded,
    refolded_stays,
    stored,
    stored_stays,
)
from tests.integration.together.situations import (
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
    Row,
    Situation,
)
from tests.integration.together.walker import Dossier
from tests.paths.explaining import adds_up
from tests.paths.mix import Mix, is_under, row_done, rows_of
from tests.paths.town import Came, Town, is_over_tet, next_close, past_tet
from tests.paths.whom import LIMITED, Officer, may_be_next, whom

KINDS = (MARITAL_STATUS, POOR_HOUSEHOLD, LAND, BIRTH_ABROAD)
"""Supplements of LAND restart the clock, those of the others let it go on."""
AT_MOST = 4
"""Dossiers of one run that are not over, and half of all that there may be."""
ACTED = tuple(row for row in ROWS if row.action not in BEGINNINGS and row.roles != ("system",))
ANYTHING = {(row.owner, row.action): row.no for row in ROWS if row.action not in BEGINNINGS}
"""Service and action → a row of theirs; the clock's own are nobody's to do."""
OPENS = {"request_withdrawal": "stop", "finish": "reopen"}
"""Action → another, whose turn comes by it alone: where that is rare, so is this, though less."""
LESS = 8
AUDITOR = ("auditor", "H56.90")
JUMPS: tuple[Callable[[datetime], datetime], ...] = (
    lambda now: now + timedelta(minutes=1),
    lambda now: now + timedelta(hours=1),
    next_close,
    past_tet,
    past_tet,
    lambda now: now + timedelta(days=1),
    lambda now: now + timedelta(days=3, minutes=7),
)
STOPS = ("request_supplement", "request_supplement", "demand_payment", "pause", "propose_supplement")
SHARES = {
    "what_is_owed": 8,
    "the_rarest": 10,
    "stop_the_clock": 4,
    "the_applicant": 4,
    "anything": 9,
    "begin": 3,
    "begin_wrongly": 1,
    "time_passes": 3,
    "a_dispatch": 1,
    "a_death": 1,
}
"""What is done next → how often, beside the others."""


class Wandering(RuleBasedStateMachine):
    """Some dossiers of one run, and whoever acts on them."""

    town: Town
    wanted = 0
    """Steps of a run; where Hypothesis breaks one off sooner, it begins another."""

    def __init__(self) -> None:
        super().__init__()
        self.steps = 0
        self.path: list[str] = []
        self.begun = self.town.now()
        self.dossiers: list[Dossier] = []
        self.online: set[str] = set()
        self.accepted: set[str] = set()
        self.asked: set[str] = set()
        """Of those that wait at a desk: whose applicant was asked for papers."""
        self.states: dict[str, int] = {}
        self.late: dict[str, datetime] = {}
        self.clocks: dict[str, Mapping[str, Any]] = {}
        self.movers: dict[str, int] = {}
        self.kept: Mapping[str, Heads] = {}
        self.victim = ""
        """The service that is killed while somebody acts next."""

    @property
    def mix(self) -> Mix:
        return self.town.came.mix

    @property
    def codes(self) -> list[str]:
        return [dossier.code for dossier in self.dossiers]

    @initialize(kind=st.sampled_from([kind for kind in KINDS if kind is not LAND]))
    def start(self, kind: Kind) -> None:
        self._do(self._start(kind))

    @rule(cast=st.integers(0, 2**48))
    def go_on(self, cast: int) -> None:
        """One cast of Hypothesis is many dice, others each time: its own integers are mostly small and the same."""
        self.steps += 1
        dice = random.Random(f"{cast} {self.steps}")
        (does,) = dice.choices(tuple(DEEDS), tuple(SHARES.values()))
        self._do(DEEDS[does](self, dice))

    def teardown(self) -> None:
        if self.steps:
            self._do(self._judge())

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        try:
            self.town.wait(work)
        except BaseException as error:
            error.add_note("\n".join(["the path was", *self.path, f"{self.town.now():%d/%m/%Y %H:%M:%S}"]))
            raise

    async def _start(self, kind: Kind) -> None:
        if self.town.now() < self.town.first:
            await self.town.go_to(self.town.first)
            self.begun = self.town.now()
        for each in (kind, LAND):
            await self._hand_in("register_online", "citizen", each)
            await self._at_intake(self.dossiers[-1], "accept", "desk")
        await self._hand_in("register_online", "citizen", POOR_HOUSEHOLD)

    async def begin(self, dice: random.Random) -> None:
        if not self._room():
            return
        weights = [1 / (1 + self.mix.legal[row.no]) for row in BEGINNINGS.values()]
        (row,) = dice.choices(tuple(BEGINNINGS.values()), weights)
        await self._hand_in(row.action, dice.choice(row.roles), dice.choice(KINDS))

    async def begin_wrongly(self, dice: random.Random) -> None:
        """Somebody who may not, or with a case that there is not."""
        row = dice.choice(tuple(BEGINNINGS.values()))
        others = [role for role in ROLES if role not in row.roles]
        role = dice.choice((*others, row.roles[0]))
        wrong = {"case_code": "none"} if role in row.roles else {}
        answer = await self.town.walker.begin(row.action, role, dice.choice(KINDS), **wrong)
        assert answer.status in {403, 404, 409, 422}, (row.action, role, answer.body)
        self.mix.refused(INTAKE, row.action)

    async def what_is_owed(self, dice: random.Random) -> None:
        """Most of all on those that are nearest to their end, which few would come to otherwise."""
        shown = [(each, await self.town.walker.read(each, PROCESSING)) for each in self._going()]
        owed = [(dossier, seen, duty) for dossier, seen in shown for duty in seen["open_duties"]]
        if owed:
            weights = [_progress(seen) ** 3 / (9 if duty["action"] in ENDING else 1) for _, seen, duty in owed]
            ((dossier, seen, duty),) = dice.choices(owed, weights)
            await self._at_processing(dossier, duty["action"], (duty["role"], duty["agency"]), seen)

    async def the_rarest(self, dice: random.Random) -> None:
        """What could be next of what was seldom done, by whoever may."""
        could: list[tuple[Dossier, Mapping[str, Any] | None, Row]] = []
        for each in self.dossiers:
            shown = await self.town.walker.read(each, PROCESSING) if each.code in self.accepted else None
            could += [(each, shown, row) for row in ACTED if self._could(each, row, shown)]
        if not could:
            return
        weights = [self._rarity(dossier, row) for dossier, _, row in could]
        ((dossier, seen, row),) = dice.choices(could, weights)
        if row.owner == INTAKE or seen is None:
            await self._at_intake(dossier, row.action, dice.choice(self._those_who_may(dossier, row)))
            return
        if row.action in LIMITED and seen["halts"] and (limit := seen["halts"][-1]["limit_at"]):
            after = datetime.fromisoformat(limit) + timedelta(seconds=1)
            if after > self.town.now():
                await self._go_to(after)
                seen = await self.town.walker.read(dossier, PROCESSING)
        await self._at_processing(dossier, row.action, dice.choice(whom(row, seen)), seen)

    async def stop_the_clock(self, dice: random.Random) -> None:
        dossier = dice.choice(self._going())
        seen = await self.town.walker.read(dossier, PROCESSING)
        at_step = [("specialist", step["agency"]) for step in seen["steps"] if step["status"] == "open"]
        asking = at_step[0] if at_step and seen["state"] != State.ACCEPTED else ("desk", seen["received_by"])
        await self._at_processing(dossier, dice.choice(STOPS), asking, seen)

    async def the_applicant(self, dice: random.Random) -> None:
        """Bring the papers that are waited for."""
        waiting = [each for each in self.dossiers if self.states[each.code] == State.WAITING_FOR_PAPERS]
        if not waiting:
            await self.what_is_owed(dice)
            return
        dossier = dice.choice(waiting)
        await self._at_intake(dossier, "submit_papers", "citizen" if dossier.code in self.online else "desk")

    async def anything(self, dice: random.Random) -> None:
        """What was seldom refused, by anybody."""
        dossier = dice.choice(self.dossiers)
        weights = [1 / (1 + self.mix.illegal[no]) ** 2 for no in ANYTHING.values()]
        ((service, action),) = dice.choices(tuple(ANYTHING), weights)
        role = dice.choice(ROLES)
        if service == INTAKE:
            await self._at_intake(dossier, action, role)
            return
        agencies, seen = [dossier.situation.kind.place], None
        if dossier.code in self.accepted:
            seen = await self.town.walker.read(dossier, PROCESSING)
            agencies += [step["agency"] for step in seen["steps"] if step["status"] == "open" and step["agency"]]
            agencies += [seen["competent_agency"]]
        await self._at_processing(dossier, action, (role, "" if role == "citizen" else dice.choice(agencies)), seen)

    async def time_passes(self, dice: random.Random) -> None:
        timer = await self.town.next_timer(self.codes)
        jumps = [jump(self.town.now()) for jump in JUMPS]
        if timer is not None and timer < self.town.now() + timedelta(days=9):
            jumps += [timer, timer + timedelta(seconds=1)]
        await self._go_to(dice.choice(jumps))

    async def a_dispatch(self, dice: random.Random) -> None:
        """With a fresh dossier to move, and in a minute of its own: what else happens did so before, or does after."""
        if not self.town.dispatches:
            await self.what_is_owed(dice)
            return
        if self._room():
            await self._hand_in("accept_at_desk", "desk", LAND)
        await self._go_to(self.town.now() + timedelta(minutes=1))
        await self.town.dispatch(dice)
        self.path.append(f"a dispatch: {self.town.calendars[-1].version}")
        await self._look()

    async def a_death(self, dice: random.Random) -> None:
        """A service dies while the next act is asked of it; mostly that is this one."""
        if not self.town.kills:
            await self.what_is_owed(dice)
            return
        killed = self.town.came.killed
        self.victim = min(killed, key=lambda each: killed[each])
        await (self.the_applicant if self.victim == INTAKE else self.what_is_owed)(dice)

    def _room(self) -> bool:
        going = [code for code in self.codes if self.states[code] not in OVER]
        return len(going) < AT_MOST and len(self.codes) < 2 * AT_MOST

    def _going(self) -> list[Dossier]:
        """Those that officers have and that are not over; if there is none, those that are."""
        there = [each for each in self.dossiers if each.code in self.accepted]
        return [each for each in there if self.states[each.code] not in OVER] or there

    def _could(self, dossier: Dossier, row: Row, seen: Mapping[str, Any] | None) -> bool:
        if str(self.states[dossier.code]) not in row.states:
            return False
        if seen is None:
            waits = row.action in {"accept", "submit_papers"}
            return row.owner == INTAKE and (
                not waits or (row.action == "submit_papers") == (dossier.code in self.asked)
            )
        return is_under(row, _policy(dossier)) and may_be_next(row, seen)

    def _rarity(self, dossier: Dossier, row: Row) -> float:
        opened = [each.no for each in ROWS if each.action == OPENS.get(row.action)]
        if row.action == "request_supplement":
            came_from, policy = f"came_from_{self.states[dossier.code]}", _policy(dossier)
            opened += [each.no for each in ROWS if came_from in each.conditions and is_under(each, policy)]
        return max([self._seldom(row.no), *(self._seldom(no) / LESS for no in opened)])

    def _seldom(self, no: int) -> float:
        return 1 / (1 + self.mix.legal[no]) ** 3

    def _those_who_may(self, dossier: Dossier, row: Row) -> list[str]:
        return [role for role in row.roles if role != "citizen" or dossier.code in self.online]

    async def _hand_in(self, action: str, role: str, kind: Kind) -> None:
        answer = await self.town.walker.begin(action, role, kind)
        assert answer.status == 201, (action, role, answer.body)
        said, row = answer.json(), BEGINNINGS[action]
        assert str(said["state"]) == row.to, (action, said)
        self.mix.legal[row.no] += 1
        self.path.append(f"{self.town.now():%d/%m/%Y %H:%M:%S} {action} by {role}: {said['code']}, {kind.procedure}")
        dossier = Dossier(Situation("wandering", row.to, (), kind=kind), code=said["code"])
        self.dossiers.append(dossier)
        self.states[dossier.code] = said["state"]
        if action == "register_online" and role == "citizen":
            self.online.add(dossier.code)
        if action == "accept_at_desk":
            self.accepted.add(dossier.code)
        await self._look()

    async def _go_to(self, moment: datetime) -> None:
        await self.town.go_to(moment)
        self.path.append(f"{moment:%d/%m/%Y %H:%M:%S}")
        await self._look()

    async def _at_processing(
        self, dossier: Dossier, action: str, officer: Officer, seen: Mapping[str, Any] | None
    ) -> None:
        body, (role, agency) = None, officer
        dossier.versions[PROCESSING] = 1 if seen is None else seen["version"]
        if action in {"assign", "reassign"} and seen is not None:
            first = next((step for step in seen["steps"] if step["status"] != "done"), seen["steps"][-1])
            body = {"officer": f"{first['role']}.{first['agency']}", "agency": first["agency"]}
        answer = await self._answered(self.town.walker.act(dossier, PROCESSING, action, role, agency, body=body))
        await self._done(dossier, PROCESSING, action, role, answer)

    async def _at_intake(self, dossier: Dossier, action: str, role: str) -> None:
        seen = await self.town.walker.read(dossier, INTAKE)
        dossier.versions[INTAKE] = seen["version"]
        agency = "" if role == "citizen" else dossier.situation.kind.place
        answer = await self._answered(self.town.walker.act(dossier, INTAKE, action, role, agency))
        if not await self._done(dossier, INTAKE, action, role, answer):
            return
        if action == "accept":
            self.accepted.add(dossier.code)
        elif action == "ask_papers":
            self.asked.add(dossier.code)
        elif action == "submit_papers":
            self.asked.discard(dossier.code)

    async def _answered(self, asking: Coroutine[Any, Any, Answer]) -> Answer:
        victim, self.victim = self.victim, ""
        if not victim:
            return await asking
        self.path.append(f"{victim} is killed")
        return await self.town.kill(victim, asking)

    async def _done(self, dossier: Dossier, service: str, action: str, role: str, answer: Answer) -> bool:
        """Tell whether it was done: nothing is that no row of the law's table allows; what is not has its code."""
        state, said = str(self.states[dossier.code]), answer.json()
        rows, did = rows_of(service, action, role, state), f"{dossier.code} in {state}: {action} by {role}"
        self.path.append(f"{did}: {said.get('fact') or said.get('code')}")
        if answer.status != 200:
            unknown = {404} if role == "citizen" and dossier.code not in self.online else set()
            assert answer.status in ({409, 403, 422} if rows else {403, 404, 409}) | unknown, (did, said)
            self.mix.refused(service, action)
            return False
        kind = CATALOGUE[dossier.situation.kind.procedure, "default"]
        row = row_done(rows, state, str(said["state"]), kind["supplement_policy"])
        assert row is not None, (did, said)
        self.mix.legal[row.no] += 1
        self.states[dossier.code] = said["state"]
        await self._look()
        return True

    async def _look(self) -> None:
        """Once all is at rest: no due moment has moved without a fact, and what was late has the moment that it had."""
        await self.town.rest(self.codes)
        cases, facts = await stored(self.town.everywhere, self.codes), await history(self.town.everywhere, self.codes)
        self.kept = await self.town.heads(self.codes)
        now = self.town.now()
        for code, case in cases.items():
            clock, movers = clock_of(case), sum(fact.kind in MOVERS for fact in facts[code])
            if self.clocks.get(code, clock) != clock:
                self.town.came.moved += 1
                assert movers > self.movers[code], (code, self.clocks[code], clock)
            self.clocks[code], self.movers[code], self.states[code] = clock, movers, case["state"]
            if code in self.late:
                assert case["promised_due"] == self.late[code], f"{code} was late"
            due, judged = clock["promised"][0], case["finished_at"] or case["closed_at"] or now
            if due is not None and judged > due:
                self.late[code] = case["promised_due"]
            if case["finished_late_at"] is not None:
                assert code in self.late

    async def _judge(self) -> None:
        """Fold every dossier of the run again, add its explanation up, compute its chains again."""
        await self.town.rest(self.codes)
        town, came = self.town, self.town.came
        cases, facts = await stored(town.everywhere, self.codes), await history(town.everywhere, self.codes)
        for code, case in cases.items():
            assert clock_of(case) == refolded(case, facts[code], town.calendars), (code, _short(facts[code]))
            stood = await stored_stays(town.everywhere, code)
            assert stood == refolded_stays(case, facts[code]), (code, _short(facts[code]))
            came.mix.heard(facts[code])
        for dossier in self.dossiers:
            if dossier.code in self.accepted:
                shown = await self._explained(dossier)
                assert adds_up(shown, clock_of(cases[dossier.code]), town.calendars) == [], dossier.code
                came.explained += 1
        await town.verify(self.codes, self.kept)
        came.runs += self.steps >= self.wanted
        came.dossiers, came.late = came.dossiers + len(cases), came.late + len(self.late)
        came.over_tet += is_over_tet(self.begun, town.now())

    async def _explained(self, dossier: Dossier) -> Mapping[str, Any]:
        walker = self.town.walker
        target = f"/v1/dossiers/{dossier.code}/deadline"
        answer = await walker.wires[PROCESSING].request("GET", target, walker.headers(*AUDITOR))
        assert answer.status == 200, (dossier.code, answer.body)
        return dict(answer.json())


ENDING = frozenset({"withdraw", "stop", "stop_unpaid", "refuse_after_limit", "hand_over"})
OVER = frozenset({State.REFUSED, State.WITHDRAWN, State.STOPPED, State.HANDED_OVER})
DEEDS: Mapping[str, Callable[[Wandering, random.Random], Awaitable[None]]] = {
    name: getattr(Wandering, name) for name in SHARES
}


def _policy(dossier: Dossier) -> str:
    """The supplement policy of its procedure."""
    return str(CATALOGUE[dossier.situation.kind.procedure, "default"]["supplement_policy"])


def _progress(seen: Mapping[str, Any]) -> int:
    return sum(step["status"] == "done" for step in seen["steps"])


def _short(facts: Sequence[Told]) -> list[str]:
    return [f"{fact.at:%d/%m %H:%M} {fact.kind}" for fact in facts]


def wander(town: Town, *, runs: int, steps: int, number: int) -> Came:
    """Let the machine run so often, from a seed; not in the event loop of the town."""
    Wandering.town, Wandering.wanted = town, steps
    how = settings(
        max_examples=runs,
        stateful_step_count=steps + 1,  # the start is one
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        database=None,
        deadline=None,
        verbosity=Verbosity.quiet,
        print_blob=True,
    )
    run_state_machine_as_test(seed(number)(Wandering), settings=how, _min_steps=steps)
    return town.came
