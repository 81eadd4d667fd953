"""What the legal clock does by itself (C11, C12): three moves of the same table, made when their moment has come."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from services.processing.domain.cases import Case
from services.processing.domain.changing import Drafted
from services.processing.domain.workflow import Decision
from shared.contracts import facts
from shared.rulebook.calendar import Calendar
from shared.rulebook.limits import Limit, apology_draft, half_time, overdue_from
from shared.rulebook.moves import moves_for


class TimerKind(StrEnum):
    """The system's moves of this release; several due at one moment fire in this order."""

    HALF_TIME = "half_time"
    DRAFT_APOLOGY = "draft_apology"
    BECOME_OVERDUE = "become_overdue"


_ORDER = {kind: place for place, kind in enumerate(TimerKind)}
_FACTS: dict[TimerKind, type[facts.TimerFact]] = {
    TimerKind.HALF_TIME: facts.HalfTimeReached,
    TimerKind.DRAFT_APOLOGY: facts.ApologyDrafted,
    TimerKind.BECOME_OVERDUE: facts.BecameOverdue,
}


@dataclass(frozen=True, slots=True)
class Timer:
    """One timer of one dossier; `due_at` is the legal time of its fact."""

    kind: TimerKind
    due_at: datetime

    @property
    def fires_at(self) -> datetime:
        """The first second at which it may fire."""
        return overdue_from(self.due_at) if self.kind is TimerKind.BECOME_OVERDUE else self.due_at


def timers_of(calendar: Calendar, limit: Limit, accepted_at: datetime, promised_due: datetime) -> tuple[Timer, ...]:
    """List the timers of a dossier that was just accepted, from its promised limit."""
    return (
        Timer(TimerKind.HALF_TIME, half_time(calendar, limit, accepted_at, promised_due)),
        Timer(TimerKind.DRAFT_APOLOGY, apology_draft(calendar, limit, accepted_at, promised_due)),
        Timer(TimerKind.BECOME_OVERDUE, promised_due),
    )


def timers_again(calendar: Calendar, limit: Limit, decision: Decision, reopened_at: datetime) -> tuple[Timer, ...]:
    """List the timers of a dossier whose finish was taken back: those that had not fired by then.

    One whose moment passed meanwhile is due at the reopening: until then the dossier was finished.
    """
    case, finished_at = decision.after, decision.before.finished_at
    return tuple(
        replace(timer, due_at=max(timer.due_at, reopened_at))
        for timer in timers_of(calendar, limit, case.accepted_at, case.promised_due)
        if finished_at is not None and timer.fires_at > finished_at
    )


def fire(case: Case, due: Sequence[Timer], now: datetime) -> Decision:
    """Make every move whose moment has come (condition `due_timer`), in the order of their moments.

    A timer that finds the dossier in a state that it does not concern is spent without a fact. The version stays: the
    clock's warnings change nobody's work and make no officer's act stale.
    """
    after, drafted = case, []
    for timer in sorted(due, key=lambda timer: (timer.due_at, _ORDER[timer.kind])):
        if timer.fires_at > now or not moves_for(after.state, timer.kind):
            continue
        if timer.kind is TimerKind.DRAFT_APOLOGY:
            after = replace(after, draft_opened_at=timer.due_at)
        drafted.append(Drafted(_fact(after, timer), timer.due_at))
    return Decision(case, after, tuple(drafted))


def _fact(case: Case, timer: Timer) -> facts.TimerFact:
    return _FACTS[timer.kind](
        catalogue_version=case.catalogue_version,
        calendar_version=case.calendar_version,
        state=case.state,
        promised_due=case.promised_due,
    )
