"""What the rights say that an officer is answered, held against what the running services answer him."""

from __future__ import annotations

import asyncio
import collections
import itertools
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple

import httpx2

from deploy.demo.offices import Duty, Officer, act_body
from services.intake.domain.registration import EFFECTS as AT_RECEPTION
from services.processing.domain.effects import EFFECTS
from shared.rulebook.agencies import Agencies
from tests.integration.intake.counter import FIRST_MORNING, PERSON
from tests.integration.together.everywhere import Everywhere

Route = tuple[str, str, str]
"""Service, method, path as the service's OpenAPI document has it."""

OFFICERS = ("desk", "specialist", "leader", "auditor")
READS: Mapping[Route, tuple[str, ...]] = {
    ("intake", "get", "/v1/dossiers/{code}"): ("place", "competent", "steps"),
    ("intake", "get", "/v1/registrations/{code}"): ("place",),
    ("processing", "get", "/v1/dossiers/{code}"): ("place", "competent", "steps"),
    ("processing", "get", "/v1/dossiers/{code}/deadline"): ("place", "competent", "steps"),
    ("processing", "get", "/v1/dossiers/{code}/history"): ("place", "competent", "steps"),
    ("notification", "get", "/v1/dossiers/{code}/notices"): ("place", "competent"),
}
"""Reads of one dossier by officers: whose subtree may read it."""
ACT: Route = ("processing", "post", "/v1/dossiers/{code}/acts/{action}")
ACT_ON_MANY: Route = ("processing", "post", "/v1/acts")
ACTS = (ACT, ACT_ON_MANY)
"""The routes by which officers act: one act, and several of which each is answered by itself."""
LIST: Route = ("processing", "get", "/v1/worklist")
ACT_AT_RECEPTION: Route = ("intake", "post", "/v1/dossiers/{code}/acts/{action}")
LIST_AT_RECEPTION: Route = ("intake", "get", "/v1/registrations")
"""What waits at a place of reception, and the acts on it there."""
_keys, _ROLES, ACTIONS = itertools.count(1), itertools.cycle(OFFICERS), itertools.cycle(EFFECTS)
ACTIONS_AT_RECEPTION = itertools.cycle(AT_RECEPTION)


SAID_IN: Mapping[str, Mapping[str, object]] = {
    "reassign": {"officer": "anybody", "agency": "H56.90"},
    "ask_agency": {"agency": "H56.90"},
    **{key: {"reason": "result_faulty"} for key in ("void_signature", "reopen")},
    "correct_result": {"reason": "clerical_error"},
    **{key: {"papers": ["any"]} for key in ("request_supplement", "propose_supplement")},
    **{key: {"amount_vnd": 5} for key in ("demand_payment", "record_payment")},
    **{key: {} for key in ("approve_supplement", "receive_supplement", "refuse_after_limit", "stop_unpaid")},
    **{key: {} for key in ("withdraw", "stop", "accept", "request_withdrawal")},
    **{key: {"papers": [{"paper_code": "any"}]} for key in ("ask_papers", "submit_papers")},
    "refuse": {"reason": "not_eligible"},
}
"""What acts say that nobody owes, so that they are refused for their caller's sake alone."""


@dataclass(frozen=True)
class Filed:
    """A dossier of the trial: its code, the paths of who has a part in it, and what it waits for."""

    code: str
    paths: Mapping[str, tuple[str, ...]]
    owed: tuple[tuple[str, str], ...]

    def concerns(self, agency: str, parts: tuple[str, ...]) -> bool:
        return any(path.startswith(agency) for part in parts for path in self.paths[part])


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
    everywhere: Everywhere,
    route: Route,
    caller: tuple[str, str],
    *,
    seconds: int = 600,
    process: str = "",
    body: Any = None,
    version: int = 1,
    **values: str,
) -> httpx2.Response:
    """Call a route as an officer (role, agency); another process of the service where one is named."""
    service, method, path = route
    role, agency = caller
    token = everywhere.stack.token(role, agency, f"{role}.{agency}", seconds=seconds)
    headers = {"Authorization": f"Bearer {token}"}
    if method == "post":
        headers |= {"Idempotency-Key": f"every-route-{next(_keys)}", "If-Match": f'"{version}"'}
        action = values["action"]
        owed = act_body(Duty(Officer(agency, role), 1, action))
        body = body or SAID_IN.get(action, owed)
        if route == ACT_ON_MANY:
            body = {"acts": [{"code": values["code"], "action": action, "version": version, "body": body}]}
    url = f"http://127.0.0.1:{everywhere.stack.ports.of(process or service)}{path.format(**values)}"
    async with _at_once:
        return await everywhere.http.request(method.upper(), url, headers=headers, json=body)


def of_the_dossier(answer: httpx2.Response, dossier: Filed) -> Iterator[str]:
    """What an answer tells of a dossier, beyond that it was asked for."""
    return (mark for mark in (dossier.code, PERSON["name"], "012 345", "012345") if mark in answer.text)


class Misjudged(NamedTuple):
    """Who was answered otherwise than the rights say: with what, and what it told of the dossier."""

    caller: tuple[str, str]
    status: int
    told: list[str]


async def misread(
    everywhere: Everywhere, agencies: Agencies, route: Route, dossier: Filed, process: str = ""
) -> tuple[list[Misjudged], set[int]]:
    """Read a dossier as every agency; answer who saw what he may not, or not what he may, and what was expected."""
    asked = [(role, agency.code) for agency, role in zip(agencies.agencies, _ROLES, strict=False)]
    reading = (ask(everywhere, route, caller, process=process, code=dossier.code) for caller in asked)
    wrong, expected, day = [], set[int](), FIRST_MORNING.date()
    for caller, answer in zip(asked, await asyncio.gather(*reading), strict=True):
        told = list(of_the_dossier(answer, dossier))
        if not agencies.in_force(caller[1], day):
            right = HTTPStatus.FORBIDDEN
        elif dossier.concerns(agencies.get(caller[1]).path, READS[route]):
            right = HTTPStatus.OK
        else:
            right = HTTPStatus.NOT_FOUND
        if (answer.status_code, bool(told)) != (right, right == HTTPStatus.OK):
            wrong.append(Misjudged(caller, answer.status_code, told))
        expected.add(right)
    return wrong, expected


async def mislisted(
    everywhere: Everywhere, agencies: Agencies, dossiers: Sequence[Filed], process: str = ""
) -> list[Misjudged]:
    """Ask every office for its worklist; answer who found a dossier there that does not wait for him, or misses one."""
    asked = [(role, agency.code) for agency in agencies.agencies for role in OFFICERS]
    lists = await asyncio.gather(*(whole_list(everywhere, caller, process) for caller in asked))
    return [
        Misjudged(caller, pages[-1].status_code, told)
        for caller, pages in zip(asked, lists, strict=True)
        for dossier in dossiers
        if bool(told := [mark for page in pages for mark in of_the_dossier(page, dossier)])
        != (caller[::-1] in dossier.owed)
    ]


async def mislisted_at_reception(
    everywhere: Everywhere, agencies: Agencies, registration: Filed, process: str = ""
) -> list[Misjudged]:
    """Ask every office what waits at its place; answer who found a registration of another place, or misses his."""
    asked = [(role, agency.code) for agency in agencies.agencies for role in OFFICERS]
    lists = await asyncio.gather(
        *(whole_list(everywhere, caller, process, route=LIST_AT_RECEPTION) for caller in asked)
    )
    return [
        Misjudged(caller, pages[-1].status_code, told)
        for caller, pages in zip(asked, lists, strict=True)
        if bool(told := [mark for page in pages for mark in of_the_dossier(page, registration)])
        != (agencies.get(caller[1]).path in registration.paths["place"])
    ]


async def whole_list(
    everywhere: Everywhere, caller: tuple[str, str], process: str = "", narrowed: str = "", route: Route = LIST
) -> list[httpx2.Response]:
    """Read every page of an office's list; a refusal is the only page."""
    pages, cursor = [], narrowed
    while True:
        page = (*route[:2], f"{route[2]}?limit=200{cursor}")
        pages.append(await ask(everywhere, page, caller, process=process))
        following = pages[-1].json().get("next_cursor")
        if not following:
            return pages
        cursor = f"{narrowed}&cursor={following}"


async def mislooked(everywhere: Everywhere, agencies: Agencies, dossiers: Sequence[Filed]) -> list[Misjudged]:
    """Ask as every officer for the lists of the offices that owe something; answer who was not shown them rightly.

    An office's own list is `mislisted`'s; any other is for leaders and auditors above it.
    """
    offices = sorted({office for dossier in dossiers for office in dossier.owed})
    callers = [(role, agency.code) for agency in agencies.agencies for role in OFFICERS]
    asked = [(caller, office) for office in offices for caller in callers if caller[::-1] != office]
    lists = (whole_list(everywhere, caller, narrowed="&unit={}&office={}".format(*office)) for caller, office in asked)
    wrong = []
    for (caller, office), pages in zip(asked, await asyncio.gather(*lists), strict=True):
        role, agency = caller
        in_force = agencies.in_force(agency, FIRST_MORNING.date())
        above = agencies.get(office[0]).path.startswith(agencies.get(agency).path)
        right = HTTPStatus.OK if in_force and above and role in {"leader", "auditor"} else HTTPStatus.FORBIDDEN
        told = {mark for page in pages for dossier in dossiers for mark in of_the_dossier(page, dossier)}
        waiting = {dossier.code for dossier in dossiers if office in dossier.owed}
        if (pages[-1].status_code, told) != (right, waiting if right == HTTPStatus.OK else set()):
            wrong.append(Misjudged(caller, pages[-1].status_code, sorted(told)))
    return wrong


def strangers(agencies: Agencies, dossier: Filed) -> list[tuple[str, str]]:
    """Every officer of every agency in force that has no part in a dossier."""
    return [
        (role, agency.code)
        for agency in agencies.agencies
        for role in OFFICERS
        if agency.in_force(FIRST_MORNING.date()) and not dossier.concerns(agency.path, ("place", "competent", "steps"))
    ]


REFUSED = {HTTPStatus.NOT_FOUND: "dossier_unknown", HTTPStatus.FORBIDDEN: "role_not_allowed"}
"""What a stranger's act is answered: before the dossier is looked at, or as if there were none."""


def _act_answered(answer: httpx2.Response) -> tuple[int, str]:
    """Status and code of an act's answer, or of the only one in a list."""
    said, status = answer.json(), answer.status_code
    if status == HTTPStatus.OK and "items" in said:
        [only] = said["items"]
        said, status = only["answer"], only["status"]
    return status, said["code"]


async def misled(
    everywhere: Everywhere, agencies: Agencies, dossier: Filed, process: str = "", route: Route = ACT
) -> tuple[list[Misjudged], collections.Counter[int]]:
    """Act as every stranger; answer whose answer shows that there is such a dossier, and how they were refused."""
    callers = strangers(agencies, dossier)
    acting = (
        ask(everywhere, route, caller, process=process, code=dossier.code, action=next(ACTIONS)) for caller in callers
    )
    wrong, refused = [], collections.Counter[int]()
    for caller, answer in zip(callers, await asyncio.gather(*acting), strict=True):
        told = list(of_the_dossier(answer, dossier))
        status, code = _act_answered(answer)
        if told or REFUSED.get(HTTPStatus(status)) != code:
            wrong.append(Misjudged(caller, status, told or [code]))
        refused[status] += 1
    return wrong, refused


async def misled_at_reception(
    everywhere: Everywhere, agencies: Agencies, registration: Filed, process: str = ""
) -> tuple[list[Misjudged], collections.Counter[str]]:
    """Act at reception as every agency's desk, and as one more of its officers, on a version that there never was.

    Answers who was refused otherwise than the rights say, and how often each refusal was right.
    """
    others = itertools.cycle(OFFICERS[1:])
    callers = [(role, agency.code) for agency in agencies.agencies for role in (OFFICERS[0], next(others))]
    acting = (
        ask(
            *(everywhere, ACT_AT_RECEPTION, caller),
            process=process,
            version=999,
            code=registration.code,
            action=next(ACTIONS_AT_RECEPTION),
        )
        for caller in callers
    )
    wrong, refused = [], collections.Counter[str]()
    for caller, answer in zip(callers, await asyncio.gather(*acting), strict=True):
        told, right = list(of_the_dossier(answer, registration)), _at_reception(agencies, registration, caller)
        if told or (answer.status_code, answer.json()["code"]) != right:
            wrong.append(Misjudged(caller, answer.status_code, told or [answer.json()["code"]]))
        refused[right[1]] += 1
    return wrong, refused


def _at_reception(agencies: Agencies, registration: Filed, caller: tuple[str, str]) -> tuple[int, str]:
    """How an act on a version that never was is refused: only its own place is told so, only those above of it."""
    (role, agency), [place] = caller, registration.paths["place"]
    path = agencies.get(agency).path
    if role != "desk":
        return HTTPStatus.FORBIDDEN, "role_not_allowed"
    if path == place:
        return HTTPStatus.PRECONDITION_FAILED, "version_stale"
    if place.startswith(path) or not agencies.in_force(agency, FIRST_MORNING.date()):
        return HTTPStatus.FORBIDDEN, "agency_not_allowed"
    return HTTPStatus.NOT_FOUND, "dossier_unknown"
