"""A dispatch as a file: days off, worked Saturdays and hours by agency and date, laid over a calendar version.

The columns are COLUMNS, each kind of line takes those of KINDS. What a dispatch says of a date stands from then on in
place of what was known of it. A day that has begun stays as it was (C14): what was late on it cannot become punctual.
Hours of an agency are also those of whom it has succeeded by that date: their dossiers are now its own to answer for.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import TypeVar

from shared.rulebook.agencies import Agencies, UnknownAgency
from shared.rulebook.calendar import Calendar, CalendarContent, DatedHours, DayKind, Hours, SpecialDay
from shared.rulebook.office_hours import WEEK, OfficeHoursInvalid, parse_office_hours
from shared.rulebook.rule_files.faults import LineFault, RuleFileFaulty
from shared.rulebook.rule_files.lines import Line, LineWrong, read_lines

COLUMNS = ("kind", "date", "to", "weekdays", "agency", "hours", "replaces", "name_vi", "name_en", "source")
REQUIRED = frozenset({"kind", "date", "source"})
HOURS, USUAL, CLOSED = "hours", "usual", "closed"
KINDS: Mapping[str, frozenset[str]] = {
    DayKind.HOLIDAY: frozenset({"to", "name_vi", "name_en"}),
    DayKind.IN_LIEU: frozenset({"to", "name_vi", "name_en"}),
    DayKind.SWAP_OFF: frozenset({"to", "name_vi", "name_en"}),
    DayKind.WORKED_SATURDAY: frozenset({"replaces", "name_vi", "name_en"}),
    HOURS: frozenset({"to", "weekdays", "agency", "hours", "name_vi", "name_en"}),
    USUAL: frozenset({"to", "agency"}),
}
"""Kind of line → the columns that it may fill beside kind, date and source. `usual` takes back what was set before."""

LONGEST_RANGE = timedelta(days=366)
SATURDAY = 5

Read = TypeVar("Read")


@dataclass(frozen=True, slots=True)
class Change:
    """What one line says, of each of its days: a day apart, hours of the agency, or that the date is as usual."""

    line: Line
    days: tuple[date, ...]
    agency: str
    special: SpecialDay | None = None
    hours: DatedHours | None = None
    weekdays: frozenset[int] | None = None


@dataclass(frozen=True, slots=True)
class Ground:
    """What a dispatch is laid over: the calendar in force, the agencies, and the legal day of today."""

    calendar: Calendar
    agencies: Agencies
    today: date


def with_dispatch(text: str, ground: Ground) -> CalendarContent:
    """The calendar's content with a dispatch laid over it. Raises RuleFileFaulty with every faulty line."""
    changes = _each(read_lines(text, COLUMNS, REQUIRED), lambda line: _change(line, ground))
    content = _with_days(ground.calendar.content, changes, ground.agencies)
    calendar = Calendar(ground.calendar.version, content)
    changes = [replace(change, days=tuple(_days_of(change, calendar))) for change in changes]
    _refuse([*_told_twice(changes), *_wrongly_replaced(changes, content)])
    content = _with_hours(content, changes, ground.agencies)
    if content == ground.calendar.content:
        raise RuleFileFaulty([LineFault.of(0, "changes_nothing", version=ground.calendar.version)])
    return content


def _each(lines: Iterable[Line], read: Callable[[Line], Read]) -> list[Read]:
    """Read every line. Raises RuleFileFaulty with the fault of each line that cannot be read."""
    found, faults = [], []
    for line in lines:
        try:
            found.append(read(line))
        except LineWrong as wrong:
            faults.append(wrong.fault)
    _refuse(faults)
    return found


def _refuse(faults: list[LineFault]) -> None:
    if faults:
        raise RuleFileFaulty(faults)


def _change(line: Line, ground: Ground) -> Change:
    kind = line.required("kind", DayKind.SWAP_OFF)
    if kind not in KINDS:
        raise line.wrong("choice", column="kind", value=kind, choices=", ".join(KINDS))
    for column in COLUMNS:
        if line.get(column) and column not in REQUIRED | KINDS[kind]:
            raise line.wrong("not_here", kind=kind, column=column)
    source = line.required("source", "12729/VPCP-KGVX")
    days = _days(line, ground)
    agency = _agency(line, days, ground.agencies)
    names = {"name_vi": line.get("name_vi"), "name_en": line.get("name_en") or line.get("name_vi"), "source": source}
    if kind == USUAL:
        return Change(line, days, agency)
    if kind == HOURS:
        hours = DatedHours(day=days[0], agency=agency, sessions=_sessions(line), **names)
        return Change(line, days, agency, hours=hours, weekdays=_weekdays(line))
    line.required("name_vi", "Nghỉ hoán đổi")
    return Change(line, _off_or_worked(line, DayKind(kind), days), agency, special=_special(line, DayKind(kind), names))


def _special(line: Line, kind: DayKind, names: Mapping[str, str]) -> SpecialDay:
    replaces = line.day("replaces") if line.get("replaces") else None
    return SpecialDay(day=line.day("date"), kind=kind, replaces=replaces, **names)


def _days(line: Line, ground: Ground) -> tuple[date, ...]:
    first = line.day("date")
    last = line.day("to") if line.get("to") else first
    if not first <= last <= first + LONGEST_RANGE:
        raise line.wrong("range", value=last)
    if first <= ground.today:
        raise line.wrong("begun", day=first, next=ground.today + timedelta(days=1))
    content = ground.calendar.content
    for day in (first, last):
        if not content.first_year <= day.year <= content.last_year:
            raise line.wrong("year", year=day.year, first=content.first_year, last=content.last_year)
    return tuple(first + timedelta(days=number) for number in range((last - first).days + 1))


def _off_or_worked(line: Line, kind: DayKind, days: tuple[date, ...]) -> tuple[date, ...]:
    """The days that a line of this kind may name: Saturdays that are worked, days of the week that are off."""
    if kind is DayKind.WORKED_SATURDAY:
        if days[0].weekday() != SATURDAY:
            raise line.wrong("no_saturday", day=days[0])
        return days
    if kind is DayKind.HOLIDAY:
        return days
    weekdays = tuple(day for day in days if day.weekday() < SATURDAY)
    if not weekdays:
        raise line.wrong("weekend", day=days[0])
    return weekdays


def _agency(line: Line, days: tuple[date, ...], agencies: Agencies) -> str:
    code = line.get("agency")
    if not code:
        return ""
    try:
        agency = agencies.get(code)
    except UnknownAgency:
        raise line.wrong("no_agency", value=code) from None
    for day in days:
        if not agency.in_force(day):
            raise line.wrong("no_such_office", value=code, day=day, successor=agency.successor_code or "-")
    return code


def _weekdays(line: Line) -> frozenset[int] | None:
    named = line.get("weekdays").split()
    if named and not line.get("to"):
        raise line.wrong("weekdays_alone")
    for name in named:
        if name not in WEEK:
            raise line.wrong("choice", column="weekdays", value=name, choices=", ".join(WEEK))
    return frozenset(map(WEEK.index, named)) if named else None


def _sessions(line: Line) -> tuple[Hours, ...]:
    text, day = line.required(HOURS, "07:00-11:30 13:30-17:00"), line.day("date")
    if text == CLOSED:
        return ()
    sessions = [each.split("-") for each in text.replace("–", "-").split()]
    try:
        return parse_office_hours({day.isoformat(): sessions}).dated[day]
    except OfficeHoursInvalid:
        raise line.wrong("no_hours", value=text) from None


def _told_twice(changes: Iterable[Change]) -> Iterator[LineFault]:
    """A date is told once, as a day and as hours of each agency: nobody need guess which line counts."""
    told: dict[tuple[date, str, bool], int] = {}
    for change in changes:
        for day in change.days:
            key = day, change.agency, change.hours is None
            if key in told:
                yield LineFault.of(change.line.number, "twice", what=f"{day} {change.agency}".strip(), line=told[key])
                break
            told[key] = change.line.number


def _wrongly_replaced(changes: Iterable[Change], content: CalendarContent) -> Iterator[LineFault]:
    off = {each.day for each in content.special_days if each.kind is not DayKind.WORKED_SATURDAY}
    for change in changes:
        replaced = change.special.replaces if change.special is not None else None
        if replaced is not None and replaced not in off:
            yield LineFault.of(change.line.number, "not_replaced", day=replaced)


def _with_days(content: CalendarContent, changes: Iterable[Change], agencies: Agencies) -> CalendarContent:
    """Days come first: they end the hours that were known of their date, and say which days hours of a range are of."""
    special = {each.day: each for each in content.special_days}
    hours = {(each.day, each.agency): each for each in content.hours}
    for change in changes:
        if change.hours is None:
            _set_days(change, special, hours, agencies)
    days = tuple(special[day] for day in sorted(special))
    return content.model_copy(update={"special_days": days, "hours": _in_order(hours)})


def _set_days(
    change: Change,
    special: dict[date, SpecialDay],
    hours: dict[tuple[date, str], DatedHours],
    agencies: Agencies,
) -> None:
    for day in change.days:
        whose = _whose(change, day, agencies)
        for key in [key for key in hours if key[0] == day and (key[1] in whose or change.special is not None)]:
            del hours[key]
        if change.special is not None:
            special[day] = change.special.model_copy(update={"day": day})
        elif not change.agency:
            special.pop(day, None)


def _days_of(change: Change, calendar: Calendar) -> Iterator[date]:
    """The days of a line; of a range of hours those days of the week that it names, else those that are worked."""
    if change.weekdays is not None:
        return (day for day in change.days if day.weekday() in change.weekdays)
    if change.hours is None or len(change.days) == 1:
        return iter(change.days)
    return (day for day in change.days if calendar.is_working_day(day))


def _with_hours(content: CalendarContent, changes: Iterable[Change], agencies: Agencies) -> CalendarContent:
    hours = {(each.day, each.agency): each for each in content.hours}
    for change in changes:
        if change.hours is not None:
            hours |= {
                (day, agency): change.hours.model_copy(update={"day": day, "agency": agency})
                for day in change.days
                for agency in _whose(change, day, agencies)
            }
    return content.model_copy(update={"hours": _in_order(hours)})


def _whose(change: Change, day: date, agencies: Agencies) -> tuple[str, ...]:
    """Name the agencies that a line's hours are of on a date: that of the line, and those whose work it has by then."""
    if not change.agency:
        return ("",)
    former = agencies.predecessors(agencies.get(change.agency), day)
    return (change.agency, *(each.code for each in former))


def _in_order(hours: Mapping[tuple[date, str], DatedHours]) -> tuple[DatedHours, ...]:
    return tuple(hours[key] for key in sorted(hours))
