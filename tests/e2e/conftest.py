"""A year of any size on its own stack, for every end-to-end test: the same calls as the command's."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from aiokafka import AIOKafkaProducer

from deploy.demo.driver import Hook
from deploy.demo.plan import Rules, YearPlan, YearRequest, plan_year
from deploy.demo.play import BEGINS_AT, play, seed_rules
from deploy.demo.report import Witness, YearReport
from deploy.local.ports import Ports
from deploy.local.sinks.logbook import LOG_NAME, read_arrivals
from deploy.local.stack import Stack
from shared.messaging.connection import connection
from tests.e2e.lies import corrupted, doubled

FOLDER = Path(__file__).parents[2] / "var" / "e2e"
PORT_BASE = int(os.environ.get("MOTCUA_TEST_PORTS_E2E", "21300"))

Hooks = Callable[[Stack, YearPlan], Mapping[float, Hook]]
"""What strikes at which share of the filings, given the running stack and the plan."""
After = Callable[[Stack], Awaitable[None]]
"""What is looked at while the stack of a finished year still runs."""


class YearRunner:
    """Plays years one after the other, each on fresh data in the same folder and on the same ports."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules

    def plan(self, request: YearRequest) -> YearPlan:
        return plan_year(self.rules, request)

    async def play(
        self, request: YearRequest, *, hooks: Hooks | None = None, after: After | None = None, **stacked: Any
    ) -> YearReport:
        """Play one; `stacked` is said to the stack beside what all years have in common."""
        plan = self.plan(request)
        async with Stack(FOLDER, Ports.from_base(PORT_BASE), fresh=True, scenario=BEGINS_AT, **stacked) as stack:
            report = await play(stack, plan, self.rules, hooks=hooks(stack, plan) if hooks else {})
            if after is not None:
                await after(stack)
        return report


SMALL = YearRequest(300, open=4, late=12, seed=3)


@pytest.fixture(scope="session")
def years() -> YearRunner:
    return YearRunner(seed_rules())


LATE = """
select code, limit_kind, apologised_at, promised_due, finished_at from processing.cases where finished_at > promised_due
"""


@dataclass
class Seen:
    """What was seen of a year beside its report."""

    arrivals: list[dict[str, Any]] = field(default_factory=list)
    late: list[asyncpg.Record] = field(default_factory=list)
    lies: dict[str, Witness] = field(default_factory=dict)

    async def look(self, stack: Stack) -> None:
        self.arrivals = arrivals(stack)
        async with connected(stack) as connection:
            self.late = await connection.fetch(LATE)
            self.lies["prometheus"] = await doubled(stack)
            self.lies["metrics"] = await corrupted(stack, connection)


def arrivals(stack: Stack) -> list[dict[str, Any]]:
    """Every message as it came to a sink."""
    return read_arrivals(stack.folder.sinks / LOG_NAME)


@pytest.fixture(scope="session")
def seen() -> Seen:
    """What was seen of the undisturbed year."""
    return Seen()


@pytest.fixture(scope="session")
async def undisturbed(years: YearRunner, seen: Seen) -> YearReport:
    """A year of 300 that nothing disturbs: what the disturbed ones are held against."""
    return await years.play(SMALL, after=seen.look)


@asynccontextmanager
async def connected(stack: Stack) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """The stack's database as its superuser."""
    connection = await asyncpg.connect(stack.dsn())
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def producing(stack: Stack) -> AsyncIterator[AIOKafkaProducer]:
    """The stack's topics as the brokers' administrator may write to them."""
    producer = AIOKafkaProducer(**connection(stack.kafka_login()))
    await producer.start()
    try:
        yield producer
    finally:
        await producer.stop()
