"""The one small year of the trials, and what was seen of it.

Strangers file in it, a consumer is held, processes die and Kafka loses its data: its figures are those that were asked
for all the same, and its codes those of a year that nothing disturbs. Then it is looked through.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg

from deploy.demo.driver import Hook
from deploy.demo.people import person
from deploy.demo.plan import YearPlan
from deploy.demo.report import YearReport
from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from tests.e2e.looks import Erased, erase, planted_traces
from tests.e2e.strikes import (
    EARLIER,
    HELD,
    KAFKA_LOST,
    KILLS_OF_OTHERS,
    KILLS_OF_PROCESSING,
    STRANGERS,
    Struck,
    file_as_strangers,
    hold_metrics,
    kill_inside_a_batch,
    lose_all_that_kafka_holds,
    withhold,
)
from tests.e2e.traces import everything, traces
from tests.e2e.years import SMALL, YearRunner, arrivals, connected
from tests.waiting import until

LATE = """
select code, limit_kind, apologised_at, promised_due, finished_at from processing.cases where finished_at > promised_due
"""

KINDS_OF_FACTS = "select type, count(*) from processing.journal group by type"

NOTICES = """
select count(*) from notification.notices left join notification.messages using (fact_id)
where code = any($1::text[])
"""


@dataclass
class SmallYear:
    """What struck the year, and what was seen of it beside its report."""

    plan: YearPlan
    inside: list[Struck] = field(default_factory=list)
    others: list[int] = field(default_factory=list)
    republished: int = 0
    clock: list[tuple[datetime, datetime]] = field(default_factory=list)
    arrivals: list[dict[str, Any]] = field(default_factory=list)
    late: list[asyncpg.Record] = field(default_factory=list)
    facts: Mapping[str, int] = field(default_factory=dict)
    notices_of_plan: int = 0
    facts_of_plan: dict[str, int] = field(default_factory=dict)
    places: set[str] = field(default_factory=set)
    traces: list[str] = field(default_factory=list)
    planted: list[str] = field(default_factory=list)
    erased: Erased | None = None
    report: YearReport | None = None

    @property
    def told(self) -> YearReport:
        assert self.report is not None
        return self.report

    async def play(self, years: YearRunner) -> None:
        self.report = await years.play(SMALL, hooks=self.strikes, after=self.look, log_level="debug")

    def strikes(self, stack: Stack, plan: YearPlan) -> Mapping[float, Hook]:
        async def processing(share: float) -> None:
            self.inside.append(await kill_inside_a_batch(stack, share * SMALL.dossiers))

        async def another(name: str) -> None:
            self.others.append((await stack.kill(name)).pid)

        async def hold() -> None:
            self.clock.append(await hold_metrics(stack))

        async def lost() -> None:
            async def over() -> bool:
                return len(self.inside) == len(KILLS_OF_PROCESSING)

            await until(over, seconds=300)
            self.republished = await lose_all_that_kafka_holds(stack)

        return {share - EARLIER: partial(processing, share) for share in KILLS_OF_PROCESSING} | {
            **{share: partial(another, name) for share, name in KILLS_OF_OTHERS.items()},
            0.0: partial(withhold, stack),
            STRANGERS: partial(file_as_strangers, stack, plan),
            HELD: hold,
            KAFKA_LOST: lost,
        }

    async def look(self, stack: Stack) -> None:
        """Look at what stands there; the last look erases a dossier and starts all anew."""
        self.arrivals = arrivals(stack)
        people = [person(arrival.number, arrival.place.name_vi) for arrival in self.plan.arrivals]
        places = await everything(stack)
        self.places, self.traces = set(places), traces(places, people)
        async with connected(stack) as connection:
            self.late = await connection.fetch(LATE)
            self.facts = {row["type"]: row["count"] for row in await connection.fetch(KINDS_OF_FACTS)}
            self.notices_of_plan = await connection.fetchval(NOTICES, self.plan.codes)
            for service in SERVICES:
                consumed = f"select sum(seq)::bigint from {service}.cursors where subject = any($1::text[])"
                self.facts_of_plan[service] = await connection.fetchval(consumed, self.plan.codes)
        self.planted = await planted_traces(stack)
        self.erased = await erase(stack)
