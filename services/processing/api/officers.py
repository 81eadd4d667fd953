"""Officers: one dossier, and every act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from services.processing.api.acts import Acts, Admitted, SaidAct
from services.processing.api.bodies import BODIES
from services.processing.api.views import ActAnswer, CaseView, case_view
from services.processing.api.wording import refusals_told
from services.processing.domain.acts import Officer
from services.processing.handlers.acting import Acting
from services.processing.handlers.reading import Reading
from shared.auth import Principal, paths_of, require
from shared.database import CallersPool
from shared.http.etags import IfMatch, etag
from shared.http.idempotency import IdempotencyKey, claim_of
from shared.http.openapi import header
from shared.roles import Role
from shared.rulebook.agencies import NOTHING_INHERITED, Inheritance
from shared.rulebook.calendar import Calendar
from shared.rulebook.officers import Seat

Actor: TypeAlias = Annotated[Principal, Depends(require(Role.DESK, Role.SPECIALIST, Role.LEADER))]
READERS = (Role.DESK, Role.SPECIALIST, Role.LEADER, Role.AUDITOR)
Reader: TypeAlias = Annotated[Principal, Depends(require(*READERS))]
DossierPath: TypeAlias = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9.-]+$")]

_BODY_SCHEMA = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {"anyOf": [body.model_json_schema() for body in dict.fromkeys(BODIES.values())]}
            }
        }
    }
}


@dataclass(frozen=True)
class Desk:
    """Everything that the routes of officers use."""

    pool: CallersPool
    acting: Acting
    reading: Reading

    def admit(self, caller: Principal) -> Admitted:
        """Say in whose names an officer acts. Raises Problem 403 unless his agency is in force on this legal day."""
        today = self.today()
        paths = paths_of(caller, self.acting.rules.current_agencies(), today)
        absent = self.acting.officers().stands_for(Seat(caller.agency, caller.subject, caller.role), today)
        return Admitted(Officer(caller.subject, caller.role, caller.agency, absent), paths, caller.caller)

    def today(self) -> date:
        """Say which legal day it is."""
        return self.acting.clock.now().date()

    def inheritance_of(self, code: str) -> Inheritance:
        """Say for whose work an agency answers today beside its own: an ended one for nobody's."""
        agencies, today = self.acting.rules.current_agencies(), self.today()
        return agencies.inheritance(agencies.get(code), today) if agencies.in_force(code, today) else NOTHING_INHERITED

    def is_below(self, agency: str, paths: tuple[str, ...]) -> bool:
        """Tell whether an agency is in a subtree under one of these paths; none is that nobody knows."""
        agencies = self.acting.rules.current_agencies()
        return agencies.is_known(agency) and agencies.get(agency).path.startswith(paths)

    def calendar_of(self, agency: str) -> Calendar:
        """Find the calendar in force, as an agency keeps it."""
        return self.acting.rules.current_calendar().of(agency)


def officers_router(desk: Desk, acts: Acts) -> APIRouter:
    """Serve `/v1/dossiers/{code}` and `/v1/dossiers/{code}/acts/{action}`."""
    router = APIRouter(prefix="/v1", tags=["officers"])

    @router.get(
        "/dossiers/{code}",
        responses={HTTPStatus.OK: header("ETag")},
        summary="One dossier, for those whose subtree has a part in it.",
    )
    async def read_dossier(response: Response, caller: Reader, code: DossierPath) -> CaseView:
        with refusals_told():
            case = await desk.reading.for_officer(code, desk.admit(caller).paths)
        response.headers["ETag"] = etag(case.version)
        return case_view(case, desk.reading.owed(case, desk.today()))

    @router.post(
        "/dossiers/{code}/acts/{action}",
        summary="One act: decided by the table of moves, one transaction, one fact.",
        response_model=ActAnswer,
        openapi_extra=_BODY_SCHEMA,
    )
    async def act(
        request: Request, *, caller: Actor, code: DossierPath, action: str, key: IdempotencyKey, version: IfMatch
    ) -> Response:
        admitted, body = desk.admit(caller), await request.body()
        claim = claim_of(request, body, caller=admitted.caller, key=key)
        return await acts.do(SaidAct(code, action, version, body), admitted, claim)

    return router
