"""Filings of the year as requests: each place's own desk, bodies made by the year's own functions."""

from __future__ import annotations

import itertools
import json
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import cache

from deploy.demo.offices import Officer, dossier_body
from deploy.demo.plan import Arrival, YearRequest, plan_year
from deploy.demo.play import seed_rules
from deploy.local.stack import Stack
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


def at_all_places(stack: Stack) -> list[Request]:
    """Make the requests of all places, one place after the other in turn."""
    return [_request(stack, arrival) for turn in zip(*by_place().values(), strict=True) for arrival in turn]


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


def in_turn(first: int = 1) -> Iterator[Arrival]:
    """Yield filings of all places in turn, without end, numbered from `first`: the number makes key and applicant."""
    everywhere = [arrival for turn in zip(*by_place().values(), strict=True) for arrival in turn]
    for number, arrival in enumerate(itertools.cycle(everywhere), first):
        yield replace(arrival, number=number)
