"""Facts that come twice, late, or out of order through the topic: each has its effect once, in every service."""

from __future__ import annotations

import time
from collections import Counter as Tally
from collections.abc import Mapping

import pytest
from asyncpg import Record
from prometheus_client.parser import text_string_to_metric_families

from deploy.demo.offices import Officer
from deploy.demo.quiet import READERS
from deploy.local.services import SERVICES
from shared.messaging.journal import Draft, Journal, shard_of
from tests.integration.intake.counter import COMMUNE, Counter
from tests.integration.together.everywhere import Everywhere, filed, grown
from tests.integration.together.made_up import apologised, result_ready, writing
from tests.waiting import until

KEPT = (
    *("intake.dossiers", "processing.cases", "processing.steps", "processing.duties", "processing.timers"),
    *("processing.asks", "processing.halts", "processing.proposals"),
    *("metrics.reopenings", "metrics.repeated_supplements"),
    *("notification.notices", "notification.messages", "metrics.dossiers", "metrics.daily_counters"),
    *("metrics.daily_notices",),
)
QUEUE = "insert into unsent (shard, topic, subject, seq, recorded_at) values ($1, $2, $3, $4, $5)"


@pytest.fixture
async def code(everywhere: Everywhere, counter: Counter) -> str:
    """A dossier that has arrived everywhere."""
    before = await everywhere.look()
    code = str((await counter.hand_in(await counter.filing())).json()["code"])
    assert grown(before, await everywhere.look()) == filed(code)
    return code


async def dropped_by(everywhere: Everywhere, service: str, since: float) -> Tally[str] | None:
    """Topic → duplicates; None while the snapshot is older than `since`, a moment of the monotonic clock."""
    metrics = (await everywhere.http.get(f"{everywhere.stack.urls[service]}/metrics")).text
    age, found = 0.0, Tally[str]()
    for sample in (sample for family in text_string_to_metric_families(metrics) for sample in family.samples):
        if sample.name == "motcua_metrics_snapshot_age_seconds":
            age = sample.value
        if sample.name == "motcua_consumer_facts_total" and sample.labels["outcome"] == "duplicate":
            found[sample.labels["topic"]] += int(sample.value)
    return found if age < time.monotonic() - since else None


async def duplicates(everywhere: Everywhere) -> dict[str, Tally[str]]:
    """Service → topic → duplicates that its consumer has dropped until now."""

    async def all_shown() -> dict[str, Tally[str]] | None:
        shown = {service: await dropped_by(everywhere, service, since) for service in SERVICES}
        found = {service: tally for service, tally in shown.items() if tally is not None}
        return found if found.keys() == shown.keys() else None

    since = time.monotonic()
    return await until(all_shown)


async def publish_again(everywhere: Everywhere, source: str) -> Tally[str]:
    """Put every fact about a dossier back into the relay's queue; answers how many, by topic."""
    async with writing(everywhere.stack, source) as tx:
        rows = await tx.fetch("select topic, subject, seq, recorded_at from journal where subject like 'H56.%'")
        await tx.executemany(QUEUE, [(shard_of(row["subject"]), *row.values()) for row in rows])
    return Tally(row["topic"] for row in rows)


def due_again(service: str, repeated: Mapping[str, Tally[str]]) -> Tally[str]:
    """Topic → how much of what was published again this service reads: nothing of its own."""
    return sum((Tally({topic: repeated[source][topic]}) for source, topic in READERS[service]), Tally[str]())


async def test_what_comes_twice_is_dropped_by_all_who_read_it(everywhere: Everywhere, code: str) -> None:
    desk = Officer(COMMUNE, "desk")
    item = next(item for item in await everywhere.stage.offices.worklist(desk) if item.code == code)
    await everywhere.stage.offices.act(item, item.duties[0])
    before, rows_before = await everywhere.look(), await everywhere.rows(*KEPT)
    dropped_before = await duplicates(everywhere)
    repeated = {source: await publish_again(everywhere, source) for source in ("intake", "processing", "notification")}
    assert all(repeated.values()), "nothing to repeat"
    expected = {service: dropped_before[service] + due_again(service, repeated) for service in SERVICES}

    async def all_dropped() -> Mapping[str, Tally[str]] | None:
        found = await duplicates(everywhere)
        return found if all(found[service] >= expected[service] for service in SERVICES) else None

    assert await until(all_dropped) == expected
    assert grown(before, await everywhere.look()) == {}
    assert grown(rows_before, await everywhere.rows(*KEPT)) == {}


async def append_without_the_first(everywhere: Everywhere, *drafts: Draft) -> Record:
    """Record facts of processing, the first of which the relay does not find; answers its place in the queue."""
    async with writing(everywhere.stack, "processing") as tx:
        first, *_ = await Journal("processing").append(tx, drafts)
        return await tx.fetchrow(
            "delete from unsent where topic = $1 and subject = $2 and seq = $3 "
            "returning shard, topic, subject, seq, recorded_at",
            *(first.draft.topic, first.draft.subject, first.seq),
        )


async def test_what_overtook_a_fact_waits_for_it_and_goes_on_by_itself(everywhere: Everywhere, code: str) -> None:
    before, others = await everywhere.look(), [service for service in SERVICES if service != "processing"]
    held = await append_without_the_first(everywhere, apologised(code), result_ready(code))

    async def all_wait() -> bool:
        return await everywhere.parked(code) == {service: [("gap", "processing", 2)] for service in others}

    await until(all_wait)
    assert grown(before, await everywhere.seen_now()) == {}
    async with writing(everywhere.stack, "processing") as tx:
        await tx.execute(QUEUE, *held)

    async def none_waits() -> bool:
        return await everywhere.parked(code) == {}

    await until(none_waits)
    assert grown(before, await everywhere.look()) == {
        "closed": {code: 1},
        "notices": {f"{code} apologised": 1, f"{code} result_ready": 1},
        "figures": {"resolved": 1, "apologies_published": 1},
        "told": {f"{code} {told} {sink}": 1 for told in ("apologised", "result_ready") for sink in ("sms", "mail")},
    }
