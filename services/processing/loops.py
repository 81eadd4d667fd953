"""What processing does unasked: it fires timers when the legal clock reaches them, and keeps the gauges young."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

import structlog
from prometheus_client import Counter, Gauge

from services.processing.handlers.clockwork import fire_due
from services.processing.repository.clockwork import count_due
from shared.clocks import LegalClock, SystemLegalClock
from shared.database import Pool, transaction
from shared.messaging.faults import passes, reason_of
from shared.messaging.figures import refresh_figures
from shared.messaging.health import LoopHealth, Pulse
from shared.messaging.journal import Journal

FIRED = Counter("motcua_timers_fired", "Facts that the legal clock made", ["type"])
DUE = Gauge("motcua_timers_due", "Timers that have fallen due and not fired")

SCENARIO_POLL_SECONDS = 0.05
SYSTEM_POLL_SECONDS = 1.0
REFRESH_SECONDS = 2.0
BACK_OFF_SECONDS = 1.0

log = structlog.get_logger("timers")


class Timers:
    """Looks at the legal clock again and again: a scenario's every 50 ms, the system's every second."""

    def __init__(self, pool: Pool, journal: Journal, clock: LegalClock) -> None:
        self._pool, self._journal, self._clock = pool, journal, clock
        self._rest = SYSTEM_POLL_SECONDS if isinstance(clock, SystemLegalClock) else SCENARIO_POLL_SECONDS
        self._pulse = Pulse()

    def health(self) -> LoopHealth:
        """Tell whether the loop turns and can fire."""
        return self._pulse.health()

    async def run(self, stop: asyncio.Event) -> None:
        """Fire what is due until `stop`. What passes by itself is waited for; anything else is raised."""
        while not stop.is_set():
            self._pulse.turn()
            try:
                rest = self._rest if not await self._fire() else 0.0
                self._pulse.reason = ""
            except Exception as error:
                if not passes(error):
                    raise
                self._pulse.reason = f"timers: {reason_of(error)}"
                log.warning("timers_wait", reason=self._pulse.reason)
                rest = BACK_OFF_SECONDS
            await _rest(stop, rest)

    async def _fire(self) -> int:
        made = await fire_due(self._pool, self._journal, self._clock.now())
        for fact_type, number in made.items():
            FIRED.labels(fact_type).inc(number)
        if made:
            log.info("timers_fired", **{fact_type.split(".")[-2]: number for fact_type, number in made.items()})
        return made.total()


@dataclass(frozen=True)
class Gauges:
    """Sets the gauges that the database knows; a scrape never runs SQL."""

    pool: Pool
    clock: LegalClock
    machine_now: Callable[[], datetime]

    async def run(self, stop: asyncio.Event) -> None:
        """Refresh every 2 s until `stop`."""
        while not stop.is_set():
            try:
                await self.refresh()
            except Exception as error:
                if not passes(error):
                    raise
                log.warning("gauges_not_read", reason=reason_of(error))
            await _rest(stop, REFRESH_SECONDS)

    async def refresh(self) -> None:
        """Read and set every gauge once."""
        legal_now = self.clock.now()
        async with transaction(self.pool) as tx:
            await refresh_figures(tx, self.machine_now(), legal_now)
            DUE.set(await count_due(tx, legal_now))


async def _rest(stop: asyncio.Event, seconds: float) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await stop.wait()
