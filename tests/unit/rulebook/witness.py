"""A second reckoning of the legal clock, date by date and tick by tick, that shares no code with the rulebook.

It walks forward through time and knows at each close, or at the end of each tick, only what had happened by then: where
the due moment is reached it stops, so that whatever comes later changes nothing. Moments are naive and local; every
event falls on a tick.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

HOLIDAYS = Path(__file__).parents[3] / "shared" / "rulebook" / "law" / "public_holidays_2019_2027.csv"
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFFICE_DAY = [["07:00", "11:30"], ["13:30", "17:00"]]
DEFAULT = dict.fromkeys(WEEK[:5], OFFICE_DAY)
BEGINS = {
    "supplement_requested": "supplement",
    "payment_demanded": "payment",
    "posting_started": "posting",
    "survey_started": "survey",
    "council_started": "council",
}
ENDS = {
    "supplement_completed": "supplement",
    "payment_made": "payment",
    "posting_ended": "posting",
    "survey_ended": "survey",
    "council_ended": "council",
}
DAY = timedelta(days=1)
BEYOND_YEAR = 2028
BEYOND = datetime.fromisoformat("9999-12-31")
Sessions = list[tuple[datetime, datetime]]
Special = Mapping[date, tuple[str, str]]
"""Date → its kind and its name in English; a worked Saturday's ends with the day that it replaces."""


class OutOfYears(Exception):
    """A date was needed that no year of the calendar holds."""


class PausedSince(Exception):
    """A pause is open: there is no due moment."""


def read_holidays() -> dict[date, tuple[str, str]]:
    with HOLIDAYS.open(encoding="utf-8", newline="") as file:
        return {date.fromisoformat(row["date"]): (row["kind"], row["name_en"]) for row in csv.DictReader(file)}


SPECIAL = read_holidays()


class Office:
    """The sessions of each date. `special` are the days that are not like their weekday: the law's, or others."""

    def __init__(self, hours: dict[str, list[list[str]]] | None, special: Special | None = None) -> None:
        hours = hours or {}
        self.special = SPECIAL if special is None else special
        named = {key: value for key, value in hours.items() if key in WEEK}
        self.week = named if set(named) & set(DEFAULT) else DEFAULT | named
        self.dates = {key: value for key, value in hours.items() if key not in WEEK}
        self.known: dict[date, Sessions] = {}

    def sessions(self, day: date) -> Sessions:
        if day not in self.known:
            self.known[day] = self.laid_out(day)
        return self.known[day]

    def laid_out(self, day: date) -> Sessions:
        if not 2019 <= day.year <= 2027:
            raise OutOfYears(day.year)
        kind, name = self.special.get(day, ("", ""))
        weekday = WEEK[day.weekday()]
        if kind == "worked_saturday":
            weekday = WEEK[date.fromisoformat(name[-11:-1]).weekday()]
        hours = [] if kind in ("holiday", "in_lieu", "swap_off") else self.week.get(weekday, [])
        hours = self.dates.get(day.isoformat(), hours)
        return [(clock(day, opens), clock(day, closes)) for opens, closes in hours]

    def close(self, day: date) -> datetime:
        sessions = self.sessions(day)
        return sessions[-1][1] if sessions else datetime.combine(day + DAY, time())

    def next_opening(self, day: date) -> datetime:
        day += DAY
        while not self.sessions(day):
            day += DAY
        return self.sessions(day)[0][0]

    def in_session(self, moment: datetime) -> bool:
        return any(opens <= moment <= closes for opens, closes in self.sessions(moment.date()))


def clock(day: date, text: str) -> datetime:
    hour, minute = map(int, text.split(":"))
    return datetime.combine(day, time()) + timedelta(hours=hour, minutes=minute)


@dataclass
class Pause:
    kind: str
    begin: datetime
    arrived: datetime | None = None
    end: datetime | None = None


@dataclass
class Reckoned:
    due: datetime
    start: datetime
    acceptance: datetime


class Witness:
    """One limit of one dossier."""

    def __init__(self, line: dict[str, Any], tick: int = 60) -> None:
        self.office = Office(line.get("office_hours"), line.get("special"))
        self.unit, self.n = line["limit"]["unit"], line["limit"].get("n", 0)
        self.cutoff: str | None = line["limit"].get("cutoff")
        self.received = datetime.fromisoformat(line["received"])
        self.restarts = line.get("supplement_policy") == "restart"
        self.tick = timedelta(seconds=tick)
        self.pauses = self.paired(line.get("events") or [])
        for moment in (self.received, *(m for p in self.pauses for m in (p.begin, p.arrived) if m)):
            self.office.sessions(moment.date())

    def has_cutoff(self) -> bool:
        return self.unit == "same_day" or self.cutoff is not None

    def cutoff_of(self, day: date) -> datetime:
        close = self.office.close(day)
        return min(close, clock(day, self.cutoff)) if self.cutoff else close

    def counts_from(self, accepted: datetime) -> datetime:
        day = accepted.date()
        if self.has_cutoff() and (not self.office.sessions(day) or accepted > self.cutoff_of(day)):
            return self.office.next_opening(day)
        return accepted

    def paired(self, events: list[dict[str, str]]) -> list[Pause]:
        pauses: list[Pause] = []
        is_open: dict[str, Pause] = {}
        left = sorted(events, key=lambda event: event["at"])
        while left:
            now = [event for event in left if event["at"] == left[0]["at"]]
            event = next(e for e in now if (ENDS[e["type"]] in is_open if e["type"] in ENDS else True))
            if event["type"] in BEGINS and BEGINS[event["type"]] in is_open:
                event = next(e for e in now if ENDS.get(e["type"]) == BEGINS[event["type"]])
            left.remove(event)
            at = datetime.fromisoformat(event["at"])
            if event["type"] in BEGINS:
                is_open[BEGINS[event["type"]]] = Pause(BEGINS[event["type"]], at)
                pauses.append(is_open[BEGINS[event["type"]]])
            else:
                pause = is_open.pop(ENDS[event["type"]])
                pause.arrived = pause.end = at
                if self.has_cutoff() and at > self.cutoff_of(at.date()):
                    pause.end = self.opening_after(at.date())
        return pauses

    def opening_after(self, day: date) -> datetime:
        """The next opening; beyond all time where it lies beyond the calendar, since the pause may not count at all."""
        try:
            return self.office.next_opening(day)
        except OutOfYears:
            return BEYOND

    def paused(self, moment: datetime) -> bool:
        return any(p.begin < moment and (p.end is None or p.end >= moment) for p in self.pauses)

    def raise_if_open(self, moment: datetime) -> None:
        since = [p.begin for p in self.pauses if p.end is None and p.begin < moment]
        if since:
            if any(p.end == BEYOND for p in self.pauses):  # while one is open every other one counts
                raise OutOfYears(BEYOND_YEAR)
            begin = min(since)
            while earlier := [p.begin for p in self.pauses if p.begin < begin and p.end and p.end >= begin]:
                begin = min(earlier)
            raise PausedSince(begin)

    def arrival(self, after: datetime | None, until: datetime, begun_before: datetime) -> datetime | None:
        """The last arrival of supplements that restarts the limit and is not yet taken into account."""
        found = [
            p.arrived
            for p in self.pauses
            if self.restarts and p.kind == "supplement" and p.arrived and p.begin < begun_before and p.arrived <= until
        ]
        return max(found) if found and (after is None or max(found) > after) else None

    def reckon(self) -> Reckoned:
        return self.by_ticks() if self.unit in ("working_hour", "working_minute") else self.by_days()

    def by_days(self) -> Reckoned:
        acceptance, restarted, counted = self.received, None, 0
        start = self.counts_from(acceptance)
        day = start.date()
        while True:
            close = self.office.close(day)
            if again := self.arrival(restarted, close, close):
                acceptance = restarted = again
                start, counted = self.counts_from(acceptance), 0
                day = start.date()
                continue
            self.raise_if_open(close)
            working, paused = bool(self.office.sessions(day)), self.paused(close)
            if self.unit == "same_day":
                counted = 1 if working and not paused else 0
            elif day > start.date() and not paused and (working or self.unit == "calendar_day"):
                counted += 1
            enough = counted >= (1 if self.unit == "same_day" else self.n)
            if enough and working and not paused:
                return Reckoned(close, start, acceptance)
            day += DAY

    def by_ticks(self) -> Reckoned:
        acceptance, restarted, used = self.received, None, timedelta()
        wanted = self.n * (timedelta(hours=1) if self.unit == "working_hour" else timedelta(minutes=1))
        start = now = self.counts_from(acceptance)
        while True:
            now = self.next_tick(now)
            if again := self.arrival(restarted, now, now + self.tick):
                acceptance = restarted = again
                start, used = self.counts_from(acceptance), timedelta()
                now = max(now, start)
                continue
            now += self.tick
            self.raise_if_open(now)
            if not self.paused(now):
                used += self.tick
            if used == wanted:
                return Reckoned(now, start, acceptance)

    def next_tick(self, now: datetime) -> datetime:
        """The moment itself if a tick of working time begins at it, else the opening of the next session."""
        while True:
            for opens, closes in self.office.sessions(now.date()):
                if now < closes:
                    return max(now, opens)
            now = datetime.combine(now.date() + DAY, time())

    def warnings(self, found: Reckoned) -> tuple[datetime, datetime]:
        """Half-time, and the apology's draft."""
        half = self.half_time(found)
        floor = max([self.received, *(p.end for p in self.pauses if p.begin < found.due and p.end)])
        if self.unit == "same_day" or (self.unit == "working_day" and self.n == 1):
            return half, max(half, floor)
        due_day = (found.due - timedelta(seconds=1)).date()
        day = due_day - DAY
        while day >= floor.date() and not self.office.sessions(day):
            day -= DAY
        same_hour = datetime.combine(day, time()) + (found.due - datetime.combine(due_day, time()))
        return half, max(same_hour, floor)

    def half_time(self, found: Reckoned) -> datetime:
        ticks, now = [], found.start
        while now < found.due:
            now = self.next_tick(now) + self.tick
            if not self.paused(now):
                ticks.append(now)
        half = timedelta(seconds=(len(ticks) * self.tick).total_seconds() // 2)
        whole, rest = divmod(half, self.tick)
        if rest:
            return ticks[whole] - self.tick + rest
        if whole:
            return ticks[whole - 1]
        return found.start if ticks or self.office.in_session(found.start) else self.next_tick(found.start)


def working_minutes(line: dict[str, Any], tick: int) -> float:
    """Ticks of working time between two moments, in minutes."""
    office = Office(line.get("office_hours"))
    begin, end = sorted(datetime.fromisoformat(line[name]) for name in ("from", "to"))
    seconds, now = 0, begin
    while now < end:
        if any(opens <= now < closes for opens, closes in office.sessions(now.date())):
            seconds += tick
        now += timedelta(seconds=tick)
    return seconds / 60 if line["from"] <= line["to"] else -seconds / 60


def written(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds") + "+07:00"


def answer(line: dict[str, Any], tick: int = 60) -> dict[str, Any]:
    """What `motcua due --batch` has to answer to a line that has no fault of its own, without the id."""
    if "from" in line:
        return {"working_minutes": working_minutes(line, tick)}
    try:
        witness = Witness(line, tick)
        found = witness.reckon()
    except OutOfYears as error:
        return {"error": str(error)}
    except PausedSince as error:
        return {"due_at": None, "paused_since": written(error.args[0])}
    half, draft = witness.warnings(found)
    return {"due_at": written(found.due), "half_time_at": written(half), "apology_draft_at": written(draft)}


def stands(line: dict[str, Any]) -> tuple[datetime | None, datetime | None]:
    """The due moment, or since when it is paused; nothing of the warnings, which take their time."""
    try:
        return Witness(line).reckon().due, None
    except PausedSince as error:
        return None, error.args[0]


def tick_of(line: dict[str, Any]) -> int:
    """A second where any moment of the line has seconds, else a minute."""
    moments = [line.get(name) for name in ("received", "from", "to")] + [e["at"] for e in line.get("events") or []]
    return 1 if any(m and not m.endswith(":00") for m in moments) else 60
