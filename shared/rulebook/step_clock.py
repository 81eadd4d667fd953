"""The clocks of a dossier's steps, and whose lateness is whose (C10): folded from when it stood at each step.

A step counts working time in the hours of its own agency and stands still in every pause. What it overran is told
whether the dossier is late or not; the total rules (C11).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from shared.rulebook.calendar import Calendar, working_time_between
from shared.rulebook.limits import Outcome, judge
from shared.rulebook.pauses import Pause, add_unpaused_time, paused_since, unpaused_time

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Stay:
    """A span in which the dossier stood at a step; it stands there still while `ends` is None."""

    begins: datetime
    ends: datetime | None = None


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step as it was walked: whose it is, how much working time it may take, and every stay at it, in order."""

    no: int
    agency: str
    allowance: timedelta
    stays: tuple[Stay, ...]


@dataclass(frozen=True, slots=True)
class StepClock:
    """Where a step's clock stands: `runs_out_at` is when a step that is open has used, or will have used, it all up.

    None where that depends on when an open pause ends, and where there is no allowance. `overran_at` is when a step
    that overran began to, whether it is open or not.
    """

    step: StepTaken
    used: timedelta
    runs_out_at: datetime | None
    overran_at: datetime | None = None

    @property
    def overrun(self) -> timedelta:
        """What it used beyond its allowance."""
        return max(timedelta(), self.used - self.step.allowance)

    @property
    def left(self) -> timedelta:
        """What is left of its allowance: a returned step goes on with it."""
        return max(timedelta(), self.step.allowance - self.used)


@dataclass(frozen=True, slots=True)
class Lateness:
    """How much of its working time the place of reception is late, and each step's part of it, in their order.

    `desk` is what no step overran: the desk's. They add up to `total`, to the second.
    """

    total: timedelta
    parts: tuple[timedelta, ...]
    desk: timedelta


def step_clocks(
    calendar: Calendar, steps: Iterable[StepTaken], pauses: Sequence[Pause], until: datetime
) -> tuple[StepClock, ...]:
    """The clock of each step until a moment: the finish, the close, or now. Raises CalendarYearMissing."""
    return tuple(_clock(calendar.of(step.agency), step, pauses, until) for step in steps)


def _clock(calendar: Calendar, step: StepTaken, pauses: Sequence[Pause], until: datetime) -> StepClock:
    spans = [(stay.begins, until if stay.ends is None else min(stay.ends, until)) for stay in step.stays]
    used = sum((unpaused_time(calendar, *span, pauses) for span in spans), start=timedelta())
    is_open = any(stay.ends is None for stay in step.stays)
    overran = used > step.allowance
    ends = _runs_out(calendar, step, pauses) if step.allowance and (is_open or overran) else None
    overran_at = (ends or step.stays[0].begins) if overran else None
    return StepClock(step, used, ends if is_open else None, overran_at)


def _runs_out(calendar: Calendar, step: StepTaken, pauses: Sequence[Pause]) -> datetime | None:
    left, since = step.allowance, paused_since(pauses)
    over = [pause for pause in pauses if pause.ends is not None and (since is None or pause.ends < since)]
    for begins, ends in ((stay.begins, since if stay.ends is None else stay.ends) for stay in step.stays):
        passed = None if ends is None else unpaused_time(calendar, begins, ends, pauses)
        if passed is None or passed >= left:
            return add_unpaused_time(calendar, begins, left, over)
        left -= passed
    return None


def lateness(calendar: Calendar, due_at: datetime, until: datetime, clocks: Sequence[StepClock]) -> Lateness | None:
    """What a dossier is late by, attributed to the steps that overran, in proportion; None where it is not late.

    Where none overran it is the desk's. What is left of a second goes to the greatest fraction, the first of equal
    ones. Raises CalendarYearMissing.
    """
    if judge(due_at, until) is Outcome.ON_TIME:
        return None
    total = working_time_between(calendar, due_at, until)
    overran = sum((clock.overrun for clock in clocks), start=timedelta())
    if not overran:
        return Lateness(total, (timedelta(),) * len(clocks), total)
    shares = [Fraction(total // SECOND * (clock.overrun // SECOND), overran // SECOND) for clock in clocks]
    whole = [int(share) for share in shares]
    by_fraction = sorted(range(len(shares)), key=lambda place: whole[place] - shares[place])
    for place in by_fraction[: total // SECOND - sum(whole)]:
        whole[place] += 1
    return Lateness(total, tuple(seconds * SECOND for seconds in whole), timedelta())
