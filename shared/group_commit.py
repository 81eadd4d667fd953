"""Group commit: what arrives while a transaction is at work is settled by the next one, together (ADR 34).

An item that comes alone waits for nobody. Under load a dozen share one transaction's round trips, and each still has an
outcome of its own: whoever is refused, or needs what somebody else holds, is taken out of the others' transaction.
"""

from __future__ import annotations

import asyncio
import contextvars
from collections import deque
from collections.abc import Awaitable, Callable, Collection, Coroutine, Hashable, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Any, Generic, TypeAlias, TypeVar

import asyncpg

from shared.database import Connection
from shared.messaging.faults import Unready, passes

MOST_AT_ONCE = 64
LONE_AT_ONCE = 4
"""Items that are settled alone share the pool with everybody else."""

Item = TypeVar("Item")
Outcome = TypeVar("Outcome")
Settle = Callable[[Connection, Sequence[Item]], Awaitable[Sequence[Outcome | Exception]]]
"""Gives every item its effect or none, in the caller's transaction; answers in the order of the items.

An exception that it answers is that item's outcome, and nothing of the item was written. `Busy` is the outcome of one
of several items for which it would have to wait; a single one it waits for.
"""

Begin = Callable[[Sequence[Item]], AbstractAsyncContextManager[Connection]]
"""Opens the transaction in which these items are settled together."""

_Entry: TypeAlias = "tuple[Item, asyncio.Future[Outcome]]"


class Busy(Exception):
    """Another transaction holds what the item needs: it is settled alone, where its wait holds up nobody else."""


class GroupCommit(Generic[Item, Outcome]):
    """Settles items in transactions that they share.

    `needs` names what an item needs for itself: two items with a need in common are never settled together.
    """

    def __init__(
        self, begin: Begin[Item], settle: Settle[Item, Outcome], *, needs: Callable[[Item], Collection[Hashable]]
    ) -> None:
        self._transaction, self._settle, self._needs = begin, settle, needs
        self._waiting: deque[_Entry[Item, Outcome]] = deque()
        self._tasks: set[asyncio.Task[None]] = set()
        self._at_work = False
        self._lone = asyncio.Semaphore(LONE_AT_ONCE)

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
        """Settle batch after batch. What ends a whole batch would end the next one too: all that wait are told."""
        try:
            while self._waiting:
                entries = self._next()
                if (error := await self._share(entries)) is not None:
                    for _, told in (*entries, *self._waiting):
                        _tell(told, error)
                    self._waiting.clear()
        finally:
            self._at_work = False
            for _, told in self._waiting:  # only when this task is cancelled
                told.cancel()

    def _next(self) -> list[_Entry[Item, Outcome]]:
        """Take the oldest that have no need in common; the others keep their order."""
        taken: list[_Entry[Item, Outcome]] = []
        left: list[_Entry[Item, Outcome]] = []
        needed: set[Hashable] = set()
        while self._waiting and len(taken) < MOST_AT_ONCE:
            entry = self._waiting.popleft()
            needs = self._needs(entry[0])
            (taken if needed.isdisjoint(needs) else left).append(entry)
            needed.update(needs)
        self._waiting.extendleft(reversed(left))
        return taken

    async def _share(self, entries: Sequence[_Entry[Item, Outcome]]) -> Exception | None:
        """Settle these in one transaction, and whoever cannot be settled beside others alone; answer everybody's error.

        An error of one alone is his, one of several is looked for among them.
        """
        several = len(entries) > 1
        try:
            outcomes = await self._transact(entries)
        except asyncio.CancelledError:
            for _, told in entries:
                told.cancel()
            raise
        except Exception as error:  # noqa: BLE001 - every one of them is told
            if not _may_be_of_one(error):
                return error
            outcomes = [Busy() if several else error] * len(entries)
        for entry, outcome in zip(entries, outcomes, strict=True):
            if isinstance(outcome, Busy) and several:
                self._begin(self._alone(entry))
            else:
                _tell(entry[1], outcome)
        return None

    async def _transact(self, entries: Sequence[_Entry[Item, Outcome]]) -> Sequence[Outcome | Exception]:
        items = [item for item, _ in entries]
        async with self._transaction(items) as tx:
            outcomes = await self._settle(tx, items)
            if len(outcomes) != len(entries):
                raise ValueError(f"{len(outcomes)} outcomes for {len(entries)} items")
        return outcomes

    async def _alone(self, entry: _Entry[Item, Outcome]) -> None:
        async with self._lone:
            if (error := await self._share([entry])) is not None:
                _tell(entry[1], error)


def _may_be_of_one(error: Exception) -> bool:
    """Whether one of several may be the cause, so that the others need not share its error."""
    locks = asyncpg.LockNotAvailableError | asyncpg.DeadlockDetectedError
    return not passes(error) or isinstance(error, Unready | locks)


def _tell(told: asyncio.Future[Outcome], outcome: Outcome | Exception) -> None:
    if told.done():  # its request was given up meanwhile
        return
    if isinstance(outcome, Exception):
        told.set_exception(outcome)
    else:
        told.set_result(outcome)
