"""A year while services are killed: the same figures, the same codes, nothing lost, nothing doubled."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploy.demo.driver import Hook
from deploy.demo.plan import YearPlan
from deploy.demo.report import YearReport
from deploy.local.stack import Stack
from tests.e2e.conftest import SMALL, YearRunner, connected, until

KILLS_OF_PROCESSING = (0.2, 0.5, 0.8)
KILLS_OF_OTHERS = {0.35: "intake", 0.65: "metrics"}

MAKE_BATCHES_WAIT = """
create or replace function processing.wait_here() returns trigger language plpgsql as $$
begin
    perform pg_advisory_xact_lock_shared(1);
    return null;
end
$$;
create or replace trigger wait_here before insert on processing.cases
    for each statement execute function processing.wait_here();
"""
LET_BATCHES_GO = "drop trigger wait_here on processing.cases"
WAITING_BATCHES = """
select count(*) from pg_stat_activity
where application_name = 'motcua-processing' and wait_event = 'advisory' and query ilike '%insert into cases%'
"""


def comparable(report: YearReport) -> dict[str, object]:
    return {name: value for name, value in report.as_json().items() if name != "seconds"}


def last_of_a_batch(log: Path) -> str | None:
    """What processing told last of its batches."""
    lines = (json.loads(line) for line in log.read_text("utf-8").splitlines() if line.startswith("{"))
    told = [line["event"] for line in lines if str(line["event"]).startswith("batch ")]
    return told[-1] if told else None


async def kill_inside_a_batch(stack: Stack) -> tuple[str | None, int]:
    """Let the next batch that opens cases wait in the middle of its transaction; kill processing there."""
    async with connected(stack) as holder, connected(stack) as watcher:
        await holder.execute("select pg_advisory_lock(1)")
        await holder.execute(MAKE_BATCHES_WAIT)
        victim = stack.pid("processing")
        log = stack.folder.logs / "processing.log"

        async def batch_waits() -> bool:
            return bool(await watcher.fetchval(WAITING_BATCHES)) and last_of_a_batch(log) == "batch begun"

        await until(batch_waits)
        await stack.kill("processing")
        told = last_of_a_batch(log)
        await holder.execute("select pg_advisory_unlock(1)")
        await holder.execute(LET_BATCHES_GO)
    return told, victim


@pytest.mark.timeout(900)
async def test_a_year_while_services_are_killed_is_the_same_year(years: YearRunner, undisturbed: YearReport) -> None:
    """Processing dies three times inside a batch, intake and metrics once each under load.

    The whole report is that of the undisturbed year, notices and facts included: so the same request gives the same
    report, every acknowledged dossier exists once, and no citizen was told twice.
    """
    inside: list[tuple[str | None, int]] = []
    others: list[int] = []

    def strikes(stack: Stack, _plan: YearPlan) -> dict[float, Hook]:
        async def processing() -> None:
            inside.append(await kill_inside_a_batch(stack))

        def another(name: str) -> Hook:
            async def strike() -> None:
                others.append((await stack.kill(name)).pid)

            return strike

        return dict.fromkeys(KILLS_OF_PROCESSING, processing) | {
            share: another(name) for share, name in KILLS_OF_OTHERS.items()
        }

    report = await years.play(SMALL, hooks=strikes, log_level="debug")
    assert [event for event, _ in inside] == ["batch begun"] * len(KILLS_OF_PROCESSING)
    assert len({pid for _, pid in inside} | set(others)) == len(KILLS_OF_PROCESSING) + len(KILLS_OF_OTHERS)
    assert report.exit_code == 0
    assert comparable(report) == comparable(undisturbed)
