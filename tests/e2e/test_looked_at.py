"""One plain year looked at closely: strangers file too, a consumer is held, and afterwards nobody can be found."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx2
import pytest

from deploy.demo.driver import Hook
from deploy.demo.fates import Impossible
from deploy.demo.people import person
from deploy.demo.plan import YearPlan, YearRequest
from deploy.demo.play import BEGINS_AT, Stage
from deploy.demo.report import YearReport
from deploy.local.services import SERVICES, SMS_SECRET
from deploy.local.sinks.conduct import Conduct
from deploy.local.sinks.logbook import Kind
from deploy.local.stack import Stack
from shared.clocks import ScenarioClock
from shared.contracts.topics import TOPICS
from tests.e2e.conftest import YearRunner, arrivals, connected, producing
from tests.e2e.traces import everything, traces
from tests.unit.shared.small_server import answer, served
from tests.waiting import until

DOSSIERS, DAYS, FOREIGN, SEED, WITHHELD = 300, 30, 7, 11, 2
SOMEBODY = person(7, "Xã Nga Điền")
PLANTED = (SOMEBODY.name, SOMEBODY.citizen_number, SOMEBODY.phone, SOMEBODY.address)
SCHEMAS = ("intake", "processing", "notification", "metrics", "keyring")
LOGS = (*SERVICES, "sinks", "postgres", "kafka")
PLACES = {
    *(f"topic {topic.name}" for topic in TOPICS),
    *(f"log {part}.log" for part in LOGS),
    *(f"metrics of {service}" for service in SERVICES),
}


@dataclass
class Looked:
    """What was seen of the year."""

    largest_open: int
    report: YearReport | None = None
    clock: list[tuple[datetime, datetime]] = field(default_factory=list)
    traces: list[str] = field(default_factory=list)
    places: set[str] = field(default_factory=set)
    planted: list[str] = field(default_factory=list)
    repeats: int = 0
    erased: Any = "not looked"
    kept: Any = None
    figures: list[Any] = field(default_factory=list)
    key_left_in: list[str] = field(default_factory=list)

    @property
    def found(self) -> dict[str, Any]:
        assert self.report is not None
        return self.report.as_json()


@pytest.fixture(scope="module")
async def year(years: YearRunner) -> Looked:
    """Play it: strangers file at a third, metrics' consumer is held at two thirds, then all is looked through."""
    with pytest.raises(Impossible) as refused:
        years.plan(YearRequest(DOSSIERS, open=DOSSIERS, seed=SEED, days=DAYS))
    looked = Looked(refused.value.largest)
    request = YearRequest(DOSSIERS, open=looked.largest_open, seed=SEED, days=DAYS, share_closed=0, share_detours=0)
    plan = years.plan(request)

    async def look(stack: Stack) -> None:
        people = [person(arrival.number, arrival.place.name_vi) for arrival in plan.arrivals]
        places = await everything(stack)
        looked.places, looked.traces = set(places), traces(places, people)
        looked.repeats = sum(line["repeat"] for line in arrivals(stack))
        await plant(stack)
        async with page_with(" ".join(PLANTED)) as url:
            looked.planted = traces(await everything(stack, {"planted": url}), [SOMEBODY])
        await erase(stack, looked)

    looked.report = await years.play(request, hooks=lambda stack, plan: disturbances(stack, plan, looked), after=look)
    return looked


def disturbances(stack: Stack, plan: YearPlan, looked: Looked) -> dict[float, Hook]:
    async def withhold() -> None:
        """Let the gateway take the first messages and never answer: acceptance, which is told at least once."""
        token = (stack.folder.secrets / SMS_SECRET).read_text("utf-8").strip()
        order = {"sink": Kind.SMS, "conduct": Conduct.WITHHOLD, "times": WITHHELD}
        async with httpx2.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {token}"}) as client:
            answer = await client.post(f"http://127.0.0.1:{stack.ports.sms}/v1/conduct", json=order)
            answer.raise_for_status()

    async def strangers() -> None:
        with contextlib.closing(Stage(stack, seed=99)) as stage:
            for arrival in plan.arrivals[:FOREIGN]:
                await stage.offices.file(arrival)

    async def hold() -> None:
        """Hold metrics' consumer for three seconds while the service goes on answering."""
        clock = stack.scenario_file
        assert clock is not None
        async with connected(stack) as holder, connected(stack) as watcher:
            held = holder.transaction()
            await held.start()
            await holder.execute("lock table metrics.cursors in exclusive mode")

            async def behind() -> bool:
                journaled = await watcher.fetchval("select sum(seq) from processing.journal_heads")
                applied = await watcher.fetchval("select sum(seq) from metrics.cursors where source = 'processing'")
                return bool(journaled > applied)

            await until(behind)
            before = ScenarioClock(clock).now()
            await asyncio.sleep(3)  # the length of the hold is the fault itself, not a wait for something
            assert await behind()
            looked.clock.append((before, ScenarioClock(clock).now()))
            await held.rollback()

    return {0.0: withhold, 0.33: strangers, 0.66: hold}


async def plant(stack: Stack) -> None:
    """Put somebody into a place of each kind: every topic, every schema, the logs of ours and of the servers."""
    text = " ".join(PLANTED).encode()
    async with producing(stack) as producer:
        for topic in TOPICS:
            # Bytes that are no envelope, of no dossier: the services put them aside and go on.
            await producer.send_and_wait(topic.name, key=b"planted", value=b"{}", headers=[("planted", text)])
    async with connected(stack) as connection:
        for schema in SCHEMAS:
            await connection.execute(f"create table {schema}.planted (one bytea, many bytea[])")
            name, number, *rest = (part.encode() for part in PLANTED)
            await connection.execute(f"insert into {schema}.planted values ($1, $2)", name + b" " + number, rest)
        await connection.execute(f"do $$ begin raise log '{' '.join(PLANTED)}'; end $$")
    for part in (*SERVICES, "sinks", "kafka"):
        with (stack.folder.logs / f"{part}.log").open("ab") as log:
            log.write(text + b"\n")


@asynccontextmanager
async def page_with(text: str) -> AsyncIterator[str]:
    """A service whose /metrics tells too much; answers its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer("200 OK", f'motcua_planted{{officer="{text}"}} 1\n'.encode(), "connection: close"))

    async with served(serve) as wire:
        yield f"http://127.0.0.1:{wire.port}"


async def erase(stack: Stack, looked: Looked) -> None:
    """Delete one dossier's key and restart everything; read its people and its neighbour's."""
    looked.figures.append(await figures(stack))
    async with connected(stack) as connection:
        erased, kept = await connection.fetch(
            "select code, wrapped_key from keyring.dossier_keys order by code limit 2"
        )
        await connection.execute("delete from keyring.dossier_keys where code = $1", erased["code"])
    await stack.stop()
    async with Stack(stack.folder.path, stack.ports, scenario=BEGINS_AT) as again:
        looked.erased, looked.kept = await people(again, erased["code"]), await people(again, kept["code"])
        looked.figures.append(await figures(again))
        places = await everything(again)
        looked.key_left_in = [place for place, content in places.items() if erased["wrapped_key"] in content]
        assert any(kept["wrapped_key"] in content for content in places.values())


async def people(stack: Stack, code: str) -> Any:
    """What an officer at the district reads of a dossier's people."""
    token = stack.token("leader", "H56.97", "leader.H56.97")
    async with httpx2.AsyncClient(base_url=stack.urls["intake"], trust_env=False) as client:
        answer = await client.get(f"/v1/dossiers/{code}", headers={"authorization": f"Bearer {token}"})
        answer.raise_for_status()
        found = answer.json()
    assert found["people_erased"] is (found["people"] is None)
    return found["people"]


async def figures(stack: Stack) -> Any:
    query = {"agency": "H56.97", "from": "2020-01-01", "to": "2020-11-30"}
    async with httpx2.AsyncClient(base_url=stack.urls["metrics"], trust_env=False) as client:
        answer = await client.get("/v1/reports/district", params=query)
        answer.raise_for_status()
        return {name: value for name, value in answer.json().items() if name != "as_of"}


@pytest.mark.timeout(1500)
async def test_strangers_dossiers_are_counted_and_decided_too(year: Looked) -> None:
    assert year.report is not None
    assert year.report.exit_code == 0
    assert year.found["sources_agree"] is True
    assert year.found["received"] == DOSSIERS + FOREIGN
    assert year.found["resolved"] == DOSSIERS + FOREIGN - year.largest_open
    assert year.found["in_progress"] == year.found["in_progress_within_limit"] == year.largest_open
    assert year.found["foreign"] == FOREIGN


async def test_the_clock_stands_still_while_a_consumer_is_held(year: Looked) -> None:
    [(before, after)] = year.clock
    assert before == after


async def test_no_trace_of_people_after_a_year_and_planted_ones_are_found(year: Looked) -> None:
    assert year.places >= PLACES
    assert {place.partition(".")[0] for place in year.places} >= {f"table {schema}" for schema in SCHEMAS}
    assert year.traces == []
    tables = {f"table {schema}.planted" for schema in SCHEMAS}
    served = {f"metrics of {service}" for service in SERVICES}
    for place in (PLACES - served) | tables | {"metrics of planted"}:
        for text in PLANTED:
            assert f"{place}: {text}" in year.planted


async def test_a_message_comes_twice_only_where_the_gateway_withheld_its_answer(year: Looked) -> None:
    assert year.report is not None
    assert 0 < year.repeats <= WITHHELD
    assert year.found["notices"]["handed_over"] == year.found["notices"]["requested"]


async def test_a_deleted_key_makes_its_people_unreadable_everywhere(year: Looked) -> None:
    assert year.erased is None
    assert year.key_left_in == []
    assert "Thử Nghiệm" in year.kept["applicant"]["name"]
    assert year.figures[0] == year.figures[1]
