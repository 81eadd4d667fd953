"""Processing of the trial: it says nothing but facts, through its own journal and the topic."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deploy.local.stack import Stack
from shared.clocks import ScenarioClock
from shared.contracts.facts import FACTS, Fact
from shared.contracts.topics import LIFECYCLE
from shared.database import Pool, create_pool, transaction
from shared.messaging.journal import Draft, Journal
from shared.messaging.relay import Relay
from shared.settings import DatabaseSettings
from tests.integration.intake.counter import Counter
from tests.waiting import until

EXAMPLES = Path(__file__).parents[2] / "contracts" / "examples"


def fact(kind: str, **changes: Any) -> Fact:
    """A fact of processing: the stored example of its type, with changes."""
    name = f"vn.motcua.dossier.{kind}.v1"
    body = json.loads((EXAMPLES / f"{name}.json").read_text("utf-8"))
    return FACTS[name].model_validate(body | changes)


@dataclass
class Processing:
    """Tells facts, and waits until intake has heard them."""

    counter: Counter
    clock: ScenarioClock
    pool: Pool
    journal: Journal

    async def tell(self, code: str, kind: str, **changes: Any) -> None:
        await self.tell_all({code: fact(kind, **changes)})

    async def tell_all(self, told: dict[str, Fact]) -> None:
        now = self.clock.now()
        async with transaction(self.pool) as tx:
            drafts = [Draft(LIFECYCLE.name, code, each, now) for code, each in told.items()]
            entries = await self.journal.append(tx, drafts)
        wanted = [(entry.draft.subject, entry.seq) for entry in entries]

        async def heard() -> bool:
            query = "select subject, seq from intake.cursors where source = 'processing' and subject = any($1)"
            rows = await self.counter.database.fetch(query, list(told))
            return {tuple(row) for row in rows} == set(wanted)

        await until(heard)


@asynccontextmanager
async def processing_of(stack: Stack, counter: Counter) -> AsyncIterator[Processing]:
    """Open processing's journal, with a relay of its own."""
    assert stack.scenario_file is not None
    environment = stack.environment("processing")
    settings = DatabaseSettings(
        host="127.0.0.1",
        port=stack.ports.postgres,
        user="processing",
        password_file=Path(environment["MOTCUA_DATABASE__PASSWORD_FILE"]),
    )
    pool = await create_pool(settings, "processing")
    journal, stop = Journal("processing"), asyncio.Event()
    relay = asyncio.create_task(Relay(pool, journal, stack.kafka_login("processing")).run(stop))
    try:
        yield Processing(counter, ScenarioClock(stack.scenario_file), pool, journal)
    finally:
        stop.set()
        await relay
        await pool.close()
