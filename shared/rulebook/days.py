"""What each date is to an agency, and why: worked, or off by which holiday, swap or hours."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from shared.rulebook.calendar import Calendar, DayKind


class DayStatus(StrEnum):
    """What a date is; `closed` is a day of the week that an agency's own hours leave out."""

    WORKING = "working"
    WEEKEND = "weekend"
    HOLIDAY = "holiday"
    IN_LIEU = "in_lieu"
    SWAP_OFF = "swap_off"
    WORKED_SATURDAY = "worked_saturday"
    CLOSED = "closed"


@dataclass(frozen=True, slots=True)
class DayShown:
    """One date; names and source are those of the day off, of the worked Saturday, or of the hours of that date."""

    day: date
    working: bool
    status: DayStatus
    name_vi: str = ""
    name_en: str = ""
    source: str = ""


def day_shown(calendar: Calendar, day: date) -> DayShown:
    """What a date is. Raises CalendarYearMissing."""
    working, special = calendar.is_working_day(day), calendar.special_day(day)
    if special is not None and working is (special.kind is DayKind.WORKED_SATURDAY):
        return DayShown(day, working, DayStatus(special.kind), special.name_vi, special.name_en, special.source)
    own = calendar.dated_hours(day)
    named = (own.name_vi, own.name_en, own.source) if own is not None else ()
    if working:
        return DayShown(day, working, DayStatus.WORKING, *named)
    return DayShown(day, working, DayStatus.WEEKEND if day.weekday() >= 5 else DayStatus.CLOSED, *named)
