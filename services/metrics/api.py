"""The public report and the published roots as JSON: no token, no personal data; and the operators' quiet figures."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, ConfigDict
from starlette.responses import Response

from services.metrics.domain.report import Report
from services.metrics.handlers.reporting import Reporting
from shared.auth import require
from shared.database import Pool, autocommit
from shared.http.bodies import Day
from shared.http.paging import Page, PageCursor, PageLimit, decode_cursor, encode_cursor
from shared.messaging.publications import PublishedRoot, published_roots
from shared.messaging.quiet import QuietFigures, quiet_figures
from shared.roles import Role
from shared.rulebook.calendar import local

LAST_ORDINAL = 2**63 - 1


def report_router(reporting: Reporting) -> APIRouter:
    """Serve `GET /v1/reports/district`."""
    router = APIRouter(prefix="/v1", tags=["reports"])

    @router.get(
        "/reports/district",
        responses={HTTPStatus.NOT_FOUND: {"description": "No such agency."}},
        summary="The figures of an agency and of all places under it.",
    )
    async def district_report(
        response: Response,
        agency: Annotated[str, Query(max_length=32, description="Code of the agency", examples=["H56.97"])],
        first: Annotated[Day | None, Query(alias="from", description="First day; 1 January unless given")] = None,
        last: Annotated[Day | None, Query(alias="to", description="Last day; today unless given")] = None,
    ) -> Report:
        """Figures as of the legal now, or of the end of a period that is over, each with its formula."""
        response.headers["Cache-Control"] = "no-cache"
        return await reporting.district(agency, first, last)

    return router


class RootShown(BaseModel):
    """One journal's history in one hash, as it was published: whoever kept it can hold the history against it."""

    model_config = ConfigDict(frozen=True)

    published_at: datetime
    service: str
    chains: int
    facts: int
    root: str


def history_router(pool: Pool) -> APIRouter:
    """Serve `GET /v1/history/roots`."""
    router = APIRouter(prefix="/v1", tags=["history"])

    @router.get("/history/roots", summary="Roots over the history of each service, as published; newest first.")
    async def roots(response: Response, limit: PageLimit = 50, cursor: PageCursor = None) -> Page[RootShown]:
        """Digests alone: the heads below them are in the files that `motcua verify publish` writes."""
        response.headers["Cache-Control"] = "no-cache"
        async with autocommit(pool) as database:
            rows = await published_roots(database, _before(cursor), limit + 1)
        page = rows[:limit]
        more = encode_cursor(page[-1][0]) if len(rows) > limit else None
        return Page(items=[_shown(root) for _, root in page], next_cursor=more)

    return router


def _before(cursor: str | None) -> int | None:
    if cursor is None:
        return None
    (ordinal,) = decode_cursor(cursor, int)
    return min(int(ordinal), LAST_ORDINAL)


def _shown(root: PublishedRoot) -> RootShown:
    return RootShown(**vars(root) | {"published_at": local(root.published_at)})


def quiet_router(pool: Pool) -> APIRouter:
    """Serve `GET /internal/v1/quiet`."""
    router = APIRouter(prefix="/internal/v1", tags=["internal"])

    @router.get(
        "/quiet",
        summary="Facts applied and waiting, computed now.",
        dependencies=[Depends(require(Role.SERVICE, Role.OPERATOR))],
    )
    async def quiet() -> QuietFigures:
        async with autocommit(pool) as database:
            return await quiet_figures(database)

    return router
