"""The driver against the pure parts of the services: what it decides, whatever order answers come in."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import cast

import pytest

from deploy.demo.courses import Detour
from deploy.demo.driver import World, Year
from deploy.demo.fates import Fate
from deploy.demo.ledger import Ledger
from deploy.demo.offices import Offices
from deploy.demo.plan import Rules, YearPlan, YearRequest, plan_year
from deploy.demo.play import seed_rules
from deploy.demo.quiet import Watch
from services.processing.domain.cases import Case
from shared.contracts.facts import BecameOverdue, State
from shared.rulebook.pauses import PauseKind
from tests.unit.demo.town import Town


@pytest.fixture(scope="module")
def rules() -> Rules:
    return seed_rules()


async def play(town: Town, plan: YearPlan, path: Path, strangers: int = 0) -> Ledger:
    ledger = Ledger(path / f"ledger-{id(town)}.jsonl")
    world = World(cast("Offices", town), cast("Watch", town), ledger, town.set_clock)

    async def strange() -> None:
        for arrival in plan.arrivals[:strangers]:
            await town.file(arrival)

    await Year(plan, world, hooks={0.5: strange}).run()
    ledger.close()
    return ledger


async def test_the_year_comes_out_as_planned(rules: Rules, tmp_path: Path) -> None:
    plan = plan_year(rules, YearRequest(400, open=5, late=15, share_closed=0, share_detours=0))
    town = Town(rules, jitter=1)
    ledger = await play(town, plan, tmp_path)
    assert len(town.cases) == len(ledger) == 400
    by_fate = {code: entry.arrival.fate for code, entry in ledger.by_code().items()}
    for code, case in town.cases.items():
        match by_fate[code]:
            case Fate.ORDINARY:
                assert case.finished_at is not None
                assert case.finished_at <= case.promised_due
                assert case.state == State.HANDED_OVER
                assert case.apologised_at is None
            case Fate.OPEN:
                assert case.finished_at is None
                assert case.promised_due >= plan.closes_at
            case Fate.LATE:
                assert case.finished_at is not None
                assert case.apologised_at is not None
                assert case.apologised_at < case.promised_due < case.finished_at
    assert Counter(by_fate.values()) == {Fate.ORDINARY: 380, Fate.OPEN: 5, Fate.LATE: 15}


EVERYTHING = YearRequest(400, open=5, late=6, share_closed=0.05, share_detours=0.15)
ENDS_IN = {
    Detour.WITHDRAWN: State.WITHDRAWN,
    Detour.STOPPED: State.STOPPED,
    Detour.UNPAID: State.STOPPED,
    Detour.REFUSED: State.REFUSED,
}


def came_along(case: Case, detour: Detour) -> bool:
    """Whether what its course says has happened to a dossier, once."""
    match detour:
        case Detour.SUPPLEMENT | Detour.REFUSED:
            return case.supplements == 1
        case Detour.PAYMENT | Detour.UNPAID:
            return [halt.kind for halt in case.halts] == [PauseKind.PAYMENT]
        case Detour.PERIOD:
            return len(case.halts) == 1 and case.halts[0].step_no > 0
        case Detour.RETURN:
            return sum(len(step.earlier) for step in case.steps) == 2
        case Detour.WITHDRAWN | Detour.STOPPED:
            return case.withdrawal_requested_at is not None


@pytest.mark.parametrize("days", [229, 30])
async def test_a_year_with_every_course_comes_out_as_planned(rules: Rules, tmp_path: Path, days: int) -> None:
    plan = plan_year(rules, replace(EVERYTHING, days=days))
    town = Town(rules, jitter=1)
    ledger = await play(town, plan, tmp_path)
    states: Counter[State] = Counter()
    overdue = {code for code, fact, _ in town.facts if fact == BecameOverdue.TYPE}
    for code, entry in ledger.by_code().items():
        case, course = town.cases[code], entry.arrival.course
        states[case.state] += 1
        assert (code in overdue) is (entry.arrival.fate is Fate.LATE), code
        if course is not None:
            assert came_along(case, course.detour), (code, course, case.halts)
        if course is not None and course.detour in ENDS_IN:
            assert case.state == ENDS_IN[course.detour], (code, course)
        elif entry.arrival.fate is Fate.OPEN:
            assert case.finished_at is None
            assert case.promised_due >= plan.closes_at
        else:
            assert case.state == State.HANDED_OVER, (code, course)
            assert case.finished_at is not None
            assert (case.finished_at > case.promised_due) is (entry.arrival.fate is Fate.LATE)
        if course is None or course.way.act in {"", "return_step"}:
            assert entry.moved_to is None
        if entry.moved_to is not None:
            assert entry.moved_to == (case.statutory_due, case.promised_due)
        else:
            assert (entry.statutory_due, entry.promised_due) == (case.statutory_due, case.promised_due)
    assert {state: states[state] for state in (State.WITHDRAWN, State.STOPPED, State.REFUSED)} == {
        State.WITHDRAWN: 8,
        State.STOPPED: 4 + 3,
        State.REFUSED: 5,
    }
    assert sum(states.values()) - states[State.HANDED_OVER] == 20 + 5
    assert sum(ledger.courses().values()) == 20 + 60


async def test_the_same_facts_whatever_order_answers_come_in_on_every_course(rules: Rules, tmp_path: Path) -> None:
    plan = plan_year(rules, replace(EVERYTHING, dossiers=200, days=40))
    towns = [Town(rules, jitter) for jitter in (1, 2, 3)]
    ledgers = [await play(town, plan, tmp_path) for town in towns]
    assert len({ledger.codes_sha256() for ledger in ledgers}) == 1
    assert towns[0].facts == towns[1].facts == towns[2].facts
    assert ledgers[0].moved_by_code() == ledgers[1].moved_by_code() == ledgers[2].moved_by_code()


async def test_the_same_facts_whatever_order_answers_come_in(rules: Rules, tmp_path: Path) -> None:
    plan = plan_year(rules, YearRequest(300, open=4, late=6))
    towns = [Town(rules, jitter) for jitter in (1, 2, 3)]
    ledgers = [await play(town, plan, tmp_path) for town in towns]
    assert len({ledger.codes_sha256() for ledger in ledgers}) == 1
    assert towns[0].facts == towns[1].facts == towns[2].facts


async def test_strangers_are_served_like_everybody(rules: Rules, tmp_path: Path) -> None:
    plan = plan_year(rules, YearRequest(300, open=5))
    town = Town(rules, jitter=1)
    ledger = await play(town, plan, tmp_path, strangers=7)
    foreign = [case for code, case in town.cases.items() if ledger.get(code) is None]
    assert len(foreign) == 7
    assert {case.state for case in foreign} == {State.HANDED_OVER}
    assert all(case.finished_at and case.finished_at <= case.promised_due for case in foreign)


async def test_the_clock_moves_at_most_twice_a_working_day_and_once_at_the_end(rules: Rules, tmp_path: Path) -> None:
    plan = plan_year(rules, YearRequest(300, open=0, late=6))
    town = Town(rules, jitter=1)
    await play(town, plan, tmp_path)
    assert town.moments == list(plan.moments)
    by_day = Counter(moment.date() for moment in town.moments[:-1])
    assert set(by_day.values()) == {1, 2}
    full = Counter(moment.date() for moment in plan_year(rules, YearRequest()).moments[:-1])
    assert set(full.values()) == {1}
    assert len(by_day) == len(full) == 229
    assert all(moment.hour < 15 for moment in town.moments[:-1])
    assert {case.state for case in town.cases.values()} == {State.HANDED_OVER, *ENDS_IN.values()}


async def test_a_code_that_is_acknowledged_for_two_dossiers_ends_the_year(rules: Rules, tmp_path: Path) -> None:
    ledger = await play(Town(rules, jitter=1), plan_year(rules, YearRequest(10, open=0)), tmp_path)
    (entry, *_) = ledger.by_code().values()
    with pytest.raises(ValueError, match=f"{entry.code} was acknowledged twice"):
        ledger.record(entry)
