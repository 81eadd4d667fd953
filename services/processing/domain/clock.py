"""The legal clock of a dossier, reckoned by the rulebook from what happened to it (C6–C9): nothing counts by itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.processing.domain.cases import Case
from services.processing.domain.halts import Halt
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.limits import Limit, LimitKind, due
from shared.rulebook.pauses import PauseKind
from shared.rulebook.reckoning import Reckoning, reckon


def reckoning_of(case: Case, limit: Limit, kind: Kind, calendar: Calendar) -> Reckoning:
    """Reckon where one limit of a dossier stands, from its acceptance and its pauses alone."""
    return reckon(calendar, limit, case.accepted_at, (halt.pause for halt in case.halts), kind.supplement_policy)


def restated(
    case: Case,
    kind: Kind,
    followed: Calendar,
    promised_by: Calendar | None = None,
    statutory_by: Calendar | None = None,
) -> Case:
    """Reckon both limits anew (C9): the due moment in force, or since when the limit is paused.

    By the calendar that is followed, and by the one that the limit's own date was issued by where that is another:
    whichever leaves the later moment, for no date that was promised becomes earlier because the days have changed
    (C11). A draft of an apology that was not sent is discarded where the due moment that it speaks of has moved (C12).
    Raises CalendarYearMissing.
    """
    statutory, statutory_version = _latest(case, kind.statutory_limit, kind, followed, statutory_by or promised_by)
    promised, version = _latest(case, kind.promised_limit, kind, followed, promised_by)
    moved = promised.due_at is not None and promised.due_at != case.promised_due
    version = case.calendar_version if promised.due_at is None else version
    statutory_version = case.statutory_version if statutory.due_at is None else statutory_version
    return replace(
        case,
        statutory_due=statutory.due_at or case.statutory_due,
        statutory_paused_since=statutory.paused_since,
        promised_due=promised.due_at or case.promised_due,
        promised_paused_since=promised.paused_since,
        calendar_version=version,
        statutory_calendar=None if statutory_version == version else statutory_version,
        draft_opened_at=None if moved and case.apologised_at is None else case.draft_opened_at,
    )


def _latest(
    case: Case, limit: Limit, kind: Kind, followed: Calendar, issued_by: Calendar | None
) -> tuple[Reckoning, str]:
    """Reckon a limit by both calendars; the latest due moment and its calendar, of the same ones the first.

    No due moment is later than any: where a pause counts by one of them, the dossier is not late by the other.
    """
    calendars = (followed,) if issued_by is None else (followed, issued_by)
    found = [(reckoning_of(case, limit, kind, calendar), calendar.version) for calendar in calendars]
    return max(found, key=lambda each: (each[0].due_at is None, each[0].due_at or case.accepted_at))


def applicants_limit(kind: Kind, calendar: Calendar, asked_at: datetime) -> datetime:
    """When papers must have arrived, or money been paid: the case's own working days, counted by C1 (C13)."""
    return due(calendar, Limit(LimitKind.WORKING_DAYS, kind.supplement_limit_days), asked_at)


def halted(case: Case, halt: Halt) -> Case:
    """Return the case with one more pause."""
    return replace(case, halts=(*case.halts, halt))


def with_halt(case: Case, halt: Halt) -> Case:
    """Return the case with one of its pauses changed."""
    return replace(case, halts=tuple(halt if each.no == halt.no else each for each in case.halts))


def papers_arrived(case: Case, missing: tuple[str, ...], at: datetime) -> Case:
    """Note what of a supplement is still missing: with the last paper the pause is over, from its arrival on (C6).

    Nothing changes where no supplement waits: the desk has refused it meanwhile, or they were asked for before
    acceptance.
    """
    halt = case.last_halt(PauseKind.SUPPLEMENT)
    if halt is None or not halt.is_open or case.is_over:
        return case
    left = tuple(paper for paper in halt.papers if paper in missing)
    return with_halt(case, replace(halt, missing=left, ends_at=None if left else max(at, halt.begins_at)))
