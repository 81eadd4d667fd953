from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from datetime import datetime

import pytest

from deploy.demo.choices import next_duty
from deploy.demo.courses import CLOSING, COMING_BACK, ENDING, HELD, WAYS, Course, Detour
from deploy.demo.fates import Fate, Impossible
from deploy.demo.ledger import Entry
from deploy.demo.offices import Duty, Item, Officer, act_body
from deploy.demo.plan import Arrival, Rules, YearPlan, YearRequest, plan_year
from deploy.demo.play import seed_rules
from deploy.demo.turns import LENGTHS, RAREST
from services.processing.api.bodies import BODIES, read_act
from shared.contracts.facts import State
from shared.rulebook.calendar import ZONE
from shared.rulebook.limits import Limit, LimitKind, due
from shared.rulebook.moves import MOVES
from shared.rulebook.pauses import EXCLUDED_PERIODS

CLOSED = {Detour.WITHDRAWN: 76, Detour.STOPPED: 38, Detour.UNPAID: 28, Detour.REFUSED: 47}
CAME_BACK = {Detour.SUPPLEMENT: 227, Detour.PAYMENT: 85, Detour.PERIOD: 171, Detour.RETURN: 85}
PLAIN = YearRequest(share_closed=0, share_detours=0)
BEFORE = datetime(2020, 1, 2, tzinfo=ZONE)
DUE = datetime(2020, 1, 9, 17, tzinfo=ZONE)


@pytest.fixture(scope="module")
def rules() -> Rules:
    return seed_rules()


@pytest.fixture(scope="module")
def year(rules: Rules) -> YearPlan:
    return plan_year(rules, YearRequest())


def on_course(arrivals: tuple[Arrival, ...]) -> list[tuple[Arrival, Course]]:
    return [(arrival, arrival.course) for arrival in arrivals if arrival.course is not None]


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_how_many_take_which_course_depends_on_no_seed(rules: Rules, seed: int) -> None:
    plan = plan_year(rules, YearRequest(seed=seed))
    assert Counter(course.detour for _, course in on_course(plan.arrivals)) == CLOSED | CAME_BACK
    assert sum(CLOSED.values()) == round(0.02 * 9470)
    assert sum(CAME_BACK.values()) == round(0.06 * 9470)


def test_without_courses_it_is_the_same_year_but_for_them(rules: Rules, year: YearPlan) -> None:
    plain, plan = plan_year(rules, PLAIN), year
    assert not on_course(plain.arrivals)
    assert plain.arrivals == tuple(replace(arrival, course=None) for arrival in plan.arrivals)
    assert (plain.moments, plain.codes) == (plan.moments, plan.codes)
    assert not any(plain.answers_by_moment().values())


@pytest.mark.parametrize(("closed", "detours"), [(0, 0.06), (0.02, 0)])
def test_each_share_is_one_half(rules: Rules, closed: float, detours: float) -> None:
    plan = plan_year(rules, YearRequest(share_closed=closed, share_detours=detours))
    expected = (CLOSED if closed else {}) | (CAME_BACK if detours else {})
    assert Counter(course.detour for _, course in on_course(plan.arrivals)) == expected


@pytest.mark.parametrize("days", [30, 229])
def test_courses_keep_what_they_promise(rules: Rules, days: int) -> None:
    """Late ones take none, open ones none that closes; all begin before they are over, and all of it in the year."""
    dossiers = 9470 if days == 229 else 600
    plan = plan_year(rules, YearRequest(dossiers, open=9, late=9, days=days, seed=4))
    for arrival, course in on_course(plan.arrivals):
        assert arrival.fate is not Fate.LATE
        if course.way.ends:
            assert arrival.fate is Fate.ORDINARY
        if course.until is None:
            assert course.detour is Detour.RETURN
        else:
            assert arrival.moment <= course.begins_by < course.until < plan.closes_at
            assert course.until in plan.moments
        if course.way.filed and course.way.ends:
            assert course.until is not None
            assert course.until <= due(rules.calendar, arrival.case.promised_limit, arrival.moment)


def test_answers_come_within_the_applicants_limit_and_silence_ends_after_it(rules: Rules) -> None:
    for arrival, course in on_course(plan_year(rules, YearRequest(share_detours=0.3)).arrivals):
        if course.way.act in {"request_supplement", "demand_payment"}:
            assert course.until is not None
            own = Limit(LimitKind.WORKING_DAYS, arrival.case.supplement_limit_days)
            assert (course.until > due(rules.calendar, own, course.begins_by)) is bool(course.way.ends)
            if not course.way.ends:
                assert course.until <= due(rules.calendar, own, arrival.moment)


@pytest.mark.parametrize(
    ("request_", "option"),
    [
        pytest.param(YearRequest(share_closed=1), "--share-closed", id="open ones may not close"),
        pytest.param(YearRequest(share_detours=1), "--share-detours", id="not everybody has somewhere to go"),
    ],
)
def test_more_than_the_limits_allow_is_refused_with_the_largest_number(
    rules: Rules, request_: YearRequest, option: str
) -> None:
    with pytest.raises(Impossible, match=rf"{option} \(\d+ \w+\): .* at most \d+"):
        plan_year(rules, request_)


def test_the_ways_are_made_of_acts_of_the_laws_table() -> None:
    actions = {move.action for move in MOVES}
    for way in WAYS.values():
        assert {way.act, way.filed, way.held, way.ends} - {""} <= actions
    assert set(CLOSING) | set(COMING_BACK) == set(RAREST) == set(Detour)
    assert set(LENGTHS) == EXCLUDED_PERIODS
    for action in ENDING:
        states = {move.to for move in MOVES if move.action == action}
        assert states <= {State.REFUSED, State.WITHDRAWN, State.STOPPED}


def test_every_body_is_one_that_processing_takes(rules: Rules) -> None:
    officer = Officer("H56.97", "leader")
    for _, course in on_course(plan_year(rules, YearRequest(days=40)).arrivals):
        for action, said in course.said.items():
            act = read_act(action, json.dumps(act_body(Duty(officer, 0, action, said=said))).encode())
            assert act.action == action in BODIES
            assert {name: getattr(act, name) for name in said} == {
                name: tuple(value) if isinstance(value, list) else value for name, value in said.items()
            }


def duty(action: str, step_no: int = 0) -> Duty:
    return Duty(Officer("H56.97", "specialist"), step_no, action)


def chosen(entry: Entry | None, owed: Duty, *, answered: bool = False) -> str | None:
    """What is done with a dossier: before, or on the morning of its answer."""
    course = None if entry is None else entry.arrival.course
    until = None if course is None else course.until
    now = until if answered and until is not None else BEFORE
    found = next_duty(entry, Item("code", 4, 3, DUE, (owed,)), now)
    return None if found is None else found.action


def entry_on(year: YearPlan, detour: Detour, *, turned: bool) -> Entry:
    arrival = next(each for each, course in on_course(year.arrivals) if course.detour is detour)
    return Entry("code", "", DUE, DUE, "H56.97.04", arrival, turned=turned)


def test_an_act_of_the_course_takes_the_place_of_the_straight_one_once(year: YearPlan) -> None:
    for detour, way in WAYS.items():
        if way.act:
            entry = entry_on(year, detour, turned=False)
            course = entry.arrival.course
            assert course is not None
            straight = duty(course.instead_of, course.step_no)
            assert chosen(entry, straight) == way.act
            assert chosen(entry, duty(course.instead_of, course.step_no + 1)) == course.instead_of
            assert chosen(replace(entry, turned=True), straight) == course.instead_of


def test_what_tells_of_the_world_outside_waits_until_it_has_happened(year: YearPlan) -> None:
    for detour, way in WAYS.items():
        entry = entry_on(year, detour, turned=True)
        for held in HELD:
            assert chosen(entry, duty(held)) is None
            assert chosen(entry, duty(held), answered=True) == (held if held == way.held else None)
    for held in HELD:
        assert chosen(None, duty(held)) is None


def test_nobody_closes_what_is_not_to_be_closed(year: YearPlan) -> None:
    for detour, way in WAYS.items():
        entry = entry_on(year, detour, turned=True)
        for ends in ENDING:
            assert chosen(entry, duty(ends), answered=True) == (ends if ends == way.ends else None)
    for ends in ENDING:
        assert chosen(None, duty(ends)) == ends


def test_work_stands_still_for_who_wants_his_dossier_back(year: YearPlan) -> None:
    withdrawn, stopped = (entry_on(year, each, turned=False) for each in (Detour.WITHDRAWN, Detour.STOPPED))
    assert chosen(withdrawn, duty("assign", 2)) is None
    assert chosen(stopped, duty("forward", 2)) == "forward"
    assert chosen(stopped, duty("take", 3)) is None
    assert chosen(stopped, duty("take", 2), answered=True) is None
