"""An agency's own office hours, as a mapping of days to sessions: `mon` … `sun`, or a date, which wins.

Where any day from Monday to Friday is named, the days of the week that are named are the whole week. Where none is,
only what is named differs: Saturday mornings, the hours of a date. Days off by law stay off unless a date names them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, time
from enum import StrEnum
from itertools import pairwise
from typing import Any

from shared.rulebook.calendar import Calendar, Hours

WEEKDAYS = ("mon", "tue", "wed", "thu", "fri")
WEEK = (*WEEKDAYS, "sat", "sun")
MIDNIGHT = time()
"""As the end of a session: 24:00."""
MOST_SESSIONS = 12
"""Of one day: a calendar lays out every session of its years."""
_HOUR = re.compile(r"(\d{1,2}):([0-5]\d)(?::([0-5]\d))?")


class HoursFault(StrEnum):
    """What is wrong with office hours."""

    NO_MAPPING = "no_mapping"
    UNKNOWN_DAY = "unknown_day"
    NO_SESSIONS = "no_sessions"
    NO_HOUR = "no_hour"
    ENDS_BEFORE = "ends_before"
    OVERLAP = "overlap"
    TOO_MANY = "too_many"


class OfficeHoursInvalid(ValueError):
    """Office hours that cannot be: what is wrong, and with which of the mapping's days."""

    def __init__(self, fault: HoursFault, day: str = "") -> None:
        super().__init__(f"office hours {day}: {fault}")
        self.fault = fault
        self.day = day


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """The sessions of a week, Monday first (None: those of the calendar), and of single dates."""

    weekly: tuple[tuple[Hours, ...] | None, ...]
    dated: Mapping[date, tuple[Hours, ...]]


def hour_of(text: Any) -> time | None:
    """The hour that a text such as `7:30`, `07:30` or `07:30:00` names, `24:00` as midnight; None if it names none."""
    found = _HOUR.fullmatch(text) if isinstance(text, str) else None
    if found is None:
        return None
    hour, minute, second = (int(part or 0) for part in found.groups())
    if (hour, minute, second) == (24, 0, 0):
        return MIDNIGHT
    return time(hour, minute, second) if hour < 24 else None


def parse_office_hours(mapping: Any) -> OfficeHours:
    """The hours that a mapping names. Raises OfficeHoursInvalid."""
    if not isinstance(mapping, Mapping):
        raise OfficeHoursInvalid(HoursFault.NO_MAPPING)
    dates = {day: _date(day) for day in mapping if day not in WEEK}
    sessions = {day: _sessions(day, found) for day, found in mapping.items()}
    unnamed = () if sessions.keys() & set(WEEKDAYS) else None
    return OfficeHours(
        tuple(sessions.get(day, unnamed) for day in WEEK), {each: sessions[day] for day, each in dates.items()}
    )


def with_hours(calendar: Calendar, hours: OfficeHours) -> Calendar:
    """The same calendar with an agency's own hours."""
    content = calendar.content
    weekly = tuple(usual if own is None else own for own, usual in zip(hours.weekly, content.weekly, strict=True))
    return Calendar(calendar.version, content.model_copy(update={"weekly": weekly}), hours.dated)


def _date(day: str) -> date:
    try:
        return date.fromisoformat(day)
    except ValueError:
        raise OfficeHoursInvalid(HoursFault.UNKNOWN_DAY) from None


def _sessions(day: str, sessions: Any) -> tuple[Hours, ...]:
    """A day's sessions, each later than the one before; they may touch."""
    if not isinstance(sessions, list | tuple):
        raise OfficeHoursInvalid(HoursFault.NO_SESSIONS, day)
    if len(sessions) > MOST_SESSIONS:
        raise OfficeHoursInvalid(HoursFault.TOO_MANY, day)
    found = tuple(_session(day, session) for session in sessions)
    for earlier, later in pairwise(found):
        if earlier.closes == MIDNIGHT or later.opens < earlier.closes:
            raise OfficeHoursInvalid(HoursFault.OVERLAP, day)
    return found


def _session(day: str, session: Any) -> Hours:
    if not isinstance(session, list | tuple) or len(session) != 2:
        raise OfficeHoursInvalid(HoursFault.NO_SESSIONS, day)
    opens, closes = map(hour_of, session)
    if opens is None or closes is None or session[0].startswith("24"):
        raise OfficeHoursInvalid(HoursFault.NO_HOUR, day)
    if closes <= opens and not session[1].startswith("24"):
        raise OfficeHoursInvalid(HoursFault.ENDS_BEFORE, day)
    return Hours(opens=opens, closes=closes)
