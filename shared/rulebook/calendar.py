"""Working time: which moments an office works, and arithmetic over them (terms of the legal clock).

Every rule about closed time starts here: the sessions of a week, the days off, the worked Saturdays. The data stand in
`law/public_holidays_2019_2027.csv` (Tết too) and travel as a calendar version.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from itertools import accumulate
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
"""The zone of every legal moment; +07:00 without summer time since 1975."""


class DayKind(StrEnum):
    """Why a date differs from its weekday."""

    HOLIDAY = "holiday"
    IN_LIEU = "in_lieu"
    SWAP_OFF = "swap_off"
    WORKED_SATURDAY = "worked_saturday"


class Hours(BaseModel):
    """One session of a weekday, as the clock on the wall shows it; one that closes at 00:00 ends with the date."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    opens: time
    closes: time


class SpecialDay(BaseModel):
    """A date that differs from its weekday; `replaces` is the day whose sessions a worked Saturday has."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
    kind: DayKind
    name_vi: str
    name_en: str
    source: str = ""
    replaces: date | None = None


class DatedHours(BaseModel):
    """The sessions of one date, none where it is closed: of one agency, or of every agency that has none of its own."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    day: date
    agency: str = ""
    sessions: tuple[Hours, ...]
    name_vi: str = ""
    name_en: str = ""
    source: str = ""


class CalendarContent(BaseModel):
    """One calendar version as it travels: years it covers, sessions of a week (Monday first), special days.

    `hours` are those of single dates; they win over the week, and over days off that were known when they were set.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    first_year: int
    last_year: int
    weekly: tuple[tuple[Hours, ...], ...]
    special_days: tuple[SpecialDay, ...]
    hours: tuple[DatedHours, ...] = ()


OFFICE_DAY = (Hours(opens=time(7), closes=time(11, 30)), Hours(opens=time(13, 30), closes=time(17)))
DEFAULT_WEEK: tuple[tuple[Hours, ...], ...] = (OFFICE_DAY,) * 5 + ((), ())
"""Default office sessions: Monday to Friday 07:00–11:30 and 13:30–17:00, 8 hours."""


class CalendarYearMissing(ValueError):
    """A date outside the calendar's years was asked for."""

    def __init__(self, version: str, year: int) -> None:
        super().__init__(f"calendar {version} does not cover the year {year}")
        self.version = version
        self.year = year


@dataclass(frozen=True, slots=True)
class Session:
    """A stretch of working time, from `start` to `end`."""

    start: datetime
    end: datetime


def local(moment: datetime) -> datetime:
    """The moment in the legal zone, to the second."""
    there = moment.astimezone(ZONE)
    return there.replace(microsecond=0) if there.microsecond else there


def _hours_of(content: CalendarContent, day: date, special: SpecialDay | None) -> tuple[Hours, ...]:
    weekday = day.weekday()
    if special is not None:
        if special.kind is not DayKind.WORKED_SATURDAY:
            return ()
        weekday = special.replaces.weekday() if special.replaces else 0
    return content.weekly[weekday]


def _session(day: date, hours: Hours) -> Session:
    last = day if hours.opens < hours.closes else day + timedelta(days=1)
    return Session(datetime.combine(day, hours.opens, ZONE), datetime.combine(last, hours.closes, ZONE))


class Calendar:
    """One calendar version as one agency keeps it, with its days laid out once; `dated` are dates with other hours.

    Raises CalendarYearMissing for any date outside its years.
    """

    __slots__ = (
        *("_agencies", "_days", "_ends", "_first", "_hours", "_special", "_starts", "_used", "_working_days"),
        *("content", "version"),
    )

    def __init__(
        self,
        version: str,
        content: CalendarContent,
        dated: Mapping[date, tuple[Hours, ...]] | None = None,
        agency: str = "",
    ) -> None:
        self.version = version
        self.content = content
        self._special = {day.day: day for day in content.special_days}
        self._hours = {
            each.day: each for whose in dict.fromkeys(("", agency)) for each in content.hours if each.agency == whose
        }
        self._agencies: dict[str, Calendar | None] = {each.agency: None for each in content.hours if each.agency}
        self._first = date(content.first_year, 1, 1).toordinal()
        days = [
            date.fromordinal(ordinal) for ordinal in range(self._first, date(content.last_year, 12, 31).toordinal() + 1)
        ]
        hours = {day: _hours_of(content, day, self._special.get(day)) for day in days}
        hours |= {day: each.sessions for day, each in self._hours.items() if day in hours} | dict(dated or {})
        self._days = [tuple(_session(day, each) for each in hours[day]) for day in days]
        self._working_days = [day for day, sessions in zip(days, self._days, strict=True) if sessions]
        every = [session for sessions in self._days for session in sessions]
        self._starts = [session.start for session in every]
        self._ends = [session.end for session in every]
        self._used = list(accumulate((session.end - session.start for session in every), initial=timedelta()))

    def of(self, agency: str) -> Calendar:
        """The same version as an agency keeps it: with its own hours, on the dates that have any."""
        if agency not in self._agencies:
            return self
        own = self._agencies[agency]
        if own is None:
            own = self._agencies[agency] = Calendar(self.version, self.content, agency=agency)
        return own

    def sessions(self, day: date) -> tuple[Session, ...]:
        """The agency's sessions of a date, in order; empty on a day that is not a working day."""
        index = day.toordinal() - self._first
        if not 0 <= index < len(self._days):
            raise CalendarYearMissing(self.version, day.year)
        return self._days[index]

    def special_day(self, day: date) -> SpecialDay | None:
        """What sets that date apart from its weekday."""
        return self._special.get(day)

    def dated_hours(self, day: date) -> DatedHours | None:
        """What gives that date hours of its own."""
        return self._hours.get(day)

    def is_working_day(self, day: date) -> bool:
        """Whether the agency has at least one session on that date."""
        return bool(self.sessions(day))

    def is_open(self, moment: datetime) -> bool:
        """Whether a moment lies in a session, its first and last second included."""
        moment = local(moment)
        return any(session.start <= moment <= session.end for session in self.sessions(moment.date()))

    def close(self, day: date) -> datetime:
        """End of the date's last session; without sessions, midnight at its end."""
        sessions = self.sessions(day)
        return sessions[-1].end if sessions else datetime.combine(day + timedelta(days=1), time(), ZONE)

    def opening(self, day: date) -> datetime:
        """Start of the first session of that date, or of the next working day if it has none."""
        sessions = self.sessions(day)
        return sessions[0].start if sessions else self.sessions(self.next_working_day(day))[0].start

    def next_working_day(self, day: date) -> date:
        """The first working day after that date."""
        self.sessions(day)
        index = bisect_right(self._working_days, day)
        if index == len(self._working_days):
            raise CalendarYearMissing(self.version, self.content.last_year + 1)
        return self._working_days[index]

    def previous_working_day(self, day: date) -> date:
        """The last working day before that date."""
        self.sessions(day)
        index = bisect_left(self._working_days, day)
        if index == 0:
            raise CalendarYearMissing(self.version, self.content.first_year - 1)
        return self._working_days[index - 1]

    def working_days(self, first: date, last: date) -> tuple[date, ...]:
        """The working days from one date to another, both included."""
        self.sessions(first)
        self.sessions(last)
        return tuple(
            self._working_days[bisect_left(self._working_days, first) : bisect_right(self._working_days, last)]
        )

    def working_days_after(self, day: date) -> Iterator[date]:
        """The working days after that date, one by one, to the end of the calendar's years."""
        while True:
            day = self.next_working_day(day)
            yield day

    def worked_until(self, moment: datetime) -> timedelta:
        """Working time from the calendar's beginning to a moment, the midnight that ends its last year included."""
        moment = local(moment)
        if moment != datetime(self.content.last_year + 1, 1, 1, tzinfo=ZONE):
            self.sessions(moment.date())
        index = bisect_right(self._starts, moment)
        if index == 0:
            return timedelta()
        return self._used[index - 1] + min(moment, self._ends[index - 1]) - self._starts[index - 1]

    def earliest_at(self, worked: timedelta) -> datetime:
        """The first moment at which so much working time is used: an end rather than the next start."""
        index = bisect_left(self._used, worked)
        if index == len(self._used):
            raise CalendarYearMissing(self.version, self.content.last_year + 1)
        if index == 0:
            return self._starts[0]
        return self._ends[index - 1] - (self._used[index] - worked)

    def latest_at(self, worked: timedelta) -> datetime:
        """The last moment at which only so much working time is used: a start rather than the end before it."""
        index = bisect_right(self._used, worked) - 1
        if index < 0:
            raise CalendarYearMissing(self.version, self.content.first_year - 1)
        if index == len(self._starts):
            return self._ends[-1]
        return self._starts[index] + (worked - self._used[index])


def working_time_between(calendar: Calendar, start: datetime, end: datetime) -> timedelta:
    """Working time between two moments, to the second; negative if `end` is earlier."""
    return calendar.worked_until(end) - calendar.worked_until(start)


def working_minutes_between(calendar: Calendar, start: datetime, end: datetime) -> float:
    """Working minutes between two moments; a fraction where seconds are left."""
    return working_time_between(calendar, start, end) / timedelta(minutes=1)


def add_working_time(calendar: Calendar, start: datetime, amount: timedelta) -> datetime:
    """The moment at which `amount` of working time has passed since `start`.

    An amount that fills a session exactly ends at the end of that session. Nothing added: the start itself, or the next
    opening if it lies in closed time. Raises ValueError for a negative amount.
    """
    if amount < timedelta():
        raise ValueError("an amount of working time is never negative")
    worked = calendar.worked_until(start)
    if amount:
        return calendar.earliest_at(worked + amount)
    return local(start) if calendar.is_open(start) else calendar.latest_at(worked)


def subtract_working_time(calendar: Calendar, end: datetime, amount: timedelta) -> datetime:
    """The moment from which `amount` of working time passes until `end`: the mirror of add_working_time.

    An amount that fills a session exactly begins at the start of that session. Raises ValueError for a negative amount.
    """
    if amount < timedelta():
        raise ValueError("an amount of working time is never negative")
    worked = calendar.worked_until(end)
    if amount:
        return calendar.latest_at(worked - amount)
    return local(end) if calendar.is_open(end) else calendar.earliest_at(worked)
