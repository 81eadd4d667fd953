"""The year under fire: kills at seeded points while two processes of each service work, and what came of them.

The seed decides what is killed when; each kill is SIGKILL, and has struck when another process has taken the place of
the one that was killed. What citizens got meanwhile is judged by the sinks' own log (`witnesses/sinks.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import asyncpg

from deploy.demo.driver import Hook
from deploy.demo.ledger import digest_of
from deploy.demo.plan import YearPlan
from deploy.demo.report import YearReport
from deploy.demo.witnesses.sinks import Span, doubled_without_leave, leaves_of, lost, standings
from deploy.local.services import MOST_REPLICAS, SERVICES, replicas_of, service_of
from deploy.local.sinks.logbook import LOG_NAME, read_arrivals
from deploy.local.stack import SERVER_PARTS, Stack
from services.notification.settings import NoticesSettings
from shared.clocks import machine_now

FIRST_SHARE, LAST_SHARE = 0.03, 0.97
KILLS_OF_EACH_SERVICE = 2
READY_SECONDS = 180.0
SENDER = "notification"
"""Killed between a call and its record, it may send again."""
DATABASE = "postgres"
LEASE_SECONDS = "MOTCUA_NOTICES__LEASE_SECONDS"


@dataclass(frozen=True)
class Strike:
    """What is killed, and at which share of the filings."""

    share: float
    part: str


@dataclass(frozen=True)
class Struck:
    """A strike that was made: who was killed and who took its place, and between which machine moments."""

    strike: Strike
    before: int
    after: int
    began: datetime
    over: datetime

    @property
    def struck(self) -> bool:
        """Whether another process stands there now."""
        return self.before != self.after

    def in_words(self) -> str:
        """Say it in one line."""
        fate = f"process {self.before} killed, process {self.after} ready after"
        took = f"{(self.over - self.began).total_seconds():.1f} s"
        return f"{self.strike.part} at {self.strike.share:.0%} of the filings: {fate} {took}"


def strikes_of(seed: int) -> tuple[Strike, ...]:
    """Draw the strikes of a seed: each service twice, either replica each time, each server once; one in each tenth."""
    draw = Random(seed)  # noqa: S311 - repeatable, not secret
    parts = [
        draw.choice(replicas_of(service, MOST_REPLICAS)) for service in SERVICES for _ in range(KILLS_OF_EACH_SERVICE)
    ]
    parts += SERVER_PARTS
    draw.shuffle(parts)
    width = (LAST_SHARE - FIRST_SHARE) / len(parts)
    return tuple(
        Strike(round(FIRST_SHARE + width * (number + draw.random()), 4), part) for number, part in enumerate(parts)
    )


def astray(report: YearReport, plan: YearPlan) -> list[str]:
    """List in words what a kill made of one filing: a dossier that no client was told of, or another code."""
    faults = [f"{report.foreign} dossiers stand in the services that no client was told of"] if report.foreign else []
    if report.codes_sha256 != digest_of(plan.codes):
        faults.append("the clients were told other codes than the undisturbed year gives")
    return faults


@dataclass
class Chaos:
    """The strikes of one year on one stack; `done` grows with them, and `told` hears of each."""

    stack: Stack
    seed: int
    told: Callable[[str], None] = lambda _line: None
    done: list[Struck] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.planned = strikes_of(self.seed)

    @property
    def hooks(self) -> Mapping[float, Hook]:
        """Give the driver what it calls at which share of the filings."""
        return {strike.share: partial(self._strike, strike) for strike in self.planned}

    async def _strike(self, strike: Strike) -> None:
        await self.stack.wait_ready(strike.part, READY_SECONDS)  # an earlier strike may have hit the same place
        began = machine_now()
        victim = await self.stack.kill(strike.part)
        await self.stack.wait_ready(strike.part, READY_SECONDS)
        struck = Struck(strike, victim.pid, self.stack.pid(strike.part), began, machine_now())
        self.done.append(struck)
        self.told(f"strike {len(self.done)} of {len(self.planned)}: {struck.in_words()}")

    async def faults(self) -> list[str]:
        """List in words which strikes did not strike, which messages came twice without leave, and which never came."""
        struck = {each.strike for each in self.done if each.struck}
        missed = [f"the strike at {strike.part} did not strike" for strike in self.planned if strike not in struck]
        connection = await asyncpg.connect(self.stack.dsn())
        try:
            messages = await standings(connection)
        finally:
            await connection.close()
        kills, outages, arrivals = self._spans(SENDER), self._spans(DATABASE), self._arrivals()
        doubled = doubled_without_leave(arrivals, messages, leaves_of(kills, outages, self._lease))
        missing = lost(arrivals, messages, leaves_of([*kills, *outages], outages, self._lease))
        return [*missed, *doubled, *missing]

    def _spans(self, name: str) -> list[Span]:
        """From each kill of a part, whichever replica it was, until it was ready again."""
        return [(each.began, each.over) for each in self.done if service_of(each.strike.part) == name]

    @property
    def _lease(self) -> timedelta:
        """How long a sender of this stack may keep a message to itself."""
        told = self.stack.environment(SENDER).get(LEASE_SECONDS)
        return NoticesSettings().lease if told is None else timedelta(seconds=float(told))

    @property
    def repeats(self) -> int:
        """Count the messages that came to a sink again."""
        return sum(line["repeat"] for line in self._arrivals())

    def _arrivals(self) -> list[dict[str, Any]]:
        return read_arrivals(self.stack.folder.sinks / LOG_NAME)

    def in_words(self) -> str:
        """Sum it up in one line."""
        struck = sum(each.struck for each in self.done)
        return f"chaos {self.seed}: {struck} of {len(self.planned)} strikes struck, {self.repeats} messages came again"

    def as_json(self) -> dict[str, Any]:
        """Make the object that `--json` shows beside the report."""
        strikes = [{"part": each.strike.part, "share": each.strike.share, "struck": each.struck} for each in self.done]
        return {"seed": self.seed, "strikes": strikes, "messages_repeated": self.repeats}
