"""Faults 6 to 13: PostgreSQL dies, stands still, is full, is locked, or its answer is lost."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from functools import partial
from pathlib import Path
from typing import Any

import asyncpg

from deploy.local.processes import Identity
from shared.database import create_pool, transaction
from shared.settings import DatabaseSettings
from tests.faults.disks import Refused
from tests.faults.signals import DidNotStrike, frozen, see_frozen
from tests.faults.town import Scene
from tests.waiting import until

BLOCKED = "select count(*) from pg_stat_activity where wait_event_type = 'Lock' and usename = $1"
DEADLOCKS = "select sum(deadlocks)::bigint from pg_stat_database where datname = current_database()"
ENDED = "select not exists (select from pg_stat_activity where pid = $1)"
GROW = "create temporary table growing as select generate_series(1, 100000)"
SLOWEST_LOCK = "10s"
SERVER_IS_FULL = (asyncpg.DiskFullError, asyncpg.PostgresConnectionError, asyncpg.OperatorInterventionError)
"""What a server says whose disk is full: that it is, or, where it could not go on, that it starts again."""


def is_503(line: dict[str, Any]) -> bool:
    """Tell an answer that asks to come again; a service that cannot reach its database owes Retry-After."""
    if line["status"] == 503 and line["retry_after"] is None:
        raise DidNotStrike("503 without Retry-After")
    return bool(line["status"] == 503)


async def restarted(scene: Scene) -> str:
    """SIGQUIT to the postmaster: what `pg_ctl restart -m immediate` sends."""
    for _ in range(scene.size.times):
        victim = Identity.of(scene.stack.pid("postgres"))
        if victim is None:
            raise DidNotStrike("PostgreSQL does not run")
        os.kill(victim.pid, signal.SIGQUIT)
        if not await victim.gone(20):
            raise DidNotStrike("PostgreSQL is still the same process")
        scene.let_go()

        async def another(before: int = victim.pid) -> bool:
            return scene.stack.pid("postgres") != before

        await until(another)
        await scene.stack.wait_ready("postgres")
    return "immediate stop; another postmaster runs"


async def stood_still(scene: Scene) -> str:
    since = len(scene.town.answers())
    with frozen(scene.stack.pid("postgres")) as pids:
        await see_frozen(pids)
        filing = scene.load.begin(1)
        await asyncio.sleep(scene.size.hold)  # how long it lasts
        await scene.town.answered(is_503, since)
    scene.let_go()
    await filing
    return f"{len(pids)} processes of PostgreSQL stood still until clients got 503"


async def too_few_connections(scene: Scene) -> str:
    """Take every connection that the server has, intake's too."""
    since, held, filings = len(scene.town.answers()), [], []
    try:

        async def refused() -> bool:
            await scene.town.disconnect("intake")
            with contextlib.suppress(asyncpg.TooManyConnectionsError):
                while True:
                    held.append(await asyncpg.connect(scene.stack.dsn("processing")))
            if all(filing.done() for filing in filings):
                filings.append(scene.load.begin(1))
            told = scene.town.answers(since)
            return any(is_503(line) and line["port"] == scene.stack.ports.intake for line in told)

        await until(refused)
        await asyncio.sleep(scene.size.hold)  # how long it lasts
    finally:
        for connection in held:
            connection.terminate()
        scene.let_go()
    await asyncio.gather(*filings)
    return f"{len(held)} foreign connections; intake got none and answered 503"


async def disk_full(scene: Scene) -> str:
    if scene.stack.without_disks:
        raise Refused(scene.stack.without_disks)
    disk, since = scene.stack.database_disk, len(scene.town.answers())
    taken = disk.fill()
    filing = scene.load.begin(20)
    try:

        async def refused() -> bool:
            try:
                await scene.town.execute(GROW)
            except (OSError, asyncpg.InterfaceError, *SERVER_IS_FULL):
                return True
            return False

        await until(refused)
        await scene.town.answered(is_503, since)
        await asyncio.sleep(scene.size.hold)  # how long it lasts
    finally:
        disk.empty()
        scene.let_go()
    await filing
    return f"{taken // 1_000_000} MB filled until PostgreSQL found no space; 503 meanwhile"


async def one_dossier_locked(scene: Scene) -> str:
    """Hold the row lock of one case: only who acts on it waits."""
    entry, other = await scene.load.more(2)
    item, duty = await scene.town.first_duty(entry)
    async with scene.town.database() as holder, holder.transaction():
        await holder.fetch("select 1 from processing.cases where code = $1 for update", entry.code)
        acting = asyncio.create_task(scene.town.offices.act(item, duty))

        await scene.town.holds(BLOCKED, "processing")
        await scene.town.act(other, 1)
        if acting.done():
            raise DidNotStrike("the act on the locked case did not wait")
        await asyncio.sleep(scene.size.hold)  # how long it lasts
    scene.let_go()
    await acting
    return "an act waited for the lock while one on another dossier passed"


async def idle_transaction(scene: Scene) -> str:
    """A transaction with an id of its own stays open and does nothing: a stranger's; one of intake's own is ended."""
    async with scene.town.database("intake") as idle:
        await idle.execute("begin")
        xid = await idle.fetchval("select pg_current_xact_id()::text")
        await scene.load.more(2)

        async def published() -> bool:
            return not await scene.town.ask("select count(*) from intake.unsent")

        await until(published)
        state = await scene.town.ask("select state from pg_stat_activity where backend_xid::text = $1", xid)
        if state != "idle in transaction":
            raise DidNotStrike(f"the transaction is {state}")
        if not scene.size.full:
            return "facts recorded behind an idle transaction were published while it stayed open"
        await _ended_by_the_server(scene)
    return (
        "facts recorded behind an idle transaction were published while it stayed open;"
        " one of a session as intake's own the server ended"
    )


async def _ended_by_the_server(scene: Scene) -> None:
    """Stand idle in a transaction with the settings of intake's pool, until the server ends it."""
    told = scene.stack.environment("intake")
    settings = DatabaseSettings(
        host="127.0.0.1",
        port=scene.stack.ports.postgres,
        name=told["MOTCUA_DATABASE__NAME"],
        user="intake",
        password_file=Path(told["MOTCUA_DATABASE__PASSWORD_FILE"]),
    )
    pool = await create_pool(settings, "intake", size=1)
    try:
        with contextlib.suppress(asyncpg.IdleInTransactionSessionTimeoutError, asyncpg.InterfaceError):
            async with transaction(pool) as idle:
                session = await idle.fetchval("select pg_backend_pid()")
                await scene.town.holds(ENDED, session)
    finally:
        pool.terminate()


async def deadlock(scene: Scene) -> str:
    """Take the two locks of an act in the other order, and let the act be the one that PostgreSQL ends."""
    before = await scene.town.ask(DEADLOCKS)
    for _ in range(scene.size.times):
        (entry,) = await scene.load.more(1)
        owed = await scene.town.act(entry, 1)
        if owed is None:
            raise DidNotStrike("nothing is owed after the first act")
        async with scene.town.database() as other:
            await other.execute(f"set deadlock_timeout = '{SLOWEST_LOCK}'; begin")
            head = "select 1 from processing.journal_heads where subject = $1 for update"
            await other.fetch(head, entry.code)
            acting = asyncio.create_task(scene.town.offices.act(*owed))

            await scene.town.holds(BLOCKED, "processing")
            await other.fetch("select 1 from processing.cases where code = $1 for update", entry.code)
            await other.execute("rollback")
        scene.let_go()
        await acting

    async def counted() -> bool:
        return bool(await scene.town.ask(DEADLOCKS) > before)

    await until(counted, seconds=30)
    return "PostgreSQL ended an act to break a circle of locks; the act was done on the next try"


async def commit_answer_lost(scene: Scene) -> str:
    """Drop what the server says after COMMIT: the client's same key gets the stored answer."""
    proxy, town = scene.stack.database, scene.town
    dropped = proxy.dropped

    async def all_lost() -> bool:
        return not proxy.weather.lost_commits

    async def replayed(since: int) -> bool:
        proxy.weather.lost_commits = 2
        filing = scene.load.begin(1)
        await until(all_lost)
        scene.let_go()
        await filing
        return any(line.get("replayed") for line in town.answers(since))

    for _ in range(scene.size.times):
        await until(partial(replayed, len(town.answers())), "a stored answer")
    if proxy.dropped == dropped:
        raise DidNotStrike("no byte was dropped")
    return f"{proxy.dropped - dropped} bytes behind COMMIT dropped; a repeated key got the stored answer"
