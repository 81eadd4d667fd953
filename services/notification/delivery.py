"""The loop that turns notices into messages and messages into calls."""

from __future__ import annotations

import asyncio
from datetime import datetime

import structlog
from prometheus_client import Gauge

from services.notification.handlers.sending import Claimed, Sending
from services.notification.repository.figures import count_waiting
from shared.clocks import machine_now
from shared.database import Connection
from shared.loops import Pulse, rest
from shared.messaging.faults import passes, reason_of
from shared.sealing import KeyUnusable

WAITING = Gauge("motcua_notice_messages_waiting", "Messages queued, in work, to be tried again, or without contact.")
SHORTEST_REST_SECONDS = 0.005
GATHER_SECONDS = 0.02
LONGEST_REST_SECONDS = 0.25
BACK_OFF_SECONDS = 1.0
BATCHES_AT_ONCE = 8

log = structlog.get_logger()


class Delivery:
    """Runs `Sending` until told to stop. `woken` is set when a notice or a contact has come."""

    def __init__(self, sending: Sending, woken: asyncio.Event) -> None:
        self._sending, self._woken = sending, woken
        self.pulse = Pulse()
        self._in_flight = 0

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; what was begun is finished."""
        pause = SHORTEST_REST_SECONDS
        async with asyncio.TaskGroup() as batches:
            while not stop.is_set():
                self.pulse.turn()
                self._woken.clear()
                found = await self._turn(batches)
                if found is None:
                    await rest(self._woken, BACK_OFF_SECONDS)
                elif found:
                    # The first message goes out at once; under a steady flow the next ones gather into a batch.
                    await asyncio.sleep(GATHER_SECONDS)
                    pause = GATHER_SECONDS
                elif await rest(self._woken, pause):
                    # A waker has seldom committed yet: look soon, then ever more rarely.
                    await asyncio.sleep(SHORTEST_REST_SECONDS)
                    pause = SHORTEST_REST_SECONDS
                else:
                    pause = min(pause * 2, LONGEST_REST_SECONDS)

    async def _turn(self, batches: asyncio.TaskGroup) -> int | None:
        """Begin one batch beside those in flight; answers how much was found, None when it must be tried again.

        Batches run side by side, so that one answer that is withheld holds up nobody else.
        """
        try:
            claimed = await self._sending.claim(room=self._in_flight < BATCHES_AT_ONCE)
            if claimed.messages:
                self._in_flight += 1
                batches.create_task(self._send(claimed))
        except Exception as error:
            if not (passes(error) or isinstance(error, KeyUnusable)):
                raise
            self._wait_for(error)
            return None
        self.pulse.reason = ""
        return claimed.found

    async def _send(self, claimed: Claimed) -> None:
        try:
            await self._sending.send(claimed)
        except Exception as error:
            if not passes(error):
                raise
            # The lease ends, and the policy of what nobody knows decides.
            self._wait_for(error)
        finally:
            if self._in_flight == BATCHES_AT_ONCE:
                self._woken.set()
            self._in_flight -= 1

    def _wait_for(self, error: Exception) -> None:
        reason = f"delivery: {reason_of(error)}"
        if reason != self.pulse.reason:
            log.warning("delivery waits", reason=reason)
        self.pulse.reason = reason


async def read_waiting(tx: Connection, _legal_now: datetime) -> None:
    """Set the gauge of messages that are not at an end."""
    WAITING.set(await count_waiting(tx, machine_now()))
