"""Reading at 100,000 dossiers: where is my dossier, and what waits for my office."""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from itertools import islice

from deploy.demo.calls import Caller
from deploy.demo.offices import Duty, Item, Officer, Offices
from deploy.local.services import ISSUER
from deploy.secret_files import TRACKING_SECRET
from services.processing.api.tracking import AUDIENCE
from shared.http.wire import Wire
from shared.roles import Role
from shared.tokens import issue_token
from tests.bench import filings, wrk
from tests.bench.rounds import Refused, Round, Size, say
from tests.bench.stack import BenchStack
from tests.faults.town import act_on
from tests.waiting import until

DOSSIERS = 100_000
REAL = 200
"""So many dossiers are filed and worked on for real; all others are copies of them on other days."""
RUNNING_OF = 10
"""One of so many is still running, at each step of its way; the others are handed over."""
TO_ITS_END = 30
APPLICANTS = 5000
TABLES = ("cases", "steps", "duties", "timers")
COPY = """
insert into processing.{table}
select copied.* from processing.{table} as original
cross join generate_series(1, $1::integer) as days
cross join lateral jsonb_populate_record(
    original, jsonb_build_object('code', bench.moved(original.code, days)) || {moved}
) as copied
"""
MOVED_CODE = """
create schema bench;
create function bench.moved(code text, days integer) returns text language sql immutable as $$
    select split_part(code, '-', 1) || '-'
        || to_char(to_date(split_part(code, '-', 2), 'YYMMDD') + days, 'YYMMDD') || '-' || split_part(code, '-', 3)
$$
"""
LATER = "jsonb_build_object('promised_due', original.promised_due + make_interval(mins => days))"
MOVED_COLUMNS = {"cases": LATER, "duties": LATER}
"""Worklists are in the order of this moment: without it all copies would stand at one place."""
OPEN = "select count(*) from processing.cases"
CODES = "select code from processing.cases"
OFFICES = "select distinct agency, role from processing.duties order by agency, role"


@contextlib.asynccontextmanager
async def begin(size: Size) -> AsyncIterator[Round]:
    """Start PostgreSQL, Kafka, intake and processing; fill processing, end intake."""
    async with BenchStack("intake", "processing") as stack:
        say("reading: a few real dossiers")
        await work_on_some(stack)
        await stack.end("intake")
        say(f"reading: {DOSSIERS} dossiers")
        await copy(stack)
        asked = await questions(stack)

        async def one_round() -> Mapping[str, float]:
            await stack.rest()
            track = await _load(stack, asked.tracking, size)
            lists = await _load(stack, asked.worklists, size)
            return {
                "tracking_p95_ms": track.p95_ms,
                "tracking_per_s": track.per_s,
                "worklist_p95_ms": lists.p95_ms,
                "worklist_per_s": lists.per_s,
            }

        yield one_round


async def _load(stack: BenchStack, requests: list[wrk.Request], size: Size) -> wrk.Load:
    return await wrk.load(stack.ports.processing, requests, seconds=size.seconds, folder=stack.folder.path)


async def work_on_some(stack: BenchStack) -> None:
    """File dossiers of the year's mix, and let officers act: most to the end, some to each step."""
    wires = [Wire("127.0.0.1", port, connections=16) for port in (stack.ports.intake, stack.ports.processing)]
    intake, processing = map(Caller, wires)
    offices = Offices(intake, processing, stack.token, seed=1)
    try:
        entries = [await offices.file(arrival) for arrival in islice(filings.in_turn(), REAL)]

        async def opened() -> bool:
            return bool(await stack.ask(OPEN) == REAL)

        await until(opened, "every case is open")
        desks = {Officer(entry.arrival.place.code, "desk") for entry in entries}
        items = [item for desk in sorted(desks) for item in await offices.worklist(desk)]
        await asyncio.gather(*(_act(offices, item, number) for number, item in enumerate(items)))
    finally:
        for wire in wires:
            wire.close()


async def _act(offices: Offices, item: Item, number: int) -> None:
    running = number % RUNNING_OF == 0
    acts = number // RUNNING_OF % 6 if running else TO_ITS_END
    duty: Duty = item.duties[0]
    await act_on(offices, item, duty, acts)


async def copy(stack: BenchStack) -> None:
    """Copy the real dossiers, set by set, until there are enough; only code and promised moment are others."""
    await stack.database.execute(MOVED_CODE)
    for table in TABLES:
        query = COPY.format(table=table, moved=MOVED_COLUMNS.get(table, "'{}'"))
        await stack.database.execute(query, DOSSIERS // REAL - 1, timeout=300)
    await stack.database.execute("vacuum analyze", timeout=300)
    if (found := await stack.ask(OPEN)) != DOSSIERS:
        raise Refused(f"{found} dossiers, where there should be {DOSSIERS}")


@dataclass(frozen=True)
class Questions:
    """The requests of applicants and of officers."""

    tracking: list[wrk.Request]
    worklists: list[wrk.Request]


async def questions(stack: BenchStack) -> Questions:
    """Make the requests of many applicants, each about the own dossier, and of every office that owes something."""
    codes = random.Random(1).sample([row["code"] for row in await stack.rows(CODES)], APPLICANTS)
    keys = stack.folder.secrets / TRACKING_SECRET

    def ticket(code: str) -> str:
        return issue_token(keys, subject=code, role=Role.CITIZEN, seconds=3600, issuer=ISSUER, audience=AUDIENCE)

    officers = [Officer(row["agency"], row["role"]) for row in await stack.rows(OFFICES)]
    return Questions(
        tracking=[wrk.Request("GET", f"/v1/tracking/{code}", ticket(code)) for code in codes],
        worklists=[
            wrk.Request("GET", "/v1/worklist", stack.token(officer.role, officer.agency, officer.subject))
            for officer in officers
        ],
    )
