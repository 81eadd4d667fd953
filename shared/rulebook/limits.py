"""Limits and their moments: the arithmetic of the legal clock (C1–C5, C9, C11, C12).

A statutory and a promised limit follow the same functions side by side (C9). A pause (C6) takes closes out of days and
minutes out of working time, here and nowhere else; which pauses count, and when a limit starts again, is `reckon`'s.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import count, islice

from shared.rulebook.calendar import ZONE, Calendar, local
from shared.rulebook.pauses import Pause, add_unpaused_time, paused_at, unpaused_time

Pauses = Sequence[Pause]


class LimitKind(StrEnum):
    """How a limit is counted."""

    SAME_DAY = "same_day"
    WORKING_DAYS = "working_days"
    CALENDAR_DAYS = "calendar_days"
    WORKING_HOURS = "working_hours"
    WORKING_MINUTES = "working_minutes"
    NONE = "none"
    """No appointment: no due moment, nothing to warn of, never late."""


WORKING_TIME = {LimitKind.WORKING_HOURS: timedelta(hours=1), LimitKind.WORKING_MINUTES: timedelta(minutes=1)}
"""The kinds that are counted in working time (C4), and how much of it each unit is."""


WITHOUT_AMOUNT = frozenset({LimitKind.SAME_DAY, LimitKind.NONE})
"""The kinds that count nothing."""
NO_APPOINTMENT = datetime(9999, 12, 31, tzinfo=ZONE)
"""What stands where a due moment is stored or travels, for a limit that has none: no clock reaches it (ADR 81)."""


def appointed(due_at: datetime) -> bool:
    """Whether a due moment is one, or stands for none."""
    return due_at < NO_APPOINTMENT


def as_appointed(due_at: datetime | None) -> datetime | None:
    """Answer a due moment as it is told: none where no day is appointed."""
    return None if due_at is None or not appointed(due_at) else due_at


@dataclass(frozen=True, slots=True)
class Limit:
    """A time to decide in: `amount` days, hours or minutes (0: same day, or none) and the cut-off, if one is named."""

    kind: LimitKind
    amount: int
    cut_off: time | None = None


class Outcome(StrEnum):
    """The judgement over a finished dossier (C11)."""

    ON_TIME = "on_time"
    LATE = "late"


def cut_off(calendar: Calendar, limit: Limit, day: date) -> datetime | None:
    """The moment of a date after which what happens counts later (C3): the earlier of the procedure's and the close.

    None where neither the limit is of the same day nor its procedure names one, and where there is no appointment.
    """
    if limit.kind is LimitKind.NONE:
        return None
    if limit.cut_off is None:
        return calendar.close(day) if limit.kind is LimitKind.SAME_DAY else None
    return min(calendar.close(day), datetime.combine(day, limit.cut_off, ZONE))


def counts_from(calendar: Calendar, limit: Limit, accepted_at: datetime) -> datetime:
    """The moment from which acceptance counts (C3).

    With a cut-off: after it, or on a day that is not a working day, the next working day's opening; exactly at it is in
    time. Without one: acceptance itself.
    """
    accepted_at = local(accepted_at)
    latest = cut_off(calendar, limit, accepted_at.date())
    if latest is None or (accepted_at <= latest and calendar.is_working_day(accepted_at.date())):
        return accepted_at
    return calendar.opening(calendar.next_working_day(accepted_at.date()))


def goes_on_at(calendar: Calendar, limit: Limit, ended_at: datetime) -> datetime:
    """The moment at which a pause that ended is over for a limit (C3): after the cut-off, the next opening."""
    latest = cut_off(calendar, limit, ended_at.date())
    if latest is None or ended_at <= latest:
        return ended_at
    return calendar.opening(calendar.next_working_day(ended_at.date()))


def _counting_closes(calendar: Calendar, after: date, pauses: Pauses) -> Iterator[datetime]:
    """The closes, in order, of the working days after a date at which the dossier is not paused (C6)."""
    closes = map(calendar.close, calendar.working_days_after(after))
    return (close for close in closes if not paused_at(pauses, close))


def _due_same_day(calendar: Calendar, _limit: Limit, start: datetime, pauses: Pauses) -> datetime:
    close = calendar.close(start.date())
    return next(_counting_closes(calendar, start.date(), pauses)) if paused_at(pauses, close) else close


def _due_working_days(calendar: Calendar, limit: Limit, start: datetime, pauses: Pauses) -> datetime:
    return next(islice(_counting_closes(calendar, start.date(), pauses), limit.amount - 1, None))


def _due_calendar_days(calendar: Calendar, limit: Limit, start: datetime, pauses: Pauses) -> datetime:
    dates = (start.date() + timedelta(days=number) for number in count(1))
    counted = (day for day in dates if not paused_at(pauses, calendar.close(day)))
    last = next(islice(counted, limit.amount - 1, None))
    return next(_counting_closes(calendar, last - timedelta(days=1), pauses))


def _due_working_time(calendar: Calendar, limit: Limit, start: datetime, pauses: Pauses) -> datetime:
    return add_unpaused_time(calendar, start, limit.amount * WORKING_TIME[limit.kind], pauses)


def _due_never(_calendar: Calendar, _limit: Limit, _start: datetime, _pauses: Pauses) -> datetime:
    return NO_APPOINTMENT


_DUE = {
    LimitKind.SAME_DAY: _due_same_day,
    LimitKind.WORKING_DAYS: _due_working_days,
    LimitKind.CALENDAR_DAYS: _due_calendar_days,
    LimitKind.WORKING_HOURS: _due_working_time,
    LimitKind.WORKING_MINUTES: _due_working_time,
    LimitKind.NONE: _due_never,
}
"""C2, C1, C5 and C4, each from the moment that acceptance counts; without an appointment, never."""


def due(calendar: Calendar, limit: Limit, accepted_at: datetime, pauses: Pauses = ()) -> datetime:
    """The due moment of a limit (C1–C5) for a dossier accepted at a legal moment, in the legal zone, to the second.

    `pauses` are those that count (C6), all of them over, each ending where it is over for the limit: `reckon` finds
    them. Raises CalendarYearMissing where the calendar ends first.
    """
    return _DUE[limit.kind](calendar, limit, counts_from(calendar, limit, accepted_at), pauses)


def half_time(
    calendar: Calendar, limit: Limit, accepted_at: datetime, due_at: datetime, pauses: Pauses = ()
) -> datetime:
    """When half of the unpaused working time from the moment acceptance counts to the due moment is used (C12)."""
    start = counts_from(calendar, limit, accepted_at)
    half = unpaused_time(calendar, start, due_at, pauses) // 2
    return add_unpaused_time(calendar, start, half - timedelta(microseconds=half.microseconds), pauses)


def apology_draft(
    calendar: Calendar, limit: Limit, accepted_at: datetime, due_at: datetime, pauses: Pauses = ()
) -> datetime:
    """When the draft of an apology opens (C12).

    At the hour of the due moment on the working day before the due day; at half-time for same-day limits and limits of
    one working day; never before acceptance or the end of the last pause.
    """
    earliest = max([local(accepted_at), *(pause.ends for pause in pauses if pause.ends is not None)])
    if limit.kind is LimitKind.SAME_DAY or (limit.kind is LimitKind.WORKING_DAYS and limit.amount == 1):
        return max(half_time(calendar, limit, accepted_at, due_at, pauses), earliest)
    due_day = _due_day(due_at)
    before = calendar.working_days(earliest.date(), due_day)[:-1]
    hour = local(due_at) - datetime.combine(due_day, time(), ZONE)
    return max([earliest, *(datetime.combine(day, time(), ZONE) + hour for day in before[-1:])])


def _due_day(due_at: datetime) -> date:
    """The date whose working time holds a due moment: midnight is the end of a date (sessions may close at 24:00)."""
    return (local(due_at) - timedelta(microseconds=1)).date()


def judge(promised_due: datetime, finished_at: datetime) -> Outcome:
    """On time if finished at or before the promised due moment, else late (C11)."""
    return Outcome.ON_TIME if finished_at <= promised_due else Outcome.LATE


def overdue_from(promised_due: datetime) -> datetime:
    """The first second at which an unfinished dossier is overdue (C11): exactly at the due moment it is not."""
    return promised_due + timedelta(seconds=1)
