"""The public report as JSON: no token, no personal data; and the quiet figures, for operators and services."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query
from starlette.responses import Response

from services.metrics.domain.report import Report
from services.metrics.handlers import Reporting
from shared.auth import require
from shared.database import Pool, autocommit
from shared.http.bodies import Day
from shared.messaging.quiet import QuietFigures, quiet_figures
from shared.roles import Role


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
