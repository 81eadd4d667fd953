"""A calendar version was applied: the date that was promised is kept where it can be, else issued anew (C9, C11).

It can be kept as long as the new calendar leaves the whole limit until then. What is late stays late, what is paused
has no due moment to move: once it goes on it is reckoned by the calendar in force. Whoever is waited for has until the
later of what he was told and what the new calendar gives him (C13).
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from services.processing.domain.cases import Case
from services.processing.domain.changing import Drafted
from services.processing.domain.clock import applicants_limit, reckoning_of, with_halt
from services.processing.domain.duties import WAITING_FOR
from services.processing.domain.halts import Halt
from services.processing.domain.timers import OF_A_HALT, OF_THE_PROMISE, Alarms, Timer, TimerKind, owed
from shared.contracts.deadlines import DeadlineReissued, LimitReissued, OwnLimit
from shared.rulebook.calendar import Calendar, CalendarYearMissing, local
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


class Applied(NamedTuple):
    """A calendar version, as the dossier's place keeps it, and the legal moment at which it was published."""

    calendar: Calendar
    at: datetime


class LimitMoved(NamedTuple):
    """What an applicant has longer for: the pause that it is of, with the limit from now on, and from when to when."""

    halt: Halt
    previous: datetime
    limit_at: datetime


@dataclass(frozen=True, slots=True)
class Checked:
    """A dossier before and after a calendar version was applied; `limit` where the applicant's own limit moved."""

    fate: Fate
    before: Case
    after: Case
    at: datetime
    limit: LimitMoved | None = None

    @property
    def promise_moved(self) -> bool:
        """Whether the citizen has to be told another date."""
        return self.after.promised_due != self.before.promised_due

    @property
    def facts(self) -> tuple[Drafted, ...]:
        """The facts that say so, where a due moment moved, and where the applicant's own limit did."""
        found = []
        if self.fate is Fate.MOVED:
            found.append(Drafted(_fact(self.before, self.after), max(self.at, self.before.accepted_at)))
        if self.limit is not None:
            found.append(Drafted(_fact_of_limit(self.after, self.limit), max(self.at, self.limit.halt.begins_at)))
        return tuple(found)


def check(case: Case, kind: Kind, applied: Applied, unfired: Collection[TimerKind]) -> Checked:
    """Say what a calendar version does to a dossier. `unfired` are its timers that have not fired yet."""
    followed = replace(case, calendar_followed=applied.calendar.version)
    if not moves_for(case.state, ACTION):
        return Checked(Fate.OVER, case, followed, applied.at)
    try:
        limit = _limit_moved(case, kind, applied)
        promised, statutory = (
            _due(each, case, kind, applied.calendar) for each in (kind.promised_limit, kind.statutory_limit)
        )
    except CalendarYearMissing:
        return Checked(Fate.UNRECKONED, case, followed, applied.at)
    if limit is not None:
        followed = with_halt(followed, limit.halt)
    if promised is None or statutory is None:
        return Checked(Fate.PAUSED, case, followed, applied.at, limit)
    late = case.promised_due < applied.at or TimerKind.BECOME_OVERDUE not in unfired
    after = replace(
        followed,
        promised_due=case.promised_due if late else max(case.promised_due, promised),
        statutory_due=case.statutory_due if case.statutory_due < applied.at else max(case.statutory_due, statutory),
    )
    if (after.promised_due, after.statutory_due) != (case.promised_due, case.statutory_due):
        return Checked(Fate.MOVED, case, _issued_anew(case, after), applied.at, limit)
    earlier = promised < case.promised_due or statutory < case.statutory_due
    stays = Fate.LATE if late else Fate.KEPT if earlier else Fate.UNTOUCHED
    return Checked(stays, case, followed, applied.at, limit)


def _issued_anew(before: Case, after: Case) -> Case:
    """Name the calendar of each date; a draft that was not sent is discarded with the date that it speaks of (C12)."""
    promised_by, statutory_by = _issued_by(before, after, after.calendar_followed)
    after = replace(after, calendar_version=promised_by, statutory_calendar=statutory_by)
    if after.promised_due != before.promised_due and after.draft_is_open:
        return replace(after, draft_opened_at=None)
    return after


def _issued_by(before: Case, after: Case, version: str) -> tuple[str, str | None]:
    """Name the calendar of each limit: the new one of a date that was issued anew, its own of one that is kept."""
    promised = before.calendar_version if after.promised_due == before.promised_due else version
    statutory = before.statutory_version if after.statutory_due == before.statutory_due else version
    return promised, None if statutory == promised else statutory


def _limit_moved(case: Case, kind: Kind, applied: Applied) -> LimitMoved | None:
    """Leave the applicant the whole of his own limit by this calendar, where it had not passed and he is waited for.

    That its passing has been told already takes nothing from him: nobody has decided on it yet. Papers that came after
    the limit that he was told may be in time by this one.
    """
    halt = case.last_halt(WAITING_FOR[case.state]) if case.state in WAITING_FOR else None
    if halt is None or halt.limit_at is None or halt.limit_at < applied.at or halt.ended_in_time:
        return None
    previous, limit_at = local(halt.limit_at), applicants_limit(kind, applied.calendar, local(halt.begins_at))
    if limit_at <= previous:
        return None
    moved = replace(
        halt,
        limit_at=limit_at,
        limit_reached=False,
        first_limit_at=halt.first_limit_at or previous,
        limit_calendar=applied.calendar.version,
    )
    return LimitMoved(moved, previous, limit_at)


def alarms_anew(checked: Checked, kind: Kind, calendar: Calendar) -> Alarms:
    """Say which timers a calendar drops and which it sets: warnings unless they were given, the applicant's limit."""
    dropped: tuple[TimerKind, ...] = OF_THE_PROMISE if checked.promise_moved else ()
    timers = timers_anew(checked, kind, calendar)
    if checked.limit is None:
        return Alarms(dropped, timers)
    timer = Timer(OF_A_HALT[checked.limit.halt.kind], checked.limit.limit_at)
    return Alarms((*dropped, timer.kind), timers if checked.limit.halt.ended_in_time else (*timers, timer))


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


def _fact_of_limit(after: Case, moved: LimitMoved) -> LimitReissued:
    return LimitReissued(
        catalogue_version=after.catalogue_version,
        calendar_version=after.calendar_followed,
        state=after.state,
        limit=OwnLimit(moved.halt.kind),
        since=local(moved.halt.begins_at),
        limit_at=moved.limit_at,
        previous_limit_at=moved.previous,
    )
