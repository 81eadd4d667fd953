"""For operators and the other services: what is still on its way."""

from __future__ import annotations

import asyncio
from typing import Annotated

from fastapi import APIRouter, Depends

from services.processing.repository.clockwork import count_due
from shared.auth import Principal, require
from shared.clocks import LegalClock
from shared.database import Pool, autocommit
from shared.messaging.quiet import QuietFigures, quiet_figures
from shared.roles import Role


def internal_router(pool: Pool, clock: LegalClock, timers: asyncio.Event) -> APIRouter:
    """Serve `/internal/v1/quiet`; where timers are due, theirs is set, so that who waits for them waits no longer."""
    router = APIRouter(prefix="/internal/v1", tags=["internal"])

    @router.get("/quiet", summary="Facts journaled, applied and unsent, and timers due: computed now.")
    async def quiet(_caller: Annotated[Principal, Depends(require(Role.SERVICE, Role.OPERATOR))]) -> QuietFigures:
        async with autocommit(pool) as database:
            due = await count_due(database, clock.now())
            if due:
                timers.set()
            return await quiet_figures(database, timers_due=due)

    return router
