"""A year of any size on its own stack, for every end-to-end test: the same calls as the command's."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from deploy.demo.driver import Hook
from deploy.demo.plan import Rules, YearPlan, YearRequest, plan_year
from deploy.demo.play import BEGINS_AT, play
from deploy.demo.report import YearReport
from deploy.local.ports import Ports
from deploy.local.sinks.logbook import LOG_NAME, read_arrivals
from deploy.local.stack import Stack
from shared.messaging.connection import connection
from tests.ports import port_base

FOLDER = Path(__file__).parents[2] / "var" / "e2e"
PORT_BASE = port_base("e2e")

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
            report = await play(stack, plan, hooks=hooks(stack, plan) if hooks else {})
            if after is not None:
                await after(stack)
        return report


SMALL = YearRequest(300, open=14, late=12, seed=3, days=30, share_closed=0.0167, share_detours=0.0167)
"""As many stay open as its limits allow; five of each share, so that every course is taken."""


def came_out(found: Mapping[str, Any], request: YearRequest, *, foreign: int = 0) -> None:
    """Assert of the report as JSON that all witnesses say what was asked for, and that nothing is parked or waits.

    Whether a message may be of unknown fate, as one whose sender was killed may be, the caller knows.
    """
    closed = round(request.dossiers * request.share_closed)
    assert found["sources_agree"] is True
    assert found["foreign"] == foreign
    assert found["received"] == request.dossiers + foreign
    assert found["resolved"] == found["received"] - request.open
    assert found["closed_without_result"] == closed
    assert found["resolved_on_time"] == found["resolved"] - request.late - closed
    assert found["resolved_late"] == found["apologies_published"] == request.late
    assert found["in_progress"] == found["in_progress_within_limit"] == request.open
    assert found["in_progress_overdue"] == found["events"]["parked"] == 0
    notices = found["notices"]
    assert notices["requested"] == notices["handed_over"] + notices["unknown"]
    assert notices["failed"] == 0


def arrivals(stack: Stack) -> list[dict[str, Any]]:
    """Every message as it came to a sink."""
    return read_arrivals(stack.folder.sinks / LOG_NAME)


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
