"""Questions to the legal clock as strangers put them: one object of JSON each, taken apart field by field."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from deploy.clock.refusals import Refusal
from shared.rulebook.agencies import Agencies, UnknownAgency
from shared.rulebook.calendar import ZONE, Calendar, local
from shared.rulebook.catalogue import SupplementPolicy
from shared.rulebook.explanation_data import UNITS, Unit
from shared.rulebook.limits import Limit, LimitKind
from shared.rulebook.loader import load_seed, parse_agencies, parse_calendar
from shared.rulebook.office_hours import MIDNIGHT, hour_of, parse_office_hours, with_hours
from shared.rulebook.pauses import Event, EventType, Pause, pauses_of

Choice = TypeVar("Choice", bound=StrEnum)
Fields = Mapping[str, Any]

FIELDS = frozenset({"id", "limit", "received", "supplement_policy", "agency", "events", "office_hours", "from", "to"})
"""What is read of a question; anything else in it is left alone."""


KINDS: Mapping[Unit, LimitKind] = {unit: kind for kind, unit in UNITS.items()}
SHORT: Mapping[str, Unit] = {
    "wd": Unit.WORKING_DAY,
    "cd": Unit.CALENDAR_DAY,
    "wh": Unit.WORKING_HOUR,
    "wm": Unit.WORKING_MINUTE,
    "sd": Unit.SAME_DAY,
    "none": Unit.NONE,
}
WITHOUT_AMOUNT = frozenset({Unit.SAME_DAY, Unit.NONE})
MOST = 10_000_000
"""More units than any calendar holds."""
END_OF_DAY = time(23, 59, 59)
"""A cut-off of 24:00, to the second: nothing of a date comes after it."""
MOST_EVENTS = 200
KEPT_CALENDARS = 16
_DAY = timedelta(days=1)
_MIDNIGHT = re.compile(r"([\dW-]+[T ])24((?::?00){0,2}(?:[.,]0+)?(?:Z|[+-].*)?)")
_LIMIT = re.compile(r"(\d*)(wd|cd|wh|wm|sd|none)(?:@(.*))?")


@dataclass(frozen=True, slots=True)
class DueQuestion:
    """When a limit is due, after these pauses."""

    calendar: Calendar
    limit: Limit
    received: datetime
    pauses: tuple[Pause, ...]
    policy: SupplementPolicy


@dataclass(frozen=True, slots=True)
class MinutesQuestion:
    """How much working time lies between two moments."""

    calendar: Calendar
    start: datetime
    end: datetime


class Rules:
    """The calendar and the agencies of the package's seed, and calendars of offices with their own hours."""

    def __init__(self) -> None:
        seed = load_seed()
        self.calendar = parse_calendar("1", seed.calendar)
        self._agencies: Agencies = parse_agencies("1", seed.agencies)
        self._with_hours: Callable[[str], Calendar] = lru_cache(KEPT_CALENDARS)(self._lay_out)

    def calendar_of(self, agency: Any, hours: Any = None) -> Calendar:
        """The calendar of an agency, with hours of its own if they are given. Raises REFUSED."""
        code = agency if isinstance(agency, str) else ""
        if agency is not None:
            try:
                self._agencies.get(code)
            except UnknownAgency:
                raise Refusal("unknown_agency") from None
        return self.calendar.of(code) if hours is None else self._with_hours(json.dumps(hours))

    def _lay_out(self, hours: str) -> Calendar:
        return with_hours(self.calendar, parse_office_hours(json.loads(hours)))


def question_of(fields: Fields, rules: Rules) -> DueQuestion | MinutesQuestion:
    """Take a question apart: of a limit, or of working time where only two moments are named. Raises REFUSED."""
    if fields.get("limit") is None and ("from" in fields or "to" in fields):
        calendar = rules.calendar_of(fields.get("agency"), fields.get("office_hours"))
        return MinutesQuestion(calendar, _moment(fields, "from"), _moment(fields, "to"))
    return due_question(fields, rules)


def due_question(fields: Fields, rules: Rules) -> DueQuestion:
    """Take a question of a limit apart. Raises REFUSED."""
    policy = fields.get("supplement_policy")
    return DueQuestion(
        rules.calendar_of(fields.get("agency"), fields.get("office_hours")),
        _limit(_object(fields.get("limit"), "limit")),
        _moment(fields, "received"),
        pauses_of(_events(fields)),
        SupplementPolicy.RESUME if policy is None else _choice(SupplementPolicy, policy, "supplement_policy"),
    )


def limit_fields(text: str) -> Fields:
    """The fields of a limit in its short form, such as `5wd` or `sd@15:00`. Raises Refusal."""
    found = _LIMIT.fullmatch(text)
    if (
        found is None
        or (found[2] == "none" and found[3] is not None)
        or bool(found[1]) is (SHORT[found[2]] in WITHOUT_AMOUNT)
    ):
        raise Refusal("no_limit", field="--limit")
    return {"unit": SHORT[found[2]], "n": int(found[1][:10]) if found[1] else None, "cutoff": found[3]}


def event_fields(text: str) -> Fields:
    """The fields of an event in its short form, `TYPE@MOMENT`. Raises Refusal."""
    type_, at, moment = text.partition("@")
    if not at:
        raise Refusal("no_event", field="--event")
    return {"type": type_, "at": moment}


def _limit(fields: Fields) -> Limit:
    for name in fields:
        if name not in ("unit", "n", "cutoff"):
            raise Refusal("no_such_field", field=f"limit.{name[:40]}")
    unit = _choice(Unit, fields.get("unit"), "limit.unit")
    amount = 0 if unit in WITHOUT_AMOUNT else _amount(fields.get("n"))
    return Limit(KINDS[unit], amount, _cut_off(fields.get("cutoff")))


def _amount(value: Any) -> int:
    if value is None:
        raise Refusal("missing", field="limit.n")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST:
        raise Refusal("no_amount", field="limit.n", most=MOST)
    return value


def _cut_off(value: Any) -> time | None:
    if value is None:
        return None
    hour = hour_of(value)
    if hour is None:
        raise Refusal("no_hour", field="limit.cutoff")
    return END_OF_DAY if hour == MIDNIGHT and value.startswith("24") else hour


def _event(value: Any, field: str) -> Event:
    fields = _object(value, field)
    return Event(_moment(fields, "at", f"{field}."), _choice(EventType, fields.get("type"), f"{field}.type"))


def _moment(fields: Fields, name: str, prefix: str = "") -> datetime:
    """The moment of a field, in the legal zone; one without an offset is of that zone, a date its first moment.

    24:00 is the midnight that ends a date, which Python does not read.
    """
    value, field = fields.get(name), prefix + name
    if value is None:
        raise Refusal("missing", field=field)
    try:
        ends_a_date = _MIDNIGHT.fullmatch(value)
        found = datetime.fromisoformat(f"{ends_a_date[1]}00{ends_a_date[2]}" if ends_a_date else value)
        return local(found if found.tzinfo else found.replace(tzinfo=ZONE)) + (_DAY if ends_a_date else timedelta())
    except (TypeError, ValueError, OverflowError):
        raise Refusal("no_moment", field=field) from None


def _choice(kind: type[Choice], value: Any, field: str) -> Choice:
    if value is None:
        raise Refusal("missing", field=field)
    try:
        return kind(value)
    except ValueError:
        raise Refusal("no_choice", field=field, choices=", ".join(kind)) from None


def _object(value: Any, field: str) -> Fields:
    if value is None:
        raise Refusal("missing", field=field)
    if not isinstance(value, Mapping):
        raise Refusal("no_object", field=field)
    return value


def _events(fields: Fields) -> tuple[Event, ...]:
    values = fields.get("events")
    if values is None:
        return ()
    if not isinstance(values, list):
        raise Refusal("no_list", field="events")
    if len(values) > MOST_EVENTS:
        raise Refusal("too_many", field="events", most=MOST_EVENTS)
    return tuple(_event(value, f"events[{number}]") for number, value in enumerate(values))
