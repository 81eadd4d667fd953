"""The worked vectors of the legal clock, as a table (those with pauses wait for pauses)."""

from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest

from shared.rulebook.calendar import ZONE, Calendar
from shared.rulebook.limits import (
    Limit,
    LimitKind,
    Outcome,
    apology_draft,
    counts_from,
    due,
    half_time,
    judge,
    overdue_from,
)

CUT_OFF = time(15)
SAME_DAY = Limit(LimitKind.SAME_DAY, 0, CUT_OFF)


def at(text: str) -> datetime:
    """`02/03/2020 14:59` or with seconds, in the legal zone."""
    form = "%d/%m/%Y %H:%M:%S" if text.count(":") == 2 else "%d/%m/%Y %H:%M"
    return datetime.strptime(text, form).replace(tzinfo=ZONE)


def working_days(amount: int) -> Limit:
    return Limit(LimitKind.WORKING_DAYS, amount)


def calendar_days(amount: int) -> Limit:
    return Limit(LimitKind.CALENDAR_DAYS, amount)


def working_hours(amount: int) -> Limit:
    return Limit(LimitKind.WORKING_HOURS, amount)


VECTORS = [
    ("1", working_days(5), "27/10/2023 09:32", "03/11/2023 17:00"),
    ("2", working_days(10), "31/05/2021 09:00", "14/06/2021 17:00"),
    ("3", working_days(5), "28/10/2023 10:00", "03/11/2023 17:00"),
    ("4", working_days(5), "27/10/2023 18:30", "03/11/2023 17:00"),
    ("5", working_days(5), "20/01/2020 08:00", "03/02/2020 17:00"),
    ("6", working_days(3), "31/12/2025 08:00", "07/01/2026 17:00"),
    ("7", working_days(7), "31/12/2025 08:00", "12/01/2026 17:00"),
    ("8", working_days(1), "23/11/2026 09:00", "25/11/2026 17:00"),
    ("9 before", SAME_DAY, "02/03/2020 14:59", "02/03/2020 17:00"),
    ("9 exactly", SAME_DAY, "02/03/2020 15:00:00", "02/03/2020 17:00"),
    ("10", SAME_DAY, "02/03/2020 15:00:01", "03/03/2020 17:00"),
    ("11", SAME_DAY, "22/01/2020 15:30", "30/01/2020 17:00"),
    ("12", SAME_DAY, "07/03/2020 09:00", "09/03/2020 17:00"),
    ("13", calendar_days(15), "15/04/2020 10:00", "04/05/2020 17:00"),
    ("14", calendar_days(10), "15/01/2020 10:00", "30/01/2020 17:00"),
    ("15", working_hours(8), "02/03/2020 14:00", "03/03/2020 14:00"),
    ("16", working_hours(4), "02/03/2020 07:30", "02/03/2020 11:30"),
    ("17", working_hours(3), "02/03/2020 12:00", "02/03/2020 16:30"),
]


@pytest.mark.parametrize(("limit", "accepted", "expected"), [v[1:] for v in VECTORS], ids=[v[0] for v in VECTORS])
def test_due(calendar: Calendar, limit: Limit, accepted: str, expected: str) -> None:
    assert due(calendar, limit, at(accepted)) == at(expected)


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("07/03/2020 11:00", "07/03/2020 11:30"), ("07/03/2020 13:00", "09/03/2020 17:00")],
    ids=["31", "32"],
)
def test_due_where_saturday_mornings_are_worked(saturday_calendar: Calendar, accepted: str, expected: str) -> None:
    assert due(saturday_calendar, SAME_DAY, at(accepted)) == at(expected)


def test_vector_33_draft_on_the_working_day_before_tet(calendar: Calendar) -> None:
    accepted = at("20/01/2020 08:00")
    assert due(calendar, working_days(3), accepted) == at("30/01/2020 17:00")
    assert apology_draft(calendar, working_days(3), accepted, at("30/01/2020 17:00")) == at("22/01/2020 17:00")


@pytest.mark.parametrize(
    ("accepted", "expected"),
    [("02/03/2020 09:00", "02/03/2020 14:00"), ("02/03/2020 15:30", "03/03/2020 11:00")],
    ids=["34", "35"],
)
def test_same_day_half_time_and_draft(calendar: Calendar, accepted: str, expected: str) -> None:
    due_at = due(calendar, SAME_DAY, at(accepted))
    assert half_time(calendar, SAME_DAY, at(accepted), due_at) == at(expected)
    assert apology_draft(calendar, SAME_DAY, at(accepted), due_at) == at(expected)


def test_one_working_day_drafts_at_half_time(calendar: Calendar) -> None:
    accepted = at("02/03/2020 09:00")
    due_at = due(calendar, working_days(1), accepted)
    assert due_at == at("03/03/2020 17:00")
    assert apology_draft(calendar, working_days(1), accepted, due_at) == at("03/03/2020 08:00")
    assert half_time(calendar, working_days(1), accepted, due_at) == at("03/03/2020 08:00")


def test_no_draft_before_acceptance(calendar: Calendar) -> None:
    accepted = at("02/03/2020 07:30")
    assert apology_draft(calendar, working_hours(4), accepted, due(calendar, working_hours(4), accepted)) == accepted


def test_a_cut_off_counts_for_other_limits_that_name_one(calendar: Calendar) -> None:
    limit = Limit(LimitKind.WORKING_DAYS, 1, CUT_OFF)
    assert due(calendar, limit, at("02/03/2020 15:00")) == at("03/03/2020 17:00")
    assert due(calendar, limit, at("02/03/2020 15:00:01")) == at("04/03/2020 17:00")


def test_same_day_without_a_cut_off_has_the_close(calendar: Calendar) -> None:
    limit = Limit(LimitKind.SAME_DAY, 0)
    assert counts_from(calendar, limit, at("02/03/2020 17:00")) == at("02/03/2020 17:00")
    assert counts_from(calendar, limit, at("02/03/2020 17:00:01")) == at("03/03/2020 07:00")


def test_a_moment_in_another_zone_is_read_in_the_legal_one(calendar: Calendar) -> None:
    accepted = datetime.fromisoformat("2020-03-02T08:00:01+00:00")
    found = due(calendar, SAME_DAY, accepted)
    assert found == at("03/03/2020 17:00")
    assert found.utcoffset() == timedelta(hours=7)


def test_equal_is_on_time_and_not_overdue() -> None:
    promised = at("02/03/2020 17:00")
    second = timedelta(seconds=1)
    assert judge(promised, promised) is Outcome.ON_TIME
    assert judge(promised, promised + second) is Outcome.LATE
    assert overdue_from(promised) == promised + second
