"""The year's desks and offices: who acts, with which token, and what each may ask the services."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from http import HTTPStatus
from typing import Any, Self, TypeAlias

from deploy.demo.calls import Caller, Refused
from deploy.demo.ledger import Entry
from deploy.demo.people import person
from deploy.demo.plan import Arrival

WORKLIST_PAGE = 200
MOST_ACTS = 50
"""In one request."""


@dataclass(frozen=True, order=True)
class Officer:
    """An officer of exactly one agency in exactly one role; the subject of his token."""

    agency: str
    role: str

    @property
    def subject(self) -> str:
        """The name in his token: an office, never a person."""
        return f"{self.role}.{self.agency}"


@dataclass(frozen=True)
class Duty:
    """An act that a step of a dossier waits for, and whose it is; `step_officer` is who will do the step."""

    officer: Officer
    step_no: int
    action: str
    step_officer: Officer | None = None


@dataclass(frozen=True)
class Item:
    """One line of an officer's worklist."""

    code: str
    state: int
    version: int
    promised_due: datetime
    duties: tuple[Duty, ...] = ()

    @classmethod
    def accepted(cls, entry: Entry) -> Self:
        """Expect this line at the desk where the dossier was just accepted."""
        return cls(entry.code, state=2, version=1, promised_due=entry.promised_due)


Owed: TypeAlias = tuple[Item, Duty]
"""A dossier as an officer sees it, and what he does with it next."""


@dataclass(frozen=True)
class Outcome:
    """What an act left behind: the dossier's new state and version, and the duties that are open now."""

    state: int
    version: int
    open_duties: tuple[Duty, ...]

    def duties_of(self, officer: Officer) -> tuple[Duty, ...]:
        """Pick those that this officer owes."""
        return tuple(duty for duty in self.open_duties if duty.officer == officer)


Tokens = Callable[[str, str, str], str]
"""(role, agency, subject) → bearer token."""


class Offices:
    """Intake and processing as the people of the year use them: over HTTP, each with his own token."""

    def __init__(self, intake: Caller, processing: Caller, tokens: Tokens, seed: int) -> None:
        self._intake = intake
        self._processing = processing
        self._seed = seed
        self._token = cache(lambda officer: tokens(officer.role, officer.agency, officer.subject))

    async def file(self, arrival: Arrival) -> Entry:
        """Hand in one dossier at its place's desk; what intake acknowledges becomes a ledger entry."""
        desk = Officer(arrival.place.code, "desk")
        key = f"year-{self._seed}-{arrival.number}"
        answer = (await self._intake.post("/v1/dossiers", self._token(desk), key, dossier_body(arrival))).json()
        return Entry(
            code=answer["code"],
            key=key,
            statutory_due=datetime.fromisoformat(answer["statutory_due"]),
            promised_due=datetime.fromisoformat(answer["promised_due"]),
            competent_agency=answer["competent_agency"],
            arrival=arrival,
        )

    async def worklist(self, officer: Officer) -> list[Item]:
        """Read the officer's whole worklist, page after page."""
        items: list[Item] = []
        cursor = ""
        while True:
            target = f"/v1/worklist?limit={WORKLIST_PAGE}" + (f"&cursor={cursor}" if cursor else "")
            page = await self._processing.get(target, self._token(officer))
            items += [_item(officer, found) for found in page["items"]]
            cursor = page.get("next_cursor") or ""
            if not cursor:
                return items

    async def act(self, item: Item, duty: Duty) -> Outcome:
        """Do what a duty asks, on the version that the item shows.

        Raises `Refused`: 412 when somebody else has acted on the dossier since.
        """
        answer = await self._processing.post(
            f"/v1/dossiers/{item.code}/acts/{duty.action}",
            self._token(duty.officer),
            _key(item, duty),
            act_body(duty),
            version=item.version,
        )
        return _outcome(answer.json())

    async def act_on_all(self, officer: Officer, work: Sequence[Owed]) -> list[Outcome | Refused]:
        """Do what an officer owes these dossiers, in one request for each `MOST_ACTS`; one answer for each."""
        if len(work) == 1:
            return [await self._act_on_one(*work[0])]
        told: list[Outcome | Refused] = []
        for first in range(0, len(work), MOST_ACTS):
            part = work[first : first + MOST_ACTS]
            key = hashlib.sha256(" ".join(_key(item, duty) for item, duty in part).encode()).hexdigest()
            acts = [
                {"code": item.code, "action": duty.action, "version": item.version, "body": act_body(duty)}
                for item, duty in part
            ]
            told += map(_told, await self._processing.post_list("/v1/acts", self._token(officer), key, {"acts": acts}))
        return told

    async def _act_on_one(self, item: Item, duty: Duty) -> Outcome | Refused:
        try:
            return await self.act(item, duty)
        except Refused as refused:
            return refused


def dossier_body(arrival: Arrival) -> dict[str, Any]:
    """Fill in the form as a desk does. People type their names into every free-text field, so these do too."""
    applicant = person(arrival.number, arrival.place.name_vi)
    return {
        "procedure_code": arrival.case.procedure_code,
        "case_code": arrival.case.case_code,
        "area_code": arrival.area_code,
        "applicant": {
            "name": applicant.name,
            "citizen_number": applicant.citizen_number,
            "birth_date": applicant.birth_date.isoformat(),
            "address": applicant.address,
            "phone": applicant.phone,
            "email": applicant.email,
        },
        "content": f"{applicant.name} đề nghị: {arrival.case.name_vi}",
        "note": f"Người nộp: {applicant.name}, {applicant.phone}",
        "language": applicant.language,
        "papers": [
            {
                "paper_code": paper.code,
                "originals": paper.originals,
                "certified": paper.certified,
                "photocopies": paper.photocopies,
            }
            for paper in arrival.case.papers
            if paper.required
        ],
    }


def act_body(duty: Duty) -> dict[str, Any]:
    """Say what an act says beside its name: which step, whom it names, who receives, which reason of the list."""
    match duty.action:
        case "assign":
            named = duty.step_officer or duty.officer
            return {"step_no": duty.step_no, "officer": named.subject, "agency": named.agency}
        case "hand_over":
            return {"receiver": "applicant", "handover": "desk"}
        case "send_apology":
            return {"reason": "officer_absent"}
        case _:
            return {"step_no": duty.step_no} if duty.step_no else {}


def _key(item: Item, duty: Duty) -> str:
    return f"{item.code}.{duty.action}.{duty.step_no}.{item.version}"


def _outcome(found: Mapping[str, Any]) -> Outcome:
    return Outcome(found["state"], found["version"], tuple(_duty(open_duty) for open_duty in found["open_duties"]))


def _told(listed: Mapping[str, Any]) -> Outcome | Refused:
    if listed["status"] < HTTPStatus.BAD_REQUEST:
        return _outcome(listed["answer"])
    return Refused("POST /v1/acts", listed["status"], listed["answer"])


def _item(officer: Officer, found: Mapping[str, Any]) -> Item:
    return Item(
        code=found["code"],
        state=found["state"],
        version=found["version"],
        promised_due=datetime.fromisoformat(found["promised_due"]),
        duties=tuple(
            Duty(officer, duty["step_no"], duty["action"], Officer(duty["agency"], duty["role"]))
            for duty in found["duties"]
        ),
    )


def _duty(found: Mapping[str, Any]) -> Duty:
    return Duty(Officer(found["agency"], found["role"]), found["step_no"], found["action"])
