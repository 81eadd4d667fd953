"""Intake follows processing's facts as they come through the topic, and shuts nobody else out."""

from __future__ import annotations

import asyncio
import hashlib

import pytest

from services.intake.handlers.following import HANDLERS
from shared.contracts.facts import State
from tests.integration.intake.counter import COMMUNE, Counter
from tests.integration.intake.processing import Processing

OVER = {State.REFUSED, State.WITHDRAWN, State.STOPPED, State.READY, State.HANDED_OVER}
TOLD = {
    "assigned": State.PROCESSING,
    "supplement_requested": State.WAITING_FOR_PAPERS,
    "supplement_received": State.ACCEPTED,
    "refused_after_limit": State.REFUSED,
    "payment_demanded": State.WAITING_FOR_PAYMENT,
    "payment_recorded": State.PROCESSING,
    "withdrawn": State.WITHDRAWN,
    "stopped": State.STOPPED,
    "result_ready": State.READY,
    "result_handed_over": State.HANDED_OVER,
    "result_reopened": State.PROCESSING,
}
"""Kind of fact → the state that it tells here."""


async def test_every_state_that_processing_tells_is_known(counter: Counter, processing: Processing) -> None:
    code = (await counter.hand_in(await counter.filing())).json()["code"]
    assert {f"vn.motcua.dossier.{kind}.v1" for kind in TOLD} == set(HANDLERS)
    for number, (kind, state) in enumerate(TOLD.items(), start=2):
        await processing.tell(code, kind, state=state)
        seen = (await counter.http.get(f"/v1/registrations/{code}", headers=counter.bearer())).json()
        assert (seen["state"], seen["version"], seen["closed_at"] is not None) == (state, number, state in OVER), kind


async def test_a_dossier_is_closed_when_its_result_was_ready_and_open_again_when_it_is_reopened(
    counter: Counter, processing: Processing
) -> None:
    code = (await counter.hand_in(await counter.filing())).json()["code"]
    read = f"/v1/dossiers/{code}"

    async def closed_at() -> object:
        return (await counter.http.get(read, headers=counter.bearer("leader"))).json()["closed_at"]

    assert await closed_at() is None
    await processing.tell(code, "result_ready", state=State.READY)
    ready = processing.clock.now()
    assert await closed_at() == ready.isoformat()
    counter.move_clock(ready.replace(minute=ready.minute + 1))
    await processing.tell(code, "result_handed_over", state=State.HANDED_OVER)
    assert await closed_at() == ready.isoformat()
    await processing.tell(code, "result_reopened", state=State.PROCESSING)
    assert await closed_at() is None


@pytest.mark.parametrize(("closed", "state"), [(False, State.ACCEPTED), (True, State.READY)])
async def test_what_processing_told_before_its_states_were_noted_is_open_or_had_its_result(
    counter: Counter, closed: bool, state: State
) -> None:
    code = (await counter.hand_in(await counter.filing())).json()["code"]
    if closed:
        await counter.database.execute("update intake.dossiers set closed_at = accepted_at where code = $1", code)
    seen = await counter.http.get(f"/v1/registrations/{code}", headers=counter.bearer())
    assert seen.json()["state"] == state


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
