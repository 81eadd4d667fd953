"""The hall of the trial: dossiers arrive as facts of intake, officers act over HTTP, eyes look into the database."""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

import asyncpg
import httpx2

from deploy.local.stack import Stack
from shared.clocks import OFFICE_ZONE, ScenarioClock, write_scenario
from shared.contracts import facts
from shared.contracts.topics import LIFECYCLE, RULES
from shared.database import Pool, transaction
from shared.messaging.journal import Draft, Journal, shard_of
from shared.rulebook.agencies import Agencies
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import Case, Catalogue
from shared.rulebook.limits import due
from shared.rulebook.loader import parse_calendar
from shared.rulebook.steps import competent_agency
from tests.waiting import until

DISTRICT_DESK, COMMUNE, AREA = "H56.97.01", "H56.97.21", "16093"
FIRST_MORNING = datetime(2020, 1, 2, 7, 30, tzinfo=OFFICE_ZONE)
_keys = itertools.count(1)
_numbers = itertools.count(1)


@dataclass
class Hall:
    """The running processing, a journal that speaks for intake, and the scenario clock."""

    stack: Stack
    http: httpx2.AsyncClient
    database: asyncpg.Connection[asyncpg.Record]
    intake: Pool
    journal: Journal
    catalogue: Catalogue
    calendar: Calendar
    agencies: Agencies
    secrets: dict[str, str] = field(default_factory=dict)

    def now(self) -> datetime:
        assert self.stack.scenario_file is not None
        return ScenarioClock(self.stack.scenario_file).now()

    def move_clock(self, moment: datetime) -> None:
        assert self.stack.scenario_file is not None
        write_scenario(self.stack.scenario_file, moment)

    async def tomorrow(self) -> datetime:
        """Go to half past seven of the next working day; answers it once every timer until then has fired."""
        day = self.calendar.next_working_day(self.now().date())
        self.move_clock(self.calendar.opening(day).replace(minute=30))
        await self.timers_fired()
        return self.now()

    def bearer(self, role: str, agency: str = "", subject: str = "") -> dict[str, str]:
        token = self.stack.token(role, agency, subject or f"{role}.{agency}")
        return {"Authorization": f"Bearer {token}"}

    def place_of(self, kind: Case) -> str:
        day = self.now().date()
        return next(p for p in (COMMUNE, DISTRICT_DESK) if self.agencies.may_receive(kind, p, day))

    async def accept(self, kind: Case, **changes: Any) -> str:
        """Publish that a dossier was accepted now; wait until its case is open."""
        code = self.next_code(kind)
        await self.publish(self.accepted(code, kind, **changes))
        await self.opened(code)
        return code

    def next_code(self, kind: Case) -> str:
        return f"{self.place_of(kind)}-{self.now():%y%m%d}-{next(_numbers):04}"

    def accepted(self, code: str, kind: Case, **changes: Any) -> Draft:
        at = self.now()
        place = self.agencies.get(code.partition("-")[0])
        competent = competent_agency(kind, place.code, AREA, self.agencies, at.date())
        self.secrets[code] = f"secret of {code}"
        fact = facts.DossierAccepted(
            **{
                "catalogue_version": self.catalogue.version,
                "calendar_version": self.calendar.version,
                "agencies_version": self.agencies.version,
                "procedure_code": kind.procedure_code,
                "case_code": kind.case_code,
                "field": kind.field,
                "received_by": place.code,
                "received_path": place.path,
                "competent_agency": competent.code,
                "competent_path": competent.path,
                "area_code": AREA,
                "limit_kind": kind.limit_kind,
                "statutory_due": due(self.calendar, kind.statutory_limit, at),
                "promised_due": due(self.calendar, kind.promised_limit, at),
                "tracking_secret_hash": hashlib.sha256(self.secrets[code].encode()).hexdigest(),
                **changes,
            }
        )
        return Draft(LIFECYCLE.name, code, fact, at)

    async def papers_arrive(self, code: str, papers: Sequence[str], missing: Sequence[str] = ()) -> None:
        """Publish that papers have arrived at intake now; wait until processing knows what is still missing."""
        said = {"papers": tuple(papers), "missing": tuple(missing), **self._at_reception(code)}
        await self.publish(Draft(LIFECYCLE.name, code, facts.PapersReceived(**said), self.now()))

        async def known() -> bool:
            query = "select missing from processing.halts where code = $1 and kind = 'supplement' order by halt_no desc"
            return list(await self.database.fetchval(query, code)) == list(missing)

        await until(known, f"the papers of {code} are known")

    async def asks_to_withdraw(self, code: str) -> None:
        """Publish that the applicant wants his dossier back; wait until processing knows."""
        await self.publish(
            Draft(LIFECYCLE.name, code, facts.WithdrawalRequested(**self._at_reception(code)), self.now())
        )

        async def known() -> Any:
            query = "select withdrawal_requested_at is not null from processing.cases where code = $1"
            return await self.database.fetchval(query, code)

        await until(known, f"that {code} is to be withdrawn is known")

    def _at_reception(self, code: str) -> dict[str, Any]:
        versions = {"catalogue_version": self.catalogue.version, "calendar_version": self.calendar.version}
        return {**versions, "received_by": code.partition("-")[0], "by": facts.Filer.CITIZEN, "officer": ""}

    async def publish(self, *drafts: Draft) -> None:
        async with transaction(self.intake) as tx:
            await self.journal.append(tx, drafts)

    async def publish_calendar(self, version: str, content: Mapping[str, Any], at: datetime | None = None) -> None:
        """Put a calendar in force, for all that is accepted from now on too; wait until every open dossier follows.

        With an earlier legal moment it is one whose publication nobody here had heard of.
        """
        fact = facts.RulesPublished(rule_set="calendar", version=version, content=dict(content))
        await self.publish(Draft(RULES.name, "calendar", fact, at or self.now(), partition_key=version))
        query = "select not exists (select from processing.cases where finished_at is null and calendar_followed <> $1)"

        async def all_follow() -> Any:
            return await self.database.fetchval(query, version)

        await until(all_follow, f"every open dossier follows {version}")
        self.calendar = parse_calendar(version, content)

    async def publish_again(self, codes: Sequence[str]) -> int:
        """Put every fact of these dossiers back in intake's queue; answers how many they are."""
        async with transaction(self.intake) as tx:
            rows = await tx.fetch(
                "select topic, subject, seq, recorded_at from journal where subject = any($1::text[])", codes
            )
            await tx.executemany(
                "insert into unsent (shard, topic, subject, seq, recorded_at) values ($1, $2, $3, $4, $5)",
                [(shard_of(row["subject"]), *row.values()) for row in rows],
            )
        self.journal.appended.set()
        return len(rows)

    async def opened(self, code: str) -> None:
        async def is_open() -> Any:
            return await self.database.fetchval("select true from processing.cases where code = $1", code)

        await until(is_open, f"{code} is open")

    async def worklist(self, role: str, agency: str, subject: str = "") -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        cursor: dict[str, str] = {}
        while True:
            answer = await self.http.get(
                "/v1/worklist", params={"limit": 200, **cursor}, headers=self.bearer(role, agency, subject)
            )
            assert answer.status_code == HTTPStatus.OK, answer.text
            items += answer.json()["items"]
            if not answer.json()["next_cursor"]:
                return items
            cursor = {"cursor": answer.json()["next_cursor"]}

    async def item(self, code: str, role: str, agency: str) -> dict[str, Any]:
        return next(item for item in await self.worklist(role, agency) if item["code"] == code)

    async def act(
        self,
        code: str,
        action: str,
        officer: tuple[str, str] | tuple[str, str, str],
        version: int | None,
        body: Any = None,
        **headers: str,
    ) -> httpx2.Response:
        sent = {"Idempotency-Key": f"key-{next(_keys)}", **self.bearer(*officer), **headers}
        if version is not None:
            sent["If-Match"] = f'"{version}"'
        return await self.http.post(f"/v1/dossiers/{code}/acts/{action}", json=body or {}, headers=sent)

    async def dossier(self, code: str, role: str = "auditor", agency: str = "H56.90") -> dict[str, Any]:
        answer = await self.http.get(f"/v1/dossiers/{code}", headers=self.bearer(role, agency))
        assert answer.status_code == HTTPStatus.OK, answer.text
        return dict(answer.json())

    async def duties(self, code: str) -> list[dict[str, Any]]:
        return list((await self.dossier(code))["open_duties"])

    async def do(self, code: str, duty: dict[str, Any], version: int) -> dict[str, Any]:
        """Do what one office owes, as an officer of exactly that office who looks at his own list first."""
        item = await self.item(code, duty["role"], duty["agency"])
        assert item["version"] == version
        found = next(d for d in item["duties"] if (d["action"], d["step_no"]) == (duty["action"], duty["step_no"]))
        answer = await self.act(code, duty["action"], (duty["role"], duty["agency"]), version, body_of(found))
        assert answer.status_code == HTTPStatus.OK, answer.text
        assert answer.headers["etag"] == f'"{answer.json()["version"]}"'
        return dict(answer.json())

    async def walk_until(self, code: str, action: str) -> tuple[dict[str, Any], int]:
        """Do everything that comes before an act; answers its duty and the version."""
        while True:
            seen = await self.dossier(code)
            for duty in seen["open_duties"]:
                if duty["action"] == action:
                    return duty, seen["version"]
            await self.do(code, next(d for d in seen["open_duties"] if d["step_no"]), seen["version"])

    async def quiet(self) -> dict[str, Any]:
        answer = await self.http.get("/internal/v1/quiet", headers=self.bearer("operator"))
        assert answer.status_code == HTTPStatus.OK, answer.text
        return dict(answer.json())

    async def timers_fired(self) -> None:
        async def none_due() -> bool:
            return (await self.quiet())["timers_due"] == 0

        await until(none_due, "timers fire")

    @asynccontextmanager
    async def held(self, code: str) -> AsyncIterator[None]:
        """Somebody else holds the dossier meanwhile."""
        other = await asyncpg.connect(self.stack.dsn())
        try:
            async with other.transaction():
                await other.execute("select from processing.cases where code = $1 for update", code)
                yield
        finally:
            await other.close()

    async def is_assigned(self, code: str) -> None:
        """Wait until an officer has been assigned to the dossier, and nothing else was done."""

        async def told() -> bool:
            return [name for name, _ in await self.facts_of(code)] == ["assigned"]

        await until(told, f"{code} is assigned")

    async def facts_of(self, code: str) -> list[tuple[str, datetime]]:
        """Short type and legal time of what processing journaled about a dossier, in order."""
        rows = await self.database.fetch(
            "select type, legal_time from processing.journal where subject = $1 order by seq", code
        )
        return [(row["type"].split(".")[3], row["legal_time"].astimezone(OFFICE_ZONE)) for row in rows]


def body_of(duty: dict[str, Any]) -> dict[str, Any]:
    """What an act says beside its name, from nothing but the worklist."""
    match duty["action"]:
        case "assign":
            return {"officer": f"{duty['role']}.{duty['agency']}", "agency": duty["agency"]}
        case "hand_over":
            return {"receiver": "applicant", "handover": "desk"}
        case "send_apology":
            return {"reason": "workload"}
        case "receive_supplement" | "refuse_after_limit" | "approve_supplement" | "stop_unpaid" | "resume":
            return {}
        case "withdraw" | "stop":
            return {}
        case _:
            return {"step_no": duty["step_no"]}
