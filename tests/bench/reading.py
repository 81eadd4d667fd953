"""Reading at 100,000 dossiers: where is my dossier, why is it due then, what waits for my office, what was recorded."""

from __future__ import annotations

import contextlib
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from deploy.demo.offices import Officer
from deploy.load.forecast import Forecast
from deploy.load.loading import Loader
from deploy.local.services import ISSUER
from deploy.secret_files import KEY_SECRET, TRACKING_SECRET
from services.processing.api.tracking import AUDIENCE
from shared.clocks import OFFICE_ZONE
from shared.http.paging import encode_cursor
from shared.roles import Role
from shared.rulebook.identifiers import DossierCode
from shared.sealing import KeyEncryptionKey
from shared.tokens import issue_token
from tests.bench import cold, kafka, wrk
from tests.bench.rounds import Refused, Round, Size, say
from tests.bench.stack import BenchStack

TODAY = datetime(2020, 11, 30, 8, 0, tzinfo=OFFICE_ZONE)
APPLICANTS = 5000
ASKED_COLD = 1000
"""Dossiers that nobody has read before, for each question and round."""
FEWEST_PAGES = 40
"""Of worklists that nobody has read before, in a round: of fewer, 95 of 100 would be all but one."""
PAGE = 50
CODES = "select code from processing.cases order by code"
OFFICES = "select distinct agency, role from processing.duties order by agency, role"
PAGES = f"""
select agency, role, promised_due, code
from (
    select *, row_number() over (partition by agency, role order by promised_due, code) as place
    from (
        select distinct agency, role, promised_due, code from processing.duties
        where holder is null or holder = role || '.' || agency
    ) as owed
) as listed
where place % {PAGE} = 0
"""
"""The last line of each page of a worklist, whole pages only."""
STORED = "select pg_database_size(current_database())"


@contextlib.asynccontextmanager
async def begin(size: Size) -> AsyncIterator[Round]:
    """Start PostgreSQL and Kafka, load them with dossiers, and begin both processes of processing."""
    async with BenchStack(scenario=TODAY, replicas=2) as stack:
        say(f"reading: {size.dossiers} dossiers")
        loaded = await load(stack, size.dossiers)
        for process in stack.processes("processing"):
            await stack.begin(process)
        asked = await Questions.of(stack, rounds=1 + size.rounds)
        await cold.prepare(stack)

        async def one_round() -> Mapping[str, float]:
            await stack.rest()
            track = await _load(stack, asked.tracking, size)
            lists = await _load(stack, asked.worklists, size)
            return {
                **loaded,
                "tracking_p95_ms": track.p95_ms,
                "tracking_per_s": track.per_s,
                "worklist_p95_ms": lists.p95_ms,
                "worklist_per_s": lists.per_s,
                "cold_tracking_p95_ms": await cold.asked(stack, asked.fresh_tracking()),
                "cold_worklist_p95_ms": await cold.asked(stack, asked.fresh_pages()),
                "cold_deadline_p95_ms": await cold.asked(stack, asked.of_officers("deadline")),
                "cold_history_p95_ms": await cold.asked(stack, asked.of_officers("history")),
            }

        yield one_round


async def _load(stack: BenchStack, requests: list[wrk.Request], size: Size) -> wrk.Load:
    return await wrk.load(stack.ports.processing, requests, seconds=size.seconds, folder=stack.folder.path)


async def load(stack: BenchStack, dossiers: int) -> dict[str, float]:
    """Load the stack as `motcua load` does. Raises Refused where the disk does not hold it."""
    if not (forecast := Forecast.of(dossiers, stack.folder.postgres)).fits:
        raise Refused(str(forecast))
    kek = KeyEncryptionKey.read(stack.folder.secrets / KEY_SECRET)
    loader = Loader(stack.dsn(), await kafka.rules(stack), kek)
    before, began = await stack.ask(STORED), time.monotonic()
    found = sum([portion async for portion in loader.load(dossiers, TODAY)])
    took = time.monotonic() - began
    if found != dossiers:
        raise Refused(f"{found} dossiers, where there should be {dossiers}")
    return {"loaded_per_s": dossiers / took, "loaded_kb": (await stack.ask(STORED) - before) / dossiers / 1000}


@dataclass(frozen=True)
class Questions:
    """The requests of applicants and of officers; `left` are dossiers, `pages` of worklists, that nobody asked for."""

    stack: BenchStack
    tracking: list[wrk.Request]
    worklists: list[wrk.Request]
    pages: Iterator[Sequence[wrk.Request]]
    left: Iterator[str]

    @classmethod
    async def of(cls, stack: BenchStack, rounds: int) -> Questions:
        """Make those of many applicants, each about the own dossier, and of every office that owes something.

        `rounds`, the warm-up among them, share the pages. Raises Refused when that is too few for each.
        """
        codes = [row["code"] for row in await stack.rows(CODES)]
        Random(1).shuffle(codes)
        left = iter(codes)
        tracking = [_tracking(stack, next(left)) for _ in range(min(APPLICANTS, len(codes) // 2))]
        worklists = [_worklist(stack, row) for row in await stack.rows(OFFICES)]
        pages = [
            _worklist(stack, row, encode_cursor(row["promised_due"].isoformat(), row["code"]))
            for row in await stack.rows(PAGES)
        ]
        Random(1).shuffle(pages)
        if (share := len(pages) // rounds) < FEWEST_PAGES:
            raise Refused(f"{len(pages)} pages of worklists are too few for {rounds} rounds; load more dossiers")
        shares = (pages[number * share : (number + 1) * share] for number in range(rounds))
        return cls(stack, tracking, worklists, shares, left)

    def fresh(self) -> Sequence[str]:
        """Take the next dossiers that nobody has asked about. Raises Refused when there are no more."""
        taken = [code for code, _ in zip(self.left, range(ASKED_COLD), strict=False)]
        if len(taken) < ASKED_COLD:
            raise Refused("every dossier was read before; load more of them")
        return taken

    def fresh_pages(self) -> Sequence[wrk.Request]:
        """Take the round's share of the pages behind the first ones of all worklists."""
        return next(self.pages)

    def fresh_tracking(self) -> list[wrk.Request]:
        """Ask where such dossiers are, each as its applicant."""
        return [_tracking(self.stack, code) for code in self.fresh()]

    def of_officers(self, what: str) -> list[wrk.Request]:
        """Ask why they are due, or what was recorded of them, each at the desk that received it."""
        return [_of_desk(self.stack, code, what) for code in self.fresh()]


def _tracking(stack: BenchStack, code: str) -> wrk.Request:
    keys = stack.folder.secrets / TRACKING_SECRET
    ticket = issue_token(keys, subject=code, role=Role.CITIZEN, seconds=3600, issuer=ISSUER, audience=AUDIENCE)
    return wrk.Request("GET", f"/v1/tracking/{code}", ticket)


def _worklist(stack: BenchStack, office: Mapping[str, str], cursor: str = "") -> wrk.Request:
    officer = Officer(office["agency"], office["role"])
    target = "/v1/worklist" + (f"?cursor={cursor}" if cursor else "")
    return wrk.Request("GET", target, stack.token(officer.role, officer.agency, officer.subject))


def _of_desk(stack: BenchStack, code: str, what: str) -> wrk.Request:
    desk = Officer(DossierCode.parse(code).place, Role.DESK)
    return wrk.Request("GET", f"/v1/dossiers/{code}/{what}", stack.token(desk.role, desk.agency, desk.subject))
