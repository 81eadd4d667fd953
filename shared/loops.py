"""What every loop has: how it rests, and how it says whether it lives and whether it can do its work."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

Loop = Callable[[asyncio.Event], Awaitable[None]]
"""Runs until the event is set."""

ALIVE_SECONDS = 30.0


async def rest(woken: asyncio.Event, seconds: float) -> bool:
    """Come back after `seconds` of machine time, or as soon as the event is set; answers whether it is."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await woken.wait()
    return woken.is_set()


async def unless(stop: asyncio.Event, work: Coroutine[Any, Any, None]) -> None:
    """Do some work to its end, or break it off as soon as the event is set. Raises what the work raises."""
    working, stopping = asyncio.create_task(work), asyncio.create_task(stop.wait())
    try:
        await asyncio.wait({working, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            await working
    finally:
        working.cancel()
        stopping.cancel()
        await asyncio.wait({working, stopping})


def back_off(failures: int, longest_seconds: float) -> float:
    """Seconds to wait after so many failures in a row, with jitter."""
    longest: float = min(0.1 * 2 ** min(failures, 16), longest_seconds)
    return longest * random.uniform(0.5, 1)  # noqa: S311 - jitter is no secret


def is_being_cancelled() -> bool:
    """Whether somebody wants the present task to end.

    Without that, a CancelledError is a future that some library cancelled for itself: as an error of ours it would end
    a loop in silence, since a task group takes a cancelled task for one that was asked to end.
    """
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


@dataclass(frozen=True)
class LoopHealth:
    """`alive`: the loop turned within 30 s. `ready`: it can work now; if not, `reason` says what it waits for."""

    alive: bool
    ready: bool
    reason: str


class Pulse:
    """Counts the turns of one loop by the machine's monotonic clock and keeps why it waits, if it does.

    A loop that has not turned yet is not dead: a process may prepare for as long as a dependency is away.
    """

    def __init__(self, reason: str = "starting", monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._turned: float | None = None
        self.reason = reason

    def turn(self) -> None:
        """Note that the loop came round."""
        self._turned = self._monotonic()

    def health(self) -> LoopHealth:
        """Answer /livez and /readyz."""
        alive = self._turned is None or self._monotonic() - self._turned < ALIVE_SECONDS
        return LoopHealth(alive=alive, ready=alive and not self.reason, reason=self.reason)


class Watched(Protocol):
    """A loop that can be asked how it is.

    Its pulse says at once whether it turns, and whether it can do its work now or what it waits for.
    """

    pulse: Pulse

    async def run(self, stop: asyncio.Event) -> None:
        """Turn until `stop`."""
