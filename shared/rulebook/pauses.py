"""Pauses of the legal clock (C6): what begins and ends them, when a dossier is paused, working time outside them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from shared.rulebook.calendar import Calendar, add_working_time, local, working_time_between


class PauseKind(StrEnum):
    """What a pause waits for: papers (state 5), money (state 6), or an excluded period that the procedure names."""

    SUPPLEMENT = "supplement"
    PAYMENT = "payment"
    POSTING = "posting"
    SURVEY = "survey"
    COUNCIL = "council"


EXCLUDED_PERIODS = frozenset({PauseKind.POSTING, PauseKind.SURVEY, PauseKind.COUNCIL})
"""The kinds that are periods of the procedure, inside state 4: steps that `pause` and `resume` begin and end."""


class EventType(StrEnum):
    """What begins or ends a pause."""

    SUPPLEMENT_REQUESTED = "supplement_requested"
    SUPPLEMENT_COMPLETED = "supplement_completed"
    PAYMENT_DEMANDED = "payment_demanded"
    PAYMENT_MADE = "payment_made"
    POSTING_STARTED = "posting_started"
    POSTING_ENDED = "posting_ended"
    SURVEY_STARTED = "survey_started"
    SURVEY_ENDED = "survey_ended"
    COUNCIL_STARTED = "council_started"
    COUNCIL_ENDED = "council_ended"


EVENTS: Mapping[PauseKind, tuple[EventType, EventType]] = {
    PauseKind.SUPPLEMENT: (EventType.SUPPLEMENT_REQUESTED, EventType.SUPPLEMENT_COMPLETED),
    PauseKind.PAYMENT: (EventType.PAYMENT_DEMANDED, EventType.PAYMENT_MADE),
    PauseKind.POSTING: (EventType.POSTING_STARTED, EventType.POSTING_ENDED),
    PauseKind.SURVEY: (EventType.SURVEY_STARTED, EventType.SURVEY_ENDED),
    PauseKind.COUNCIL: (EventType.COUNCIL_STARTED, EventType.COUNCIL_ENDED),
}
"""Kind of pause → what begins it, what ends it. A supplement is complete when its last paper has arrived."""


@dataclass(frozen=True, slots=True)
class Event:
    """One fact that begins or ends a pause, at its legal time."""

    at: datetime
    type: EventType


@dataclass(frozen=True, slots=True)
class Pause:
    """One pause; it is open while `ends` is None."""

    kind: PauseKind
    begins: datetime
    ends: datetime | None = None


class Unpaired(ValueError):
    """An event ends what is not open (`expected` is missing before it) or begins what is open already."""

    def __init__(self, event: Event, expected: EventType) -> None:
        super().__init__(f"{event.type} at {event.at.isoformat()}: there is no {expected} before it")
        self.event = event
        self.expected = expected


def pauses_of(events: Iterable[Event]) -> tuple[Pause, ...]:
    """The pauses of a dossier's events, whatever order they are given in, by the moment they begin. Raises Unpaired."""
    known: dict[EventType, list[Event]] = defaultdict(list)
    for event in sorted((Event(local(event.at), event.type) for event in events), key=lambda event: event.at):
        known[event.type].append(event)
    found = [pause for kind, (begins, ends) in EVENTS.items() for pause in _paired(kind, known[begins], known[ends])]
    return tuple(sorted(found, key=lambda pause: pause.begins))


def _paired(kind: PauseKind, begun: Sequence[Event], ended: Sequence[Event]) -> Iterator[Pause]:
    """Yield each pause of a kind: what began n-th ended n-th, before the next of its kind began."""
    begins, ends = EVENTS[kind]
    for number, first in enumerate(begun):
        last = ended[number] if number < len(ended) else None
        if last is not None and last.at < first.at:
            raise Unpaired(last, begins)
        if number and (number > len(ended) or first.at < ended[number - 1].at):
            raise Unpaired(first, ends)
        yield Pause(kind, first.at, last.at if last else None)
    for last in ended[len(begun) :]:
        raise Unpaired(last, begins)


def paused_at(pauses: Iterable[Pause], moment: datetime) -> bool:
    """Whether some pause began before a moment and ended at or after it, or has not ended."""
    return any(pause.begins < moment and (pause.ends is None or pause.ends >= moment) for pause in pauses)


def paused_since(pauses: Iterable[Pause]) -> datetime | None:
    """Since when a dossier has been paused without a break; None unless a pause is open."""
    return next((begins for begins, ends in _merged(pauses) if ends is None), None)


def unpaused_time(calendar: Calendar, start: datetime, end: datetime, pauses: Iterable[Pause]) -> timedelta:
    """Working time between two moments outside the pauses; nothing if `end` is not later."""
    return sum(
        (
            working_time_between(calendar, begins, end if ends is None else min(ends, end))
            for begins, ends in _between(start, pauses)
            if begins < end
        ),
        start=timedelta(),
    )


def add_unpaused_time(calendar: Calendar, start: datetime, amount: timedelta, pauses: Iterable[Pause]) -> datetime:
    """The first moment at which `amount` of working time outside the pauses has passed since `start`.

    All the pauses are over: behind one that is open no time passes. Raises CalendarYearMissing where the calendar ends
    first.
    """
    if not amount:
        return add_working_time(calendar, start, amount)
    begins = start
    for begins, ends in _between(start, pauses):
        passed = amount if ends is None else working_time_between(calendar, begins, ends)
        if passed >= amount:
            break
        amount -= passed
    return add_working_time(calendar, begins, amount)


def _merged(pauses: Iterable[Pause]) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield the stretches of paused time, in order: overlapping pauses count once, those that touch are one."""
    begins: datetime | None = None
    ends: datetime | None = None
    for pause in sorted(pauses, key=lambda pause: pause.begins):
        if begins is not None and ends is not None and pause.begins > ends:
            yield begins, ends
            begins = None
        if begins is None:
            begins, ends = pause.begins, pause.ends
        elif ends is not None:
            ends = None if pause.ends is None else max(ends, pause.ends)
    if begins is not None:
        yield begins, ends


def _between(start: datetime, pauses: Iterable[Pause]) -> Iterator[tuple[datetime, datetime | None]]:
    """Yield the stretches of unpaused time from a moment on, in order; the last has no end unless a pause is open."""
    for begins, ends in _merged(pauses):
        if begins > start:
            yield start, begins
        if ends is None:
            return
        start = max(start, ends)
    yield start, None
