"""Worklists: what waits for the caller, or for whoever he oversees; narrowed by officer, step, unit and urgency."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Query

from services.processing.api.bodies import AgencyCode, OfficerName
from services.processing.api.officers import Desk, Reader
from services.processing.api.views import WorklistItem, worklist_item
from services.processing.api.wording import refusals_told
from services.processing.domain.worklists import BEGINNING, EVERYTHING, Filters, Urgency, days_of, select, span_of
from services.processing.repository.reading import Place, worklist
from shared.database import Scope
from shared.http.bodies import Code
from shared.http.paging import Page, PageCursor, PageLimit, decode_moment, encode_cursor
from shared.rulebook.seats import OfficerRole

START = (BEGINNING, "")

Unit = Annotated[AgencyCode | None, Query(description="Another unit; for leaders and auditors.")]
Office = Annotated[OfficerRole | None, Query(description="Another role in the unit; for leaders and auditors.")]
Holder = Annotated[OfficerName | None, Query(description="Only what this officer holds.")]
StepCode = Annotated[Code | None, Query(description="Only what waits at this step.")]
HowUrgent = Annotated[Urgency | None, Query(description="Only what is so urgent now.")]


async def _filters(unit: Unit = None, office: Office = None, officer: Holder = None) -> Filters:
    return Filters(unit, office, officer)


Asked: TypeAlias = Annotated[Filters, Depends(_filters)]


def worklist_router(desk: Desk) -> APIRouter:
    """Serve `/v1/worklist`."""
    router = APIRouter(prefix="/v1", tags=["officers"])

    @router.get("/worklist", summary="What waits for the caller's office, or one that he oversees, most urgent first.")
    async def list_work(
        caller: Reader,
        asked: Asked,
        step: StepCode = None,
        urgency: HowUrgent = None,
        *,
        limit: PageLimit = 50,
        cursor: PageCursor = None,
    ) -> Page[WorklistItem]:
        (officer, paths, _), after = desk.admit(caller), decode_moment(cursor, START)
        with refusals_told():
            selected = select(officer, asked, lambda agency: desk.is_below(agency, paths))
        agencies, inherited = desk.acting.rules.current_agencies(), desk.inheritance_of(selected.agency)
        days = days_of(desk.calendar_of(selected.agency), desk.acting.clock.now())
        span = EVERYTHING if urgency is None else span_of(urgency, days)
        async with desk.pool.transaction(Scope(paths)) as tx:
            rows = await worklist(tx, selected, span, Place(after, limit + 1), step, inherited=inherited)
        page = rows[:limit]
        more = encode_cursor(page[-1].promised_due.isoformat(), page[-1].code) if len(rows) > limit else None
        return Page(items=[worklist_item(row, days, agencies) for row in page], next_cursor=more)

    return router
