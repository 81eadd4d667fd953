"""What is looked at once the small year is over, while its stack still runs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from deploy.demo.people import person
from deploy.demo.play import BEGINS_AT
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from shared.contracts.topics import TOPICS
from tests.clients import plain_client
from tests.e2e.traces import everything, traces
from tests.e2e.years import connected, producing
from tests.unit.shared.small_server import answer, served

SOMEBODY = person(7, "Xã Nga Điền")
PLANTED = (SOMEBODY.name, SOMEBODY.citizen_number, SOMEBODY.phone, SOMEBODY.address)
SCHEMAS = ("intake", "processing", "notification", "metrics", "keyring")
LOGS = (*SERVICES, "sinks", "postgres", "kafka")
PLACES = {
    *(f"topic {topic.name}" for topic in TOPICS),
    *(f"log {part}.log" for part in LOGS),
    *(f"metrics of {service}" for service in SERVICES),
}


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


async def planted_traces(stack: Stack) -> list[str]:
    """Plant somebody in each kind of place; tells where he is found."""
    await plant(stack)
    async with page_with(" ".join(PLANTED)) as url:
        return traces(await everything(stack, {"planted": url}), [SOMEBODY])


@dataclass(frozen=True)
class Erased:
    """What is left of a dossier whose key was deleted, and of its neighbour; figures before and after."""

    people: Any
    neighbours_people: Any
    figures: tuple[Any, Any]
    key_left_in: list[str]


async def erase(stack: Stack) -> Erased:
    """Delete one dossier's key and restart everything; read its people and its neighbour's."""
    before = await figures(stack)
    async with connected(stack) as connection:
        erased, kept = await connection.fetch(
            "select code, wrapped_key from keyring.dossier_keys order by code limit 2"
        )
        await connection.execute("delete from keyring.dossier_keys where code = $1", erased["code"])
    await stack.stop()
    async with Stack(stack.folder.path, stack.ports, scenario=BEGINS_AT) as again:
        places = await everything(again)
        assert any(kept["wrapped_key"] in content for content in places.values())
        return Erased(
            people=await people(again, erased["code"]),
            neighbours_people=await people(again, kept["code"]),
            figures=(before, await figures(again)),
            key_left_in=[place for place, content in places.items() if erased["wrapped_key"] in content],
        )


async def people(stack: Stack, code: str) -> Any:
    """What an officer at the district reads of a dossier's people."""
    token = stack.token("leader", "H56.97", "leader.H56.97")
    async with plain_client(base_url=stack.urls["intake"]) as client:
        answer = await client.get(f"/v1/dossiers/{code}", headers={"authorization": f"Bearer {token}"})
        answer.raise_for_status()
        found = answer.json()
    assert found["people_erased"] is (found["people"] is None)
    return found["people"]


async def figures(stack: Stack) -> Any:
    query = {"agency": "H56.97", "from": "2020-01-01", "to": "2020-11-30"}
    async with plain_client(base_url=stack.urls["metrics"]) as client:
        answer = await client.get("/v1/reports/district", params=query)
        answer.raise_for_status()
        return {name: value for name, value in answer.json().items() if name != "as_of"}
