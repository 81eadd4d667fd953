"""The public report as JSON: no token, no personal data."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query
from starlette.responses import Response

from services.metrics.domain.report import Report
from services.metrics.handlers import Reporting


def report_router(reporting: Reporting) -> APIRouter:
    """Serve `GET /v1/reports/district`."""
    router = APIRouter(prefix="/v1", tags=["reports"])

    @router.get("/reports/district", summary="The figures of an agency and of all places under it.")
    async def district_report(
        response: Response,
        agency: Annotated[str, Query(max_length=32, description="Code of the agency", examples=["H56.97"])],
        first: Annotated[date | None, Query(alias="from", description="First day; 1 January unless given")] = None,
        last: Annotated[date | None, Query(alias="to", description="Last day; today unless given")] = None,
    ) -> Report:
        """Figures as of the legal now, or of the end of a period that is over, each with its formula."""
        response.headers["Cache-Control"] = "no-cache"
        return await reporting.district(agency, first, last)

    return router
