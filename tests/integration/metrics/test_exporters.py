"""Two processes run; one exports the domain figures, and the other takes over when it ends, or when its lease does."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg

from deploy.debian_tools import FAKETIME
from services.metrics.exporter import LEASE
from tests.integration.metrics.town import MetricsProcess, Town
from tests.machine_clock import MachineClock
from tests.tools import library
from tests.waiting import until

HELD = "select holder, expires_at, xmax::text as asked from metrics.export_leases"
"""Who asks for a lease in vain locks its row: every time, `xmax` is another."""
READ_AT = "motcua_database_figures_read_timestamp_seconds"
"""Set in the turn in which a process asks for the lease, after it has asked."""
ASKED, AHEAD = 2, timedelta(hours=1)
RUNS_UNTIL = "update metrics.export_leases set expires_at = $1"


async def exporters(town: Town) -> list[MetricsProcess]:
    return [process for process in town.processes if "motcua_dossiers_received_total" in await process.samples()]


async def the_exporter(town: Town) -> MetricsProcess:
    """Wait until somebody exports: there is one, and each process says whether it is the one."""

    async def some() -> list[MetricsProcess]:
        return await exporters(town)

    (holder,) = await until(some, "somebody exports")
    for process in town.processes:
        told = (await process.samples())["motcua_domain_figures_exported"][()]
        assert told == (1 if process is holder else 0)
    return holder  # type: ignore[no-any-return]


async def ended(town: Town, holder: MetricsProcess, by: signal.Signals) -> int:
    """End the exporter; what it leaves with."""
    town.processes.remove(holder)
    return await holder.end(by)


async def joined(town: Town, ended: MetricsProcess, changed: Mapping[str, str] | None = None) -> None:
    """Start another process in place of the one that ended: it does not take the figures away."""
    (successor,) = town.processes
    town.processes.append(MetricsProcess(town.stack, ended.port, changed))
    await until(town.processes[-1].ready, "metrics is ready again")
    assert await exporters(town) == [successor]


async def test_one_process_exports_and_the_other_takes_over(town: Town) -> None:
    holder = await the_exporter(town)
    assert await ended(town, holder, signal.SIGTERM) == 0
    await the_exporter(town)
    await joined(town, holder)


async def test_a_killed_exporter_is_followed_when_its_lease_ends_and_not_before(town: Town) -> None:
    holder = await the_exporter(town)
    assert await ended(town, holder, signal.SIGKILL) == -signal.SIGKILL
    database = await asyncpg.connect(town.stack.dsn())
    try:
        left = await database.fetchrow(HELD)
        assert left is not None
        assert left["expires_at"] <= datetime.now(UTC) + LEASE
        await database.execute(RUNS_UNTIL, datetime.now(UTC) + timedelta(hours=1))
        for _ in range(2):
            before = await database.fetchrow(HELD)

            async def asked_for(before: asyncpg.Record | None = before) -> bool:
                return await database.fetchrow(HELD) != before

            await until(asked_for, "the other process asks for the lease")
        after = await database.fetchrow(HELD)
        assert after is not None
        assert after["holder"] == left["holder"]
        assert await exporters(town) == []
        await database.execute(RUNS_UNTIL, datetime.now(UTC))
    finally:
        await database.close()
    await the_exporter(town)
    await joined(town, holder)


async def test_a_process_whose_clock_is_ahead_takes_the_lease_from_nobody_that_lives(
    town: Town, tmp_path: Path
) -> None:
    clock, holder = MachineClock(library(FAKETIME), tmp_path / "clock"), await the_exporter(town)
    clock.set(AHEAD)
    (other,) = (process for process in town.processes if process is not holder)
    assert await ended(town, other, signal.SIGTERM) == 0
    await joined(town, other, clock.environment)
    (_, skewed), looked = town.processes, set[float]()

    async def asked_twice() -> bool:
        (at,) = (await skewed.samples())[READ_AT].values()
        if at:
            assert abs(at - (datetime.now(UTC) + AHEAD).timestamp()) < AHEAD.total_seconds() / 2
            looked.add(at)
        return len(looked) > ASKED

    await until(asked_twice, "the process whose clock is ahead has asked for the lease twice")
    assert await exporters(town) == [holder]
    assert await ended(town, skewed, signal.SIGTERM) == 0
    await joined(town, skewed)
