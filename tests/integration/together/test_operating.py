"""An operator at the running stack: status, tokens, chains that hold, and what is parked and why."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest
from aiokafka import AIOKafkaProducer

from deploy.local.services import SERVICES
from deploy.local.stack import ALL_PARTS, Stack
from shared.contracts.topics import LIFECYCLE
from tests.integration.intake.counter import COMMUNE, Counter
from tests.integration.together.everywhere import until

BAD_BODY = b'{"not": "a fact"}'


async def motcua(stack: Stack, *words: str) -> tuple[int, str, str]:
    command = [str(Path(sys.executable).with_name("motcua")), *words, "--folder", str(stack.folder.path)]
    process = await asyncio.create_subprocess_exec(*command, stdout=PIPE, stderr=PIPE)
    out, errors = await process.communicate()
    return process.returncode or 0, out.decode(), errors.decode()


async def as_json(stack: Stack, *words: str) -> Any:
    code, out, errors = await motcua(stack, *words, "--json")
    assert code == 0, errors
    return json.loads(out)


@asynccontextmanager
async def producer(stack: Stack) -> AsyncIterator[AIOKafkaProducer]:
    client = AIOKafkaProducer(bootstrap_servers=f"127.0.0.1:{stack.ports.kafka}")
    await client.start()
    try:
        yield client
    finally:
        await client.stop()


async def test_all_parts_are_up_and_healthy(stack: Stack) -> None:
    found = await as_json(stack, "status")
    assert found["healthy"] is True
    assert {part["name"] for part in found["parts"]} == set(ALL_PARTS)


async def test_a_token_from_the_command_line_is_believed(stack: Stack) -> None:
    code, out, _ = await motcua(stack, "token", "--role", "desk", "--agency", COMMUNE)
    assert code == 0
    async with httpx2.AsyncClient(base_url=stack.urls["processing"], trust_env=False) as http:
        answer = await http.get("/v1/worklist", headers={"Authorization": f"Bearer {out.strip()}"})
    assert answer.status_code == 200
    assert (await motcua(stack, "token", "--role", "emperor"))[0] == 2


async def test_every_chain_holds_until_somebody_edits_a_fact(stack: Stack, counter: Counter) -> None:
    code = (await counter.hand_in(await counter.filing())).json()["code"]
    assert await as_json(stack, "verify", "chain") == []
    heads = await as_json(stack, "verify", "heads", "--service", "intake")
    assert [LIFECYCLE.name, code] in [[head["topic"], head["subject"]] for head in heads["intake"]["heads"]]
    forge = "update intake.journal set legal_time = legal_time + make_interval(secs => $2) where subject = $1"
    async with counter.database.transaction():
        await counter.database.execute("set local session_replication_role = replica")  # as who owns the server can
        await counter.database.execute(forge, code, 1)
    try:
        status, out, _ = await motcua(stack, "verify", "chain", "--json")
        assert status == 4
        assert {(row["service"], row["subject"]) for row in json.loads(out)} == {("intake", code)}
    finally:
        async with counter.database.transaction():
            await counter.database.execute("set local session_replication_role = replica")
            await counter.database.execute(forge, code, -1)
    assert await as_json(stack, "verify", "chain") == []


@pytest.fixture
async def poisoned(stack: Stack, counter: Counter) -> str:
    """A dossier on whose key somebody put a record that is no fact."""
    code = (await counter.hand_in(await counter.filing())).json()["code"]
    assert await as_json(stack, "parked", "list") == []
    async with producer(stack) as client:
        await client.send_and_wait(LIFECYCLE.name, key=code.encode(), value=BAD_BODY)
    return str(code)


async def test_what_is_parked_is_listed_and_shown_and_the_flow_goes_on(
    stack: Stack, counter: Counter, poisoned: str
) -> None:
    """Last in its file: what is parked stays, for replaying comes with a later release."""

    async def parked_by_all() -> list[dict[str, Any]]:
        rows = await as_json(stack, "parked", "list")
        return rows if {row["service"] for row in rows} == set(SERVICES) else []

    for row in await until(parked_by_all):
        assert (row["kind"], row["topic"]) == ("undecodable", LIFECYCLE.name)
        assert row["reason"]
        code, out, _ = await motcua(stack, "parked", "show", row["service"], str(row["id"]))
        assert code == 0
        assert json.loads(out)["value"] == BAD_BODY.decode()
    assert len(await as_json(stack, "parked", "list", "--service", "metrics", "--kind", "undecodable")) == 1
    assert await as_json(stack, "parked", "list", "--kind", "gap") == []
    assert (await motcua(stack, "parked", "show", "intake", "999999"))[0] == 1
    assert (await motcua(stack, "parked", "list", "--service", "nobody"))[0] == 2
    after = (await counter.hand_in(await counter.filing())).json()["code"]

    async def opened() -> bool:
        found = "select count(*) from processing.cases where code = any($1)"
        return bool(await counter.database.fetchval(found, [poisoned, after]) == 2)

    await until(opened)
