"""The legal clock of one limit of one dossier, folded from what happened to it (C6–C8, C12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from shared.rulebook.calendar import Calendar, CalendarYearMissing, local
from shared.rulebook.catalogue import SupplementPolicy
from shared.rulebook.limits import Limit, Pauses, apology_draft, appointed, counts_from, due, goes_on_at, half_time
from shared.rulebook.pauses import Pause, PauseKind, paused_since


class Effect(StrEnum):
    """What a pause does to a limit."""

    RESUMES = "resumes"
    RESTARTS = "restarts"
    OPEN = "open"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Weighed:
    """A pause as it happened, what it does to the limit, and when it is over for it (C3: perhaps later)."""

    pause: Pause
    effect: Effect
    goes_on_at: datetime | None

    @property
    def counted(self) -> Pause:
        """The pause as the limit sees it."""
        return replace(self.pause, ends=self.goes_on_at)


@dataclass(frozen=True, slots=True)
class Run:
    """One counting of the whole limit: from acceptance, or from the arrival of the last paper of a restart (C8)."""

    begins: datetime
    counts_from: datetime


class BeforeAcceptance(ValueError):
    """A pause began before the dossier was accepted: no clock ran that it could stop."""

    def __init__(self, pause: Pause) -> None:
        super().__init__(f"{pause.kind} began at {pause.begins.isoformat()}, before acceptance")
        self.pause = pause


@dataclass(frozen=True, slots=True)
class Reckoning:
    """Where a limit stands: either a due moment with its two warnings, or `paused_since`. The last run is in force."""

    limit: Limit
    accepted_at: datetime
    policy: SupplementPolicy
    runs: tuple[Run, ...]
    pauses: tuple[Weighed, ...]
    due_at: datetime | None = None
    half_time_at: datetime | None = None
    apology_draft_at: datetime | None = None
    paused_since: datetime | None = None

    @property
    def counted(self) -> tuple[Pause, ...]:
        """The pauses that count, as the limit sees them."""
        return _counted(self.pauses)


def reckon(
    calendar: Calendar,
    limit: Limit,
    accepted_at: datetime,
    pauses: Iterable[Pause] = (),
    policy: SupplementPolicy = SupplementPolicy.RESUME,
) -> Reckoning:
    """The clock of a limit after all pauses of a dossier, each judged by what was known when it began.

    A pause that begins at or after the due moment changes nothing (C6); a supplement under the restart policy lets the
    whole limit run again from the arrival of its last paper (C8); all else stops the clock and lets it go on (C7).
    Raises BeforeAcceptance, and CalendarYearMissing for any date outside the calendar's years.
    """
    accepted_at = local(accepted_at)
    known = sorted(pauses, key=lambda pause: pause.begins)
    _require_years(calendar, accepted_at, known)
    runs = [Run(accepted_at, counts_from(calendar, limit, accepted_at))]
    weighed: list[Weighed] = []
    for pause in known:
        if pause.begins < accepted_at:
            raise BeforeAcceptance(pause)
        if _is_due_by(pause.begins, calendar, limit, runs[-1], _counted(weighed)):
            weighed.append(Weighed(pause, Effect.NOTHING, pause.ends))
            continue
        weighed.append(_weigh(calendar, limit, pause, policy))
        if weighed[-1].effect is Effect.RESTARTS and pause.ends is not None:
            runs.append(Run(pause.ends, counts_from(calendar, limit, pause.ends)))
    return _stand(calendar, Reckoning(limit, accepted_at, policy, tuple(runs), tuple(weighed)))


def _require_years(calendar: Calendar, accepted_at: datetime, pauses: Iterable[Pause]) -> None:
    for moment in (accepted_at, *(each for pause in pauses for each in (pause.begins, pause.ends) if each)):
        calendar.sessions(moment.date())


def _counted(weighed: Iterable[Weighed]) -> tuple[Pause, ...]:
    return tuple(each.counted for each in weighed if each.effect is not Effect.NOTHING)


def _is_due_by(moment: datetime, calendar: Calendar, limit: Limit, run: Run, pauses: Pauses) -> bool:
    """Whether the due moment had come by then, from what was known by then; while a pause is open there is none."""
    if any(pause.ends is None for pause in pauses):
        return False
    try:
        return due(calendar, limit, run.begins, pauses) <= moment
    except CalendarYearMissing:
        return False


def _weigh(calendar: Calendar, limit: Limit, pause: Pause, policy: SupplementPolicy) -> Weighed:
    if pause.ends is None:
        return Weighed(pause, Effect.OPEN, None)
    restarts = policy is SupplementPolicy.RESTART and pause.kind is PauseKind.SUPPLEMENT
    return Weighed(pause, Effect.RESTARTS if restarts else Effect.RESUMES, goes_on_at(calendar, limit, pause.ends))


def _stand(calendar: Calendar, found: Reckoning) -> Reckoning:
    pauses, begins = found.counted, found.runs[-1].begins
    since = paused_since(pauses)
    if since is not None:
        return replace(found, paused_since=since)
    due_at = due(calendar, found.limit, begins, pauses)
    if not appointed(due_at):
        return replace(found, due_at=due_at)
    return replace(
        found,
        due_at=due_at,
        half_time_at=half_time(calendar, found.limit, begins, due_at, pauses),
        apology_draft_at=apology_draft(calendar, found.limit, begins, due_at, pauses),
    )
