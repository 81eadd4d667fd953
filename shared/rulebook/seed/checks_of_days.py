"""Checks of the public holidays: kinds, weekdays, swaps and years."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date

from shared.rulebook.calendar import DayKind, SpecialDay
from shared.rulebook.seed.records import HOLIDAYS, Law
from shared.rulebook.seed.tables import Fault

FIRST_YEAR = 2019
LAST_YEAR = 2027
_REPLACES = re.compile(r"Worked Saturday \(for (\d{4})-(\d{2})-(\d{2})\)")


def replaced_day(day: SpecialDay) -> date | None:
    """The day that a worked Saturday stands for, from its name; None where none is named."""
    found = _REPLACES.fullmatch(day.name_en)
    try:
        return date(*map(int, found.groups())) if found else None
    except ValueError:
        return None


def years(law: Law) -> Iterator[Fault]:
    """Every date lies in the calendar's years, in order, and each year has its days."""
    seen = set()
    previous = date.min
    for day in law.days:
        seen.add(day.value.day.year)
        if not FIRST_YEAR <= day.value.day.year <= LAST_YEAR:
            yield day.row.fault(f"date: the calendar covers {FIRST_YEAR} to {LAST_YEAR}")
        if day.value.day < previous:
            yield day.row.fault("date: stands after a later one")
        previous = day.value.day
    for year in sorted(set(range(FIRST_YEAR, LAST_YEAR + 1)) - seen):
        yield Fault(HOLIDAYS.file, 0, f"the year {year} has no day")


def weekdays(law: Law) -> Iterator[Fault]:
    """A worked Saturday is one; days in lieu and by swap fall on weekdays."""
    for day in law.days:
        weekday = day.value.day.weekday()
        if day.value.kind is DayKind.WORKED_SATURDAY and weekday != 5:
            yield day.row.fault("worked_saturday: is no Saturday")
        if day.value.kind in (DayKind.IN_LIEU, DayKind.SWAP_OFF) and weekday >= 5:
            yield day.row.fault(f"{day.value.kind}: falls on a weekend")


def swaps(law: Law) -> Iterator[Fault]:
    """Each worked Saturday names the day that it replaces, a day off by swap; each of those has its Saturday."""
    swapped = {day.value.day: day for day in law.days if day.value.kind is DayKind.SWAP_OFF}
    worked = set()
    for day in law.days:
        if day.value.kind is not DayKind.WORKED_SATURDAY:
            continue
        replaced = replaced_day(day.value)
        if replaced is None:
            yield day.row.fault("name_en: a worked Saturday names the day that it replaces")
        elif replaced not in swapped and replaced.year >= FIRST_YEAR:
            yield day.row.fault(f"name_en: {replaced} is no day off by swap")
        worked.add(replaced)
    for replaced, day in swapped.items():
        if replaced not in worked:
            yield day.row.fault("swap_off: no Saturday is worked for it")


CHECKS = (years, weekdays, swaps)
