"""For operators and the other services: what is still on its way."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends

from services.processing.repository.clockwork import count_due
from shared.auth import Principal, require
from shared.clocks import LegalClock
from shared.database import Pool, autocommit
from shared.messaging.quiet import QuietFigures, quiet_figures
from shared.roles import Role


def internal_router(pool: Pool, clock: LegalClock) -> APIRouter:
    """Serve `/internal/v1/quiet`."""
    router = APIRouter(prefix="/internal/v1", tags=["internal"])

    @router.get("/quiet", summary="Facts journaled, applied and unsent, and timers due: computed now.")
    async def quiet(_caller: Annotated[Principal, Depends(require(Role.SERVICE, Role.OPERATOR))]) -> QuietFigures:
        async with autocommit(pool) as database:
            return await quiet_figures(database, timers_due=await count_due(database, clock.now()))

    return router
