"""Why a limit ends when it does, as data: every date that counts or does not, every stretch of working time.

It is derived from the due moment that `reckon` found; that its sum equals that moment is a property of both.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from itertools import pairwise

from shared.rulebook.calendar import Calendar
from shared.rulebook.days import DayShown, day_shown
from shared.rulebook.limits import WORKING_TIME, Limit, LimitKind
from shared.rulebook.pauses import paused_at
from shared.rulebook.reckoning import Effect, Reckoning, Run


class Verdict(StrEnum):
    """What became of a date or of a stretch of working time."""

    COUNTED = "counted"
    ACCEPTANCE = "acceptance"
    AFTER_CUT_OFF = "after_cut_off"
    CLOSED = "closed"
    PAUSED = "paused"
    MOVED_TO = "moved_to"


RULES = {Verdict.AFTER_CUT_OFF: "C3", Verdict.PAUSED: "C6"}
"""Verdict → the rule that says so, where it is not the limit's own."""
OWN_RULES = {
    LimitKind.SAME_DAY: "C2",
    LimitKind.WORKING_DAYS: "C1",
    LimitKind.CALENDAR_DAYS: "C5",
    LimitKind.WORKING_HOURS: "C4",
    LimitKind.WORKING_MINUTES: "C4",
    LimitKind.NONE: "",
}


_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Line:
    """A date, or from `begins` to `ends` a stretch of its working time; `total` is what is used after it.

    `counted` and `total` are days, for a limit in working time seconds. `pauses` are the numbers, from 1, of those that
    stopped it.
    """

    shown: DayShown
    verdict: Verdict
    rule: str
    counted: int
    total: int
    begins: datetime | None = None
    ends: datetime | None = None
    pauses: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Counting:
    """One run of the limit with its lines; what one that was restarted had counted is given up."""

    run: Run
    lines: tuple[Line, ...]

    @property
    def total(self) -> int:
        """What the run has counted, in days or seconds."""
        return self.lines[-1].total if self.lines else 0


@dataclass(frozen=True, slots=True)
class Explanation:
    """A reckoning with all that it is made of; the last counting is in force."""

    reckoning: Reckoning
    countings: tuple[Counting, ...]
    wanted: int

    @property
    def reaches(self) -> datetime | None:
        """The due moment that the lines add up to: the end of the last one, once all that is wanted is counted."""
        if self.reckoning.limit.kind is LimitKind.NONE:
            return self.reckoning.due_at
        lines = self.countings[-1].lines
        complete = bool(lines) and lines[-1].shown.working and lines[-1].total == self.wanted
        return lines[-1].ends if complete else None


def wanted(limit: Limit) -> int:
    """What a limit has to count: days, or seconds of working time."""
    if limit.kind in WORKING_TIME:
        return limit.amount * int(WORKING_TIME[limit.kind].total_seconds())
    return 1 if limit.kind is LimitKind.SAME_DAY else limit.amount


def explain(calendar: Calendar, reckoning: Reckoning) -> Explanation:
    """Lay a reckoning out line by line, with the calendar that it was made with."""
    restarts = [run.begins for run in reckoning.runs[1:]]
    stands = reckoning.due_at or reckoning.paused_since or reckoning.accepted_at
    countings = [
        Counting(run, tuple(_Laying(calendar, reckoning, run).lines(until, given_up=run is not reckoning.runs[-1])))
        for run, until in zip(reckoning.runs, [*restarts, stands], strict=True)
    ]
    return Explanation(reckoning, tuple(countings), wanted(reckoning.limit))


class _Laying:
    """Lays one run out."""

    def __init__(self, calendar: Calendar, reckoning: Reckoning, run: Run) -> None:
        self._calendar = calendar
        self._limit = reckoning.limit
        self._run = run
        self._pauses = {
            number: each.counted for number, each in enumerate(reckoning.pauses, 1) if each.effect is not Effect.NOTHING
        }
        self._total = 0

    def lines(self, until: datetime, *, given_up: bool) -> Iterator[Line]:
        """Yield the lines up to a moment; the date on which a run was given up is the first of the next one.

        Without an appointment nothing is counted.
        """
        if self._limit.kind is LimitKind.NONE:
            return
        yield from self._before_it_counts()
        if self._limit.kind in WORKING_TIME:
            yield from self._stretches(until)
        else:
            yield from self._dates(until.date() - _DAY if given_up else _date_that_ends(until))

    def _before_it_counts(self) -> Iterator[Line]:
        for day in _days(self._run.begins.date(), self._run.counts_from.date() - _DAY):
            shown = day_shown(self._calendar, day)
            yield Line(shown, Verdict.AFTER_CUT_OFF if shown.working else Verdict.CLOSED, "C3", 0, 0)

    def _dates(self, last: date) -> Iterator[Line]:
        for day in _days(self._run.counts_from.date(), last):
            shown, close = day_shown(self._calendar, day), self._calendar.close(day)
            verdict = self._verdict(shown, close)
            counted = int(verdict is Verdict.COUNTED)
            self._total += counted
            ends = close if verdict in (Verdict.COUNTED, Verdict.MOVED_TO) else None
            pauses = self._stopping(close) if verdict is Verdict.PAUSED else ()
            yield self._line(shown, verdict, counted, ends=ends, pauses=pauses)

    def _verdict(self, shown: DayShown, close: datetime) -> Verdict:
        kind, complete = self._limit.kind, self._total == wanted(self._limit)
        if shown.day == self._run.counts_from.date() and kind is not LimitKind.SAME_DAY:
            return Verdict.ACCEPTANCE
        if not shown.working and (complete or kind is not LimitKind.CALENDAR_DAYS):
            return Verdict.CLOSED
        if self._stopping(close):
            return Verdict.PAUSED
        return Verdict.MOVED_TO if complete else Verdict.COUNTED

    def _stretches(self, until: datetime) -> Iterator[Line]:
        for day in _days(self._run.counts_from.date(), _date_that_ends(until)):
            shown = day_shown(self._calendar, day)
            if not shown.working:
                yield self._line(shown, Verdict.CLOSED)
            for session in self._calendar.sessions(day):
                start, end = max(session.start, self._run.counts_from), min(session.end, until)
                for begins, ends in pairwise(self._cuts(start, end)):
                    yield self._stretch(shown, begins, ends)

    def _cuts(self, start: datetime, end: datetime) -> list[datetime]:
        """The moments at which a stretch of working time begins, is cut by pauses, and ends."""
        inside = {each for pause in self._pauses.values() for each in (pause.begins, pause.ends) if each}
        return sorted({start, end, *(each for each in inside if start < each < end)}) if start < end else []

    def _stretch(self, shown: DayShown, begins: datetime, ends: datetime) -> Line:
        pauses = self._stopping(ends)
        seconds = 0 if pauses else int((ends - begins).total_seconds())
        self._total += seconds
        verdict = Verdict.PAUSED if pauses else Verdict.COUNTED
        return self._line(shown, verdict, seconds, begins=begins, ends=ends, pauses=pauses)

    def _line(
        self,
        shown: DayShown,
        verdict: Verdict,
        counted: int = 0,
        *,
        begins: datetime | None = None,
        ends: datetime | None = None,
        pauses: tuple[int, ...] = (),
    ) -> Line:
        rule = RULES.get(verdict, OWN_RULES[self._limit.kind])
        return Line(shown, verdict, rule, counted, self._total, begins, ends, pauses)

    def _stopping(self, moment: datetime) -> tuple[int, ...]:
        """The numbers of the pauses at a moment."""
        return tuple(number for number, pause in self._pauses.items() if paused_at([pause], moment))


def _days(first: date, last: date) -> Iterator[date]:
    return (first + timedelta(days=number) for number in range((last - first).days + 1))


def _date_that_ends(until: datetime) -> date:
    """The last date that has a moment before `until`: midnight is the end of a date."""
    return (until - timedelta(microseconds=1)).date()
