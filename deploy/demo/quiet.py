"""Quiet: every fact that any service journaled has been applied by all who read it, and nothing waits."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from deploy.demo.calls import Caller
from deploy.faults import DeployError
from shared.contracts.topics import CONTACTS, LIFECYCLE, OUTCOMES

READERS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "intake": (("processing", LIFECYCLE.name),),
    "processing": (("intake", LIFECYCLE.name),),
    "notification": (("intake", LIFECYCLE.name), ("processing", LIFECYCLE.name), ("intake", CONTACTS.name)),
    "metrics": (("intake", LIFECYCLE.name), ("processing", LIFECYCLE.name), ("notification", OUTCOMES.name)),
}
"""Who must have applied whose facts, for the system to be quiet: service → (source, topic).

A service passes over its own facts; what it leaves alone of others still moves its cursors.
"""

Lack = tuple[str, str, str, int]
"""Service, source, topic, and how many facts are not applied."""

POLL_SECONDS = 0.02
LONGEST_POLL_SECONDS = 0.3
PATIENCE_SECONDS = 300.0
STANDSTILL_SECONDS = 30.0
"""Longer than a process that has died needs to be there again, and to take its partitions over."""


class NeverQuiet(DeployError):
    """Something still waits after `PATIENCE_SECONDS`; the message says what."""


class Parked(DeployError):
    """A fact is parked and only an operator can free it: the year cannot come out even."""


@dataclass(frozen=True)
class Figures:
    """What the services answered: service → its quiet figures."""

    by_service: Mapping[str, Mapping[str, Any]]

    def journaled(self, source: str, topic: str) -> int:
        """Facts that `source` has written to its journal for this topic."""
        return int(self.by_service[source]["journaled"].get(topic, 0))

    def applied(self, service: str, source: str, topic: str) -> int:
        """Facts of `source` on this topic that `service` has applied."""
        return int(self.by_service[service]["applied"].get(f"{source}/{topic}", 0))

    @property
    def parked(self) -> int:
        """Facts in the parking tables of all services that wait for an operator."""
        return sum(int(figures["parked"]) for figures in self.by_service.values())

    @property
    def gaps(self) -> int:
        """Facts in the parking tables of all services that wait for a missing one."""
        return sum(int(figures["gaps"]) for figures in self.by_service.values())

    def held(self, service: str, source: str, topic: str) -> int:
        """Facts of `source` on this topic, and bytes that may have been, in the parking table of `service`."""
        held = self.by_service[service]["held"]
        return int(held.get(f"{source}/{topic}", 0)) + int(held.get(f"?/{topic}", 0))

    def waiting(self) -> list[str]:
        """List what is not done yet, in words that begin with the service; empty when all is quiet."""
        return self._in_words(self._lacking())

    def on_the_way(self) -> list[str]:
        """List the same without what readers lack because it is parked."""
        return self._in_words(self._not_parked())

    def late(self) -> set[str]:
        """Name the services to look at again: who has something to do, or lacks facts that are not parked.

        Of a reader that is ahead of its source, the source: it has written more since it was asked.
        """
        behind = {source if missing < 0 else service for service, source, _, missing in self._not_parked()}
        return {service for service, _ in self._unfinished()} | behind

    def _in_words(self, lacking: Iterable[Lack]) -> list[str]:
        return [f"{service} {name} {self.by_service[service][name]}" for service, name in self._unfinished()] + [
            f"{service} lacks {missing} of {source}/{topic}" for service, source, topic, missing in lacking
        ]

    def _unfinished(self) -> Iterator[tuple[str, str]]:
        """List service and figure of what is still to do."""
        for service, figures in self.by_service.items():
            for name in ("unsent", "timers_due", "messages_waiting"):
                if figures.get(name):
                    yield service, name

    def _not_parked(self) -> Iterator[Lack]:
        """List what is lacking where the parking table does not account for it."""
        for lack in self._lacking():
            service, source, topic, missing = lack
            if missing < 0 or missing > self.held(service, source, topic):
                yield lack

    def _lacking(self) -> Iterator[Lack]:
        """List who has not applied yet what its source wrote; or has more, written since the source was asked."""
        for service, sources in READERS.items():
            if service not in self.by_service or any(source not in self.by_service for source, _ in sources):
                continue
            for source, topic in sources:
                missing = self.journaled(source, topic) - self.applied(service, source, topic)
                if missing:
                    yield service, source, topic, missing

    def renewed(self, later: Figures) -> Figures:
        """Replace what was read again."""
        return Figures({**self.by_service, **later.by_service})


class Watch:
    """Waits for quiet over the services' `GET /internal/v1/quiet`."""

    def __init__(self, callers: Mapping[str, Caller], token: str) -> None:
        self._callers = callers
        self._token = token

    async def figures(self, *services: str) -> Figures:
        """Ask for the figures of these services (all when none is named), computed now."""
        names = services or tuple(self._callers)
        answers = await asyncio.gather(*(self._callers[name].get("/internal/v1/quiet", self._token) for name in names))
        return Figures(dict(zip(names, answers, strict=True)))

    async def quiet(self) -> Figures:
        """Wait until two readings in a row are quiet and the same. Raises `NeverQuiet`, `Parked`."""
        return await self._until(_none_parked(_twice(Figures.waiting)))

    async def settled(self) -> Figures:
        """Wait as for quiet, but not for what is lacking because it is parked.

        Once something is parked, nor for what stands still, `STANDSTILL_SECONDS` long: readers that an epidemic stops,
        facts behind one that no broker takes. Raises `NeverQuiet`.
        """
        return await self._until(_twice(Figures.on_the_way), may_stand_still=True)

    async def timers_fired(self) -> None:
        """Wait until every timer that the clock has reached is a fact. Raises `NeverQuiet`, `Parked`."""
        fired = _none_parked(lambda figures: not figures.by_service["processing"].get("timers_due"))
        await self._until(fired, "processing")

    async def cases_opened(self) -> None:
        """Wait until processing has a case for every dossier that intake accepted. Raises `NeverQuiet`, `Parked`."""
        await self._until(_none_parked(_all_opened), "intake", "processing")

    async def _until(self, done: Callable[[Figures], bool], *services: str, may_stand_still: bool = False) -> Figures:
        """Read until done; while some are late, only those are read again.

        What is journaled and applied only grows, so two readings in a row that are the same are of one state, whenever
        the parts of the first were read; the second reads all, for nobody is late then.
        """
        loop = asyncio.get_running_loop()
        give_up_at, delay = loop.time() + PATIENCE_SECONDS, POLL_SECONDS
        figures, moved_at = await self.figures(*services), loop.time()
        while not done(figures):
            if loop.time() > give_up_at:
                raise NeverQuiet("; ".join(figures.waiting()) or str(figures.by_service))
            if may_stand_still and figures.parked and loop.time() > moved_at + STANDSTILL_SECONDS:
                break
            if figures.waiting():
                await asyncio.sleep(delay)
                delay = min(delay * 1.1, LONGEST_POLL_SECONDS)
            later = figures.renewed(await self.figures(*(figures.late() or services)))
            if later != figures:
                figures, moved_at = later, loop.time()
        return figures


def _twice(waiting: Callable[[Figures], list[str]]) -> Callable[[Figures], bool]:
    """Hold when nothing waits in two readings in a row and they are the same."""
    last: list[Figures] = []

    def holds(figures: Figures) -> bool:
        same = last == [figures]
        last[:] = [] if waiting(figures) else [figures]
        return same and bool(last)

    return holds


def _none_parked(done: Callable[[Figures], bool]) -> Callable[[Figures], bool]:
    def holds(figures: Figures) -> bool:
        if figures.parked:
            raise Parked(f"{figures.parked} facts are parked")
        return done(figures)

    return holds


def _all_opened(figures: Figures) -> bool:
    accepted = figures.journaled("intake", LIFECYCLE.name)
    return figures.applied("processing", "intake", LIFECYCLE.name) >= accepted
