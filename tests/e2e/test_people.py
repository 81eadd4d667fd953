"""After a year nobody can be found outside the ciphertext; a deleted key makes one dossier's people unreadable."""

from __future__ import annotations

import asyncpg
import httpx2
import pytest
from aiokafka import AIOKafkaProducer

from deploy.demo.people import Person, person
from deploy.demo.plan import YearPlan, YearRequest
from deploy.demo.play import BEGINS_AT, token_maker
from deploy.local.stack import Stack
from shared.contracts.topics import LIFECYCLE
from tests.e2e.conftest import YearRunner
from tests.e2e.traces import everything, traces

YEAR = YearRequest(300, open=4, late=3, seed=11)
PLANTED = "Nguyễn Thử Nghiệm 00007"


def people_of(plan: YearPlan) -> list[Person]:
    return [person(arrival.number, arrival.place.name_vi) for arrival in plan.arrivals]


async def plant(stack: Stack) -> None:
    """Put a name into one place of each kind."""
    producer = AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{stack.ports.kafka}")
    await producer.start()
    try:
        await producer.send_and_wait(LIFECYCLE.name, value=b"{}", headers=[("planted", PLANTED.encode())])
    finally:
        await producer.stop()
    connection = await asyncpg.connect(stack.dsn())
    try:
        await connection.execute("create table processing.planted (body bytea)")
        await connection.execute("insert into processing.planted values ($1)", PLANTED.encode())
    finally:
        await connection.close()
    (stack.folder.logs / "planted.log").write_text(f'{{"event": "{PLANTED}"}}\n', "utf-8")


@pytest.mark.timeout(600)
async def test_no_trace_of_people_after_a_year_and_planted_ones_are_found(years: YearRunner) -> None:
    people = people_of(years.plan(YEAR))
    found: dict[str, list[str]] = {}

    async def look(stack: Stack) -> None:
        places = await everything(stack)
        assert len([place for place in places if place.startswith("topic dossier.")]) == 2
        assert {"log postgres.log", "log kafka.log", "log intake.log"} <= places.keys()
        assert places["table intake.journal_default"] or any(
            content for place, content in places.items() if place.startswith("table intake.journal_2")
        )
        found["after the year"] = traces(places, people)
        await plant(stack)
        places = await everything(stack)
        places["metrics of planted"] = b'motcua_planted{officer="' + PLANTED.encode() + b'"} 1'
        found["planted"] = traces(places, [person(7, "")])

    report = await years.play(YEAR, after=look)
    assert report.exit_code == 0
    assert found["after the year"] == []
    for place in ("topic dossier.lifecycle.v1", "table processing.planted", "log planted.log", "metrics of planted"):
        assert any(line.startswith(place) for line in found["planted"]), place


@pytest.mark.timeout(600)
async def test_a_deleted_key_makes_its_people_unreadable_everywhere(years: YearRunner) -> None:
    after: dict[str, object] = {}

    async def erase(stack: Stack) -> None:
        before = await report_of(stack)
        connection = await asyncpg.connect(stack.dsn())
        try:
            rows = await connection.fetch("select code from keyring.dossier_keys order by code limit 2")
            erased, kept = [row["code"] for row in rows]
            await connection.execute("delete from keyring.dossier_keys where code = $1", erased)
        finally:
            await connection.close()
        await stack.stop()
        async with Stack(stack.folder.path, stack.ports, scenario=BEGINS_AT) as again:
            after["erased"], after["kept"] = await people(again, erased), await people(again, kept)
            after["figures"] = (await report_of(again), before)

    await years.play(YEAR, after=erase)
    assert after["erased"] is None
    assert isinstance(after["kept"], dict)
    assert "Thử Nghiệm" in after["kept"]["applicant"]["name"]
    now, before = after["figures"]  # type: ignore[misc]
    assert now == before


async def people(stack: Stack, code: str) -> object:
    """What an officer at the district reads of a dossier's people."""
    token = token_maker(stack)("leader.H56.97", "leader", "H56.97")
    async with httpx2.AsyncClient(base_url=stack.urls["intake"], trust_env=False) as client:
        answer = await client.get(f"/v1/dossiers/{code}", headers={"authorization": f"Bearer {token}"})
        answer.raise_for_status()
        found = answer.json()
    assert found["people_erased"] is (found["people"] is None)
    return found["people"]


async def report_of(stack: Stack) -> object:
    async with httpx2.AsyncClient(base_url=stack.urls["metrics"], trust_env=False) as client:
        answer = await client.get(
            "/v1/reports/district", params={"agency": "H56.97", "from": "2020-01-01", "to": "2020-11-30"}
        )
        answer.raise_for_status()
        return {name: value for name, value in answer.json().items() if name != "as_of"}
