"""An agency's own hours: what they mean, and what they cannot be; what a date is to an agency."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any

import pytest

from shared.rulebook.calendar import ZONE, Calendar
from shared.rulebook.days import DayStatus, day_shown
from shared.rulebook.office_hours import HoursFault, OfficeHoursInvalid, hour_of, parse_office_hours, with_hours

DAY = [["07:00", "11:30"], ["13:30", "17:00"]]


def sessions(calendar: Calendar, mapping: dict[str, Any], day: date) -> list[tuple[datetime, datetime]]:
    found = with_hours(calendar, parse_office_hours(mapping)).sessions(day)
    return [(session.start, session.end) for session in found]


def test_named_days_of_the_week_are_the_whole_week(calendar: Calendar) -> None:
    hours = {"mon": DAY, "sat": [["19:00", "24:00"]]}
    assert sessions(calendar, {"sat": DAY, "fri": []}, date(2020, 3, 3)) == []
    assert sessions(calendar, hours, date(2020, 3, 3)) == []
    assert sessions(calendar, hours, date(2020, 3, 7)) == [
        (datetime(2020, 3, 7, 19, tzinfo=ZONE), datetime(2020, 3, 8, tzinfo=ZONE))
    ]


def test_a_saturday_that_is_named_alone_leaves_the_week_as_it_is(calendar: Calendar) -> None:
    hours = {"sat": [["07:30", "11:30"]], "2020-03-04": []}
    found = [len(sessions(calendar, hours, date(2020, 3, day))) for day in range(2, 9)]
    assert found == [2, 2, 0, 2, 2, 1, 0]


def test_named_dates_leave_the_week_as_it_is_and_win(calendar: Calendar) -> None:
    hours = {"2020-03-03": [], "2020-01-25": [["08:00", "09:00"]]}
    assert sessions(calendar, hours, date(2020, 3, 3)) == []
    assert len(sessions(calendar, hours, date(2020, 3, 4))) == 2
    assert len(sessions(calendar, hours, date(2020, 1, 25))) == 1
    assert sessions(calendar, {"mon": DAY, "2020-03-02": []}, date(2020, 3, 2)) == []


def test_days_off_by_law_stay_off_and_worked_saturdays_worked(calendar: Calendar) -> None:
    hours = {day: [["08:00", "12:00"]] for day in ("mon", "tue", "wed", "thu", "fri")}
    assert sessions(calendar, hours, date(2020, 4, 30)) == []
    assert len(sessions(calendar, hours, date(2026, 1, 10))) == 1


def test_sessions_may_touch_and_cover_the_whole_day(calendar: Calendar) -> None:
    hours = {"mon": [["00:00", "12:00"], ["12:00", "24:00"]]}
    found = with_hours(calendar, parse_office_hours(hours))
    assert found.close(date(2020, 3, 2)) == datetime(2020, 3, 3, tzinfo=ZONE)
    assert found.opening(date(2020, 3, 2)) == datetime(2020, 3, 2, tzinfo=ZONE)


@pytest.mark.parametrize(
    ("mapping", "fault"),
    [
        ([], HoursFault.NO_MAPPING),
        ("mon", HoursFault.NO_MAPPING),
        ({"Monday": DAY}, HoursFault.UNKNOWN_DAY),
        ({"2020-02-30": DAY}, HoursFault.UNKNOWN_DAY),
        ({"mon": None}, HoursFault.NO_SESSIONS),
        ({"mon": "07:00-11:30"}, HoursFault.NO_SESSIONS),
        ({"mon": [["07:00"]]}, HoursFault.NO_SESSIONS),
        ({"mon": ["07:00", "11:30"]}, HoursFault.NO_SESSIONS),
        ({"mon": [["07:00", "25:00"]]}, HoursFault.NO_HOUR),
        ({"mon": [[7, 11]]}, HoursFault.NO_HOUR),
        ({"mon": [["24:00", "24:00"]]}, HoursFault.NO_HOUR),
        ({"mon": [["11:30", "07:00"]]}, HoursFault.ENDS_BEFORE),
        ({"mon": [["07:00", "07:00"]]}, HoursFault.ENDS_BEFORE),
        ({"mon": [["22:00", "00:00"]]}, HoursFault.ENDS_BEFORE),
        ({"mon": [["07:00", "12:00"], ["11:59", "17:00"]]}, HoursFault.OVERLAP),
        ({"mon": [["13:30", "17:00"], ["07:00", "11:30"]]}, HoursFault.OVERLAP),
        ({"mon": [["13:30", "24:00"], ["07:00", "11:30"]]}, HoursFault.OVERLAP),
    ],
)
def test_hours_that_cannot_be_are_refused(mapping: Any, fault: HoursFault) -> None:
    with pytest.raises(OfficeHoursInvalid) as caught:
        parse_office_hours(mapping)
    assert caught.value.fault is fault


@pytest.mark.parametrize(
    ("text", "hour"),
    [
        ("07:30", time(7, 30)),
        ("7:30", time(7, 30)),
        ("15:00:01", time(15, 0, 1)),
        ("24:00", time()),
        ("24:01", None),
        ("7", None),
        ("07:60", None),
        (730, None),
        (None, None),
    ],
)
def test_hours_of_the_clock(text: Any, hour: time | None) -> None:
    assert hour_of(text) == hour


@pytest.mark.parametrize(
    ("day", "status", "working"),
    [
        (date(2020, 3, 2), DayStatus.WORKING, True),
        (date(2020, 3, 7), DayStatus.WEEKEND, False),
        (date(2020, 1, 25), DayStatus.HOLIDAY, False),
        (date(2020, 1, 28), DayStatus.IN_LIEU, False),
        (date(2026, 1, 2), DayStatus.SWAP_OFF, False),
        (date(2026, 1, 10), DayStatus.WORKED_SATURDAY, True),
    ],
)
def test_what_a_date_is(calendar: Calendar, day: date, status: DayStatus, working: bool) -> None:
    shown = day_shown(calendar, day)
    assert (shown.status, shown.working) == (status, working)
    assert bool(shown.name_vi) is (status not in {DayStatus.WORKING, DayStatus.WEEKEND})


def test_what_a_date_is_by_own_hours(calendar: Calendar, saturday_calendar: Calendar) -> None:
    assert day_shown(saturday_calendar, date(2020, 3, 7)).status is DayStatus.WORKING
    own = with_hours(calendar, parse_office_hours({"2020-03-02": [], "2020-01-25": DAY}))
    assert day_shown(own, date(2020, 3, 2)).status is DayStatus.CLOSED
    assert day_shown(own, date(2020, 1, 25)).status is DayStatus.WORKING
