"""A desk of the trial: what is handed in, by whom, and what the database then holds."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import asyncpg
import httpx2

from deploy.local.stack import Stack
from shared.clocks import OFFICE_ZONE, ScenarioClock, write_scenario
from tests.clients import plain_client

DISTRICT_DESK = "H56.97.01"
COMMUNE, AREA = "H56.97.21", "16093"
OTHER_COMMUNE = "H56.97.22"
FIRST_MORNING = datetime(2020, 1, 2, 7, 30, tzinfo=OFFICE_ZONE)
PERSON = {
    "name": "Nguyễn Thử Nghiệm",
    "citizen_number": "038195012345",
    "birth_date": "1995-03-04",
    "address": "Nhà thử nghiệm số 7, thị trấn Nga Sơn",
    "phone": "0977 012 345",
    "email": "thu.nghiem@vi-du.example",
}
TELLING = (
    *(PERSON[name] for name in ("name", "citizen_number", "phone", "email")),
    *("977012345", "Nhà thử nghiệm"),
)
"""What stands nowhere that is not sealed, in the forms that it is known in."""
COUNTED = ("dossiers", "papers", "day_numbers", "journal", "unsent", "idempotency_keys", "reads")
_keys = itertools.count(1)


@dataclass
class Counter:
    """The running intake, and eyes on its database."""

    stack: Stack
    http: httpx2.AsyncClient
    database: asyncpg.Connection[asyncpg.Record]
    procedures: list[dict[str, Any]] = field(default_factory=list)

    def bearer(self, role: str = "desk", agency: str = COMMUNE, subject: str = "") -> dict[str, str]:
        token = self.stack.token(role, agency, subject or f"{role}@{agency}")
        return {"Authorization": f"Bearer {token}"}

    def move_clock(self, moment: datetime) -> None:
        assert self.stack.scenario_file is not None
        write_scenario(self.stack.scenario_file, moment)

    def now(self) -> datetime:
        """What the clock stands at, wherever other trials have moved it."""
        assert self.stack.scenario_file is not None
        return ScenarioClock(self.stack.scenario_file).now()

    async def case(self, procedure_code: str, case_code: str = "default") -> dict[str, Any]:
        if not self.procedures:
            self.procedures += (await self.http.get("/v1/procedures", params={"on": "2020-01-02"})).json()["items"]
        wanted = (procedure_code, case_code)
        return next(item for item in self.procedures if (item["procedure_code"], item["case_code"]) == wanted)

    async def filing(
        self, procedure_code: str = "1.001193", case_code: str = "default", **changes: Any
    ) -> dict[str, Any]:
        case = await self.case(procedure_code, case_code)
        counts = ("paper_code", "originals", "certified", "photocopies")
        return {
            "procedure_code": procedure_code,
            "case_code": case_code,
            "area_code": AREA,
            "applicant": dict(PERSON),
            "content": "Nguyễn Thử Nghiệm đề nghị đăng ký",
            "note": "0977 012 345",
            "papers": [{name: paper[name] for name in counts} for paper in case["papers"] if paper["required"]],
        } | changes

    async def hand_in(
        self, filing: Any, *, key: str | None = None, headers: dict[str, str] | None = None
    ) -> httpx2.Response:
        sent = {"Idempotency-Key": key or f"key-{next(_keys)}"} | (self.bearer() if headers is None else headers)
        return await self.http.post("/v1/dossiers", json=filing, headers=sent)

    async def approve(self, said: Any, bearer: dict[str, str], *, key: str = "") -> httpx2.Response:
        sent = {"Idempotency-Key": key or f"key-{next(_keys)}"} | bearer
        return await self.http.post("/v1/backdatings", json=said, headers=sent)

    async def register(self, filing: Any, bearer: dict[str, str], place: str = COMMUNE) -> httpx2.Response:
        sent = {"Idempotency-Key": f"key-{next(_keys)}"} | bearer
        return await self.http.post("/v1/registrations", json={**filing, "received_by": place}, headers=sent)

    async def refuse(self, filing: Any, reason: str | None, bearer: dict[str, str] | None = None) -> httpx2.Response:
        sent = {"Idempotency-Key": f"key-{next(_keys)}"} | (bearer or self.bearer())
        return await self.http.post("/v1/refusals", json={**filing, "reason": reason}, headers=sent)

    async def act(
        self, code: str, action: str, bearer: dict[str, str], version: int = 1, body: Any = None, *, key: str = ""
    ) -> httpx2.Response:
        sent = {"Idempotency-Key": key or f"key-{next(_keys)}", "If-Match": f'"{version}"'} | bearer
        return await self.http.post(f"/v1/dossiers/{code}/acts/{action}", json=body or {}, headers=sent)

    async def facts_of(self, code: str) -> list[tuple[str, dict[str, Any]]]:
        """Type and body of a dossier's facts in intake's journal, in order."""
        query = "select type, body from intake.journal where subject = $1 and topic like '%lifecycle%' order by seq"
        rows = await self.database.fetch(query, code)
        return [(row["type"].split(".")[-2], json.loads(row["body"])) for row in rows]

    async def counts(self) -> dict[str, int]:
        found = {table: await self.database.fetchval(f"select count(*) from intake.{table}") for table in COUNTED}
        found["last numbers"] = await self.database.fetchval("select sum(last_number) from intake.day_numbers")
        found["keys"] = await self.database.fetchval("select count(*) from keyring.dossier_keys")
        found.pop("unsent")  # the relay empties it at its own pace
        return found


@asynccontextmanager
async def counter_at(stack: Stack) -> AsyncIterator[Counter]:
    """Open a desk at a running stack."""
    database = await asyncpg.connect(stack.dsn())
    try:
        async with plain_client(base_url=stack.urls["intake"]) as http:
            yield Counter(stack, http, database)
    finally:
        await database.close()
