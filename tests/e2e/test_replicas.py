"""A year through two processes of each service: the same figures and codes, and nothing done by both."""

from __future__ import annotations

import asyncio
import json
import re
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial

import httpx2
import pytest
from prometheus_client.parser import text_string_to_metric_families

from deploy.demo.driver import Hook
from deploy.demo.plan import YearPlan
from deploy.demo.report import YearReport
from deploy.local.rolling import Replaced, restart
from deploy.local.services import SERVICES, replicas_of, service_of
from deploy.local.stack import Stack
from shared.contracts import facts
from tests.e2e.conftest import SMALL, Seen, YearRunner, connected
from tests.e2e.test_faults import comparable, each_came_once

FRONT_DOORS = {"intake": "/v1/dossiers", "processing": "/v1/dossiers/{code}/acts/{action}"}
KILLS = {0.1: "intake_2", 0.2: "processing", 0.3: "metrics", 0.4: "processing_2"}
"""At which share of the filings; notification is left alone, for a killed sender may lose what it was told."""

ROLLS_AT = 0.5

TIMED = (facts.HalfTimeReached, facts.ApologyDrafted, facts.BecameOverdue)
TIMERS = "select type, count(*) as facts from processing.journal where type = any($1) group by type"
APPLIED = "select coalesce(sum(seq), 0)::bigint from {}.cursors"


@dataclass
class Shared:
    """What each replica did of a year: part → its page; and what the database knows of both together."""

    pages: dict[str, str] = field(default_factory=dict)
    timers: dict[str, int] = field(default_factory=dict)
    applied: dict[str, int] = field(default_factory=dict)
    seen: Seen = field(default_factory=Seen)

    async def look(self, stack: Stack) -> None:
        await self.seen.look(stack)
        async with httpx2.AsyncClient(trust_env=False) as client:
            for part in (part for service in SERVICES for part in stack.processes(service)):
                self.pages[part] = await page_of_now(client, f"http://127.0.0.1:{stack.ports.of(part)}/metrics")
        async with connected(stack) as connection:
            rows = await connection.fetch(TIMERS, [fact.TYPE for fact in TIMED])
            self.timers = {row["type"]: row["facts"] for row in rows}
            self.applied = {name: await connection.fetchval(APPLIED.format(name)) for name in SERVICES}

    def told(self, service: str, name: str, **labels: str) -> dict[str, float]:
        """Replica of a service → the sum of its samples with this name and these labels, where it has any."""
        found: Counter[str] = Counter()
        for part in (part for part in self.pages if service_of(part) == service):
            for family in text_string_to_metric_families(self.pages[part]):
                for sample in family.samples:
                    if sample.name == name and labels.items() <= sample.labels.items():
                        found[part] += sample.value
        return dict(found)


async def page_of_now(client: httpx2.AsyncClient, url: str) -> str:
    """A page whose snapshot was taken after it was first asked for."""
    asked_at = time.monotonic()
    while True:
        text = (await client.get(url)).raise_for_status().text
        [age] = re.findall(r"^motcua_metrics_snapshot_age_seconds (\S+)$", text, re.MULTILINE)
        if float(age) < time.monotonic() - asked_at:
            return text
        await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def shared() -> Shared:
    return Shared()


@pytest.mark.timeout(1500)
async def test_two_replicas_play_the_same_year(years: YearRunner, undisturbed: YearReport, shared: Shared) -> None:
    report = await years.play(SMALL, after=shared.look, replicas=2)
    assert report.exit_code == 0
    assert comparable(report) == comparable(undisturbed)
    each_came_once(shared.seen.arrivals, report)


async def test_both_replicas_of_each_service_did_their_part(shared: Shared) -> None:
    for service in SERVICES:
        applied = shared.told(service, "motcua_consumer_facts_total", outcome="applied")
        assert len(applied) == 2
        assert min(applied.values()) > 0
        assert sum(applied.values()) == shared.applied[service]


async def test_clients_went_to_both(shared: Shared) -> None:
    for service, route in FRONT_DOORS.items():
        answered = shared.told(service, "motcua_http_requests_total", method="POST", route=route)
        assert len(answered) == 2
        assert min(answered.values()) > 0.4 * sum(answered.values())


async def test_each_timer_fired_in_one_of_them(shared: Shared) -> None:
    assert shared.timers.keys() == {fact.TYPE for fact in TIMED}
    for fact_type, made in shared.timers.items():
        fired = shared.told("processing", "motcua_timers_fired_total", type=fact_type)
        assert sum(fired.values()) == made


async def test_one_of_them_exports_the_domain_figures(shared: Shared) -> None:
    exported = shared.told("metrics", "motcua_domain_figures_exported")
    assert sorted(exported.values()) == [0, 1]
    received = shared.told("metrics", "motcua_dossiers_received_total")
    assert received == {part: SMALL.dossiers for part, exports in exported.items() if exports}


@dataclass
class Rolled:
    """A rolling restart of everything, and what each process wrote of its end and its beginning."""

    replaced: list[Replaced] = field(default_factory=list)
    filed: int = 0
    moments: dict[tuple[str, str], list[str]] = field(default_factory=dict)

    async def roll(self, stack: Stack) -> None:
        for part in KILLS.values():
            await stack.wait_ready(part)
        async with connected(stack) as connection:
            before = await connection.fetchval("select count(*) from intake.dossiers")
            self.replaced = await restart(stack.folder)
            self.filed = await connection.fetchval("select count(*) from intake.dossiers") - before

    def read_logs(self, stack: Stack) -> None:
        for part in (part for service in SERVICES for part in stack.processes(service)):
            for line in (stack.folder.logs / f"{part}.log").read_text("utf-8").splitlines():
                told = json.loads(line) if line.startswith("{") else {}
                self.moments.setdefault((part, str(told.get("event"))), []).append(str(told.get("timestamp")))


@pytest.mark.timeout(1500)
async def test_a_year_while_replicas_die_and_are_replaced_is_the_same_year(
    years: YearRunner, undisturbed: YearReport
) -> None:
    """Replicas are killed, then every process of every service is replaced in turn, all while dossiers are filed."""
    died: dict[str, bool] = {}
    rolled, ended = Rolled(), Seen()

    def strikes(stack: Stack, _plan: YearPlan) -> dict[float, Hook]:
        async def kill(part: str) -> None:
            victim = await stack.kill(part)
            await stack.wait_ready(part)
            died[part] = victim.pid != stack.pid(part) and not victim.alive

        return {share: partial(kill, part) for share, part in KILLS.items()} | {ROLLS_AT: partial(rolled.roll, stack)}

    async def look(stack: Stack) -> None:
        await ended.look(stack)
        rolled.read_logs(stack)

    report = await years.play(SMALL, hooks=strikes, after=look, replicas=2)
    assert died == dict.fromkeys(KILLS.values(), True)
    assert [each.part for each in rolled.replaced] == [part for name in SERVICES for part in replicas_of(name, 2)]
    assert not [each for each in rolled.replaced if each.before == each.after or each.before.alive]
    assert rolled.filed > 0
    for first, second in (replicas_of(service, 2) for service in SERVICES):
        assert len(rolled.moments[first, "ended"]) == len(rolled.moments[second, "ended"]) == 1  # politely, both
        assert rolled.moments[first, "started"][-1] < rolled.moments[second, "ending"][0]
    assert comparable(report) == comparable(undisturbed)
    each_came_once(ended.arrivals, report)
