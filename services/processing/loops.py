"""What processing does unasked: it fires timers when the legal clock reaches them, and rereads who its officers are."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog
from prometheus_client import Counter, Gauge

from services.processing.handlers.clockwork import fire_due
from services.processing.handlers.officers import Officers
from services.processing.handlers.reissuing import Reissuing
from services.processing.repository.clockwork import count_due
from shared.clocks import LegalClock, SystemLegalClock
from shared.database import Connection, Pool
from shared.loops import Pulse, rest
from shared.messaging.faults import passes, reason_of
from shared.messaging.journal import Journal

FIRED = Counter("motcua_timers_fired", "Facts that the legal clock made", ["type"])
DUE = Gauge("motcua_timers_due", "Timers that have fallen due and not fired")

SCENARIO_POLL_SECONDS = 0.25
SYSTEM_POLL_SECONDS = 1.0
BACK_OFF_SECONDS = 1.0
REREAD_SECONDS = 1.0
GLANCES = 5
"""How often a rest glances at the clock and at `stop`: reading them costs little, asking the database more."""

log = structlog.get_logger("timers")


class Timers:
    """Looks for due timers when the legal clock has moved; under a scenario every 250 ms too: it may stand still."""

    def __init__(self, pool: Pool, journal: Journal, clock: LegalClock, reissuing: Reissuing) -> None:
        self._pool, self._journal, self._clock, self._reissuing = pool, journal, clock, reissuing
        self._rest = SYSTEM_POLL_SECONDS if isinstance(clock, SystemLegalClock) else SCENARIO_POLL_SECONDS
        self.woken = asyncio.Event()
        """Whoever sees that a timer is due sets it."""
        self.pulse = Pulse()

    async def run(self, stop: asyncio.Event) -> None:
        """Fire what is due until `stop`. What passes by itself is waited for; anything else is raised."""
        while not stop.is_set():
            self.pulse.turn()
            try:
                await self._turn(stop)
            except Exception as error:
                if not passes(error):
                    raise
                self.pulse.reason = f"timers: {reason_of(error)}"
                log.warning("timers_wait", reason=self.pulse.reason)
                await rest(stop, BACK_OFF_SECONDS)

    async def _turn(self, stop: asyncio.Event) -> None:
        """Fire what is due; where nothing was, rest for a while, and come back as soon as the legal clock has moved.

        A calendar that was applied comes first: no warning goes by a date that it moves.
        """
        self.woken.clear()
        now = self._clock.now()
        followed = await self._reissuing.turn(self._pool)
        fired = 0 if followed else await self._fire(now)
        self.pulse.reason = ""
        if followed or fired:
            return
        for _ in range(GLANCES):
            if await rest(self.woken, self._rest / GLANCES) or stop.is_set() or self._clock.now() != now:
                return

    async def _fire(self, now: datetime) -> int:
        made = await fire_due(self._pool, self._journal, now)
        for fact_type, number in made.items():
            FIRED.labels(fact_type).inc(number)
        if made:
            log.info("timers_fired", **{fact_type.split(".")[-2]: number for fact_type, number in made.items()})
        return made.total()


class Rereading:
    """Reads every second what leaders have said of their officers at another process."""

    def __init__(self, officers: Officers) -> None:
        self._officers = officers
        self.pulse = Pulse()

    async def run(self, stop: asyncio.Event) -> None:
        """Read until `stop`. What passes by itself is waited for; anything else is raised."""
        while not stop.is_set():
            self.pulse.turn()
            try:
                await self._officers.refresh()
                self.pulse.reason = ""
            except Exception as error:
                if not passes(error):
                    raise
                self.pulse.reason = f"officers: {reason_of(error)}"
                log.warning("officers_wait", reason=self.pulse.reason)
            await rest(stop, REREAD_SECONDS)


async def read_due(tx: Connection, legal_now: datetime) -> None:
    """Set the gauge of timers that should have fired."""
    DUE.set(await count_due(tx, legal_now))
