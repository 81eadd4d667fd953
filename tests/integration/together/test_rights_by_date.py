"""Rights follow the date: whoever's commune has ended may nothing more, and its dossiers are read by its successor."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx2
import pytest

from deploy.demo.offices import Duty, Officer, act_body
from deploy.local.ports import Ports
from deploy.local.stack import Stack
from shared.clocks import OFFICE_ZONE, write_scenario
from tests.integration.intake.counter import PERSON, Counter
from tests.integration.together.conftest import PORT_BASE, ROOT
from tests.integration.together.everywhere import Everywhere, eyes_on

MORNING = datetime(2024, 12, 31, 7, 30, tzinfo=OFFICE_ZONE)
PROVINCE, DISTRICT = "H56.90", "H56.97"
TOWNSHIP, BA_DINH, NGA_TRUNG, NGA_BACH, NGA_HIEP = (f"H56.97.{number}" for number in (21, 22, 28, 29, 45))
OF_2020 = frozenset(f"H56.97.{number}" for number in range(21, 45))
OF_SPRING = OF_2020 - {NGA_TRUNG, NGA_BACH} | {NGA_HIEP}
NEW_NGA_SON, NEW_BA_DINH = "H56.61", "H56.66"
OF_SUMMER = frozenset(f"H56.{number}" for number in range(61, 67))
EVERYBODY = sorted(OF_2020 | OF_SPRING | OF_SUMMER | {DISTRICT, PROVINCE})
READS = {
    "intake": "/v1/dossiers/{code}",
    "processing": "/v1/dossiers/{code}",
    "notification": "/v1/dossiers/{code}/notices",
}
"""Service → the route by which an officer reads one dossier there."""


@dataclass(frozen=True)
class Turn:
    """The first second of an order of communes, or its last: who is in force, and who reads whose dossiers."""

    moment: str
    communes: frozenset[str]
    readers: Mapping[str, str]
    above: frozenset[str]

    @property
    def in_force(self) -> frozenset[str]:
        return self.communes | self.above


_OWN = {place: place for place in (TOWNSHIP, BA_DINH, NGA_TRUNG)}
_SPRING = (OF_SPRING, _OWN | {NGA_TRUNG: NGA_HIEP}, frozenset({DISTRICT, PROVINCE}))
TURNS = (
    Turn("2024-12-31T23:59:59", OF_2020, _OWN, frozenset({DISTRICT, PROVINCE})),
    Turn("2025-01-01T00:00:00", *_SPRING),
    Turn("2025-06-30T23:59:59", *_SPRING),
    Turn(
        "2025-07-01T00:00:00",
        OF_SUMMER,
        {TOWNSHIP: NEW_NGA_SON, BA_DINH: NEW_BA_DINH, NGA_TRUNG: NEW_NGA_SON},
        frozenset({PROVINCE}),
    ),
)


@dataclass(frozen=True)
class Town:
    """A running stack in which each of three communes took a dossier in while all of them were in force."""

    eyes: Everywhere
    at_once: asyncio.Semaphore
    codes: Mapping[str, str]
    duties: Mapping[str, Mapping[str, Any]]
    """By the place of reception: its dossier, and what that waits for there."""

    async def ask(self, service: str, path: str, agency: str, *, role: str = "leader", **sent: Any) -> httpx2.Response:
        """Ask as an officer; an act where something is sent, else a read."""
        token = self.eyes.stack.token(role, agency, f"{role}.{agency}")
        headers = {"Authorization": f"Bearer {token}", **sent.pop("headers", {})}
        url = self.eyes.stack.urls[service] + path
        async with self.at_once:
            return await self.eyes.http.request("POST" if sent else "GET", url, headers=headers, **sent)


@pytest.fixture(scope="module")
async def town() -> AsyncIterator[Town]:
    """All parts, on the last morning on which the communes of 2020 are in force."""
    ports = Ports.from_base(PORT_BASE + 50)
    async with (
        Stack(ROOT / "var" / "test-by-date", ports, scenario=MORNING, fresh=True) as stack,
        eyes_on(stack) as eyes,
        httpx2.AsyncClient(base_url=stack.urls["intake"], timeout=20, trust_env=False) as http,
    ):
        counter = Counter(stack, http, eyes.database)
        filing = await counter.filing()
        codes, duties = {}, {}
        for place in _OWN:
            answer = await counter.hand_in(filing, headers=counter.bearer("desk", place))
            codes[place] = answer.json()["code"]
        await eyes.rest()
        # New tokens are their address's: more at once would be refused.
        made = Town(eyes, asyncio.Semaphore(16), codes, duties)
        for place, code in codes.items():
            seen = (await made.ask("processing", READS["processing"].format(code=code), place)).json()
            (duties[place],) = seen["open_duties"]
        yield made


@pytest.fixture(scope="module", params=TURNS, ids=lambda turn: turn.moment)
def turn(request: pytest.FixtureRequest, town: Town) -> Turn:
    """One after the other: legal time never goes back."""
    turn: Turn = request.param
    assert town.eyes.stack.scenario_file is not None
    write_scenario(town.eyes.stack.scenario_file, datetime.fromisoformat(turn.moment).replace(tzinfo=OFFICE_ZONE))
    return turn


def test_the_orders_are_those_of_the_law() -> None:
    assert [len(turn.communes) for turn in TURNS] == [24, 23, 23, 6]


async def test_officers_of_communes_in_force_work_and_all_others_may_nothing(town: Town, turn: Turn) -> None:
    listed = (await town.eyes.http.get(f"{town.eyes.stack.urls['intake']}/v1/agencies")).json()["items"]
    assert {agency["code"] for agency in listed if agency["kind"] == "commune"} == turn.communes
    answers = await asyncio.gather(*(town.ask("processing", "/v1/worklist", agency) for agency in EVERYBODY))
    told = {agency: answer.status_code for agency, answer in zip(EVERYBODY, answers, strict=True)}
    assert told == {agency: HTTPStatus.OK if agency in turn.in_force else HTTPStatus.FORBIDDEN for agency in EVERYBODY}
    refused = {answer.json()["code"] for answer in answers if answer.status_code == HTTPStatus.FORBIDDEN}
    assert refused == {"agency_not_allowed"}


@pytest.mark.parametrize("service", READS)
async def test_a_dossier_is_read_by_its_commune_then_by_its_successor_and_by_no_other(
    town: Town, turn: Turn, service: str
) -> None:
    for place, code in town.codes.items():
        path, readers = READS[service].format(code=code), {turn.readers[place], *turn.above}
        answers = await asyncio.gather(*(town.ask(service, path, agency) for agency in EVERYBODY))
        for agency, answer in zip(EVERYBODY, answers, strict=True):
            refused = HTTPStatus.NOT_FOUND if agency in turn.in_force else HTTPStatus.FORBIDDEN
            expected = HTTPStatus.OK if agency in readers else refused
            told = any(mark in answer.text for mark in (code, PERSON["name"]))
            assert (answer.status_code, told) == (expected, expected == HTTPStatus.OK), (place, agency)


async def test_what_waits_for_a_commune_is_done_by_its_officers_only_while_it_is_in_force(
    town: Town, turn: Turn
) -> None:
    """Asked with another version than the dossier's, so that whoever may act is refused for that alone."""
    for place, code in town.codes.items():
        duty = town.duties[place]
        body = act_body(Duty(Officer(place, duty["role"]), duty["step_no"], duty["action"]))
        headers = {"Idempotency-Key": f"by-date-{place}-{turn.moment}", "If-Match": '"999"'}
        path = f"/v1/dossiers/{code}/acts/{duty['action']}"
        answer = await town.ask("processing", path, place, role=duty["role"], headers=headers, json=body)
        expected = HTTPStatus.PRECONDITION_FAILED if place in turn.in_force else HTTPStatus.FORBIDDEN
        assert answer.status_code == expected, (place, answer.text)
