"""Eyes on every service of the running stack: where a dossier stands, and when all have come to rest."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from datetime import date

import asyncpg
import httpx2

from deploy.demo.play import Stage
from deploy.local.services import SERVICES
from deploy.local.sinks.logbook import LOG_NAME, read_arrivals
from deploy.local.stack import Stack
from shared.clocks import ScenarioClock
from shared.database import api_role
from tests.clients import plain_client
from tests.waiting import until

Seen = Mapping[str, Mapping[str, int]]
"""What was looked at → each thing there → how often."""

THINGS = {
    "dossiers": "select code from intake.dossiers",
    "closed": "select code from intake.dossiers where closed_at is not null",
    "cases": "select code from processing.cases",
    "notices": "select code || ' ' || template from notification.notices",
    "counted": "select code from metrics.dossiers where accepted_at is not null",
}
SEED = 77
"""Makes the idempotency keys of what is filed here; it permutes nothing else."""
FIGURES = ("received", "resolved", "apologies_published")
MESSAGES = """
select messages.id::text, notices.code || ' ' || notices.template as told
from notification.messages join notification.notices using (fact_id)
"""

READ = """
select oid::regclass::text as name, relrowsecurity and relforcerowsecurity as secured
from pg_class
where relkind in ('r', 'p', 'v', 'm', 'f') and has_any_column_privilege($1::name, oid, 'select')
    and relnamespace not in ('pg_catalog'::regnamespace, 'information_schema'::regnamespace)
"""
"""What a role may read, and whether row-level security is on there, also against the owner."""


def grown(before: Seen, after: Seen) -> dict[str, dict[str, int]]:
    """What was added, and what was taken away (below zero); nothing of what stayed."""
    found = {}
    for name, things in after.items():
        difference = Counter(things)
        difference.subtract(before[name])
        found[name] = {thing: number for thing, number in difference.items() if number}
    return {name: things for name, things in found.items() if things}


def filed(*codes: str, channels: tuple[str, ...] = ("sms", "mail")) -> dict[str, dict[str, int]]:
    """What grows when these dossiers are filed: each stands once in every service, and its applicant is told once."""
    once = dict.fromkeys(codes, 1)
    return {
        "dossiers": once,
        "cases": once,
        "counted": once,
        "notices": {f"{code} accepted": 1 for code in codes},
        "figures": {"received": len(codes)},
        "told": {f"{code} accepted {channel}": 1 for code in codes for channel in channels},
    }


@dataclass(frozen=True)
class Everywhere:
    """The stack, whoever acts on it, and eyes on its pages and its database."""

    stack: Stack
    stage: Stage
    http: httpx2.AsyncClient
    database: asyncpg.Connection[asyncpg.Record]

    def today(self) -> date:
        """The legal day, which other files of the folder may have moved."""
        assert self.stack.scenario_file is not None
        return ScenarioClock(self.stack.scenario_file).now().date()

    async def look(self) -> Seen:
        """Wait for rest, then look."""
        await self.rest()
        return await self.seen_now()

    async def seen_now(self) -> Seen:
        """Look at dossiers, cases, notices, figures, and what arrived at the sinks."""
        seen = {name: Counter(await self._texts(query)) for name, query in THINGS.items()}
        return seen | {"figures": await self._figures(), "told": await self._told()}

    async def rows(self, *tables: str) -> Seen:
        """Every row of these tables, whole."""
        return {table: Counter(await self._texts(f"select row::text from {table} as row")) for table in tables}

    @asynccontextmanager
    async def without_policies(self, service: str, *tables: str) -> AsyncIterator[None]:
        """Take row-level security from these tables of a service, or from all that its routes read, for a while."""
        rows = await self.database.fetch(READ, api_role(service))
        secured = [f"{service}.{table}" for table in tables] or [row["name"] for row in rows if row["secured"]]
        assert secured

        async def turn(how: str) -> None:
            for table in secured:
                await self.database.execute(f"alter table {table} {how} row level security")

        await turn("disable")
        try:
            yield
        finally:
            await turn("enable")

    async def rest(self) -> None:
        """Wait until every fact is applied, nothing is parked and every message has its receipt."""

        async def receipts_in() -> bool:
            summary = (await self.http.get(f"http://127.0.0.1:{self.stack.ports.sms}/v1/summary")).json()
            return not summary["receipts"]["waiting"]

        await self.stage.watch.quiet()
        await until(receipts_in)
        await self.stage.watch.quiet()

    async def parked(self, code: str) -> dict[str, list[tuple[str, str, int]]]:
        """Service → (kind, source, sequence) of what it parked of a dossier, in order of arrival."""
        query = "select kind, source, seq from {}.parked where subject = $1 order by id"
        found = {service: await self.database.fetch(query.format(service), code) for service in SERVICES}
        return {service: [tuple(row) for row in rows] for service, rows in found.items() if rows}

    async def _texts(self, query: str) -> list[str]:
        return [text for (text,) in await self.database.fetch(query)]

    async def _figures(self) -> dict[str, int]:
        report = (await self.http.get(f"{self.stack.urls['metrics']}/v1/reports/district?agency=H56.97")).json()
        return {name: report[name] for name in FIGURES}

    async def _told(self) -> Counter[str]:
        arrivals = read_arrivals(self.stack.folder.sinks / LOG_NAME)
        # Read afterwards: whatever has arrived is a message by then.
        names = {row["id"]: row["told"] for row in await self.database.fetch(MESSAGES)}
        return Counter(f"{names[line['reference']]} {line['kind']}" for line in arrivals)


@asynccontextmanager
async def eyes_on(stack: Stack) -> AsyncIterator[Everywhere]:
    """Open eyes on a running stack."""
    database = await asyncpg.connect(stack.dsn())
    try:
        async with plain_client() as http:
            with closing(Stage(stack, SEED)) as stage:
                yield Everywhere(stack, stage, http, database)
    finally:
        await database.close()
