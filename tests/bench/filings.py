"""Filings of the year: each place's own desk, bodies made by the year's own functions; as requests, or at a rate."""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

from deploy.demo.calls import Caller
from deploy.demo.offices import Officer, Offices, dossier_body
from deploy.demo.plan import Arrival, YearRequest, plan_year
from deploy.demo.play import seed_rules
from deploy.local.stack import Stack
from tests.bench import load
from tests.bench.rounds import Refused
from tests.bench.wrk import Request

PLANNED = 5000
PLACES = 25
A_PLACE = 40
"""Filings of each place that a load sends in turn."""


@cache
def by_place() -> dict[str, list[Arrival]]:
    """Give the year's first filings of each of its 25 places."""
    found: dict[str, list[Arrival]] = defaultdict(list)
    for arrival in plan_year(seed_rules(), YearRequest(PLANNED, open=0, late=0)).arrivals:
        found[arrival.place.code].append(arrival)
    fewest = min(map(len, found.values()))
    if len(found) != PLACES or fewest < A_PLACE:
        raise ValueError(f"{len(found)} places, of which one has {fewest} filings: plan more")
    return {place: arrivals[:A_PLACE] for place, arrivals in sorted(found.items())}


def everywhere() -> Iterator[Arrival]:
    """Yield the filings of all places, one place after the other in turn."""
    return itertools.chain.from_iterable(zip(*by_place().values(), strict=True))


def at_all_places(stack: Stack) -> list[Request]:
    """Make the requests of all places."""
    return [_request(stack, arrival) for arrival in everywhere()]


def at_one_place(stack: Stack) -> list[Request]:
    """Make the requests of one commune alone."""
    return [
        _request(stack, arrival) for arrival in next(each for each in by_place().values() if each[0].place.area_code)
    ]


def _request(stack: Stack, arrival: Arrival) -> Request:
    body = json.dumps(dossier_body(arrival), ensure_ascii=False).encode()
    return Request("POST", "/v1/dossiers", _token(stack, arrival.place.code), body)


@cache
def _token(stack: Stack, place: str) -> str:
    desk = Officer(place, "desk")
    return stack.token(desk.role, desk.agency, desk.subject)


def in_turn() -> Iterator[Arrival]:
    """Yield filings of all places in turn, without end, numbered anew: the number makes key and applicant."""
    for number, arrival in enumerate(itertools.cycle(everywhere()), 1):
        yield replace(arrival, number=number)


@dataclass(frozen=True)
class Filed:
    """A dossier that was accepted, and milliseconds from when it was due to be filed to the answer."""

    code: str
    took: float


async def at_rate(stack: Stack, intake: Caller, per_second: int, seconds: int) -> list[Filed]:
    """File so many dossiers a second, at all places. Raises Refused where the client was late, or had to ask again."""
    offices = Offices(intake, intake, stack.token, seed=uuid.uuid4().int)
    arrivals = list(itertools.islice(in_turn(), per_second * seconds))
    filed: list[Filed] = []

    async def file(number: int, due: float) -> None:
        entry = await offices.file(arrivals[number])
        filed.append(Filed(entry.code, (time.time() - due) * 1000))

    await load.at_rate(per_second, seconds, file)
    if intake.repeated:
        raise Refused(f"{intake.repeated} filings were answered only when they were sent again")
    return filed
