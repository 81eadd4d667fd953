"""Whoever walks dossiers through the services over HTTP: brings each where it has to stand, then tries acts on it."""

from __future__ import annotations

import asyncio
import itertools
import json
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, NamedTuple

from shared.http.wire import Answer, ConnectionLost, Wire
from tests.integration.intake.counter import Counter as Desk
from tests.integration.together.everywhere import Everywhere
from tests.integration.together.situations import (
    ACTS,
    INTAKE,
    MARITAL_STATUS,
    OWNER,
    PROCESSING,
    SITUATIONS,
    Kind,
    Situation,
    Verdict,
    body_of,
    judge,
)
from tests.waiting import until

APPLICANT = "walks.all.ways"
BEGIN = {"accept_at_desk": "/v1/dossiers", "register_online": "/v1/registrations", "refuse_at_desk": "/v1/refusals"}
AT_ONCE = 16
_keys = itertools.count(1)


class Tried(NamedTuple):
    """An act that was tried: where, by whom, what the law answers and what was answered."""

    situation: Situation
    service: str
    action: str
    role: str
    law: Verdict
    status: int
    said: Mapping[str, Any]

    def __str__(self) -> str:
        told = self.said.get("fact") or self.said.get("code")
        where = f"state {self.situation.state}, {self.situation.name}"
        return f"{where}: {self.service}'s {self.action} by {self.role}: {self.status} {told} for {self.law[:2]}"


@dataclass
class Dossier:
    """One of the walk's: `alone` is the act that it is for; without one it stands all that are refused."""

    situation: Situation
    alone: tuple[str, str, str] | None = None
    whole: bool = False
    code: str = ""
    versions: dict[str, int] = field(default_factory=dict)


def planned() -> list[Dossier]:
    """One dossier for each situation, and one for each act that the law allows, once from each state and row.

    In the first situation of a state every act is tried by everybody; in the others those that the state has at all.
    """
    found: list[Dossier] = []
    walked, seen = set[tuple[str, str, int]](), set[tuple[str, bool]]()
    for here in SITUATIONS:
        found.append(Dossier(here, whole=(here.state, here.accepted) not in seen))
        seen.add((here.state, here.accepted))
        for service, action, role in pairs(here):
            row = judge(here, service, action, role).row
            if row is not None and (here.state, role, row.no) not in walked:
                walked.add((here.state, role, row.no))
                found.append(Dossier(here, (service, action, role)))
    return found


def pairs(here: Situation) -> Iterator[tuple[str, str, str]]:
    for service, actions in ACTS.items():
        yield from ((service, *each) for each in itertools.product(here.only or actions, here.roles()))


def refused_at(dossier: Dossier) -> Iterator[tuple[str, str, str]]:
    here = dossier.situation
    for service, action, role in pairs(here):
        law = judge(here, service, action, role)
        if law.row is None and action in ACTS[service] and (dossier.whole or law.says not in FOR_THE_STATE_ALONE):
            yield service, action, role


FOR_THE_STATE_ALONE = {"role_not_allowed", "action_unknown", "dossier_unknown", "illegal_move"}
"""Refusals that are the same wherever a dossier of that state stands."""


@dataclass(frozen=True)
class Walker:
    """The services as everybody asks them, one request each time."""

    everywhere: Everywhere
    counter: Desk
    wires: Mapping[str, Wire]
    tokens: dict[tuple[str, str], str] = field(default_factory=dict)

    def headers(self, role: str, agency: str) -> dict[str, str]:
        if (role, agency) not in self.tokens:
            subject = f"{role}.{agency}" if agency else APPLICANT
            self.tokens[role, agency] = self.everywhere.stack.token(role, agency, subject)
        return {
            "authorization": f"Bearer {self.tokens[role, agency]}",
            "idempotency-key": f"walked-{next(_keys)}",
            "content-type": "application/json",
        }

    async def begin(self, action: str, role: str, kind: Kind, **changes: Any) -> Answer:
        """Hand a dossier in; nobody is told of it, which is another matter."""
        filing = await self.counter.filing(kind.procedure, channel_preferences=[])
        filing |= {"register_online": {"received_by": kind.place}, "refuse_at_desk": {"reason": "not_eligible"}}.get(
            action, {}
        )
        filing |= changes
        headers = self.headers(role, "" if role == "citizen" else kind.place)
        return await self.wires[INTAKE].request("POST", BEGIN[action], headers, json.dumps(filing).encode())

    async def act(
        self, dossier: Dossier, service: str, action: str, role: str, agency: str, *, body: Any = None
    ) -> Answer:
        kind = dossier.situation.kind
        paper = (await self.counter.filing(kind.procedure))["papers"][0]
        headers = self.headers(role, agency) | {"if-match": f'"{dossier.versions.get(service, 1)}"'}
        target = f"/v1/dossiers/{dossier.code}/acts/{action}"
        said = json.dumps(body or body_of(action, kind, paper)).encode()
        return await self.wires[service].request("POST", target, headers, said)

    async def read(self, dossier: Dossier, service: str) -> dict[str, Any]:
        route = {INTAKE: "registrations", PROCESSING: "dossiers"}[service]
        headers = self.headers("auditor", "H56.90")
        answer = await self.wires[service].request("GET", f"/v1/{route}/{dossier.code}", headers)
        assert answer.status == 200, answer.body
        return dict(answer.json())

    async def bring(self, dossiers: Sequence[Dossier], phase: int) -> None:
        """Walk the paths of a phase, all together: whenever one goes on at the other service, all facts arrive."""
        left = {
            index: dossier.situation.paths[phase].split()
            for index, dossier in enumerate(dossiers)
            if phase < len(dossier.situation.paths)
        }
        while any(left.values()):
            await asyncio.gather(*(self._leg(dossiers[index], acts) for index, acts in left.items() if acts))
            await self.everywhere.stage.watch.quiet()
        await asyncio.gather(*(self.look(dossier) for dossier in dossiers))

    async def look(self, dossier: Dossier) -> None:
        """Read the versions of both services, and that the dossier is where it should be."""
        here = dossier.situation
        for service in (INTAKE, PROCESSING) if here.accepted else (INTAKE,):
            dossier.versions[service] = (await self.read(dossier, service))["version"]

    async def _leg(self, dossier: Dossier, acts: list[str]) -> None:
        """Do what comes next at one service."""
        service = _service_of(acts[0])
        if dossier.code:
            dossier.versions[service] = (await self.read(dossier, service))["version"]
        while acts and _service_of(acts[0]) == service:
            act, _, agency = acts.pop(0).partition("@")
            action, _, role = act.partition(":")
            if action in BEGIN:
                answer = await self.begin(action, role, dossier.situation.kind)
                dossier.code = answer.json()["code"]
            else:
                agency = agency or ("" if role == "citizen" else dossier.situation.kind.agency(role))
                answer = await self.act(dossier, service, action, role, agency)
            assert answer.status in {200, 201}, f"{dossier.situation.name}: {action}: {answer.body!r}"
            dossier.versions[service] = answer.json()["version"]

    async def tried(self, dossier: Dossier, service: str, action: str, role: str) -> Tried:
        here = dossier.situation
        answer = await self.act(dossier, service, action, role, here.agency(role))
        return Tried(here, service, action, role, judge(here, service, action, role), answer.status, answer.json())

    async def refusals(self, dossier: Dossier) -> list[Tried]:
        """Try everything that the law forbids there, one after the other."""
        return [await self.tried(dossier, *each) for each in refused_at(dossier)]


class Patient(Wire):
    """Asks again, under the same key, until a service that died on the way has answered."""

    async def request(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, body: bytes = b""
    ) -> Answer:
        async def answered() -> Answer | None:
            try:
                answer = await Wire.request(self, method, target, headers, body)
            except ConnectionLost:
                return None
            return None if answer.status == HTTPStatus.SERVICE_UNAVAILABLE else answer

        return await until(answered, f"{target} is answered", pause=0.1)


@asynccontextmanager
async def walking(everywhere: Everywhere, counter: Desk, *, wire: type[Wire] = Wire) -> AsyncIterator[Walker]:
    """Open the way to both services; of more requests at once some would be refused, for the edge counts new tokens."""
    ports = everywhere.stack.ports
    wires = {name: wire("127.0.0.1", ports.of(name), connections=AT_ONCE) for name in (INTAKE, PROCESSING)}
    await counter.case(MARITAL_STATUS.procedure)
    try:
        yield Walker(everywhere, counter, wires)
    finally:
        for opened in wires.values():
            opened.close()


def _service_of(act: str) -> str:
    action, _, role = act.partition("@")[0].partition(":")
    return INTAKE if role == "citizen" else OWNER[action]
