"""Public: which procedures and which agencies there are on a day."""

from __future__ import annotations

from datetime import date
from typing import Annotated

from fastapi import APIRouter, Query

from services.intake.api.answers import AgencyEntry, AgencyList, PaperAsked, ProcedureCase, Procedures
from services.intake.handlers.accepting import Desk
from shared.http.bodies import Day
from shared.rulebook.agencies import Agencies
from shared.rulebook.catalogue import Case

OnDay = Annotated[Day | None, Query(description="A day; today (legal time) if left out.")]


def directory_router(desk: Desk) -> APIRouter:
    """Routes of the catalogue and of the agencies."""
    router = APIRouter(prefix="/v1", tags=["directory"])

    @router.get("/procedures", summary="Cases of procedures in force on a day.")
    async def procedures(on: OnDay = None) -> Procedures:
        now = desk.clock.now()
        day, rules = on or now.date(), desk.rules_in_force(now)
        items = [_case(case, rules.agencies, day) for case in rules.catalogue.cases_in_force(day)]
        return Procedures(on=day.isoformat(), catalogue_version=rules.catalogue.version, items=items)

    @router.get("/agencies", summary="Agencies in force on a day.")
    async def agencies(on: OnDay = None) -> AgencyList:
        now = desk.clock.now()
        day, tree = on or now.date(), desk.rules_in_force(now).agencies
        receiving = {place.code for place in tree.places_of_reception(day)}
        items = [
            AgencyEntry(
                code=agency.code,
                area_code=agency.area_code,
                name_vi=agency.name_vi,
                name_en=agency.name_en,
                kind=agency.kind,
                role=agency.role,
                parent_code=agency.parent_code,
                path=agency.path,
                receives=agency.code in receiving,
            )
            for agency in tree.agencies
            if agency.in_force(day)
        ]
        return AgencyList(on=day.isoformat(), agencies_version=tree.version, items=items)

    return router


def _case(case: Case, agencies: Agencies, day: date) -> ProcedureCase:
    places = agencies.places_of_reception(day)
    return ProcedureCase(
        procedure_code=case.procedure_code,
        case_code=case.case_code,
        name_vi=case.name_vi,
        name_en=case.name_en,
        case_name_vi=case.case_name_vi,
        case_name_en=case.case_name_en,
        field=case.field,
        field_vi=case.field_vi,
        limit_kind=case.limit_kind,
        statutory=case.statutory,
        promised=case.promised,
        cut_off=case.cut_off.isoformat("minutes") if case.cut_off else None,
        fee_vnd=case.fee_vnd,
        fee_unit=case.fee_unit,
        online_offered=case.online_offered,
        statutory_online=case.statutory_online,
        promised_online=case.promised_online,
        received_by=[place.code for place in places if agencies.may_receive(case, place.code, day)],
        papers=[
            PaperAsked(
                paper_code=paper.code,
                name_vi=paper.name_vi,
                name_en=paper.name_en,
                originals=paper.originals,
                certified=paper.certified,
                photocopies=paper.photocopies,
                required=paper.required,
            )
            for paper in case.papers
        ],
    )
