"""A year through two processes of each service: the same figures and codes, and nothing done by both."""

from __future__ import annotations

import asyncio
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
from deploy.local.status import parts
from shared.contracts import facts
from tests.e2e.conftest import SMALL, Seen, YearRunner, connected
from tests.e2e.test_faults import comparable, each_came_once

FRONT_DOORS = {"intake": "/v1/dossiers", "processing": "/v1/dossiers/{code}/acts/{action}"}
KILLS = {0.2: "intake_2", 0.35: "processing", 0.5: "metrics", 0.65: "processing_2"}
"""At which share of the filings; notification is left alone, for a killed sender may lose what it was told."""

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
                answer = await client.get(f"http://127.0.0.1:{stack.ports.of(part)}/metrics")
                self.pages[part] = answer.raise_for_status().text
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


@pytest.fixture(scope="module")
def shared() -> Shared:
    return Shared()


@pytest.mark.timeout(600)
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


@pytest.mark.timeout(600)
async def test_a_year_while_replicas_die_is_the_same_year(years: YearRunner, undisturbed: YearReport) -> None:
    died: dict[str, int] = {}
    ended = Seen()

    def strikes(stack: Stack, _plan: YearPlan) -> dict[float, Hook]:
        async def kill(part: str) -> None:
            victim = await stack.kill(part)
            await stack.wait_ready(part)
            died[part] = victim.pid if victim.pid != stack.pid(part) and not victim.alive else 0

        return {share: partial(kill, part) for share, part in KILLS.items()}

    report = await years.play(SMALL, hooks=strikes, after=ended.look, replicas=2)
    assert set(died) == set(KILLS.values())
    assert all(died.values())
    assert comparable(report) == comparable(undisturbed)
    each_came_once(ended.arrivals, report)


@pytest.mark.timeout(600)
async def test_a_rolling_restart_under_load_is_the_same_year(years: YearRunner, undisturbed: YearReport) -> None:
    """Every process of every service is replaced while the year goes on; somebody of each is ready all the time."""
    replaced: list[Replaced] = []
    ready: dict[str, list[int]] = {service: [] for service in SERVICES}
    during: list[int] = []
    ended = Seen()

    async def watch(stack: Stack, service: str) -> None:
        while True:
            found = await parts(stack.folder, *stack.processes(service))
            ready[service].append(sum(part.healthy for part in found))
            await asyncio.sleep(0.05)

    def strikes(stack: Stack, _plan: YearPlan) -> dict[float, Hook]:
        async def roll() -> None:
            async with connected(stack) as connection:
                before = await connection.fetchval("select count(*) from intake.dossiers")
                watching = [asyncio.create_task(watch(stack, service)) for service in SERVICES]
                replaced.extend(await restart(stack.folder))
                for task in watching:
                    task.cancel()
                during.append(await connection.fetchval("select count(*) from intake.dossiers") - before)

        return {0.1: roll}

    report = await years.play(SMALL, hooks=strikes, after=ended.look, replicas=2)
    assert [each.part for each in replaced] == [part for name in SERVICES for part in replicas_of(name, 2)]
    assert not [each for each in replaced if each.before == each.after or each.before.alive]
    assert during[0] > SMALL.dossiers / 10
    for service, counts in ready.items():
        assert min(counts) == 1, service  # one was away, never both
    assert comparable(report) == comparable(undisturbed)
    each_came_once(ended.arrivals, report)
