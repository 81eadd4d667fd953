"""A consumer or a relay in a process of its own, made to be killed or frozen.

Inside the batch that holds the fact named in `trap` the consumer writes its effects, says so on stdout, and hangs in
the open transaction until the end of its process (or until its session is ended for it). Without a trap it is a relay.
One that has a name is not given up by the others while a test lasts.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from shared.contracts.facts import StepTaken
from shared.database import Connection, Pool, create_pool
from shared.messaging.batch import Subscription
from shared.messaging.consumer import Consumer
from shared.messaging.envelope import Received
from shared.messaging.journal import Journal
from shared.messaging.relay import Relay
from shared.settings import DatabaseSettings, KafkaSettings
from tests.integration.messaging.house import LASTING, LASTING_LEASE, QUICK, ROOT, SMALL, House, record_effects


@asynccontextmanager
async def victim(
    house: House,
    trap: tuple[str, int] | None,
    *,
    idle: str = "60s",
    name: str | None = None,
    changed: Mapping[str, str] | None = None,
) -> AsyncIterator[Process]:
    order = {
        "database": json.loads(house.database.model_dump_json()),
        "schema": house.schema,
        "topic": house.topic,
        "kafka": json.loads(house.kafka.model_dump_json()) | {"instance": name},
        "trap": trap,
        "idle": idle,
    }
    command = (sys.executable, "-m", "tests.integration.messaging.victim", json.dumps(order))
    environment = {**os.environ, **(changed or {})}
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stdout=PIPE, env=environment)
    try:
        yield process
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


async def said(process: Process, key: str) -> Any:
    """Wait for the victim's line with this key; its log lines in between are passed over."""
    assert process.stdout is not None
    while line := await asyncio.wait_for(process.stdout.readline(), 60):
        with suppress(json.JSONDecodeError):
            told = json.loads(line)
            if key in told:
                return told[key]
    pytest.fail(f"the victim ended before it said {key}")


def say(**line: Any) -> None:
    sys.stdout.write(json.dumps(line) + "\n")
    sys.stdout.flush()


class Trap:
    def __init__(self, subject: str, seq: int, idle: str) -> None:
        self._fact, self._idle = (subject, seq), idle
        self._sprung = False

    async def __call__(self, tx: Connection, facts: Sequence[Received]) -> None:
        await record_effects(tx, facts)
        if self._fact not in {(fact.subject, fact.seq) for fact in facts} or self._sprung:
            return
        self._sprung = True
        await tx.execute(f"set local idle_in_transaction_session_timeout = '{self._idle}'")
        say(inside=len(facts), effects=await tx.fetchval("select count(*) from effects"))
        try:
            while not tx.is_closed():
                await asyncio.sleep(0.05)
        except asyncpg.InterfaceError:  # the pool took the dead connection back
            say(cut=True)
            raise


async def main(order: dict[str, Any]) -> None:
    database = DatabaseSettings(**order["database"] | {"password_file": Path(order["database"]["password_file"])})
    pool = await create_pool(database, order["schema"])
    await loop_of(order, pool).run(asyncio.Event())


def loop_of(order: dict[str, Any], pool: Pool) -> Consumer | Relay:
    kafka = KafkaSettings(**order["kafka"])
    if order["trap"] is None:
        return Relay(pool, Journal("intake"), kafka, tuning=LASTING_LEASE if kafka.instance else SMALL)
    trap = Subscription(order["topic"], {StepTaken.TYPE: Trap(*order["trap"], idle=order["idle"])})
    return Consumer(order["schema"], [trap], pool, kafka, tuning=LASTING if kafka.instance else QUICK)


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
