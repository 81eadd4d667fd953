"""Working time: days, Tết by an independent witness, and the properties of its arithmetic."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lunar_vn import LunarDate, lunar_to_solar

from shared.rulebook.calendar import (
    ZONE,
    Calendar,
    CalendarYearMissing,
    add_working_time,
    subtract_working_time,
    working_minutes_between,
    working_time_between,
)
from shared.rulebook.limits import Limit, LimitKind, apology_draft, due, half_time
from shared.rulebook.loader import load_seed, parse_calendar

CALENDAR = parse_calendar("calendar-1", load_seed().calendar)

moments = st.builds(
    lambda day, second: datetime.combine(day, time(), ZONE) + timedelta(seconds=second),
    st.dates(date(2019, 4, 1), date(2026, 10, 31)),
    st.integers(0, 86_399),
)
amounts = st.integers(0, 40 * 8 * 3600).map(lambda seconds: timedelta(seconds=seconds))
limits = st.builds(
    Limit,
    st.sampled_from(sorted(set(LimitKind) - {LimitKind.NONE})),
    st.integers(1, 30),
    st.one_of(st.none(), st.just(time(15)), st.just(time(11))),
)
fast = settings(max_examples=150, deadline=None)


def test_the_year_has_229_working_days(calendar: Calendar) -> None:
    days = calendar.working_days(date(2020, 1, 1), date(2020, 11, 30))
    assert len(days) == 229
    assert days[0] == date(2020, 1, 2)
    assert not calendar.is_working_day(date(2020, 1, 1))


@pytest.mark.parametrize("year", range(2019, 2028))
def test_tet_is_closed(calendar: Calendar, year: int) -> None:
    """The eve of the lunar year and its first three days, and the Hung Kings' day, computed by another program."""
    new_year = lunar_to_solar(LunarDate(1, 1, year))
    closed = [new_year + timedelta(days=offset) for offset in (-1, 0, 1, 2)]
    assert not any(calendar.is_working_day(day) for day in [*closed, lunar_to_solar(LunarDate(10, 3, year))])
    named = {day.day for day in calendar.content.special_days if "(mùng Một tháng Giêng)" in day.name_vi}
    assert new_year in named


def test_a_worked_saturday_has_the_sessions_of_the_day_it_replaces(saturday_calendar: Calendar) -> None:
    worked, plain = date(2026, 1, 10), date(2026, 1, 17)
    assert [s.start.time() for s in saturday_calendar.sessions(worked)] == [time(7), time(13, 30)]
    assert [s.start.time() for s in saturday_calendar.sessions(plain)] == [time(7, 30)]
    assert not saturday_calendar.is_working_day(date(2020, 1, 25))


def test_close_opening_and_neighbours(calendar: Calendar) -> None:
    sunday = date(2020, 3, 1)
    assert calendar.close(sunday) == datetime(2020, 3, 2, tzinfo=ZONE)
    assert calendar.close(date(2020, 3, 2)) == datetime(2020, 3, 2, 17, tzinfo=ZONE)
    assert calendar.opening(sunday) == datetime(2020, 3, 2, 7, tzinfo=ZONE)
    assert calendar.next_working_day(date(2020, 1, 22)) == date(2020, 1, 30)
    assert calendar.previous_working_day(date(2020, 1, 30)) == date(2020, 1, 22)


@pytest.mark.parametrize("day", [date(2018, 12, 31), date(2028, 1, 1)])
def test_a_date_outside_the_years_names_the_year(calendar: Calendar, day: date) -> None:
    moment = datetime.combine(day, time(9), ZONE)
    for call in (
        lambda: calendar.sessions(day),
        lambda: calendar.close(day),
        lambda: calendar.opening(day),
        lambda: calendar.next_working_day(day),
        lambda: add_working_time(calendar, moment, timedelta(hours=1)),
        lambda: due(calendar, Limit(LimitKind.SAME_DAY, 0), moment),
    ):
        with pytest.raises(CalendarYearMissing, match=str(day.year)):
            call()


def test_time_that_runs_out_of_the_years_names_the_year(calendar: Calendar) -> None:
    with pytest.raises(CalendarYearMissing, match="2028"):
        due(calendar, Limit(LimitKind.WORKING_DAYS, 5), datetime(2027, 12, 30, 9, tzinfo=ZONE))
    with pytest.raises(CalendarYearMissing, match="2028"):
        add_working_time(calendar, datetime(2027, 12, 31, 16, tzinfo=ZONE), timedelta(hours=2))
    with pytest.raises(CalendarYearMissing, match="2018"):
        subtract_working_time(calendar, datetime(2019, 1, 2, 8, tzinfo=ZONE), timedelta(hours=2))
    with pytest.raises(CalendarYearMissing, match="2018"):
        calendar.previous_working_day(date(2019, 1, 1))


def test_negative_amounts_are_refused(calendar: Calendar) -> None:
    moment = datetime(2020, 3, 2, 9, tzinfo=ZONE)
    for call in (add_working_time, subtract_working_time):
        with pytest.raises(ValueError, match="never negative"):
            call(calendar, moment, timedelta(seconds=-1))


def test_minutes_of_a_day(calendar: Calendar) -> None:
    start, end = datetime(2020, 3, 2, tzinfo=ZONE), datetime(2020, 3, 3, tzinfo=ZONE)
    assert working_minutes_between(calendar, start, end) == 480
    assert working_minutes_between(calendar, end, start) == -480


def by_walking(start: datetime, end: datetime) -> timedelta:
    """Working time by the plain reading: each date's sessions, cut to the two moments."""
    total, day = timedelta(), start.date()
    while day <= end.date():
        for session in CALENDAR.sessions(day):
            total += max(min(session.end, end) - max(session.start, start), timedelta())
        day += timedelta(days=1)
    return total


@fast
@given(moments, st.integers(0, 30 * 86_400))
def test_working_time_is_that_of_the_sessions(start: datetime, seconds: int) -> None:
    end = start + timedelta(seconds=seconds)
    assert working_time_between(CALENDAR, start, end) == by_walking(start, end)


@fast
@given(moments, amounts)
def test_adding_then_subtracting_returns(start: datetime, amount: timedelta) -> None:
    """To the start itself from inside a session, else to the next opening: the same working moment."""
    end = add_working_time(CALENDAR, start, amount)
    back = subtract_working_time(CALENDAR, end, amount)
    inside = any(s.start <= start < s.end for s in CALENDAR.sessions(start.date()))
    if inside:
        assert back == start
    assert working_time_between(CALENDAR, start, back) == timedelta()
    assert working_time_between(CALENDAR, start, end) == amount


@fast
@given(moments, amounts)
def test_subtracting_then_adding_returns(end: datetime, amount: timedelta) -> None:
    start = subtract_working_time(CALENDAR, end, amount)
    back = add_working_time(CALENDAR, start, amount)
    if any(s.start < end <= s.end for s in CALENDAR.sessions(end.date())):
        assert back == end
    assert working_time_between(CALENDAR, back, end) == timedelta()


@fast
@given(moments, amounts, limits)
def test_nothing_lands_in_closed_time(moment: datetime, amount: timedelta, limit: Limit) -> None:
    due_at = due(CALENDAR, limit, moment)
    assert CALENDAR.is_open(add_working_time(CALENDAR, moment, amount))
    assert CALENDAR.is_open(subtract_working_time(CALENDAR, moment, amount))
    assert CALENDAR.is_open(due_at)
    assert CALENDAR.is_open(half_time(CALENDAR, limit, moment, due_at))


@fast
@given(moments, moments, amounts, amounts)
def test_adding_is_monotone(one: datetime, other: datetime, small: timedelta, more: timedelta) -> None:
    earlier, later = sorted((one, other))
    assert add_working_time(CALENDAR, earlier, small) <= add_working_time(CALENDAR, later, small)
    assert add_working_time(CALENDAR, one, small) <= add_working_time(CALENDAR, one, small + more)
    assert subtract_working_time(CALENDAR, earlier, small) <= subtract_working_time(CALENDAR, later, small)


@fast
@given(moments, moments, limits)
def test_due_moments_are_monotone(one: datetime, other: datetime, limit: Limit) -> None:
    earlier, later = sorted((one, other))
    assert due(CALENDAR, limit, earlier) <= due(CALENDAR, limit, later)
    longer = Limit(limit.kind, limit.amount + 1, limit.cut_off)
    assert due(CALENDAR, limit, one) <= due(CALENDAR, longer, one)


@fast
@given(moments, limits)
def test_warnings_lie_between_acceptance_and_due(accepted: datetime, limit: Limit) -> None:
    due_at = due(CALENDAR, limit, accepted)
    assert accepted <= half_time(CALENDAR, limit, accepted, due_at) <= due_at
    assert accepted <= apology_draft(CALENDAR, limit, accepted, due_at) <= due_at
