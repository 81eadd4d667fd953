"""A year while services are killed and Kafka loses all it had: the same figures and codes, nothing lost or doubled."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from deploy.demo.driver import Hook
from deploy.demo.plan import YearPlan
from deploy.demo.report import YearReport
from deploy.local import kafka
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from tests.e2e.conftest import SMALL, Seen, YearRunner, connected
from tests.faults.signals import superseded
from tests.holding import held
from tests.operating import as_json
from tests.waiting import until

KILLS_OF_PROCESSING = (0.2, 0.5, 0.8)
"""At which shares of the facts that processing handles in the undisturbed year."""
EARLIER = 0.05
"""Facts follow the filings: who waits for a share of the facts begins at fewer filings."""
KILLS_OF_OTHERS = {0.35: "intake", 0.65: "metrics"}
KAFKA_LOST = 0.85
CLUSTER = "meta.properties"
"""Names the cluster: Kafka formatted anew is another one."""

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


HANDLED = "select coalesce(sum(seq), 0)::bigint from processing.cursors"


@dataclass(frozen=True)
class Struck:
    """A kill of processing: at how many facts it came, its last word, and who was killed."""

    handled: int
    told: str | None
    pid: int


async def kill_inside_a_batch(stack: Stack, meant: float) -> Struck:
    """Once so many facts are handled, let the next batch that opens cases wait in its transaction; kill it there."""
    async with connected(stack) as holder, connected(stack) as watcher:

        async def enough() -> bool:
            return bool(await watcher.fetchval(HANDLED) >= meant)

        await until(enough, seconds=300)
        async with held(holder, "processing", "processing.cases", "before insert"):
            victim = stack.pid("processing")
            log = stack.folder.logs / "processing.log"

            async def batch_waits() -> bool:
                return bool(await watcher.fetchval(WAITING_BATCHES)) and last_of_a_batch(log) == "batch begun"

            await until(batch_waits)
            await stack.kill("processing")
            handled = await watcher.fetchval(HANDLED)
            told = last_of_a_batch(log)
    return Struck(handled, told, victim)


async def lose_all_that_kafka_holds(stack: Stack) -> int:
    """Kill the broker and take its data away; then do what the docs tell an operator. Answers the facts republished."""
    lost = stack.folder.kafka / "lost"
    (stack.folder.kafka / "data").rename(lost)
    await stack.kill("kafka")
    await asyncio.to_thread(kafka.prepare, stack.folder, stack.ports)
    await stack.wait_ready("kafka", seconds=120)
    assert (stack.folder.kafka / "data" / CLUSTER).read_text() != (lost / CLUSTER).read_text()
    await stack.provision()
    await asyncio.gather(*(superseded(stack, name) for name in SERVICES))
    rows = await as_json(stack, "republish", *(word for name in SERVICES for word in ("--from", name)))
    for name in SERVICES:
        await stack.wait_ready(name)
    return sum(row["facts"] for row in rows)


def each_came_once(arrivals: list[dict[str, Any]], report: YearReport) -> None:
    """No message was repeated, no citizen told the same twice, and nobody was told what was not counted."""
    assert not [line for line in arrivals if line["repeat"]]
    assert len({(line["kind"], line["to"], line["text"]) for line in arrivals}) == len(arrivals)
    assert len(arrivals) == report.notices.handed_over > 0


@pytest.mark.timeout(1500)
async def test_a_year_while_services_are_killed_is_the_same_year(
    years: YearRunner, undisturbed: YearReport, seen: Seen
) -> None:
    """Processing dies three times inside a batch, intake and metrics once each, and Kafka's data is gone for ever.

    The whole report is that of the undisturbed year, notices and facts included: so the same request gives the same
    report, every acknowledged dossier exists once, and no citizen was told twice.
    """
    expected = undisturbed.events.consumed["processing"]
    inside: list[Struck] = []
    others: list[int] = []
    republished: list[int] = []
    disturbed = Seen()

    def strikes(stack: Stack, _plan: YearPlan) -> dict[float, Hook]:
        async def processing(share: float) -> None:
            inside.append(await kill_inside_a_batch(stack, share * expected))

        async def another(name: str) -> None:
            others.append((await stack.kill(name)).pid)

        async def lost() -> None:
            async def over() -> bool:
                return len(inside) == len(KILLS_OF_PROCESSING)

            await until(over, seconds=300)
            republished.append(await lose_all_that_kafka_holds(stack))

        return {share - EARLIER: partial(processing, share) for share in KILLS_OF_PROCESSING} | {
            **{share: partial(another, name) for share, name in KILLS_OF_OTHERS.items()},
            KAFKA_LOST: lost,
        }

    report = await years.play(SMALL, hooks=strikes, after=disturbed.look, log_level="debug")
    assert [struck.told for struck in inside] == ["batch begun"] * len(KILLS_OF_PROCESSING)
    for share, struck in zip(KILLS_OF_PROCESSING, inside, strict=True):
        assert share <= struck.handled / expected < share + 0.1
    assert len({struck.pid for struck in inside} | set(others)) == len(KILLS_OF_PROCESSING) + len(KILLS_OF_OTHERS)
    assert republished
    assert republished[0] > expected * (KAFKA_LOST - EARLIER)
    assert report.exit_code == 0
    assert comparable(report) == comparable(undisturbed)
    each_came_once(seen.arrivals, undisturbed)
    each_came_once(disturbed.arrivals, report)
