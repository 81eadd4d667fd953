"""The driver against the pure parts of the services: what it decides, whatever order answers come in."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import cast

import pytest

from deploy.demo.driver import World, Year
from deploy.demo.fates import Fate
from deploy.demo.ledger import Ledger
from deploy.demo.offices import Offices
from deploy.demo.plan import Rules, YearPlan, YearRequest, plan_year
from deploy.demo.play import seed_rules
from deploy.demo.quiet import Watch
from shared.contracts.facts import State
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
    plan = plan_year(rules, YearRequest(400, open=5, late=15))
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
    assert {case.state for case in town.cases.values()} == {State.HANDED_OVER}
