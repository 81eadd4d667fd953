"""A consumer in a process of its own, made to be killed or frozen: `python -m tests.integration.messaging.victim`.

Inside the batch that holds the fact named in `trap` it writes its effects, says so on stdout, and hangs in the open
transaction until the end of its process (or until its session is ended for it).
"""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncpg

from shared.contracts.facts import StepTaken
from shared.database import Connection, create_pool
from shared.messaging.consumer import Consumer, Subscription
from shared.messaging.envelope import Received
from shared.settings import DatabaseSettings
from tests.integration.messaging.house import QUICK, record_effects


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
    trap = Trap(*order["trap"], idle=order["idle"])
    consumer = Consumer(
        order["schema"], [Subscription(order["topic"], {StepTaken.TYPE: trap})], pool, order["kafka"], tuning=QUICK
    )
    await consumer.run(asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
