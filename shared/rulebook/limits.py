"""Limits and their moments: the arithmetic of the legal clock (C1–C5, C9, C11, C12).

A statutory and a promised limit follow the same functions side by side (C9). A pause (C6) takes closes out of
`_counting_closes` and working minutes out of C4, here and nowhere else; no act of this release pauses a dossier.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from itertools import islice

from shared.rulebook.calendar import ZONE, Calendar, add_working_time, local, working_time_between


class LimitKind(StrEnum):
    """How a limit is counted."""

    SAME_DAY = "same_day"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"
    WORKING_HOURS = "working_hours"


@dataclass(frozen=True, slots=True)
class Limit:
    """A time to decide in: `amount` days or hours of its kind (0: same day) and the cut-off, if one is named."""

    kind: LimitKind
    amount: int
    cut_off: time | None = None


class Outcome(StrEnum):
    """The judgement over a finished dossier (C11)."""

    ON_TIME = "on_time"
    LATE = "late"


def counts_from(calendar: Calendar, limit: Limit, accepted_at: datetime) -> datetime:
    """The moment from which acceptance counts (C3).

    With a cut-off (every same-day limit has at least the day's close): after it, or on a day that is not a working day,
    the next working day's opening; exactly at it is in time. Without one: acceptance itself.
    """
    accepted_at = local(accepted_at)
    if limit.kind is not LimitKind.SAME_DAY and limit.cut_off is None:
        return accepted_at
    day = accepted_at.date()
    if calendar.is_working_day(day):
        cut_off = calendar.close(day)
        if limit.cut_off is not None:
            cut_off = min(cut_off, datetime.combine(day, limit.cut_off, ZONE))
        if accepted_at <= cut_off:
            return accepted_at
    return calendar.opening(calendar.next_working_day(day))


def _counting_closes(calendar: Calendar, after: datetime) -> Iterator[datetime]:
    """The closes of the working days after a date, in order: those of paused days will be left out here (C6)."""
    return (calendar.close(day) for day in calendar.working_days_after(after.date()))


def _due_same_day(calendar: Calendar, _limit: Limit, start: datetime) -> datetime:
    return calendar.close(start.date())


def _due_working_days(calendar: Calendar, limit: Limit, start: datetime) -> datetime:
    return next(islice(_counting_closes(calendar, start), limit.amount - 1, None))


def _due_calendar_days(calendar: Calendar, limit: Limit, start: datetime) -> datetime:
    last_but_one = start + timedelta(days=limit.amount - 1)
    return next(_counting_closes(calendar, last_but_one))


def _due_working_hours(calendar: Calendar, limit: Limit, start: datetime) -> datetime:
    return add_working_time(calendar, start, timedelta(hours=limit.amount))


_DUE = {
    LimitKind.SAME_DAY: _due_same_day,
    LimitKind.WORKING_DAYS: _due_working_days,
    LimitKind.CALENDAR_DAYS: _due_calendar_days,
    LimitKind.WORKING_HOURS: _due_working_hours,
}
"""C2, C1, C5 and C4, each from the moment that acceptance counts."""


def due(calendar: Calendar, limit: Limit, accepted_at: datetime) -> datetime:
    """The due moment of a limit (C1–C5) for a dossier accepted at a legal moment, in the legal zone, to the second.

    Raises CalendarYearMissing where the calendar ends first.
    """
    return _DUE[limit.kind](calendar, limit, counts_from(calendar, limit, accepted_at))


def half_time(calendar: Calendar, limit: Limit, accepted_at: datetime, due_at: datetime) -> datetime:
    """When half of the working time from the moment acceptance counts to the due moment is used (C12)."""
    start = counts_from(calendar, limit, accepted_at)
    half = max(working_time_between(calendar, start, due_at), timedelta()) // 2
    return add_working_time(calendar, start, half - timedelta(microseconds=half.microseconds))


def apology_draft(calendar: Calendar, limit: Limit, accepted_at: datetime, due_at: datetime) -> datetime:
    """When the draft of an apology opens (C12).

    At the hour of the due moment on the working day before the due day; at half-time for same-day limits and limits of
    one working day; never before acceptance.
    """
    if limit.kind is LimitKind.SAME_DAY or (limit.kind is LimitKind.WORKING_DAYS and limit.amount == 1):
        return half_time(calendar, limit, accepted_at, due_at)
    due_at = local(due_at)
    day = calendar.previous_working_day(due_at.date())
    return max(datetime.combine(day, due_at.time(), ZONE), local(accepted_at))


def judge(promised_due: datetime, finished_at: datetime) -> Outcome:
    """On time if finished at or before the promised due moment, else late (C11)."""
    return Outcome.ON_TIME if finished_at <= promised_due else Outcome.LATE


def overdue_from(promised_due: datetime) -> datetime:
    """The first second at which an unfinished dossier is overdue (C11): exactly at the due moment it is not."""
    return promised_due + timedelta(seconds=1)
