"""The clocks of a dossier's steps, and who it is late by (C10): from its stays and pauses, in each agency's hours."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from services.processing.domain.cases import Case, Step
from shared.rulebook.calendar import Calendar, local
from shared.rulebook.catalogue import Case as Kind
from shared.rulebook.step_clock import Lateness, Stay, StepClock, StepTaken, lateness, step_clocks


@dataclass(frozen=True, slots=True)
class StepTimes:
    """The clock of each step, in order, and what the dossier is late by, as far as it is."""

    clocks: tuple[StepClock, ...]
    lateness: Lateness | None


def step_times(case: Case, kind: Kind, calendar: Calendar, now: datetime) -> StepTimes:
    """Reckon them until the finish, or until now; nobody is judged by a dossier without a result (C15).

    `calendar` is the version that the dossier follows, for all agencies. Raises CalendarYearMissing.
    """
    until = local(case.finished_at or case.closed_at or now)
    steps = (StepTaken(step.no, step.agency, kind.step(step.no).allowance, tuple(_stays(step))) for step in case.steps)
    clocks = step_clocks(calendar, steps, [halt.pause for halt in case.halts], until)
    if case.closed_at is not None or case.promised_paused_since is not None:
        return StepTimes(clocks, None)
    return StepTimes(clocks, lateness(calendar.of(case.received_by), case.promised_due, until, clocks))


def _stays(step: Step) -> Iterator[Stay]:
    yield from (Stay(local(stay.opened_at), local(stay.left_at)) for stay in step.earlier)
    if step.opened_at is not None:
        yield Stay(local(step.opened_at), None if step.completed_at is None else local(step.completed_at))
