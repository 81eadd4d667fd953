"""The fold over pauses against the vectors, against the witness on random cases, and its properties."""

from __future__ import annotations

import json
from datetime import datetime, time, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from shared.rulebook.calendar import ZONE, Calendar, CalendarYearMissing
from shared.rulebook.limits import Limit, LimitKind, due
from shared.rulebook.loader import load_seed, parse_calendar
from shared.rulebook.pauses import Event, EventType, Pause, PauseKind, Unpaired, pauses_of
from shared.rulebook.reckoning import BeforeAcceptance, Effect, reckon
from tests.unit.rulebook import lines, witness
from tests.unit.rulebook.test_clock_vectors import VECTORS

CALENDAR = parse_calendar("calendar-1", load_seed().calendar)
often = settings(max_examples=200, deadline=None)
BEYOND_THE_CALENDAR = f"{CALENDAR.content.last_year + 1}-01-01T00:00:00"
"""The close of the calendar's last day, where it is at midnight."""
LIMITS = [vector for vector in VECTORS if "limit" in vector]


@cache
def calendar_with(hours: str) -> Calendar:
    return lines.calendar_of({"office_hours": json.loads(hours)}, CALENDAR)


def calendar_of(line: dict[str, Any]) -> Calendar:
    return calendar_with(json.dumps(line.get("office_hours")))


@pytest.mark.parametrize("vector", LIMITS, ids=[vector["id"] for vector in LIMITS])
def test_the_rulebook_comes_to_what_the_hand_did(vector: dict[str, Any]) -> None:
    answer = lines.answer(vector, calendar_of(vector))
    assert {name: answer.get(name) for name in vector["expected"]} == vector["expected"]


@often
@given(lines.lines())
def test_the_rulebook_comes_to_what_the_witness_does(line: dict[str, Any]) -> None:
    assert lines.answer(line, calendar_of(line)) == witness.answer(line)


@settings(max_examples=60, deadline=None)
@given(lines.lines_to_the_second())
def test_the_rulebook_comes_to_what_the_witness_does_to_the_second(line: dict[str, Any]) -> None:
    assert lines.answer(line, CALENDAR) == witness.answer(line, tick=1)


@often
@given(lines.lines())
def test_what_begins_at_or_after_the_due_moment_changes_nothing(line: dict[str, Any]) -> None:
    found = lines.answer(line, calendar_of(line))
    if found.get("due_at") is None:
        return
    due_at = datetime.fromisoformat(found["due_at"]).replace(tzinfo=None).isoformat()
    if due_at == BEYOND_THE_CALENDAR:  # nothing can begin there: a pause outside the calendar's years is refused
        return
    line["events"] = [event for event in line["events"] if event["at"] < due_at]
    if any(event["type"] == "payment_demanded" for event in line["events"]):
        return
    line["events"].append({"at": due_at, "type": "payment_demanded"})
    assert lines.answer(line, calendar_of(line)) == found


@often
@given(lines.lines(), st.integers(1, 3000))
def test_a_longer_pause_never_makes_a_limit_end_earlier(line: dict[str, Any], minutes: int) -> None:
    calendar, start = calendar_of(line), lines.in_zone(line["received"])
    limit = Limit(lines.KINDS[line["limit"]["unit"]], line["limit"]["n"])
    short = Pause(PauseKind.SURVEY, start + timedelta(hours=3), start + timedelta(hours=30))
    longer = Pause(PauseKind.SURVEY, short.begins, start + timedelta(hours=30, minutes=minutes))
    try:
        moments = [reckon(calendar, limit, start, pauses).due_at for pauses in ((), (short,), (longer,))]
    except CalendarYearMissing:
        return
    assert moments == sorted(moment for moment in moments if moment is not None)
    assert moments[0] == due(calendar, limit, start)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=ZONE)


def test_each_pause_says_what_it_does(calendar: Calendar) -> None:
    pauses = (
        Pause(PauseKind.PAYMENT, at("2020-03-03T09:00"), at("2020-03-03T15:30")),
        Pause(PauseKind.PAYMENT, at("2020-03-05T17:00")),
    )
    found = reckon(calendar, Limit(LimitKind.WORKING_DAYS, 2, time(15)), at("2020-03-02T09:00"), pauses)
    assert found.due_at == at("2020-03-05T17:00")
    assert [(each.effect, each.goes_on_at) for each in found.pauses] == [
        (Effect.RESUMES, at("2020-03-04T07:00")),
        (Effect.NOTHING, None),
    ]
    assert found.counted == (Pause(PauseKind.PAYMENT, at("2020-03-03T09:00"), at("2020-03-04T07:00")),)


def test_a_pause_before_acceptance_is_refused(calendar: Calendar) -> None:
    accepted = at("2020-03-02T09:00")
    at_once = Pause(PauseKind.PAYMENT, accepted, accepted)
    assert reckon(calendar, Limit(LimitKind.WORKING_DAYS, 1), accepted, (at_once,)).due_at == at("2020-03-03T17:00")
    before = Pause(PauseKind.PAYMENT, accepted - timedelta(seconds=1))
    with pytest.raises(BeforeAcceptance, match="payment"):
        reckon(calendar, Limit(LimitKind.WORKING_DAYS, 1), accepted, (before,))


def event(type_: EventType, text: str) -> Event:
    return Event(at(f"2020-03-{text}"), type_)


ASKED, COMPLETE = EventType.SUPPLEMENT_REQUESTED, EventType.SUPPLEMENT_COMPLETED
FIRST, SECOND, THIRD = "02T09:00", "03T09:00", "04T09:00"


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        ([(COMPLETE, SECOND)], ASKED),
        ([(ASKED, SECOND), (COMPLETE, FIRST)], ASKED),
        ([(ASKED, FIRST), (ASKED, SECOND)], COMPLETE),
        ([(ASKED, FIRST), (ASKED, SECOND), (COMPLETE, THIRD)], COMPLETE),
        ([(ASKED, FIRST), (COMPLETE, SECOND), (COMPLETE, THIRD)], ASKED),
    ],
)
def test_unpaired_events_say_what_is_missing(events: list[tuple[EventType, str]], expected: EventType) -> None:
    with pytest.raises(Unpaired) as caught:
        pauses_of([event(*each) for each in events])
    assert caught.value.expected is expected


def test_events_of_one_moment_are_paired_as_they_can_be() -> None:
    events = [event(COMPLETE, SECOND), event(ASKED, SECOND), event(ASKED, FIRST), event(COMPLETE, SECOND)]
    found = [(pause.begins, pause.ends) for pause in pauses_of(events)]
    assert found == [(at(f"2020-03-{FIRST}"), at(f"2020-03-{SECOND}")), (at(f"2020-03-{SECOND}"),) * 2]
