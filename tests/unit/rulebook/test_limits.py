"""Limits without pauses, where the vectors do not reach: their moments, the judgement, overdue."""

from __future__ import annotations

from datetime import datetime, time, timedelta

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


def working_hours(amount: int) -> Limit:
    return Limit(LimitKind.WORKING_HOURS, amount)


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
