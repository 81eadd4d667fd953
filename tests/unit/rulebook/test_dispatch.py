"""A dispatch laid over a calendar: what each line does, and what is said of a line that cannot be used."""

from __future__ import annotations

from datetime import date, datetime, time

import pytest

from shared.rulebook.agencies import Agencies
from shared.rulebook.calendar import ZONE, Calendar
from shared.rulebook.days import DayStatus, day_shown
from shared.rulebook.limits import Limit, LimitKind, due
from shared.rulebook.loader import load_seed, parse_agencies, parse_calendar
from shared.rulebook.rule_files.dispatch import Ground, with_dispatch
from shared.rulebook.rule_files.drawing import draw_calendar
from shared.rulebook.rule_files.faults import WRONG, RuleFileFaulty
from tests.unit.rulebook.dispatches import HEADER, SWAP, lines

SEED = load_seed()
CALENDAR = parse_calendar("calendar-1", SEED.calendar)
AGENCIES: Agencies = parse_agencies("agencies-1", SEED.agencies)
TODAY = date(2020, 3, 2)
GROUND = Ground(CALENDAR, AGENCIES, TODAY)
FRIDAY, SATURDAY, TOWNSHIP = date(2020, 3, 13), date(2020, 3, 21), "H56.97.21"


def laid(text: str, ground: Ground = GROUND) -> Calendar:
    return Calendar("calendar-2", with_dispatch(text, ground))


def hours_of(calendar: Calendar, day: date) -> list[tuple[time, time]]:
    return [(session.start.time(), session.end.time()) for session in calendar.sessions(day)]


def faults_of(text: str) -> list[tuple[int, str]]:
    with pytest.raises(RuleFileFaulty) as refused:
        with_dispatch(text, GROUND)
    for fault in refused.value.faults:
        assert all((*fault.reason, *fault.remedy)), fault
    return [(fault.line, fault.code) for fault in refused.value.faults]


def test_a_day_off_and_its_saturday() -> None:
    calendar = laid(SWAP)
    assert not calendar.is_working_day(FRIDAY)
    assert hours_of(calendar, SATURDAY) == hours_of(CALENDAR, FRIDAY)
    shown = day_shown(calendar, FRIDAY)
    assert (shown.status, shown.name_vi, shown.source) == (DayStatus.SWAP_OFF, "Nghỉ hoán đổi", "1001/UBND-KGVX")
    assert day_shown(calendar, SATURDAY).status is DayStatus.WORKED_SATURDAY
    others = [day for day in CALENDAR.working_days(TODAY, date(2020, 12, 31)) if day != FRIDAY]
    assert list(calendar.working_days(TODAY, date(2020, 12, 31))) == sorted([*others, SATURDAY])


def test_limits_move_by_hand() -> None:
    calendar, five = laid(SWAP), Limit(LimitKind.WORKING_DAYS, 5)
    accepted = datetime(2020, 3, 9, 9, tzinfo=ZONE)  # 10, 11, 12, (13 off), 16, 17 March
    assert due(CALENDAR, five, accepted) == datetime(2020, 3, 16, 17, tzinfo=ZONE)
    assert due(calendar, five, accepted) == datetime(2020, 3, 17, 17, tzinfo=ZONE)
    later = datetime(2020, 3, 16, 9, tzinfo=ZONE)  # 17, 18, 19, 20, 21 March
    assert due(calendar, five, later) == datetime(2020, 3, 21, 17, tzinfo=ZONE)


def test_hours_are_of_an_agency_and_of_dates() -> None:
    calendar = laid(
        lines(
            "hours,2020-06-01,2020-08-31,,H56.97.21,06:30-11:00 14:00-17:30,,Giờ mùa hè,Summer hours,5/QĐ",
            "hours,2020-06-01,2020-08-31,sat,H56.97.21,07:00-11:00,,Sáng thứ Bảy,Saturday mornings,5/QĐ",
            "hours,2020-12-24,,,,07:00–11:30,,Nửa ngày,Half a day,6/QĐ",
        )
    )
    own = calendar.of(TOWNSHIP)
    assert hours_of(own, date(2020, 6, 5)) == [(time(6, 30), time(11)), (time(14), time(17, 30))]
    assert hours_of(own, date(2020, 6, 6)) == [(time(7), time(11))]
    assert hours_of(own, date(2020, 6, 7)) == []
    assert hours_of(own, date(2020, 9, 1)) == hours_of(CALENDAR, date(2020, 9, 1))
    assert day_shown(own, date(2020, 6, 6)).name_vi == "Sáng thứ Bảy"
    assert calendar.of("H56.97.22") is calendar
    assert hours_of(calendar, date(2020, 6, 5)) == hours_of(CALENDAR, date(2020, 6, 5))
    assert hours_of(own, date(2020, 12, 24)) == hours_of(calendar, date(2020, 12, 24)) == [(time(7), time(11, 30))]


def test_a_later_dispatch_stands_in_place_of_what_was_known_of_a_date() -> None:
    summer = "hours,2020-07-13,2020-07-17,,H56.97.21,06:30-11:00,,Giờ mùa hè,Summer hours,5/QĐ"
    first = laid(lines(summer))
    ground = Ground(first, AGENCIES, TODAY)
    off = lines("holiday,2020-07-15,,,,,,Nghỉ đột xuất,Day off,7/CĐ")
    second = laid(off, ground)
    assert hours_of(second.of(TOWNSHIP), date(2020, 7, 15)) == []
    assert hours_of(second.of(TOWNSHIP), date(2020, 7, 16)) == [(time(6, 30), time(11))]
    duty = laid(lines(*off.splitlines()[1:], "hours,2020-07-15,,,H56.97.21,07:00-09:00,,Trực,On duty,7/CĐ"), ground)
    assert hours_of(duty.of(TOWNSHIP), date(2020, 7, 15)) == [(time(7), time(9))]
    back = laid(lines("usual,2020-07-15,,,,,,,,8/CĐ"), Ground(second, AGENCIES, TODAY))
    assert hours_of(back, date(2020, 7, 15)) == hours_of(CALENDAR, date(2020, 7, 15))


def test_closed_is_closed_and_a_range_off_leaves_weekends_as_they_are() -> None:
    calendar = laid(
        lines(
            "swap_off,2020-03-12,2020-03-16,,,,,Nghỉ,Off,9/CĐ",
            "hours,2020-03-18,,,H56.97.21,closed,,Mất điện,No power,10/TB",
        )
    )
    assert [day.isoformat() for day in (FRIDAY, date(2020, 3, 14)) if calendar.special_day(day)] == ["2020-03-13"]
    assert day_shown(calendar.of(TOWNSHIP), date(2020, 3, 18)).status is DayStatus.CLOSED
    assert calendar.is_working_day(date(2020, 3, 18))


def test_hours_of_an_agency_are_those_of_whom_it_has_succeeded_by_then() -> None:
    """Nga Sơn township (and Nga Bạch, by way of Nga Hiệp) became Nga Sơn commune, H56.61, on 1 July 2025.

    By hand: taken in on Monday 30 June + 2 working days are Tuesday 1 and Wednesday 2 July. Wednesday closes at 10:00.
    """
    dispatch = (
        "hours,2025-06-30,,,H56.97.21,07:00-09:00,,Nửa buổi,Half a session,1/QĐ",
        "hours,2025-07-02,,,H56.61,07:00-10:00,,Sáng,Morning,2/QĐ",
        "hours,2025-07-03,,,H56.61,closed,,Dời trụ sở,The office moves,2/QĐ",
    )
    ground = Ground(CALENDAR, AGENCIES, date(2025, 6, 2))
    calendar = laid(lines(*dispatch), ground)
    township, commune = calendar.of(TOWNSHIP), calendar.of("H56.61")
    assert hours_of(township, date(2025, 6, 30)) == [(time(7), time(9))]
    assert hours_of(commune, date(2025, 6, 30)) == hours_of(CALENDAR, date(2025, 6, 30))
    for former in (township, calendar.of("H56.97.29")):
        assert hours_of(former, date(2025, 7, 2)) == hours_of(commune, date(2025, 7, 2)) == [(time(7), time(10))]
        assert not former.is_working_day(date(2025, 7, 3))
    for others in ("H56.97.22", "H56.97.01", "H56.62"):
        assert calendar.of(others) is calendar
    accepted = datetime(2025, 6, 30, 8, tzinfo=ZONE)
    assert due(township, Limit(LimitKind.WORKING_DAYS, 2), accepted) == datetime(2025, 7, 2, 10, tzinfo=ZONE)
    assert due(township, Limit(LimitKind.WORKING_DAYS, 3), accepted) == datetime(2025, 7, 4, 17, tzinfo=ZONE)
    back = laid(lines("usual,2025-07-03,,,H56.61,,,,,3/QĐ"), Ground(calendar, AGENCIES, date(2025, 6, 2)))
    assert back.of(TOWNSHIP).is_working_day(date(2025, 7, 3))


def test_spreadsheets_write_semicolons_marks_comments_and_columns_in_any_order() -> None:
    text = "\ufeffsource;date;kind;name_vi\r\n# ban hành 02/03/2020\r\n1001/UBND;2020-03-13;swap_off;Nghỉ\r\n"
    assert not laid(text).is_working_day(FRIDAY)


@pytest.mark.parametrize(
    ("line", "code"),
    [
        ("vacation,2020-03-13,,,,,,Nghỉ,,1/CĐ", "choice"),
        (",2020-03-13,,,,,,Nghỉ,,1/CĐ", "missing"),
        ("swap_off,,,,,,,Nghỉ,,1/CĐ", "missing"),
        ("swap_off,13/03/2020,,,,,,Nghỉ,,1/CĐ", "no_date"),
        ("swap_off,2020-02-30,,,,,,Nghỉ,,1/CĐ", "no_date"),
        ("swap_off,2020-02-28,,,,,,Nghỉ,,1/CĐ", "begun"),
        ("swap_off,2020-03-02,,,,,,Nghỉ,,1/CĐ", "begun"),
        ("swap_off,2028-03-13,,,,,,Nghỉ,,1/CĐ", "year"),
        ("holiday,2027-12-31,2028-01-03,,,,,Nghỉ,,1/CĐ", "year"),
        ("swap_off,2020-03-13,2020-03-12,,,,,Nghỉ,,1/CĐ", "range"),
        ("swap_off,2020-03-13,2021-05-12,,,,,Nghỉ,,1/CĐ", "range"),
        ("swap_off,2020-03-13,,,,,,,,1/CĐ", "missing"),
        ("swap_off,2020-03-13,,,,,,Nghỉ,,", "missing"),
        ("swap_off,2020-03-14,,,,,,Nghỉ,,1/CĐ", "weekend"),
        ("swap_off,2020-03-13,,,H56.97.21,,,Nghỉ,,1/CĐ", "not_here"),
        ("swap_off,2020-03-13,,,,07:00-11:30,,Nghỉ,,1/CĐ", "not_here"),
        ("worked_saturday,2020-03-20,,,,,,Làm bù,,1/CĐ", "no_saturday"),
        ("worked_saturday,2020-03-21,,,,,2020-03-12,Làm bù,,1/CĐ", "not_replaced"),
        ("worked_saturday,2020-03-21,2020-03-28,,,,,Làm bù,,1/CĐ", "not_here"),
        ("hours,2020-03-13,,,H56.97.99,07:00-11:30,,,,1/CĐ", "no_agency"),
        ("hours,2020-03-13,,,H56.61,07:00-11:30,,,,1/CĐ", "no_such_office"),
        ("hours,2025-06-30,2025-07-01,,H56.97.21,07:00-11:30,,,,1/CĐ", "no_such_office"),
        ("hours,2020-03-13,,,,,,,,1/CĐ", "missing"),
        ("hours,2020-03-13,,,,7h-11h,,,,1/CĐ", "no_hours"),
        ("hours,2020-03-13,,,,11:30-07:00,,,,1/CĐ", "no_hours"),
        ("hours,2020-03-13,,,,07:00-11:30 11:00-12:00,,,,1/CĐ", "no_hours"),
        ("hours,2020-03-13,,sat,,07:00-11:30,,,,1/CĐ", "weekdays_alone"),
        ("hours,2020-03-13,2020-04-13,saturday,,07:00-11:30,,,,1/CĐ", "choice"),
        ("swap_off,2020-03-13,,,,,,Nghỉ,1/CĐ", "cells"),
    ],
)
def test_each_faulty_line_is_named_with_its_reason_and_remedy(line: str, code: str) -> None:
    good = "worked_saturday,2020-03-28,,,,,,Làm bù,,1/CĐ"
    assert faults_of(lines(good, line)) == [(3, code)]


def test_all_faulty_lines_are_told_at_once() -> None:
    assert faults_of(lines("swap_off,2020-03-14,,,,,,Nghỉ,,1/CĐ", "what,2020-03-13,,,,,,,,1/CĐ")) == [
        (2, "weekend"),
        (3, "choice"),
    ]


def test_a_date_is_told_once() -> None:
    twice = "swap_off,2020-03-13,,,,,,Nghỉ,,1/CĐ"
    assert faults_of(lines(twice, twice)) == [(3, "twice")]
    range_ = "hours,2020-06-01,2020-06-30,,H56.97.21,07:00-11:00,,,,1/CĐ"
    assert faults_of(lines(range_, "hours,2020-06-05,,,H56.97.21,08:00-11:00,,,,1/CĐ")) == [(3, "twice")]


def test_faults_of_the_file() -> None:
    assert faults_of("") == faults_of("# nothing\n") == [(0, "empty")]
    assert faults_of(f"{HEADER}\n") == [(0, "empty")]
    assert faults_of("kind,day,source\nx,y,z\n") == [(1, "column_missing"), (1, "column_unknown")]
    assert faults_of("kind,date,source,kind\na,b,c,d\n") == [(1, "column_twice")]
    assert faults_of(lines('swap_off,2020-03-13,,,,,,"Nghỉ,,1/CĐ')) == [(2, "not_csv")]


def test_what_is_in_force_already_is_no_version() -> None:
    with pytest.raises(RuleFileFaulty) as refused:
        with_dispatch(SWAP, Ground(laid(SWAP), AGENCIES, TODAY))
    assert [fault.code for fault in refused.value.faults] == ["changes_nothing"]


def test_every_fault_says_reason_and_remedy_in_both_languages() -> None:
    for wrong in WRONG.values():
        assert all((*wrong.reason, *wrong.remedy))


def test_who_plans_and_who_publishes_draw_the_same_version() -> None:
    first, again = draw_calendar(SWAP, GROUND, 1), draw_calendar(SWAP.replace("\n", "\r\n"), GROUND, 1)
    assert first == again
    assert first.version.startswith("calendar-2-")
    assert parse_calendar(first.version, first.content).sessions(FRIDAY) == ()


def test_the_seed_keeps_the_id_that_installations_know() -> None:
    assert {version for _, version, _ in SEED.versions()} >= {"calendar-1-db81b797c6d9", "catalogue-1-59181bcba36b"}
