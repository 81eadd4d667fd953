"""Random lines of the form that `motcua due --batch` reads, and how the rulebook answers them."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from shared.rulebook.calendar import ZONE, Calendar, CalendarYearMissing
from shared.rulebook.catalogue import SupplementPolicy
from shared.rulebook.limits import Limit, LimitKind
from shared.rulebook.office_hours import hour_of, parse_office_hours, with_hours
from shared.rulebook.pauses import EVENTS, Event, EventType, pauses_of
from shared.rulebook.reckoning import Reckoning, reckon

KINDS = {
    "same_day": LimitKind.SAME_DAY,
    "working_day": LimitKind.WORKING_DAYS,
    "calendar_day": LimitKind.CALENDAR_DAYS,
    "working_hour": LimitKind.WORKING_HOURS,
    "working_minute": LimitKind.WORKING_MINUTES,
}
MOST = {"same_day": 1, "working_day": 8, "calendar_day": 12, "working_hour": 30, "working_minute": 900}
FIRST_DAYS = [
    date(2020, 1, 16),  # Tết
    date(2020, 3, 2),  # plain weeks
    date(2020, 4, 24),  # two holidays and a weekend
    date(2024, 4, 25),  # a day off by swap, and its Saturday
    date(2025, 12, 30),  # the same over a new year
    date(2027, 12, 20),  # the calendar ends
]
EDGES = [0, 7 * 60, 690, 720, 810, 15 * 60, 15 * 60 + 1, 17 * 60 - 1, 17 * 60, 17 * 60 + 1]
OFFICE_DAY = [["07:00", "11:30"], ["13:30", "17:00"]]
OFFICES: list[dict[str, Any] | None] = [
    None,
    dict.fromkeys(("mon", "tue", "wed", "thu", "fri"), OFFICE_DAY) | {"sat": [["07:30", "11:30"]]},
    {"mon": OFFICE_DAY, "wed": [["08:00", "12:00"]], "fri": [["00:00", "12:00"], ["12:00", "24:00"]]},
    {"2020-03-04": [["07:00", "11:30"]], "2020-01-25": [["09:00", "10:00"]], "2024-05-02": []},
]

minutes = st.one_of(st.sampled_from(EDGES), st.integers(0, 1439))


def text(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


@st.composite
def lines(draw: st.DrawFn) -> dict[str, Any]:
    unit = draw(st.sampled_from(list(KINDS)))
    cutoffs = ["15:00", "11:00", "18:00"]
    cutoff = draw(st.sampled_from([*cutoffs, None] if unit == "same_day" else [None, None, None, *cutoffs]))
    first = datetime.combine(draw(st.sampled_from(FIRST_DAYS)), datetime.min.time())
    received = first + timedelta(days=draw(st.integers(0, 6)), minutes=draw(minutes))
    return {
        "limit": {"unit": unit, "n": draw(st.integers(1, MOST[unit])), "cutoff": cutoff},
        "received": text(received),
        "supplement_policy": draw(st.sampled_from(["resume", "restart"])),
        "office_hours": draw(st.sampled_from(OFFICES)),
        "events": draw(st.permutations([e for types in EVENTS.values() for e in draw(_events(received, types))])),
    }


@st.composite
def lines_to_the_second(draw: st.DrawFn) -> dict[str, Any]:
    """Short limits whose moments fall on any second about the ends of sessions and the cut-off."""
    edge = datetime.fromisoformat("2020-03-06") + timedelta(minutes=draw(st.sampled_from([690, 810, 15 * 60, 17 * 60])))
    around = st.one_of(st.integers(-3, 3), st.integers(-200, 200))
    received = edge + timedelta(seconds=draw(around))
    moments = sorted(max(received, edge + timedelta(seconds=each)) for each in draw(st.lists(around, max_size=4)))
    types = draw(st.sampled_from(list(EVENTS.values())))
    limits: list[dict[str, Any]] = [
        {"unit": "working_minute", "n": draw(st.integers(1, 6))},
        {"unit": "working_day", "n": 1, "cutoff": draw(st.sampled_from([None, "15:00"]))},
        {"unit": "same_day", "cutoff": draw(st.sampled_from([None, "15:00"]))},
    ]
    return {
        "limit": draw(st.sampled_from(limits)),
        "received": text(received),
        "supplement_policy": draw(st.sampled_from(["resume", "restart"])),
        "events": [{"at": text(moment), "type": types[number % 2]} for number, moment in enumerate(moments)],
    }


@st.composite
def _events(draw: st.DrawFn, received: datetime, types: tuple[EventType, EventType]) -> list[dict[str, str]]:
    """Events of one kind, from acceptance on: each begins what the next one ends, and seldom is the last left open."""
    midnight = datetime.combine(received.date(), datetime.min.time())
    offsets = draw(st.lists(st.tuples(st.integers(0, 12), minutes), max_size=4))
    moments = sorted(max(received, midnight + timedelta(days=days, minutes=minute)) for days, minute in offsets)
    if len(moments) % 2 and draw(st.integers(0, 5)):
        moments.pop()
    return [{"at": text(moment), "type": types[number % 2]} for number, moment in enumerate(moments)]


def in_zone(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=ZONE)


def calendar_of(line: dict[str, Any], calendar: Calendar) -> Calendar:
    hours = line.get("office_hours")
    return calendar if hours is None else with_hours(calendar, parse_office_hours(hours))


def reckoned(line: dict[str, Any], calendar: Calendar) -> Reckoning:
    limit = line["limit"]
    events = [Event(in_zone(event["at"]), EventType(event["type"])) for event in line.get("events") or []]
    return reckon(
        calendar,
        Limit(KINDS[limit["unit"]], limit.get("n", 0), hour_of(limit.get("cutoff"))),
        in_zone(line["received"]),
        pauses_of(events),
        SupplementPolicy(line.get("supplement_policy", "resume")),
    )


def answer(line: dict[str, Any], calendar: Calendar) -> dict[str, Any]:
    """In the form of `motcua due --batch`, without the id."""
    try:
        found = reckoned(line, calendar)
    except CalendarYearMissing as error:
        return {"error": str(error.year)}
    if found.due_at is None:
        return {"due_at": None, "paused_since": text(found.paused_since) if found.paused_since else None}
    names = ("due_at", "half_time_at", "apology_draft_at")
    return {name: text(getattr(found, name)) for name in names}
