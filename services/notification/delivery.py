"""The loop that turns notices into messages and messages into calls."""

from __future__ import annotations

import asyncio
import contextlib
import time

import structlog
from prometheus_client import Gauge

from services.notification.handlers.reading import Reading
from services.notification.handlers.sending import Sending
from shared.database import UNAVAILABLE
from shared.messaging.health import LoopHealth, Pulse
from shared.sealing import KeyUnusable

WAITING = Gauge("motcua_notice_messages_waiting", "Messages queued, in work, to be tried again, or without contact.")
SHORTEST_REST_SECONDS = 0.005
LONGEST_REST_SECONDS = 0.25
BACK_OFF_SECONDS = 1.0
GAUGE_SECONDS = 2.0
PASSING: tuple[type[Exception], ...] = (*UNAVAILABLE, KeyUnusable)

log = structlog.get_logger()


class Delivery:
    """Runs `Sending` until told to stop. `woken` is set when a notice or a contact has come."""

    def __init__(self, sending: Sending, reading: Reading, woken: asyncio.Event) -> None:
        self._sending, self._reading, self._woken = sending, reading, woken
        self._pulse = Pulse()
        self._gauge_at = 0.0

    def health(self) -> LoopHealth:
        """Alive: the loop turned within 30 s. Ready: the database and the keyring can be used."""
        return self._pulse.health()

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until `stop` is set; what was begun is finished."""
        rest = SHORTEST_REST_SECONDS
        while not stop.is_set():
            self._pulse.turn()
            self._woken.clear()
            try:
                found = await self._turn()
            except PASSING as error:
                self._wait_for(error)
                await _rest(stop, BACK_OFF_SECONDS)
                continue
            self._pulse.reason = ""
            # Woken before the waker's commit: look again soon, then ever more rarely.
            rest = SHORTEST_REST_SECONDS if found else min(rest * 2, LONGEST_REST_SECONDS)
            if not found and await _rest(self._woken, rest):
                rest = SHORTEST_REST_SECONDS

    async def _turn(self) -> int:
        addressed = await self._sending.address()
        claimed = await self._sending.claim()
        if claimed.messages:
            await self._sending.send(claimed)
        if time.monotonic() >= self._gauge_at:
            WAITING.set((await self._reading.summary())["waiting"])
            self._gauge_at = time.monotonic() + GAUGE_SECONDS
        return addressed + len(claimed)

    def _wait_for(self, error: Exception) -> None:
        reason = f"delivery: {type(error).__name__}"
        if reason != self._pulse.reason:
            log.warning("delivery waits", reason=reason, exc_info=error)
        self._pulse.reason = reason


async def _rest(event: asyncio.Event, seconds: float) -> bool:
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            return await event.wait()
    return False
