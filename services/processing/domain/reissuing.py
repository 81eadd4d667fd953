"""A calendar version was applied: the date that was promised is kept where it can be, else issued anew (C9, C11).

It can be kept as long as the new calendar leaves the whole limit until then. What is late stays late, what is paused
has no due moment to move: once it goes on it is reckoned by the calendar in force.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.processing.domain.cases import Case
from services.processing.domain.changing import Drafted
from services.processing.domain.clock import reckoning_of
from services.processing.domain.timers import Timer, TimerKind, owed
from shared.contracts.deadlines import DeadlineReissued
from shared.rulebook.calendar import Calendar, CalendarYearMissing
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.limits import Limit, due
from shared.rulebook.moves import moves_for

ACTION = "reissue_deadline"


class Fate(StrEnum):
    """What a calendar version does to an open dossier."""

    MOVED = "moved"
    KEPT = "kept"
    """It would be due earlier by this calendar; the dates that were issued stand."""
    UNTOUCHED = "untouched"
    PAUSED = "paused"
    LATE = "late"
    OVER = "over"
    """Nothing is owed by the legal clock any more."""
    UNRECKONED = "unreckoned"
    """The calendar ends before the due moment; the dates that were issued stand."""


@dataclass(frozen=True, slots=True)
class Applied:
    """A calendar version, as the dossier's place keeps it, and the legal moment at which it was published."""

    calendar: Calendar
    at: datetime


@dataclass(frozen=True, slots=True)
class Checked:
    """A dossier before and after a calendar version was applied."""

    fate: Fate
    before: Case
    after: Case
    at: datetime

    @property
    def promise_moved(self) -> bool:
        """Whether the citizen has to be told another date."""
        return self.after.promised_due != self.before.promised_due

    @property
    def facts(self) -> tuple[Drafted, ...]:
        """The fact that says so, where a due moment moved."""
        if self.fate is not Fate.MOVED:
            return ()
        return (Drafted(_fact(self.before, self.after), max(self.at, self.before.accepted_at)),)


def check(case: Case, kind: Kind, applied: Applied, unfired: Collection[TimerKind]) -> Checked:
    """Say what a calendar version does to a dossier. `unfired` are its timers that have not fired yet."""
    followed = replace(case, calendar_followed=applied.calendar.version)
    if not moves_for(case.state, ACTION):
        return Checked(Fate.OVER, case, followed, applied.at)
    try:
        promised, statutory = (
            _due(limit, case, kind, applied.calendar) for limit in (kind.promised_limit, kind.statutory_limit)
        )
    except CalendarYearMissing:
        return Checked(Fate.UNRECKONED, case, followed, applied.at)
    if promised is None or statutory is None:
        return Checked(Fate.PAUSED, case, followed, applied.at)
    late = case.promised_due < applied.at or TimerKind.BECOME_OVERDUE not in unfired
    after = replace(
        followed,
        promised_due=case.promised_due if late else max(case.promised_due, promised),
        statutory_due=case.statutory_due if case.statutory_due < applied.at else max(case.statutory_due, statutory),
    )
    if (after.promised_due, after.statutory_due) == (case.promised_due, case.statutory_due):
        earlier = promised < case.promised_due or statutory < case.statutory_due
        return Checked(Fate.LATE if late else Fate.KEPT if earlier else Fate.UNTOUCHED, case, followed, applied.at)
    promised_by, statutory_by = _issued_by(case, after, applied.calendar.version)
    after = replace(after, calendar_version=promised_by, statutory_calendar=statutory_by)
    if after.promised_due != case.promised_due and after.draft_is_open:
        after = replace(after, draft_opened_at=None)
    return Checked(Fate.MOVED, case, after, applied.at)


def _issued_by(before: Case, after: Case, version: str) -> tuple[str, str | None]:
    """Name the calendar of each limit: the new one of a date that was issued anew, its own of one that is kept."""
    promised = before.calendar_version if after.promised_due == before.promised_due else version
    statutory = before.statutory_version if after.statutory_due == before.statutory_due else version
    return promised, None if statutory == promised else statutory


def timers_anew(checked: Checked, kind: Kind, calendar: Calendar) -> tuple[Timer, ...]:
    """List the timers of a promise that moved: warnings are set anew unless they were given (C12)."""
    if not checked.promise_moved:
        return ()
    timers = owed(checked.after, kind, calendar)
    return tuple(replace(timer, due_at=max(timer.due_at, checked.at)) for timer in timers)


def _due(limit: Limit, case: Case, kind: Kind, calendar: Calendar) -> datetime | None:
    """The due moment, None while it is paused. Few dossiers ever were: of all others nothing else is worked out."""
    if not case.halts:
        return due(calendar, limit, case.accepted_at)
    return reckoning_of(case, limit, kind, calendar).due_at


def _fact(before: Case, after: Case) -> DeadlineReissued:
    return DeadlineReissued(
        catalogue_version=after.catalogue_version,
        calendar_version=after.calendar_followed,
        state=after.state,
        statutory_due=after.statutory_due,
        promised_due=after.promised_due,
        previous_statutory_due=before.statutory_due,
        previous_promised_due=before.promised_due,
        previous_calendar_version=before.calendar_version,
    )
