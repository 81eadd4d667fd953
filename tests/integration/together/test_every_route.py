"""Whoever has no part in a dossier gets nothing of it by any route of any service: list, read, search, expand, act."""

from __future__ import annotations

import asyncio
import collections
import hashlib
import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from http import HTTPStatus
from typing import Any

import pytest

from deploy.local.services import SERVICES
from shared.rulebook.agencies import Agencies
from tests.integration.intake.counter import FIRST_MORNING, Counter
from tests.integration.together.everywhere import Everywhere
from tests.integration.together.rights import (
    ACT_AT_RECEPTION,
    ACTIONS,
    ACTIONS_AT_RECEPTION,
    ACTS,
    LIST,
    LIST_AT_RECEPTION,
    OFFICERS,
    READS,
    Filed,
    Route,
    ask,
    misled,
    misled_at_reception,
    mislisted,
    mislisted_at_reception,
    mislooked,
    misread,
    of_the_dossier,
)

FILE: Route = ("intake", "post", "/v1/dossiers")
REGISTER: Route = ("intake", "post", "/v1/registrations")
REFUSE: Route = ("intake", "post", "/v1/refusals")
BACKDATE: Route = ("intake", "post", "/v1/backdatings")
CALENDAR: Route = ("intake", "post", "/v1/rules/calendar")
CATALOGUE: Route = ("intake", "post", "/v1/rules/catalogue")
OFFICERS_SAID: Route = ("processing", "post", "/v1/officers")
OFFICERS_READ: Route = ("processing", "get", "/v1/officers")
BY_ITSELF: Mapping[Route, tuple[str, ...]] = {
    FILE: ("agency_receives",),
}
"""What is refused for another reason than the agency that is not in force, and by which code."""
OF_APPLICANTS: Route = ("processing", "get", "/v1/tracking/{code}")
DEADLINE: Route = ("processing", "get", "/v1/dossiers/{code}/deadline")

_PROCESS = ("/livez", "/readyz", "/metrics", "/version", "/problems/{code}", "/internal/v1/quiet")
NOTHING_OF_A_DOSSIER: Mapping[Route, str] = {
    **{(service, "get", path): "about the process" for service in SERVICES for path in _PROCESS},
    ("intake", "get", "/v1/procedures"): "the catalogue is public",
    ("intake", "get", "/v1/agencies"): "the agencies are public",
    FILE: "writes a dossier of the caller's own place",
    REGISTER: "writes a dossier of the caller's own place",
    REFUSE: "writes a dossier of the caller's own place",
    BACKDATE: "approves for places of the caller's own subtree: tried beside intake",
    CALENDAR: "publishes rules, and names no dossier",
    CATALOGUE: "publishes rules, and names no dossier",
    ("intake", "get", "/internal/v1/dossiers/{code}/people"): "services only, for a purpose, audited",
    ("processing", "get", "/v1/acts"): "the acts and their reasons are public",
    OFFICERS_READ: "who sits, is away or is revoked in a unit: tried by itself",
    OFFICERS_SAID: "says so, and names no dossier",
    ("processing", "post", "/v1/tracking"): "takes a secret and answers with a token",
    ("notification", "get", "/v1/notices/summary"): "counts only, for operators",
    **{
        ("notification", "post", f"/v1/receipts/{channel}"): "the gateway's, under its own secret"
        for channel in ("sms", "zalo")
    },
    ("metrics", "get", "/v1/reports/district"): "public figures",
    ("metrics", "get", "/v1/history/roots"): "digests of whole journals",
}
BEFORE_ACCEPTANCE: tuple[Route, ...] = (
    ("intake", "get", "/v1/registrations/{code}"),
    ("notification", "get", "/v1/dossiers/{code}/notices"),
)
"""Reads that show a registration to its place."""
TRIED = {*READS, *ACTS, LIST, OF_APPLICANTS, ACT_AT_RECEPTION, LIST_AT_RECEPTION}
LOCKS = ("both locks", "predicates alone")


async def operations(everywhere: Everywhere) -> dict[Route, dict[str, Any]]:
    """Every operation of the four documents, as the running services show them."""
    found = {}
    for service in SERVICES:
        document = (await everywhere.http.get(f"{everywhere.stack.urls[service]}/openapi.json")).json()
        for path, item in document["paths"].items():
            found |= {(service, method, path): operation for method, operation in item.items()}
    return found


@asynccontextmanager
async def locks_of(everywhere: Everywhere, locks: str, service: str) -> AsyncIterator[None]:
    """Leave both locks of a service's rows on, or only the predicates of its queries."""
    if locks == "both locks":
        yield
        return
    async with everywhere.without_policies(service):
        yield


async def test_every_route_is_tried_here_or_said_to_tell_nothing_of_a_dossier(everywhere: Everywhere) -> None:
    assert (await operations(everywhere)).keys() == TRIED | NOTHING_OF_A_DOSSIER.keys()
    assert not TRIED & NOTHING_OF_A_DOSSIER.keys()


@pytest.mark.parametrize("locks", LOCKS)
@pytest.mark.parametrize("route", READS, ids="-".join)
async def test_a_dossier_is_read_by_those_who_have_a_part_in_it_and_unknown_to_all_others(
    everywhere: Everywhere, dossiers: list[Filed], agencies: Agencies, route: Route, locks: str
) -> None:
    seen = set()
    async with locks_of(everywhere, locks, route[0]):
        for dossier in dossiers:
            wrong, expected = await misread(everywhere, agencies, route, dossier)
            assert wrong == []
            seen |= expected
    assert seen == {HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}


@pytest.mark.parametrize("locks", LOCKS)
async def test_a_worklist_holds_what_waits_for_its_office_and_nothing_else(
    everywhere: Everywhere, dossiers: list[Filed], agencies: Agencies, locks: str
) -> None:
    async with locks_of(everywhere, locks, "processing"):
        assert await mislisted(everywhere, agencies, dossiers) == []


@pytest.mark.parametrize("locks", LOCKS)
async def test_another_offices_worklist_is_for_leaders_and_auditors_above_it(
    everywhere: Everywhere, dossiers: list[Filed], agencies: Agencies, locks: str
) -> None:
    async with locks_of(everywhere, locks, "processing"):
        assert await mislooked(everywhere, agencies, dossiers) == []


@pytest.mark.parametrize("locks", LOCKS)
@pytest.mark.parametrize("route", ACTS, ids="-".join)
async def test_whoever_has_no_part_acts_on_nothing_and_learns_nothing(
    everywhere: Everywhere, dossiers: list[Filed], agencies: Agencies, route: Route, locks: str
) -> None:
    before = await everywhere.rows("processing.cases", "processing.steps", "processing.duties")
    refused = collections.Counter[int]()
    async with locks_of(everywhere, locks, "processing"):
        for dossier in dossiers:
            wrong, how = await misled(everywhere, agencies, dossier, route=route)
            assert wrong == []
            refused += how
    assert refused[HTTPStatus.NOT_FOUND] > refused[HTTPStatus.FORBIDDEN] > 0
    assert await everywhere.rows(*before) == before


@pytest.mark.parametrize("locks", LOCKS)
@pytest.mark.parametrize("route", BEFORE_ACCEPTANCE, ids="-".join)
async def test_a_registration_is_read_by_its_place_and_those_above_it_and_unknown_to_all_others(
    everywhere: Everywhere, registration: Filed, agencies: Agencies, route: Route, locks: str
) -> None:
    async with locks_of(everywhere, locks, route[0]):
        wrong, expected = await misread(everywhere, agencies, route, registration)
    assert wrong == []
    assert expected == {HTTPStatus.OK, HTTPStatus.NOT_FOUND, HTTPStatus.FORBIDDEN}


@pytest.mark.parametrize("locks", LOCKS)
async def test_what_waits_at_a_place_is_listed_there_and_nowhere_else(
    everywhere: Everywhere, registration: Filed, agencies: Agencies, locks: str
) -> None:
    async with locks_of(everywhere, locks, "intake"):
        assert await mislisted_at_reception(everywhere, agencies, registration) == []


@pytest.mark.parametrize("locks", LOCKS)
async def test_only_its_place_acts_on_a_registration_and_only_those_above_learn_that_it_is_there(
    everywhere: Everywhere, registration: Filed, agencies: Agencies, locks: str
) -> None:
    before = await everywhere.rows("intake.dossiers", "intake.papers")
    async with locks_of(everywhere, locks, "intake"):
        wrong, refused = await misled_at_reception(everywhere, agencies, registration)
    assert wrong == []
    assert refused.keys() == {"version_stale", "agency_not_allowed", "role_not_allowed", "dossier_unknown"}
    assert await everywhere.rows(*before) == before


async def test_what_was_said_of_a_units_officers_is_told_to_it_and_those_above_it(
    everywhere: Everywhere, agencies: Agencies
) -> None:
    """The register stands in memory, past row-level security (ADR 41): what the route looks at is the only lock."""
    unit, day, told = "H56.97", FIRST_MORNING.date(), set[str]()
    said = {"kind": "revocation", "officer": "told.of.nobody.else", "first_day": "2020-01-02"}
    entered = await ask(everywhere, OFFICERS_SAID, ("leader", unit), body=said, action="take")
    assert entered.status_code == HTTPStatus.CREATED, entered.text
    asked = [(role, agency.code) for agency in agencies.agencies for role in OFFICERS]
    reading: Route = (*OFFICERS_READ[:2], f"{OFFICERS_READ[2]}?unit={unit}")
    answers = await asyncio.gather(*(ask(everywhere, reading, caller) for caller in asked))
    for (role, code), answer in zip(asked, answers, strict=True):
        above = agencies.in_force(code, day) and agencies.get(unit).path.startswith(agencies.get(code).path)
        right = (HTTPStatus.OK, None) if above else (HTTPStatus.FORBIDDEN, "agency_not_allowed")
        assert (answer.status_code, answer.json().get("code")) == right, (role, code)
        assert ("told.of.nobody.else" in answer.text) == above, (role, code)
        told |= {code} if above else set()
    assert told == {unit, "H56.90"}


async def test_no_secured_operation_is_open_to_an_expired_token_or_an_agency_that_is_not_in_force(
    everywhere: Everywhere, counter: Counter, agencies: Agencies, dossiers: list[Filed]
) -> None:
    ended = next(agency.code for agency in agencies.agencies if not agency.in_force(FIRST_MORNING.date()))
    secured = {route: each["security"] for route, each in (await operations(everywhere)).items() if "security" in each}
    filing = await counter.filing()
    rules = {"based_on": "calendar-1", "version": "calendar-2", "file": "kind,date,source"}
    approval = {"place": ended, "procedure_code": "1.001193", "received_at": FIRST_MORNING.isoformat()}
    filings = {
        BACKDATE: approval | {"evidence": "postmark", "evidence_no": "1"},
        CALENDAR: rules,
        CATALOGUE: rules,
        OFFICERS_SAID: {"kind": "revocation", "officer": "nobody", "first_day": "2020-01-02"},
        FILE: filing,
        REGISTER: filing | {"received_by": ended},
        REFUSE: filing | {"reason": "not_eligible"},
    }
    for route, doors in secured.items():
        of_officers = any("bearer" in door for door in doors)
        for role in OFFICERS:
            said = {
                "body": filings.get(route),
                "code": dossiers[0].code,
                "action": next(ACTIONS_AT_RECEPTION if route == ACT_AT_RECEPTION else ACTIONS),
            }
            expired = await ask(everywhere, route, (role, "H56.90"), seconds=-60, **said)
            gone = await ask(everywhere, route, (role, ended), **said)
            assert expired.status_code == HTTPStatus.UNAUTHORIZED, (route, role, expired.text)
            refused = HTTPStatus.FORBIDDEN if of_officers else HTTPStatus.UNAUTHORIZED
            by_itself = gone.json()["code"] in BY_ITSELF.get(route, ())
            assert by_itself or gone.status_code == refused, (route, role, gone.text)
            for answer in (expired, gone):
                assert not list(of_the_dossier(answer, dossiers[0])), (route, role, answer.text)
    assert {*ACTS, LIST, *READS, ACT_AT_RECEPTION, LIST_AT_RECEPTION} < secured.keys()


async def test_an_officer_and_another_dossiers_applicant_learn_nothing_from_tracking(
    everywhere: Everywhere, dossiers: list[Filed]
) -> None:
    first, second = dossiers
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
    for (_, _, path), (dossier, status) in itertools.product(
        (OF_APPLICANTS, DEADLINE), ((second, HTTPStatus.OK), (first, HTTPStatus.NOT_FOUND))
    ):
        url = f"{urls['processing']}{path.format(code=dossier.code)}"
        answer = await everywhere.http.get(url, headers=bearer)
        assert (answer.status_code, bool(list(of_the_dossier(answer, dossier)))) == (status, status == HTTPStatus.OK)


async def test_what_tells_nothing_of_a_dossier_tells_nothing(everywhere: Everywhere, dossiers: list[Filed]) -> None:
    stranger = ("desk", "H56.97.22")
    for route, why in NOTHING_OF_A_DOSSIER.items():
        for dossier in dossiers:
            if route[:2] == ("intake", "post"):
                continue
            values = {"code": dossier.code, "action": "take"}
            answer = await ask(everywhere, route, stranger, **values)
            told = set(of_the_dossier(answer, dossier))
            assert not told, (route, why, told)
