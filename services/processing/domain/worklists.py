"""What an officer looks at: the duties of which office, whose, and how urgent each dossier is.

Urgency is nothing that is stored: it is read from the promised due moment, the clock and the present moment.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import NamedTuple

from services.processing.domain.acts import Officer
from services.processing.domain.cases import Clock
from services.processing.domain.refusals import NotAllowed
from shared.roles import Role
from shared.rulebook.calendar import ZONE, Calendar, CalendarYearMissing, local

BEGINNING, END = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
OVERSEERS = frozenset({Role.LEADER, Role.AUDITOR})
"""Who looks at what others owe."""


class Urgency(StrEnum):
    """How pressing a dossier is."""

    LATE = "late"
    DUE_TODAY = "due_today"
    AT_RISK = "at_risk"
    """Due on the next working day: today the draft of an apology opens (C12)."""
    IN_TIME = "in_time"
    PAUSED = "paused"
    FINISHED = "finished"
    """The result is ready; it waits to be handed over."""


class Days(NamedTuple):
    """The moments that part one urgency from the next."""

    now: datetime
    tomorrow: datetime
    after_next_working_day: datetime


class Span(NamedTuple):
    """What a dossier's clock does, and between which promised due moments, the last one excluded."""

    clock: Clock | None = None
    begins: datetime = BEGINNING
    ends: datetime = END


EVERYTHING = Span()


def days_of(calendar: Calendar, now: datetime) -> Days:
    """Find them at a moment; where the calendar ends, the next day counts as a working day."""
    today = local(now).date()
    try:
        following = calendar.next_working_day(today)
    except CalendarYearMissing:
        following = today + timedelta(days=1)
    return Days(now, _midnight(today + timedelta(days=1)), _midnight(following + timedelta(days=1)))


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), ZONE)


def span_of(urgency: Urgency, days: Days) -> Span:
    """Say which dossiers are of an urgency. Exactly at the due moment a dossier is not late (C11)."""
    now, tomorrow, later = days
    return {
        Urgency.LATE: Span(Clock.RUNNING, BEGINNING, now),
        Urgency.DUE_TODAY: Span(Clock.RUNNING, now, tomorrow),
        Urgency.AT_RISK: Span(Clock.RUNNING, tomorrow, later),
        Urgency.IN_TIME: Span(Clock.RUNNING, later, END),
        Urgency.PAUSED: Span(Clock.PAUSED),
        Urgency.FINISHED: Span(Clock.OVER),
    }[urgency]


_URGENCIES: Mapping[Clock, Sequence[Urgency]] = {
    Clock.RUNNING: (Urgency.LATE, Urgency.DUE_TODAY, Urgency.AT_RISK, Urgency.IN_TIME),
    Clock.PAUSED: (Urgency.PAUSED,) * 4,
    Clock.OVER: (Urgency.FINISHED,) * 4,
}
"""Of each clock, the urgencies before, between and after the moments of `Days`."""


def urgency_of(clock: Clock, promised_due: datetime, days: Days) -> Urgency:
    """Say how urgent a dossier is: in whose `span_of` it lies."""
    return _URGENCIES[clock][bisect_right(days, promised_due)]


@dataclass(frozen=True, slots=True)
class Filters:
    """What a caller asks to see; nothing: what waits for himself."""

    unit: str | None = None
    office: str | None = None
    officer: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """The duties of an office (agency and role): those of these holders, None for everybody's, and the `free` ones."""

    agency: str
    role: str
    holders: tuple[str, ...] | None
    free: bool


def select(viewer: Officer, asked: Filters, sees: Callable[[str], bool]) -> Selection:
    """Say whose duties a caller is shown. Raises NotAllowed for others' where he oversees none.

    `sees` tells whether an agency is one that he sees: his own, or below it.
    """
    agency, role = asked.unit or viewer.agency, asked.office or viewer.role
    if (agency, role) == (viewer.agency, viewer.role):
        if asked.officer is None:
            return Selection(agency, role, viewer.names, free=True)
        if asked.officer in viewer.names:
            return Selection(agency, role, (asked.officer,), free=False)
    if viewer.role not in OVERSEERS:
        raise NotAllowed("role_not_allowed", "Leaders and auditors look at what others owe.")
    if not sees(agency):
        raise NotAllowed("agency_not_allowed", "The unit is none of yours.")
    return Selection(agency, role, None if asked.officer is None else (asked.officer,), free=asked.officer is None)
