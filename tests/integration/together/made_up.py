"""Facts that no officer stated, recorded in a service's own journal: from there they travel like all others."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import asyncpg

from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from shared.contracts import facts
from shared.contracts.topics import LIFECYCLE
from shared.messaging.journal import Draft
from tests.integration.intake.counter import COMMUNE, FIRST_MORNING

_SAID = {"catalogue_version": "any", "calendar_version": "any", "agency": COMMUNE, "officer": f"leader.{COMMUNE}"}


def apologised(code: str) -> Draft:
    fact = facts.DossierApologised(
        **_SAID, state=facts.State.PROCESSING, reason="workload", reappointed_to=FIRST_MORNING + timedelta(days=7)
    )
    return Draft(LIFECYCLE.name, code, fact, FIRST_MORNING)


def result_ready(code: str) -> Draft:
    fact = facts.ResultReady(**_SAID, state=facts.State.READY, step_no=1)
    return Draft(LIFECYCLE.name, code, fact, FIRST_MORNING)


def accepted_without_a_body(code: str) -> Draft:
    return Draft(LIFECYCLE.name, code, facts.DossierAccepted.model_construct(), FIRST_MORNING)


async def take_out(stack: Stack, *codes: str) -> None:
    """Take made-up dossiers out of every service's history, as who owns the server can: as if nobody had stated them.

    A fact that no release can read is parked for ever, and nothing would come to rest after it.
    """
    for service in SERVICES:
        async with writing(stack, service) as tx:
            await tx.execute("set local session_replication_role = replica")
            for table in ("journal", "journal_heads", "cursors", "parked"):
                await tx.execute(f"delete from {table} where subject = any($1::text[])", codes)


@asynccontextmanager
async def writing(stack: Stack, service: str) -> AsyncIterator[asyncpg.Connection[asyncpg.Record]]:
    """One transaction in the schema of a service, as the superuser."""
    connection = await asyncpg.connect(stack.dsn(), server_settings={"search_path": service})
    try:
        async with connection.transaction():
            yield connection
    finally:
        await connection.close()
