"""Whoever has no part in a dossier gets nothing of it by any route of any service: list, read, search, expand, act."""

from __future__ import annotations

import asyncio
import collections
import hashlib
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx2
import pytest

from deploy.demo.offices import Duty, Officer, act_body
from deploy.local.services import SERVICES
from services.processing.domain.effects import EFFECTS
from shared.rulebook.agencies import Agencies
from shared.rulebook.loader import load_seed, parse_agencies
from tests.integration.intake.counter import DISTRICT_DESK, FIRST_MORNING, PERSON, Counter
from tests.integration.together.everywhere import Everywhere

Route = tuple[str, str, str]
"""Service, method, path as the service's OpenAPI document has it."""

OFFICERS = ("desk", "specialist", "leader", "auditor")
READS: Mapping[Route, tuple[str, ...]] = {
    ("intake", "get", "/v1/dossiers/{code}"): ("place", "competent", "steps"),
    ("intake", "get", "/v1/registrations/{code}"): ("place",),
    ("processing", "get", "/v1/dossiers/{code}"): ("place", "competent", "steps"),
    ("notification", "get", "/v1/dossiers/{code}/notices"): ("place", "competent"),
}
"""Reads of one dossier by officers: whose subtree may read it."""
ACT: Route = ("processing", "post", "/v1/dossiers/{code}/acts/{action}")
LIST: Route = ("processing", "get", "/v1/worklist")
OF_APPLICANTS: Route = ("processing", "get", "/v1/tracking/{code}")

_PROCESS = ("/livez", "/readyz", "/metrics", "/version", "/problems/{code}", "/internal/v1/quiet")
NOTHING_OF_A_DOSSIER: Mapping[Route, str] = {
    **{(service, "get", path): "about the process" for service in SERVICES for path in _PROCESS},
    ("intake", "get", "/v1/procedures"): "the catalogue is public",
    ("intake", "get", "/v1/agencies"): "the agencies are public",
    ("intake", "post", "/v1/dossiers"): "writes a dossier of the caller's own place",
    (
        "intake",
        "post",
        "/v1/dossiers/{code}/acts/{action}",
    ): "on registrations: tried beside intake",
    (
        "intake",
        "get",
        "/v1/registrations",
    ): "the caller's own place: tried beside intake",
    ("intake", "post", "/v1/registrations"): "writes a dossier of the caller's own place",
    ("intake", "post", "/v1/refusals"): "writes a dossier of the caller's own place",
    ("intake", "get", "/internal/v1/dossiers/{code}/people"): "services only, for a purpose, audited",
    ("processing", "post", "/v1/tracking"): "takes a secret and answers with a token",
    ("notification", "get", "/v1/notices/summary"): "counts only",
    ("notification", "post", "/v1/receipts/sms"): "the gateway's, under its own secret",
    ("metrics", "get", "/v1/reports/district"): "public figures",
}
_keys, _roles, _actions = itertools.count(1), itertools.cycle(OFFICERS), itertools.cycle(EFFECTS)
TRIED = {*READS, ACT, LIST, OF_APPLICANTS}


@dataclass(frozen=True)
class Filed:
    """A dossier of the trial: its code, the paths of who has a part in it, and what it waits for."""

    code: str
    paths: Mapping[str, tuple[str, ...]]
    owed: tuple[tuple[str, str], ...]

    def concerns(self, agency: str, parts: tuple[str, ...]) -> bool:
        return any(path.startswith(agency) for part in parts for path in self.paths[part])


@pytest.fixture(scope="module")
def agencies() -> Agencies:
    return parse_agencies("seed", load_seed().agencies)


@pytest.fixture(scope="module")
async def dossiers(counter: Counter, everywhere: Everywhere, agencies: Agencies) -> list[Filed]:
    """One that is a commune's alone, and one that goes from the district's desk to an agency outside the district."""
    land = await counter.filing("1.012784")
    answers = (
        await counter.hand_in(await counter.filing(), headers=counter.bearer("desk", "H56.97.44")),
        await counter.hand_in(land, headers=counter.bearer("desk", DISTRICT_DESK)),
    )
    await everywhere.rest()
    return [await filed(everywhere, agencies, answer.json()["code"]) for answer in answers]


async def filed(everywhere: Everywhere, agencies: Agencies, code: str) -> Filed:
    answer = await ask(everywhere, ("processing", "get", "/v1/dossiers/{code}"), ("auditor", "H56.90"), code=code)
    seen = answer.json()
    steps = {step["agency"] for step in seen["steps"]} - {""}
    return Filed(
        code,
        {
            "place": (agencies.get(seen["received_by"]).path,),
            "competent": (agencies.get(seen["competent_agency"]).path,),
            "steps": tuple(agencies.get(step).path for step in steps),
        },
        tuple((duty["agency"], duty["role"]) for duty in seen["open_duties"]),
    )


_at_once = asyncio.Semaphore(32)
"""New tokens are their address's: of more than `MOTCUA_LIMITS__CLIENT_REQUESTS` at once some would be refused."""


async def ask(
    everywhere: Everywhere, route: Route, caller: tuple[str, str], *, seconds: int = 600, **values: str
) -> httpx2.Response:
    """Call a route as an officer (role, agency)."""
    service, method, path = route
    role, agency = caller
    token = everywhere.stack.token(role, agency, f"{role}.{agency}", seconds=seconds)
    headers = {"Authorization": f"Bearer {token}"}
    body: Any = None
    if method == "post":
        headers |= {"Idempotency-Key": f"every-route-{next(_keys)}", "If-Match": '"1"'}
        body = act_body(Duty(Officer(agency, role), 1, values["action"]))
    url = everywhere.stack.urls[service] + path.format(**values)
    async with _at_once:
        return await everywhere.http.request(method.upper(), url, headers=headers, json=body)


def of_the_dossier(answer: httpx2.Response, dossier: Filed) -> Iterator[str]:
    """What an answer tells of a dossier, beyond that it was asked for."""
    return (mark for mark in (dossier.code, PERSON["name"], "012 345", "012345") if mark in answer.text)


async def test_every_route_is_tried_here_or_said_to_tell_nothing_of_a_dossier(everywhere: Everywhere) -> None:
    found = set()
    for service in SERVICES:
        document = (await everywhere.http.get(f"{everywhere.stack.urls[service]}/openapi.json")).json()
        found |= {(service, method, path) for path, item in document["paths"].items() for method in item}
    assert found == TRIED | NOTHING_OF_A_DOSSIER.keys()
    assert not TRIED & NOTHING_OF_A_DOSSIER.keys()


@pytest.mark.parametrize("route", READS, ids="-".join)
async def test_a_dossier_is_read_by_those_who_have_a_part_in_it_and_unknown_to_all_others(
    everywhere: Everywhere, dossiers: list[Filed], agencies: Agencies, route: Route
) -> None:
    seen, day = set(), FIRST_MORNING.date()
    for dossier in dossiers:
        asked = [(role, agency.code) for agency, role in zip(agencies.agencies, _roles, strict=False)]
        answers = await asyncio.gather(*(ask(everywhere, route, caller, code=dossier.code) for caller in asked))
        for (role, code), answer in zip(asked, answers, strict=True):
            told = list(of_the_dossier(answer, dossier))
            if not agencies.in_force(code, day):
                expected = HTTPStatus.FORBIDDEN
            elif dossier.concerns(agencies.get(code).path, READS[route]):
                expected = HTTPStatus.OK
            else:
                expected = HTTPStatus.NOT_FOUND
            assert (answer.status_code, bool(told)) == (expected, expected == HTTPStatus.OK), (role, code, told)
            seen.add(expected)
    assert seen == {HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}


async def test_a_worklist_holds_what_waits_for_its_office_and_nothing_else(
    everywhere: Everywhere, dossiers: list[Filed], agencies: Agencies
) -> None:
    asked = [(role, agency.code) for agency in agencies.agencies for role in OFFICERS]
    answers = await asyncio.gather(*(ask(everywhere, LIST, caller) for caller in asked))
    for (role, code), answer in zip(asked, answers, strict=True):
        for dossier in dossiers:
            assert bool(list(of_the_dossier(answer, dossier))) == ((code, role) in dossier.owed), (role, code)


async def test_whoever_has_no_part_acts_on_nothing_and_learns_nothing(
    everywhere: Everywhere, dossiers: list[Filed], agencies: Agencies
) -> None:
    before = await everywhere.rows("processing.cases", "processing.steps", "processing.duties")
    day, refused = FIRST_MORNING.date(), collections.Counter[int]()
    for dossier in dossiers:
        strangers = [
            (role, agency.code)
            for agency in agencies.agencies
            for role in OFFICERS
            if agency.in_force(day) and not dossier.concerns(agency.path, ("place", "competent", "steps"))
        ]
        answers = await asyncio.gather(
            *(ask(everywhere, ACT, caller, code=dossier.code, action=next(_actions)) for caller in strangers)
        )
        for caller, answer in zip(strangers, answers, strict=True):
            assert answer.status_code in {HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}, (caller, answer.text)
            assert not list(of_the_dossier(answer, dossier)), (caller, answer.text)
            refused[answer.status_code] += 1
    assert refused[HTTPStatus.NOT_FOUND] > refused[HTTPStatus.FORBIDDEN] > 0
    assert await everywhere.rows(*before) == before


async def test_an_expired_token_and_another_dossiers_applicant_learn_nothing(
    everywhere: Everywhere, dossiers: list[Filed]
) -> None:
    first, second = dossiers
    for route in (*READS, LIST):
        answer = await ask(everywhere, route, ("auditor", "H56.90"), seconds=-60, code=first.code)
        assert (answer.status_code, list(of_the_dossier(answer, first))) == (HTTPStatus.UNAUTHORIZED, [])
    urls = everywhere.stack.urls
    for caller in (("auditor", "H56.90"), ("desk", "H56.97.44")):
        officer = await ask(everywhere, OF_APPLICANTS, caller, code=first.code)
        assert (officer.status_code, list(of_the_dossier(officer, first))) == (HTTPStatus.UNAUTHORIZED, [])
    secret, query = (
        "only this applicant has it",
        "update processing.cases set tracking_secret_hash = $2 where code = $1",
    )
    await everywhere.database.execute(query, second.code, hashlib.sha256(secret.encode()).digest())
    said = {"code": second.code, "secret": secret}
    exchanged = await everywhere.http.post(f"{urls['processing']}/v1/tracking", json=said)
    bearer = {"Authorization": f"Bearer {exchanged.json()['token']}"}
    for dossier, status in ((second, HTTPStatus.OK), (first, HTTPStatus.NOT_FOUND)):
        answer = await everywhere.http.get(f"{urls['processing']}/v1/tracking/{dossier.code}", headers=bearer)
        assert (answer.status_code, bool(list(of_the_dossier(answer, dossier)))) == (status, status == HTTPStatus.OK)


async def test_what_tells_nothing_of_a_dossier_tells_nothing(everywhere: Everywhere, dossiers: list[Filed]) -> None:
    stranger = ("desk", "H56.97.22")
    for route, why in NOTHING_OF_A_DOSSIER.items():
        for dossier in dossiers:
            if route[:2] == ("intake", "post") and "{action}" not in route[2]:
                continue
            values = {"code": dossier.code, "action": "take"}
            answer = await ask(everywhere, route, stranger, **values)
            told = set(of_the_dossier(answer, dossier))
            assert not told, (route, why, told)
