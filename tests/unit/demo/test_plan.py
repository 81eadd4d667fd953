from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import replace
from datetime import date, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deploy.demo.fates import Fate, Impossible
from deploy.demo.plan import (
    LAST_DAY,
    WORKING_DAYS,
    Arrival,
    Rules,
    YearRequest,
    largest_remainder,
    places_of,
    plan_year,
    working_days,
)
from deploy.demo.play import seed_rules
from shared.rulebook.limits import LimitKind, apology_draft, due, overdue_from


@pytest.fixture(scope="module")
def rules() -> Rules:
    return seed_rules()


def counts(arrivals: tuple[Arrival, ...]) -> Counter[tuple[object, ...]]:
    return Counter((a.moment, a.case.procedure_code, a.case.case_code) for a in arrivals)


def place_counts(arrivals: tuple[Arrival, ...]) -> Counter[tuple[str, ...]]:
    return Counter((a.place.code, a.case.procedure_code, a.case.case_code) for a in arrivals)


def test_the_year_has_229_working_days(rules: Rules) -> None:
    days = working_days(rules.calendar)
    assert len(days) == WORKING_DAYS == 229
    assert date(2020, 1, 23) not in days
    assert days[0] == date(2020, 1, 2)
    assert days[-1] == LAST_DAY


@given(
    total=st.integers(0, 100_000), weights=st.lists(st.integers(0, 5000), min_size=1).filter(any), turn=st.integers(0)
)
def test_largest_remainder_is_exact_and_off_by_less_than_one(total: int, weights: list[int], turn: int) -> None:
    shares = largest_remainder(total, weights, turn)
    assert sum(shares) == total
    for share, weight in zip(shares, weights, strict=True):
        assert abs(share * sum(weights) - total * weight) < sum(weights)


@pytest.mark.parametrize("dossiers", [1, 7, 300, 1000, 9470])
def test_every_dossier_is_filed_once_at_a_place_that_may_receive_it(rules: Rules, dossiers: int) -> None:
    plan = plan_year(rules, YearRequest(dossiers, open=0))
    assert [arrival.number for arrival in plan.arrivals] == list(range(1, dossiers + 1))
    for arrival in plan.arrivals:
        assert arrival.place in places_of(arrival.case, rules.agencies)


def test_all_25_places_receive_and_weights_are_met(rules: Rules) -> None:
    plan = plan_year(rules, YearRequest())
    assert len({arrival.place.code for arrival in plan.arrivals}) == 25
    by_case = Counter((a.case.procedure_code, a.case.case_code) for a in plan.arrivals)
    for case in rules.catalogue.cases:
        quota = 9470 * case.year_2020_weight / 10_000
        assert abs(by_case[(case.procedure_code, case.case_code)] - quota) < 1
    social = Counter(a.place.code for a in plan.arrivals if a.case.procedure_code == "1.001776")
    assert len(social) == 24
    assert max(social.values()) - min(social.values()) <= 1


def test_days_and_moments_are_even(rules: Rules) -> None:
    plan = plan_year(rules, YearRequest())
    days = Counter(arrival.moment.date() for arrival in plan.arrivals)
    assert len(days) == 229
    assert set(days.values()) <= {41, 42}
    assert {arrival.moment.time() for arrival in plan.arrivals} == {time(8, 0)}
    assert list(plan.moments) == sorted(plan.moments)
    assert len(plan.moments) == 229 + 1
    assert plan.closes_at == rules.calendar.close(LAST_DAY)


def test_a_short_look_hands_in_as_much_on_fewer_days(rules: Rules) -> None:
    plan = plan_year(rules, YearRequest(300, open=4, days=40, share_closed=0, share_detours=0))
    days = Counter(arrival.moment.date() for arrival in plan.arrivals)
    assert sorted(set(days.values())) == [7, 8]
    working = working_days(rules.calendar)
    places = [working.index(day) for day in days]
    assert places[0] == 0
    assert {later - earlier for earlier, later in itertools.pairwise(places)} == {5, 6}
    assert len(plan.moments) == 40 + 1


def test_the_seed_permutes_and_changes_no_count(rules: Rules) -> None:
    one, same, other = (plan_year(rules, YearRequest(seed=seed)) for seed in (1, 1, 2))
    assert one == same
    assert one.arrivals != other.arrivals
    assert counts(one.arrivals) == counts(other.arrivals)
    assert place_counts(one.arrivals) == place_counts(other.arrivals)


@pytest.mark.parametrize("seed", range(5))
def test_open_ones_are_inside_their_limit_when_the_year_closes(rules: Rules, seed: int) -> None:
    plan = plan_year(rules, YearRequest(seed=seed))
    still_open = [arrival for arrival in plan.arrivals if arrival.fate is Fate.OPEN]
    assert len(still_open) == 155
    for arrival in still_open:
        assert due(rules.calendar, arrival.case.promised_limit, arrival.moment) >= plan.closes_at
        assert 1 <= arrival.halt_after < arrival.case.steps[-1].no
    assert len({arrival.halt_after for arrival in still_open}) > 3


@pytest.mark.parametrize("dossiers", [300, 9470])
def test_the_largest_number_of_open_ones_is_named_and_possible(rules: Rules, dossiers: int) -> None:
    with pytest.raises(Impossible) as refused:
        plan_year(rules, YearRequest(dossiers, open=dossiers))
    largest = refused.value.largest
    everyone = plan_year(rules, YearRequest(dossiers, open=0))
    dues = [due(rules.calendar, arrival.case.promised_limit, arrival.moment) for arrival in everyone.arrivals]
    assert largest == sum(overdue_from(due_at) > everyone.closes_at for due_at in dues)
    if dossiers == 9470:
        assert largest >= 155
    plan = plan_year(rules, YearRequest(dossiers, open=largest))
    assert sum(arrival.fate is Fate.OPEN for arrival in plan.arrivals) == largest
    with pytest.raises(Impossible, match=f"at most {largest}"):
        plan_year(rules, YearRequest(dossiers, open=largest + 1))


@pytest.mark.parametrize("late", [3, 12, 60])
def test_late_ones_spread_over_the_kinds_of_limit(rules: Rules, late: int) -> None:
    plan = plan_year(rules, YearRequest(late=late))
    missed = [arrival for arrival in plan.arrivals if arrival.fate is Fate.LATE]
    kinds = Counter(arrival.case.promised_limit.kind for arrival in missed)
    assert kinds == {
        LimitKind.SAME_DAY: late // 3,
        LimitKind.WORKING_DAYS: late // 3,
        LimitKind.CALENDAR_DAYS: late // 3,
    }
    for arrival in missed:
        due_at = due(rules.calendar, arrival.case.promised_limit, arrival.moment)
        draft_at = apology_draft(rules.calendar, arrival.case.promised_limit, arrival.moment, due_at)
        assert any(draft_at <= moment < due_at and moment > arrival.moment for moment in plan.moments)
        assert any(due_at < moment for moment in plan.moments)
        if arrival.case.promised_limit.kind is LimitKind.SAME_DAY:
            assert arrival.moment.time() == time(8, 0)


def test_more_late_ones_than_possible_are_refused(rules: Rules) -> None:
    with pytest.raises(Impossible, match="--late 9470"):
        plan_year(rules, YearRequest(open=0, late=9470))


def test_fates_change_no_arrival(rules: Rules) -> None:
    plain = plan_year(rules, YearRequest(open=0, share_closed=0, share_detours=0))
    fated = plan_year(rules, YearRequest(open=155, late=30))
    assert plain.arrivals == tuple(replace(a, fate=Fate.ORDINARY, halt_after=0, course=None) for a in fated.arrivals)
