"""Group commit: what arrives while a transaction is at work is settled by the next one, together (ADR 34).

An item that comes alone waits for nobody. Under load a dozen share one transaction's round trips, and each still has an
outcome of its own: whoever is refused, or needs what somebody else holds, is taken out of the others' transaction.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Hashable, Sequence
from typing import Any, Generic, TypeAlias, TypeVar

import asyncpg

from shared.database import Connection, Pool, transaction
from shared.messaging.faults import passes

MOST_AT_ONCE = 64

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Settle = Callable[[Connection, Sequence[Item]], Awaitable[Sequence[Outcome | Exception]]]
"""Gives every item its effect or none, in the caller's transaction; answers in the order of the items.

An exception that it answers is that item's outcome, and nothing of the item was written. Of several items it never
waits for what another transaction holds, but answers `Busy`; for a single one it waits.
"""


class Busy(Exception):
    """Another transaction holds what the item needs: it is settled alone, where its wait holds up nobody else."""


class Together(Generic[Item, Outcome]):
    """Settles items in transactions that they share.

    `names` says what an item needs for itself: two items with a name in common are never settled together.
    """

    def __init__(
        self, pool: Pool, settle: Settle[Item, Outcome], *, names: Callable[[Item], Collection[Hashable]]
    ) -> None:
        self._pool, self._settle, self._names = pool, settle, names
        self._waiting: deque[_Entry[Item, Outcome]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_work = False

    async def __call__(self, item: Item) -> Outcome:
        """Settle one item with those that wait beside it. Raises its outcome when that is an exception."""
        told: asyncio.Future[Outcome] = asyncio.get_running_loop().create_future()
        self._waiting.append((item, told))
        if not self._at_work:
            self._at_work = True
            self._begin(self._work())
        return await told

    def _begin(self, work: Coroutine[Any, Any, None]) -> None:
        """Begin a task that belongs to no single request, so in none of their traces."""
        task = asyncio.create_task(work, context=contextvars.Context())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _work(self) -> None:
        try:
            while self._waiting:
                await self._share(self._next())
        finally:
            self._at_work = False

    def _next(self) -> list[_Entry[Item, Outcome]]:
        """Take the oldest that have no name in common; the others keep their order."""
        taken: list[_Entry[Item, Outcome]] = []
        left: list[_Entry[Item, Outcome]] = []
        names: set[Hashable] = set()
        while self._waiting and len(taken) < MOST_AT_ONCE:
            entry = self._waiting.popleft()
            wanted = self._names(entry[0])
            (taken if names.isdisjoint(wanted) else left).append(entry)
            names.update(wanted)
        self._waiting.extendleft(reversed(left))
        return taken

    async def _share(self, entries: Sequence[_Entry[Item, Outcome]]) -> None:
        """Settle these in one transaction; whoever could not be settled beside the others is then settled alone."""
        try:
            async with transaction(self._pool) as tx:
                outcomes = await self._settle(tx, [item for item, _ in entries])
        except Exception as error:  # noqa: BLE001 - every one of them is told
            outcomes = [Busy() if len(entries) > 1 and _of_one(error) else error] * len(entries)
        for entry, outcome in zip(entries, outcomes, strict=True):
            if isinstance(outcome, Busy) and len(entries) > 1:
                self._begin(self._share([entry]))
            else:
                _tell(entry[1], outcome)


_Entry: TypeAlias = "tuple[Item, asyncio.Future[Outcome]]"


def _of_one(error: Exception) -> bool:
    """Whether one of several may be the cause, so that the others need not share its error."""
    return not passes(error) or isinstance(error, asyncpg.LockNotAvailableError | asyncpg.DeadlockDetectedError)


def _tell(told: asyncio.Future[Outcome], outcome: Outcome | Exception) -> None:
    if told.done():  # its request was given up meanwhile
        return
    if isinstance(outcome, Exception):
        told.set_exception(outcome)
    else:
        told.set_result(outcome)
