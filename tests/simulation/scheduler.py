"""Who takes the next step. One actor moves at a time, so a seed always plays the same way.

A real server adds one thing: a statement may wait for the lock of an actor that stands still. The server says so
(`pg_blocking_pids`), and the actor then waits until a step of somebody else frees it. At most one statement waits at
any time: of two, the server could wake either first. The second ends one of them by the lock timeout that every
connection has.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

from tests.simulation.clocks import Clocks
from tests.simulation.stepping import Actor, Line, Stage

LOOK_SECONDS = 0.002
"""After this long without an answer the server is asked whether the statement waits for a lock."""

STUCK_SECONDS = 60.0


class Stuck(Exception):
    """An actor neither came to its next step nor waits for a lock."""


class Deadlock(Exception):
    """Two actors wait for each other: somewhere locks are taken in two orders."""


WAITS = """
select cardinality(pg_blocking_pids($1)) > 0
"""

IN_A_CIRCLE = """
select $1 = any(pg_blocking_pids($2)) and $2 = any(pg_blocking_pids($1))
"""

CANCEL = """
select pg_cancel_backend($1)
"""


@dataclass
class Scheduler:
    """Moves actors on, kills them, and knows which of them waits for a lock."""

    actors: Sequence[Actor]
    stage: Stage
    clocks: Clocks
    monitor: Line
    decisions: int = 0

    async def start(self) -> None:
        """Begin all lives."""
        for actor in self.actors:
            await self._begin(actor)

    async def _begin(self, actor: Actor) -> None:
        actor.start()
        await self._until_it_stands(actor)

    def ready(self) -> list[Actor]:
        """List who could take a step."""
        return [
            actor
            for actor in self.actors
            if not actor.waits and not actor.rests and actor.frozen_until <= self.decisions
        ]

    @property
    def waiting(self) -> Actor | None:
        """The actor whose statement waits for a lock."""
        return next((actor for actor in self.actors if actor.waits), None)

    async def advance(self, actor: Actor) -> None:
        """Let one actor take one step; then see whether it freed the one that waits."""
        self.decisions += 1
        self.clocks.tick()
        step = actor.step
        actor.go()
        await self._until_it_stands(actor)
        self.tell(f"{actor.name}: {step}{': waits' if actor.waits else f': {actor.outcome}' if actor.outcome else ''}")
        await self._see_to_waiting(actor)

    def tell(self, line: str) -> None:
        """Write a line into the trace."""
        self.stage.trace.append(f"{self.decisions:04} {line}")

    async def kill(self, actor: Actor) -> None:
        """Kill an actor where it stands, and begin its next life."""
        self.tell(f"{actor.name}: killed before {actor.step}")
        if actor.waits:
            await self.time_out(actor)
        await actor.kill()
        await self._begin(actor)
        await self._see_to_waiting(actor)

    async def time_out(self, actor: Actor) -> None:
        """End an actor's wait for a lock as the server does."""
        await self.monitor.connection.execute(CANCEL, actor.line.pid)
        async with asyncio.timeout(STUCK_SECONDS):
            await actor.stands.wait()
        actor.waits = False
        actor.check()
        self.tell(f"{actor.name}: {actor.outcome}")

    async def end(self) -> None:
        """End all lives."""
        for actor in self.actors:
            await actor.kill()

    async def _see_to_waiting(self, moved: Actor) -> None:
        others = [actor for actor in self.actors if actor.waits and actor is not moved]
        if moved.waits and others:
            await self._check_circle(moved, others[0])
            await self.time_out(self.stage.chaos.rng.choice([moved, *others]))
        waiting = self.waiting
        if waiting is not None and not await self._is_blocked(waiting):
            waiting.waits = False
            await self._until_it_stands(waiting)
            if not waiting.waits:  # it may have met the next lock, seen or unseen
                self.tell(f"{waiting.name}: goes on: {waiting.outcome}")

    async def _check_circle(self, one: Actor, other: Actor) -> None:
        if await self.monitor.connection.fetchval(IN_A_CIRCLE, one.line.pid, other.line.pid):
            raise Deadlock(f"{one.name} before {one.step}, {other.name} before {other.step}")

    async def _until_it_stands(self, actor: Actor) -> None:
        end = time.monotonic() + STUCK_SECONDS
        while not actor.stands.is_set():
            try:
                async with asyncio.timeout(LOOK_SECONDS):
                    await actor.stands.wait()
            except TimeoutError:
                if await self._is_blocked(actor):
                    actor.waits = True
                    return
                if time.monotonic() > end:
                    raise Stuck(f"{actor.name} after {actor.step}") from None
        actor.check()

    async def _is_blocked(self, actor: Actor) -> bool:
        return bool(await self.monitor.connection.fetchval(WAITS, actor.line.pid))
