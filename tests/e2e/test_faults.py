"""Years while something is killed or held: the same figures, the same codes, nothing lost, nothing doubled."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from deploy.demo.driver import Hook
from deploy.demo.plan import YearPlan, YearRequest
from deploy.demo.report import YearReport
from deploy.local.stack import Stack
from tests.e2e.conftest import YearRunner

SMALL = YearRequest(300, open=4, late=3, seed=5)
KILLS = (0.2, 0.5, 0.8)

OPEN_BATCHES = """
select count(*) from pg_stat_activity
where application_name = $1 and wait_event_type = 'Lock' and query ilike '%cases%' and state = 'active'
"""


def figures(report: YearReport) -> dict[str, object]:
    """What a fault may not change; messages may be doubled only at the sinks, so notices are not compared here."""
    return {name: value for name, value in report.as_json().items() if name not in {"seconds", "notices", "events"}}


@pytest.fixture(scope="module")
async def undisturbed(years: YearRunner) -> YearReport:
    return await years.play(SMALL)


async def until(condition: Callable[[], Awaitable[bool]], seconds: float = 60) -> None:
    """Wait for a condition; raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while not await condition():
            await asyncio.sleep(0.01)


@asynccontextmanager
async def connected(stack: Stack) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    connection = await asyncpg.connect(stack.dsn())
    try:
        yield connection
    finally:
        await connection.close()


def batches(log: Path, pid: int) -> list[str]:
    """What one process told of its batches, in order."""
    lines = (json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{"))
    return [line["event"] for line in lines if line.get("pid") == pid and line["event"].startswith("batch ")]


async def kill_inside_a_batch(stack: Stack) -> tuple[str, int]:
    """Hold the table of cases until processing's batch waits for it; kill processing there."""
    async with connected(stack) as holder, connected(stack) as watcher:
        hold = holder.transaction()
        await hold.start()
        await holder.execute("lock table processing.cases in exclusive mode")
        victim = stack.pid("processing")
        log = stack.folder.logs / "processing.log"

        async def batch_waits() -> bool:
            begun = batches(log, victim)[-1:] == ["batch begun"]
            return begun and await watcher.fetchval(OPEN_BATCHES, "motcua-processing") > 0

        await until(batch_waits)
        await stack.kill("processing")
        await hold.rollback()
    return batches(log, victim)[-1], victim


@pytest.mark.timeout(600)
async def test_processing_killed_inside_a_batch_three_times(years: YearRunner, undisturbed: YearReport) -> None:
    struck: list[tuple[str, int]] = []

    def strikes(stack: Stack, _plan: YearPlan) -> dict[float, Hook]:
        async def strike() -> None:
            struck.append(await kill_inside_a_batch(stack))

        return dict.fromkeys(KILLS, strike)

    report = await years.play(SMALL, hooks=strikes, log_level="debug")
    assert [event for event, _ in struck] == ["batch begun"] * 3
    assert len({pid for _, pid in struck}) == 3
    assert report.exit_code == 0
    assert figures(report) == figures(undisturbed)
    assert report.as_json()["notices"] == undisturbed.as_json()["notices"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("victim", ["intake", "notification", "metrics"])
async def test_another_service_killed_under_load(years: YearRunner, undisturbed: YearReport, victim: str) -> None:
    struck: list[int] = []

    def strikes(stack: Stack, _plan: YearPlan) -> dict[float, Hook]:
        async def strike() -> None:
            struck.append((await stack.kill(victim)).pid)

        return dict.fromkeys(KILLS, strike)

    report = await years.play(SMALL, hooks=strikes)
    assert len(set(struck)) == 3
    assert report.exit_code == 0
    assert figures(report) == figures(undisturbed)


@pytest.mark.timeout(600)
async def test_the_clock_stands_still_while_a_consumer_is_held(years: YearRunner, undisturbed: YearReport) -> None:
    """A year in which metrics is held for three seconds: legal time may not move on without it."""
    seen: list[tuple[str, str]] = []

    def strikes(stack: Stack, _plan: YearPlan) -> dict[float, Hook]:
        clock = stack.scenario_file
        assert clock is not None

        async def held(connection: asyncpg.Connection[asyncpg.Record]) -> bool:
            journaled = await connection.fetchval("select sum(seq) from processing.journal_heads")
            applied = await connection.fetchval("select sum(seq) from metrics.cursors where source = 'processing'")
            return bool(journaled > applied)

        async def strike() -> None:
            victim = stack.pid("metrics")
            os.kill(victim, signal.SIGSTOP)
            try:
                async with connected(stack) as connection:
                    await until(lambda: held(connection))
                before = clock.read_text()
                await asyncio.sleep(3)  # the length of the hold is the fault itself, not a wait for something
                seen.append((before, clock.read_text()))
            finally:
                os.kill(victim, signal.SIGCONT)

        return {0.5: strike}

    report = await years.play(SMALL, hooks=strikes)
    assert len(seen) == 1
    assert seen[0][0] == seen[0][1]
    assert figures(report) == figures(undisturbed)
