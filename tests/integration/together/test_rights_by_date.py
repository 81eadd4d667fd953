"""Rights follow the date: whoever's agency has ended may nothing more, and its successor carries its dossiers on."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import urlencode

import httpx2
import pytest

from deploy.demo.offices import Duty, Officer, act_body
from deploy.local.ports import Ports
from deploy.local.stack import Stack
from shared.clocks import OFFICE_ZONE, write_scenario
from shared.contracts.facts import State
from tests.clients import plain_client
from tests.integration.intake.counter import PERSON, Counter
from tests.integration.together.conftest import PORT_BASE, ROOT
from tests.integration.together.everywhere import Everywhere, eyes_on
from tests.operating import succeed
from tests.ports import BLOCK

MORNING = datetime(2024, 12, 31, 7, 30, tzinfo=OFFICE_ZONE)
PROVINCE, DISTRICT, DESK = "H56.90", "H56.97", "H56.97.01"
TOWNSHIP, BA_DINH, NGA_TRUNG, NGA_BACH, NGA_HIEP = (f"H56.97.{number}" for number in (21, 22, 28, 29, 45))
OF_2020 = frozenset(f"H56.97.{number}" for number in range(21, 45))
OF_SPRING = OF_2020 - {NGA_TRUNG, NGA_BACH} | {NGA_HIEP}
NEW_NGA_SON, NEW_BA_DINH = "H56.61", "H56.66"
OF_SUMMER = frozenset(f"H56.{number}" for number in range(61, 67))
EVERYBODY = sorted(OF_2020 | OF_SPRING | OF_SUMMER | {DISTRICT, DESK, PROVINCE})
OFFICES = {DESK, DISTRICT, "H56.97.04"}
OLD_REGISTRY, NEW_REGISTRY = "H56.92.01", "H56.94.01"


class Way(NamedTuple):
    """What a place takes in, and every act that it waits for."""

    place: str
    filing: Mapping[str, str]
    acts: Sequence[str]


AT_THE_DESK = {"procedure_code": "2.000806", "area_code": "16096"}
"""What the district's desk takes in for its own offices: an applicant's who lives in Ba Đình."""
WORKED, ENDED = ("take", "forward"), ("finish", "hand_over")
WAYS = {
    "commune": Way(NGA_TRUNG, {}, ["assign", *WORKED, "sign", "number", *ENDED]),
    "district": Way(DESK, AT_THE_DESK, ["assign", *WORKED, *WORKED, "sign", "number", *ENDED]),
    "registry": Way(
        DESK,
        {**AT_THE_DESK, "procedure_code": "1.012784"},
        ["assign", *WORKED, *WORKED, "sign", "number", *WORKED, *ENDED],
    ),
}
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
        return self.communes | self.above | ({DESK} if DISTRICT in self.above else set())

    @property
    def following(self) -> Turn | None:
        return next(iter(TURNS[TURNS.index(self) + 1 :]), None)


_OWN = {place: place for place in (TOWNSHIP, BA_DINH, NGA_TRUNG, DESK)}
_SPRING = (OF_SPRING, _OWN | {NGA_TRUNG: NGA_HIEP}, frozenset({DISTRICT, PROVINCE}))
TURNS = (
    Turn("2024-12-31T23:59:59", OF_2020, _OWN, frozenset({DISTRICT, PROVINCE})),
    Turn("2025-01-01T00:00:00", *_SPRING),
    Turn("2025-06-30T23:59:59", *_SPRING),
    Turn(
        "2025-07-01T00:00:00",
        OF_SUMMER,
        {TOWNSHIP: NEW_NGA_SON, BA_DINH: NEW_BA_DINH, NGA_TRUNG: NEW_NGA_SON, DESK: NEW_BA_DINH},
        frozenset({PROVINCE}),
    ),
)


@dataclass(frozen=True)
class Town:
    """A running stack in which three communes and the district's desk took dossiers in while all were in force."""

    eyes: Everywhere
    at_once: asyncio.Semaphore
    codes: Mapping[str, str]
    duties: Mapping[str, Mapping[str, Any]]
    """By the place of reception: its dossier, and what that waits for there."""
    carried: Mapping[str, Mapping[str, str]]
    """By the way and the turn: a dossier that is carried to its end there."""
    registered: str
    """Registered at the district's desk and not accepted."""

    async def ask(
        self, service: str, path: str, agency: str, *, role: str = "leader", subject: str = "", **sent: Any
    ) -> httpx2.Response:
        """Ask as an officer; an act where something is sent, else a read."""
        token = self.eyes.stack.token(role, agency, subject or f"{role}.{agency}")
        headers = {"Authorization": f"Bearer {token}", **sent.pop("headers", {})}
        url = self.eyes.stack.urls[service] + path
        async with self.at_once:
            return await self.eyes.http.request("POST" if sent else "GET", url, headers=headers, **sent)


@pytest.fixture(scope="module")
async def town() -> AsyncIterator[Town]:
    """All parts, on the last morning on which the communes of 2020 are in force."""
    ports = Ports.from_base(PORT_BASE + BLOCK)
    async with (
        Stack(ROOT / "var" / "test-by-date", ports, scenario=MORNING, fresh=True) as stack,
        eyes_on(stack) as eyes,
        plain_client(base_url=stack.urls["intake"]) as http,
    ):
        counter = Counter(stack, http, eyes.database)

        async def handed_in(place: str, **filing: str) -> str:
            answer = await counter.hand_in(await counter.filing(**filing), headers=counter.bearer("desk", place))
            return str(answer.json()["code"])

        codes = {place: await handed_in(place, **(AT_THE_DESK if place == DESK else {})) for place in _OWN}
        carried = {
            name: {turn.moment: await handed_in(way.place, **way.filing) for turn in TURNS}
            for name, way in WAYS.items()
        }
        filing, duties = await counter.filing(**AT_THE_DESK), {}
        registered = (await counter.register(filing, counter.bearer("desk", DESK), DESK)).json()["code"]
        await eyes.rest()
        # New tokens are their address's: more at once would be refused.
        made = Town(eyes, asyncio.Semaphore(16), codes, duties, carried, registered)
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


async def test_what_waits_for_an_agency_is_done_by_whoever_answers_for_it_on_the_day(town: Town, turn: Turn) -> None:
    """Asked with another version than the dossier's, so that whoever may act is refused for that alone."""
    for place, code in town.codes.items():
        duty = town.duties[place]
        body = act_body(Duty(Officer(place, duty["role"]), duty["step_no"], duty["action"]))
        path = f"/v1/dossiers/{code}/acts/{duty['action']}"
        headers = {"Idempotency-Key": f"by-date-{place}-{turn.moment}", "If-Match": '"999"'}
        asked = (
            town.ask("processing", path, agency, role=duty["role"], headers=dict(headers), json=body)
            for agency in EVERYBODY
        )
        for agency, answer in zip(EVERYBODY, await asyncio.gather(*asked), strict=True):
            assert answer.status_code == expected(turn, place, agency), (place, agency, answer.text)


def expected(turn: Turn, place: str, agency: str) -> HTTPStatus:
    """What an officer is told who acts on another version of a dossier of that place than there is."""
    signs = place == DESK and agency == DISTRICT
    if agency == turn.readers[place] or (signs and agency in turn.in_force):
        return HTTPStatus.PRECONDITION_FAILED
    return HTTPStatus.NOT_FOUND if agency in turn.in_force - turn.above else HTTPStatus.FORBIDDEN


async def listed(town: Town, viewer: Officer, subject: str, **filters: str) -> list[str]:
    """The codes of an officer's worklist, read one line at a time."""
    found: list[str] = []
    asked = {**filters, "limit": "1"}
    while True:
        path = f"/v1/worklist?{urlencode(asked)}"
        answer = await town.ask("processing", path, viewer.agency, role=viewer.role, subject=subject)
        page = answer.json()
        found += [item["code"] for item in page["items"]]
        if not page["next_cursor"]:
            return found
        asked["cursor"] = page["next_cursor"]


async def act(town: Town, seen: Mapping[str, Any], duty: Mapping[str, Any], action: str, subject: str) -> None:
    """Do one act as the officer who owes it, in a list of one: each is judged as it is alone."""
    officer, code = Officer(duty["agency"], duty["role"]), seen["code"]
    [item] = [
        item
        for item in (
            await town.ask("processing", "/v1/worklist", officer.agency, role=officer.role, subject=subject)
        ).json()["items"]
        if item["code"] == code
    ]
    [line] = [line for line in item["duties"] if (line["step_no"], line["action"]) == (duty["step_no"], duty["action"])]
    named = Officer(line["agency"], line["role"])
    body = act_body(Duty(officer, duty["step_no"], action, named))
    acts = {"acts": [{"code": code, "action": action, "version": seen["version"], "body": body}]}
    headers = {"Idempotency-Key": f"{code}-{action}-{seen['version']}"}
    answer = await town.ask(
        "processing", "/v1/acts", officer.agency, role=officer.role, subject=subject, headers=headers, json=acts
    )
    [told] = answer.json()["items"]
    assert told["status"] == HTTPStatus.OK, told


async def carry_on(town: Town, code: str, reader: str, *, acts: int = 99) -> list[tuple[str, str]]:
    """Do what a dossier waits for, so many acts at most; answer each with the agency that did it."""
    done: list[tuple[str, str]] = []
    while len(done) < acts:
        seen = (await town.ask("processing", READS["processing"].format(code=code), reader)).json()
        duty = next((duty for duty in seen["open_duties"] if duty["action"] != "send_apology"), None)
        if duty is None:
            break
        action = "take" if duty["action"] == "forward" and not duty["taken"] else duty["action"]
        officer = Officer(duty["agency"], duty["role"])
        subject = duty["holder"] or officer.subject
        assert code in await listed(town, officer, subject)
        if duty["holder"]:
            chief = Officer(officer.agency, "leader")
            assert code in await listed(town, chief, chief.subject, office=officer.role, officer=subject)
        await act(town, seen, duty, action, subject)
        done.append((action, officer.agency))
    return done


def actors(name: str, turn: Turn) -> tuple[set[str], str]:
    """Who does the acts of a way on that day, and who of them numbers the result."""
    reader = turn.readers[WAYS[name].place]
    if name == "registry":
        registry = OLD_REGISTRY if turn.moment < "2025-03-01" else NEW_REGISTRY
        return {reader, registry}, registry
    return (OFFICES, DISTRICT) if reader == DESK else ({reader}, reader)


@pytest.mark.parametrize("name", WAYS)
async def test_a_whole_dossier_is_carried_on_by_whoever_answers_for_those_who_had_it(
    town: Town, turn: Turn, name: str
) -> None:
    """Whoever held a step on the eve goes on with it in the agency that took its work over."""
    way, code = WAYS[name], town.carried[name][turn.moment]
    reader, (acting, numbers) = turn.readers[way.place], actors(name, turn)
    before = (await town.ask("processing", READS["processing"].format(code=code), reader)).json()
    done = await carry_on(town, code, reader)
    assert [action for action, _ in done] == way.acts[0 if before["state"] == State.ACCEPTED else 1 :]
    assert {agency for _, agency in done} == acting
    seen = (await town.ask("processing", READS["processing"].format(code=code), reader)).json()
    assert (seen["state"], seen["result_number"].split("/")[1:]) == (10, [turn.moment[:4], numbers])
    assert {step["agency"] for step in seen["steps"]} <= {way.place, *OFFICES, OLD_REGISTRY}, "it is not rewritten"
    facts = (await town.ask("processing", f"/v1/dossiers/{code}/history", reader)).json()["facts"]
    assert facts[-1]["said"]["agency"] == reader
    if turn.following is not None:
        begun = await carry_on(town, town.carried[name][turn.following.moment], reader, acts=1)
        assert begun == [("assign", reader)]


PLACES = (DESK, BA_DINH, NGA_TRUNG, NGA_HIEP, NEW_BA_DINH, NEW_NGA_SON)


async def test_what_applicants_bring_is_taken_by_whoever_answers_for_the_place(town: Town, turn: Turn) -> None:
    """Asked with another version than the dossier's, before it is accepted and after."""
    waiting = [(place, code, "request_withdrawal") for place, code in town.codes.items()]
    for place, code, action in [*waiting, (DESK, town.registered, "withdraw")]:
        for agency in PLACES:
            headers = {"Idempotency-Key": f"{code}-{agency}-{turn.moment}", "If-Match": '"999"'}
            path = f"/v1/dossiers/{code}/acts/{action}"
            told = await town.ask("intake", path, agency, role="desk", headers=headers, json={})
            assert told.status_code == expected(turn, place, agency), (code, agency, told.text)


async def test_a_registration_waits_with_whoever_answers_for_its_place(town: Town, turn: Turn) -> None:
    """Of what the district's desk had not accepted, each commune has what is its area's."""
    for agency in PLACES:
        answer = await town.ask("intake", "/v1/registrations", agency, role="desk")
        listed = answer.status_code == HTTPStatus.OK and town.registered in answer.text
        assert listed is (agency == turn.readers[DESK]), agency
    if turn.following is None:
        headers = {"Idempotency-Key": "registered-accepted", "If-Match": '"1"'}
        accept = f"/v1/dossiers/{town.registered}/acts/accept"
        told = await town.ask("intake", accept, NEW_BA_DINH, role="desk", headers=headers, json={})
        assert told.status_code == HTTPStatus.OK, told.text
        await town.eyes.rest()
        seen = (await town.ask("processing", f"/v1/dossiers/{town.registered}", NEW_BA_DINH)).json()
        assert (seen["received_by"], seen["competent_agency"]) == (DESK, NEW_BA_DINH)
        assert {step["agency"] for step in seen["steps"]} == {NEW_BA_DINH}


async def test_every_clock_and_step_follows_from_its_facts_whoever_acted(town: Town, turn: Turn) -> None:
    if turn.following is None:
        await succeed(town.eyes.stack, "verify", "clocks")
