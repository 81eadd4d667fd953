"""Two processes run; one exports the domain figures, and the other takes over when it ends, or when its lease does."""

from __future__ import annotations

import signal
from datetime import UTC, datetime, timedelta

import asyncpg

from services.metrics.exporter import LEASE
from tests.integration.metrics.town import MetricsProcess, Town
from tests.waiting import until

HELD = "select holder, expires_at, xmax::text as asked from metrics.export_leases"
"""Who asks for a lease in vain locks its row: every time, `xmax` is another."""
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


async def joined(town: Town, holder: MetricsProcess) -> None:
    """Start another process in place of the one that ended: it does not take the figures away."""
    (successor,) = town.processes
    town.processes.append(MetricsProcess(town.stack, holder.port))
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
