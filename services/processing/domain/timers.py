"""What the legal clock does by itself (C11–C13): moves of the same table, made when their moment has come."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from services.processing.domain.cases import Case
from services.processing.domain.changing import Drafted, Means
from services.processing.domain.clock import reckoning_of, with_halt
from services.processing.domain.workflow import Decision
from shared.contracts import facts
from shared.contracts.facts import DossierFact
from shared.rulebook.calendar import Calendar, local
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.limits import Limit, Pauses, apology_draft, appointed, half_time, overdue_from
from shared.rulebook.moves import moves_for
from shared.rulebook.pauses import PauseKind


class TimerKind(StrEnum):
    """The system's moves of this release; several due at one moment fire in this order."""

    HALF_TIME = "half_time"
    DRAFT_APOLOGY = "draft_apology"
    BECOME_OVERDUE = "become_overdue"
    SUPPLEMENT_LIMIT = "supplement_limit"
    PAYMENT_LIMIT = "payment_limit"


_ORDER = {kind: place for place, kind in enumerate(TimerKind)}
OF_THE_PROMISE = (TimerKind.HALF_TIME, TimerKind.DRAFT_APOLOGY, TimerKind.BECOME_OVERDUE)
"""Set anew whenever the promised due moment moves; none runs while that limit is paused."""
OF_A_HALT: Mapping[PauseKind, TimerKind] = {
    PauseKind.SUPPLEMENT: TimerKind.SUPPLEMENT_LIMIT,
    PauseKind.PAYMENT: TimerKind.PAYMENT_LIMIT,
}
"""Kind of pause → the timer of the applicant's own limit (C13)."""
_STRICTLY_AFTER = frozenset({TimerKind.BECOME_OVERDUE, *OF_A_HALT.values()})
"""What is exactly at the moment is in time (C11, C13)."""


@dataclass(frozen=True, slots=True)
class Timer:
    """One timer of one dossier; `due_at` is the legal time of its fact."""

    kind: TimerKind
    due_at: datetime

    @property
    def fires_at(self) -> datetime:
        """The first second at which it may fire."""
        return overdue_from(self.due_at) if self.kind in _STRICTLY_AFTER else self.due_at


class Alarms(NamedTuple):
    """What an act or a fact does to the timers of a dossier: first some are dropped, then some are set."""

    dropped: tuple[TimerKind, ...] = ()
    set: tuple[Timer, ...] = ()


def timers_of(
    calendar: Calendar, limit: Limit, begins: datetime, promised_due: datetime, pauses: Pauses = ()
) -> tuple[Timer, ...]:
    """List the timers of a promised limit that runs from a moment on, with the pauses that count in it.

    Without an appointment there is nothing to warn of.
    """
    if not appointed(promised_due):
        return ()
    return (
        Timer(TimerKind.HALF_TIME, half_time(calendar, limit, begins, promised_due, pauses)),
        Timer(TimerKind.DRAFT_APOLOGY, apology_draft(calendar, limit, begins, promised_due, pauses)),
        Timer(TimerKind.BECOME_OVERDUE, promised_due),
    )


def alarms_of(before: Case, after: Case, means: Means, now: datetime) -> Alarms:
    """Say which timers a change of a case drops and which it sets."""
    kind, calendar = means.kind_of(after), means.promised_by or means.calendar
    if after.is_over:
        return Alarms() if before.is_over else Alarms(dropped=tuple(TimerKind))
    if before.finished_at is not None:
        return Alarms(set=_taken_up(after, kind, calendar, finished_at=before.finished_at, reopened_at=now))
    ended, begun = _limits_of_halts(before, after)
    if (before.promised_due, before.promised_paused_since) == (after.promised_due, after.promised_paused_since):
        return Alarms(ended, begun)
    return Alarms((*OF_THE_PROMISE, *ended), (*owed(after, kind, calendar), *begun))


def _promised(case: Case, kind: Kind, calendar: Calendar) -> tuple[Timer, ...]:
    """List the timers of the promised limit as it stands; each is due at the end of the last pause at the earliest."""
    limit, begins = kind.promised_limit, case.accepted_at
    pauses: Pauses = ()
    if case.halts:
        stands = reckoning_of(case, limit, kind, calendar)
        begins, pauses = stands.runs[-1].begins, stands.counted
    earliest = max([begins, *(pause.ends for pause in pauses if pause.ends is not None)])
    timers = timers_of(calendar, limit, begins, case.promised_due, pauses)
    return tuple(replace(timer, due_at=max(timer.due_at, earliest)) for timer in timers)


def owed(case: Case, kind: Kind, calendar: Calendar) -> tuple[Timer, ...]:
    """List the timers of a due moment that has moved: a half-time fires once, and no draft follows an apology (C12)."""
    if case.promised_paused_since is not None:
        return ()
    spent = {
        TimerKind.HALF_TIME: case.half_time_at is not None,
        TimerKind.DRAFT_APOLOGY: case.apologised_at is not None,
    }
    return tuple(timer for timer in _promised(case, kind, calendar) if not spent.get(timer.kind, False))


def _taken_up(
    case: Case, kind: Kind, calendar: Calendar, *, finished_at: datetime, reopened_at: datetime
) -> tuple[Timer, ...]:
    """List the timers of a dossier whose finish was taken back: those that had not fired by then.

    One whose moment passed meanwhile is due at the reopening: until then the dossier was finished.
    """
    return tuple(
        replace(timer, due_at=max(timer.due_at, reopened_at))
        for timer in owed(case, kind, calendar)
        if timer.fires_at > finished_at
    )


def _limits_of_halts(before: Case, after: Case) -> tuple[tuple[TimerKind, ...], tuple[Timer, ...]]:
    """Drop the limit of a pause that ended within it, set that of one that begins."""
    known = {halt.no: halt for halt in before.halts}
    ended = tuple(
        OF_A_HALT[halt.kind]
        for halt in after.halts
        if halt.ended_in_time and (was := known.get(halt.no)) is not None and was.is_open
    )
    begun = tuple(
        Timer(OF_A_HALT[halt.kind], halt.limit_at)
        for halt in after.halts
        if halt.limit_at is not None and halt.no not in known
    )
    return ended, begun


def fire(case: Case, due: Sequence[Timer], now: datetime) -> Decision:
    """Make every move whose moment has come (condition `due_timer`), in the order of their moments.

    A timer that finds the dossier in a state that it does not concern is spent without a fact. The version stays: the
    clock's warnings change nobody's work and make no officer's act stale.
    """
    after, drafted = case, []
    for timer in sorted(due, key=lambda timer: (timer.due_at, _ORDER[timer.kind])):
        if timer.fires_at > now or not moves_for(after.state, timer.kind):
            continue
        after, fact = _FIRING[timer.kind](after, timer)
        drafted.append(Drafted(fact, timer.due_at))
    return Decision(case, after, tuple(drafted))


def _warned(case: Case, model: type[facts.TimerFact]) -> facts.TimerFact:
    return model(**_versions(case), promised_due=case.promised_due)


def _versions(case: Case) -> dict[str, Any]:
    return {
        "catalogue_version": case.catalogue_version,
        "calendar_version": case.calendar_version,
        "state": case.state,
    }


def _half_time(case: Case, timer: Timer) -> tuple[Case, DossierFact]:
    after = replace(case, half_time_at=timer.due_at)
    return after, _warned(after, facts.HalfTimeReached)


def _draft_apology(case: Case, timer: Timer) -> tuple[Case, DossierFact]:
    after = replace(case, draft_opened_at=timer.due_at)
    return after, _warned(after, facts.ApologyDrafted)


def _become_overdue(case: Case, _timer: Timer) -> tuple[Case, DossierFact]:
    return case, _warned(case, facts.BecameOverdue)


def _limit_reached(
    kind: PauseKind, model: type[facts.LimitReached]
) -> Callable[[Case, Timer], tuple[Case, DossierFact]]:
    def reach(case: Case, _timer: Timer) -> tuple[Case, DossierFact]:
        halt = case.last_halt(kind)
        if halt is None:
            raise ValueError(f"a limit of a {kind} that was never asked for")
        after = with_halt(case, replace(halt, limit_reached=True))
        return after, model(**_versions(case), since=local(halt.begins_at))

    return reach


_FIRING: Mapping[TimerKind, Callable[[Case, Timer], tuple[Case, DossierFact]]] = {
    TimerKind.HALF_TIME: _half_time,
    TimerKind.DRAFT_APOLOGY: _draft_apology,
    TimerKind.BECOME_OVERDUE: _become_overdue,
    TimerKind.SUPPLEMENT_LIMIT: _limit_reached(PauseKind.SUPPLEMENT, facts.SupplementLimitReached),
    TimerKind.PAYMENT_LIMIT: _limit_reached(PauseKind.PAYMENT, facts.PaymentLimitReached),
}
"""Kind → what its firing changes, and the fact that says so."""
