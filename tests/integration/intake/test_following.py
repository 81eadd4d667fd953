"""Intake follows processing's facts as they come through the topic, and shuts nobody else out."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path

from deploy.local.stack import Stack
from shared.clocks import ScenarioClock
from shared.contracts.facts import DossierAssigned, ResultReady, State
from shared.contracts.topics import LIFECYCLE
from shared.database import create_pool, transaction
from shared.messaging.journal import Draft, Journal
from shared.messaging.relay import Relay
from shared.settings import DatabaseSettings
from tests.integration.intake.counter import COMMUNE, Counter


async def test_a_ready_result_closes_the_dossier_for_papers(counter: Counter, stack: Stack) -> None:
    code = (await counter.hand_in(await counter.filing())).json()["code"]
    assert await closed(counter, code) is None
    assert stack.scenario_file is not None
    now = ScenarioClock(stack.scenario_file).now()
    shape = {"catalogue_version": "c", "calendar_version": "k", "step_no": 2, "agency": COMMUNE, "officer": "o"}
    facts = (DossierAssigned(state=State.PROCESSING, **shape), ResultReady(state=State.READY, **shape))
    environment = stack.environment("processing")
    settings = DatabaseSettings(
        host="127.0.0.1",
        port=stack.ports.postgres,
        user="processing",
        password_file=Path(environment["MOTCUA_DATABASE__PASSWORD_FILE"]),
    )
    pool = await create_pool(settings, "processing")
    journal, stop = Journal("processing"), asyncio.Event()
    async with transaction(pool) as tx:
        await journal.append(tx, [Draft(LIFECYCLE.name, code, fact, now) for fact in facts])
    relay = asyncio.create_task(Relay(pool, journal, stack.kafka_login("processing")).run(stop))
    try:
        async with asyncio.timeout(30):
            while await applied(counter) < len(facts):
                await asyncio.sleep(0.05)
    finally:
        stop.set()
        await relay
        await pool.close()
    assert await closed(counter, code) == now
    read = await counter.http.get(f"/v1/dossiers/{code}", headers=counter.bearer("leader"))
    assert read.json()["closed_at"] == now.isoformat()


async def closed(counter: Counter, code: str) -> object:
    return await counter.database.fetchval("select closed_at from intake.dossiers where code = $1", code)


async def applied(counter: Counter) -> int:
    figures = (await counter.http.get("/internal/v1/quiet", headers=counter.bearer("operator", ""))).json()
    return int(figures["applied"].get(f"processing/{LIFECYCLE.name}", 0))


async def test_what_is_parked_is_seen_by_who_scrapes(counter: Counter) -> None:
    async def shown() -> list[str]:
        page = (await counter.http.get("/metrics")).text
        return [line for line in page.splitlines() if line.startswith('motcua_parked_facts{kind="undecodable"}')]

    parked = await counter.database.fetchval(
        'insert into intake.parked (kind, topic, partition, "offset", headers, reason, attempts, parked_at)'
        " values ('undecodable', 'dossier.lifecycle.v1', 0, 0, '[]', 'planted', 1, clock_timestamp()) returning id"
    )
    try:
        async with asyncio.timeout(15):
            while await shown() != ['motcua_parked_facts{kind="undecodable"} 1.0']:
                await asyncio.sleep(0.1)
    finally:
        await counter.database.execute("delete from intake.parked where id = $1", parked)


async def test_a_twin_that_waits_too_long_is_told_so(counter: Counter) -> None:
    filing = await counter.filing()
    before = await counter.counts()
    claim = counter.database.transaction()
    await claim.start()
    await counter.database.execute(
        "insert into intake.idempotency_keys (caller, key, request_hash) values ($1, $2, '')",
        f"desk@{COMMUNE}/desk/{COMMUNE}",
        hashlib.sha256(b"held").hexdigest(),
    )
    waiting = await counter.hand_in(filing, key="held")
    await claim.rollback()
    assert (waiting.status_code, waiting.json()["code"]) == (409, "request_in_flight")
    assert waiting.headers["retry-after"] == "1"
    assert await counter.counts() == before
    assert (await counter.hand_in(filing, key="held")).status_code == 201
