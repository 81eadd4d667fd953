"""What strikes the small year while it is played."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from deploy.demo.plan import Arrival, YearPlan
from deploy.demo.play import Stage, seed_rules
from deploy.local import kafka
from deploy.local.services import SERVICES, SMS_SECRET
from deploy.local.sinks.conduct import Conduct
from deploy.local.sinks.logbook import Kind
from deploy.local.stack import Stack
from shared.clocks import ScenarioClock
from shared.rulebook.limits import due
from tests.clients import plain_client
from tests.e2e.years import connected
from tests.faults.signals import superseded
from tests.holding import held
from tests.operating import as_json
from tests.waiting import until

KILLS_OF_PROCESSING = (0.2, 0.5, 0.8)
"""At which shares of the facts that processing handles: one for each dossier."""
EARLIER = 0.05
"""Facts follow the filings: who waits for a share of the facts begins at fewer filings."""
STRANGERS, HELD = 0.1, 0.55
WITHHELD, FOREIGN = 2, 7
KILLS_OF_OTHERS = {0.35: "intake", 0.65: "metrics"}
KAFKA_LOST = 0.85
CLUSTER = "meta.properties"
"""Names the cluster: Kafka formatted anew is another one."""

WAITING_BATCHES = """
select count(*) from pg_stat_activity
where application_name = 'motcua-processing' and wait_event = 'advisory' and query ilike '%insert into cases%'
"""


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


async def withhold(stack: Stack) -> None:
    """Let the gateway take the first messages and never answer: acceptance, which is told at least once."""
    token = (stack.folder.secrets / SMS_SECRET).read_text("utf-8").strip()
    order = {"sink": Kind.SMS, "conduct": Conduct.WITHHOLD, "times": WITHHELD}
    async with plain_client(headers={"Authorization": f"Bearer {token}"}) as client:
        answer = await client.post(f"http://127.0.0.1:{stack.ports.sms}/v1/conduct", json=order)
        answer.raise_for_status()


def strangers_of(plan: YearPlan) -> Sequence[Arrival]:
    """What strangers file: long matters, since officers hear of them at a later moment, and at places where nobody of
    the plan files soon, so that its dossiers keep their numbers."""
    calendar, moments = seed_rules().calendar, sorted({arrival.moment for arrival in plan.arrivals})
    begin = moments.index(plan.arrivals[int(STRANGERS * len(plan.arrivals)) - 1].moment)
    busy = {arrival.place.code for arrival in plan.arrivals if arrival.moment in moments[begin : begin + 4]}
    free = [arrival for arrival in plan.arrivals if arrival.place.code not in busy]
    by_due = sorted(free, key=lambda arrival: due(calendar, arrival.case.promised_limit, moments[begin]), reverse=True)
    return by_due[:FOREIGN]


async def file_as_strangers(stack: Stack, plan: YearPlan) -> None:
    with contextlib.closing(Stage(stack, seed=99)) as stage:
        for arrival in strangers_of(plan):
            await stage.offices.file(arrival)


async def hold_metrics(stack: Stack) -> tuple[datetime, datetime]:
    """Hold metrics' consumer for three seconds while the service answers; tells the scenario clock before and after."""
    clock = stack.scenario_file
    assert clock is not None
    async with connected(stack) as holder, connected(stack) as watcher:
        begun = holder.transaction()
        await begun.start()
        await holder.execute("lock table metrics.cursors in exclusive mode")

        async def behind() -> bool:
            journaled = await watcher.fetchval("select sum(seq) from processing.journal_heads")
            applied = await watcher.fetchval("select sum(seq) from metrics.cursors where source = 'processing'")
            return bool(journaled > applied)

        await until(behind)
        before = ScenarioClock(clock).now()
        await asyncio.sleep(3)  # the length of the hold is the fault itself, not a wait for something
        assert await behind()
        after = ScenarioClock(clock).now()
        await begun.rollback()
    return before, after
