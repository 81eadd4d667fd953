"""Actors: processes that stop before every step, so that somebody else decides what comes next.

The product's own code runs in them, over a pool whose connections are real and whose statements are steps.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from types import TracebackType
from typing import Any, Self, cast

import asyncpg

from shared.database import Connection, Pool
from shared.messaging.journal import Journal
from tests.simulation.chaos import Chaos


@dataclass(frozen=True)
class Line:
    """A connection to one schema, kept from seed to seed, and the server's process behind it."""

    schema: str
    connection: asyncpg.Connection[asyncpg.Record]
    pid: int


@dataclass
class Stage:
    """What all actors of a seed share: chance, the trace, and how often each schema has changed."""

    chaos: Chaos
    trace: list[str] = field(default_factory=list)
    changed: Counter[str] = field(default_factory=Counter)
    recorded: Counter[str] = field(default_factory=Counter)


Resting = Callable[[], bool]
Life = Callable[["Actor"], Coroutine[None, None, None]]


def at_work() -> bool:
    """Answer for an actor in the middle of something: it is never at rest."""
    return False


class Actor:
    """One process: its task, its connection, and the step that it stands before.

    `frozen_until` is the decision at which it thaws; `waits` says that its statement waits for somebody's lock.
    """

    def __init__(self, name: str, line: Line, stage: Stage, life: Life) -> None:
        self.name, self.line, self.stage = name, line, stage
        self.journal = Journal("")
        self.stands = asyncio.Event()
        self.step, self.outcome = "", ""
        self.waits = False
        self.frozen_until = 0
        self._life = life
        self._resting: Resting = at_work
        self._turn: asyncio.Future[None] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def rests(self) -> bool:
        """Whether it has come round and there is nothing for it to do."""
        return self._resting()

    @property
    def between_turns(self) -> bool:
        """Whether it stands at the beginning of its loop."""
        return self._resting is not at_work

    def start(self) -> None:
        """Begin a life: all memory of the one before is gone."""
        self._task = asyncio.create_task(self._life(self))
        self._task.add_done_callback(lambda _: self.stands.set())

    def go(self) -> None:
        """Let it take the step that it stands before."""
        assert self._turn is not None
        self.stands.clear()
        self.outcome = ""
        self._turn.set_result(None)

    async def stop_before(self, step: str, resting: Resting = at_work) -> None:
        """Stand before a step until the scheduler says go. Called by the actor's own code."""
        self.step, self._resting = step, resting
        self._turn = asyncio.get_running_loop().create_future()
        self.stands.set()
        await self._turn

    def check(self) -> None:
        """Raise what ended the life, if anything did."""
        if self._task is not None and self._task.done() and not self._task.cancelled():
            self._task.result()
            raise AssertionError(f"{self.name} came to an end by itself")

    async def kill(self) -> None:
        """End the process where it stands; the server rolls back what it had not committed."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self.stands.clear()
        self._resting, self.waits, self.frozen_until = at_work, False, 0
        await self.roll_back()

    async def roll_back(self) -> None:
        """End what was begun; whoever left a locked row alone may look again."""
        if self.line.connection.is_in_transaction():
            await self.line.connection.execute("rollback")
            self.stage.changed[self.line.schema] += 1

    def pool(self) -> Pool:
        """Return the database as the product's code sees it."""
        return cast("Pool", _Pool(self))


class _Pool:
    def __init__(self, actor: Actor) -> None:
        self._actor = actor

    @asynccontextmanager
    async def acquire(self, **_timeout: float) -> AsyncIterator[Connection]:
        yield cast("Connection", _Connection(self._actor))


class _Connection:
    """A connection whose statements are steps. Answers without an order come in any order."""

    def __init__(self, actor: Actor) -> None:
        self.actor = actor
        self._line = actor.line.connection
        self.in_transaction = False
        self.changes = False

    def transaction(self) -> _Transaction:
        return _Transaction(self, self.actor)

    async def fetch(self, sql: str, *arguments: Any) -> list[asyncpg.Record]:
        rows = await self._step(self._line.fetch, sql, arguments)
        if len(rows) > 1 and not _is_ordered(sql):
            rows.sort(key=lambda row: repr(tuple(row)))
            self.actor.stage.chaos.rng.shuffle(rows)
        self.actor.outcome = f"{len(rows)} rows"
        return list(rows)

    async def fetchrow(self, sql: str, *arguments: Any) -> asyncpg.Record | None:
        row = await self._step(self._line.fetchrow, sql, arguments)
        self.actor.outcome = "no row" if row is None else "a row"
        return cast("asyncpg.Record | None", row)

    async def fetchval(self, sql: str, *arguments: Any) -> Any:
        value = await self._step(self._line.fetchval, sql, arguments)
        self.actor.outcome = repr(value)
        return value

    async def execute(self, sql: str, *arguments: Any) -> str:
        status = await self._step(self._line.execute, sql, arguments)
        self.changes = True
        self.actor.outcome = status
        return str(status)

    async def _step(self, call: Callable[..., Awaitable[Any]], sql: str, arguments: tuple[Any, ...]) -> Any:
        actor, chaos = self.actor, self.actor.stage.chaos
        await actor.stop_before(_title(sql))
        try:
            if self.in_transaction:
                await self._begin()
                if chaos.strikes("session ended"):
                    await actor.roll_back()
                    raise asyncpg.IdleInTransactionSessionTimeoutError("the server ended a session that stood still")
            answer = await call(sql, *arguments)
        except asyncpg.QueryCanceledError as error:
            actor.outcome = "lock timeout"
            raise asyncpg.LockNotAvailableError("canceling statement due to lock timeout") from error
        except asyncpg.PostgresError as error:
            actor.outcome = type(error).__name__
            raise
        if not self.in_transaction:
            self.lose_answer()
        return answer

    async def _begin(self) -> None:
        """Begin with the first statement: nobody can see a transaction that has done nothing."""
        if not self._line.is_in_transaction():
            await self._line.execute("begin")

    def lose_answer(self) -> None:
        """Take the answer away after the effect, if the seed says so."""
        if self.actor.stage.chaos.strikes("answer lost"):
            self.actor.outcome = "answer lost"
            raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")


class _Transaction:
    def __init__(self, connection: _Connection, actor: Actor) -> None:
        self._connection, self._actor = connection, actor
        self._line = actor.line.connection

    async def __aenter__(self) -> Self:
        self._connection.in_transaction = True
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is asyncio.CancelledError or not self._line.is_in_transaction():
            return  # killed: the server will roll back; or the server has ended the session already
        await self._actor.stop_before("rollback" if kind else "commit")
        if kind:
            await self._actor.roll_back()
            return
        await self._line.execute("commit")
        self._tell()
        self._connection.lose_answer()

    def _tell(self) -> None:
        stage, schema, appended = self._actor.stage, self._actor.line.schema, self._actor.journal.appended
        stage.changed[schema] += self._connection.changes
        stage.recorded[schema] += appended.is_set()
        appended.clear()


_TARGET = re.compile(r"\b(insert into|update|delete from|from)\s+([a-z_.]+)")
_INNERMOST = re.compile(r"\([^()]*\)")


@cache
def _title(sql: str) -> str:
    found = _TARGET.search(sql)
    return " ".join(found.groups()) if found else " ".join(sql.split())[:40]


@cache
def _is_ordered(sql: str) -> bool:
    """Whether the statement itself says in which order its rows come: `order by` outside all parentheses."""
    while (shorter := _INNERMOST.sub("", sql)) != sql:
        sql = shorter
    return "order by" in sql
