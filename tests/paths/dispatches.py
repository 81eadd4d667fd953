"""Dispatches that nobody issued, and the days that follow from what they say, without the rulebook."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from random import Random
from typing import NamedTuple

from tests.integration.together.refold import SEED, Days

HEADER = "kind,date,hours,replaces,name_vi,source"
OFF, WORKED, HOURS, USUAL = "swap_off", "worked_saturday", "hours", "usual"
MORNING = ["07:00", "11:00"]
ANY_MONDAY = date(2020, 1, 6)
"""A Saturday that is worked for no day has the sessions of a Monday."""
SATURDAY = 5
SOON, LATER = 9, 20
"""Within how many days a dispatch stops work, and makes a Saturday worked."""


class Said(NamedTuple):
    """One line of a dispatch."""

    kind: str
    day: date
    replaces: date | None = None

    def __str__(self) -> str:
        hours = "-".join(MORNING) if self.kind == HOURS else ""
        name = "" if self.kind in {HOURS, USUAL} else "Theo công văn"
        return f"{self.kind},{self.day},{hours},{self.replaces or ''},{name},7/UBND"


def text_of(lines: Sequence[Said]) -> str:
    return "\n".join((HEADER, *map(str, lines), ""))


def laid_over(days: Days, lines: Sequence[Said]) -> Days:
    """The days of the calendar once a dispatch is in force."""
    special, hours = dict(days.special), dict(days.hours)
    for kind, day, replaces in lines:
        special.pop(day, None)
        hours.pop(day.isoformat(), None)
        if kind == HOURS:
            hours[day.isoformat()] = [MORNING]
        elif kind != USUAL:
            special[day] = (kind, f"(for {replaces or ANY_MONDAY})")
    return Days(special, hours)


def drawn(days: Days, today: date, dice: Random) -> list[Said]:
    """Make one up that changes something of the days to come."""
    return dice.choice(KINDS)(days, today, dice) or _day_off(days, today, dice)


def changed(days: Days, today: date) -> list[Said]:
    """Take back all that dispatches have said of days to come."""
    named = {day for day in {*days.special, *SEED.special} if days.special.get(day) != SEED.special.get(day)}
    named |= {date.fromisoformat(day) for day in days.hours}
    return [Said(USUAL, day) for day in sorted(named) if day > today]


def _usual_days(days: Days, today: date, within: int) -> Iterator[date]:
    """The days to come of which nothing is said."""
    for number in range(1, within + 1):
        day = today + timedelta(days=number)
        if day not in days.special and day.isoformat() not in days.hours:
            yield day


def _working_day(days: Days, today: date, dice: Random) -> date:
    return dice.choice([day for day in _usual_days(days, today, 3 * SOON) if day.weekday() < SATURDAY][:3])


def _saturday(days: Days, today: date, dice: Random) -> date:
    return dice.choice([day for day in _usual_days(days, today, 3 * LATER) if day.weekday() == SATURDAY][:3])


def _day_off(days: Days, today: date, dice: Random) -> list[Said]:
    return [Said(OFF, _working_day(days, today, dice))]


def _swap(days: Days, today: date, dice: Random) -> list[Said]:
    off = _working_day(days, today, dice)
    return [Said(OFF, off), Said(WORKED, _saturday(days, today, dice), off)]


def _half_day(days: Days, today: date, dice: Random) -> list[Said]:
    return [Said(HOURS, _working_day(days, today, dice))]


def _worked_saturday(days: Days, today: date, dice: Random) -> list[Said]:
    return [Said(WORKED, _saturday(days, today, dice))]


def _as_usual(days: Days, today: date, _dice: Random) -> list[Said]:
    return changed(days, today)


KINDS: tuple[Callable[[Days, date, Random], list[Said]], ...] = (
    *(_day_off, _day_off, _swap, _swap),
    *(_half_day, _worked_saturday, _as_usual),
)
TET: Mapping[int, tuple[date, date]] = {
    2020: (date(2020, 1, 23), date(2020, 1, 29)),
    2021: (date(2021, 2, 10), date(2021, 2, 16)),
    2022: (date(2022, 1, 31), date(2022, 2, 4)),
    2023: (date(2023, 1, 20), date(2023, 1, 26)),
    2024: (date(2024, 2, 8), date(2024, 2, 14)),
}
"""Year → the first and the last day off, while the communes of 2020 stand."""
