"""The journal's partitions are made by provision, also when facts came before the partition of their month."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import asyncpg

from shared.clocks import machine_now
from shared.messaging.journal import Draft, Journal, verify_chain
from tests.integration.messaging.conftest import Servers
from tests.integration.messaging.house import MOMENT, fact


def month_ahead(months: int) -> date:
    today = machine_now().date()
    month = today.year * 12 + today.month - 1 + months
    return date(month // 12, month % 12 + 1, 1)


async def test_provision_leaves_a_month_that_the_default_partition_holds_and_makes_the_others(servers: Servers) -> None:
    await servers.stack.provision()
    early, lost = month_ahead(3), month_ahead(4)
    owner = await asyncpg.connect(servers.stack.dsn(), server_settings={"search_path": "metrics"})
    try:
        await owner.execute(f"drop table journal_{early:%Y%m}; drop table journal_{lost:%Y%m}")
        journal = Journal("metrics", lambda: datetime.combine(early, time(12), UTC))
        async with owner.transaction():
            draft = Draft(topic="trial", subject="A", fact=fact(), legal_time=MOMENT)
            await journal.append(owner, [draft])
        assert await owner.fetchval("select count(*) from journal_default") == 1

        for made in (1, 0):
            report = await servers.stack.provision()
            assert (report.partitions, report.in_default) == (made, [f"metrics {early:%Y-%m}"])
            assert any(f"{early:%Y-%m}" in line for line in report.lines())
        assert await owner.fetchval("select to_regclass($1)", f"metrics.journal_{early:%Y%m}") is None
        assert await owner.fetchval("select to_regclass($1)", f"metrics.journal_{lost:%Y%m}") is not None

        async with owner.transaction():
            await journal.append(owner, [draft])
            assert [breach async for breach in verify_chain(owner)] == []
        assert await owner.fetchval("select count(*) from journal") == 2
    finally:
        await owner.close()
