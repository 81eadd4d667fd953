"""Why a dossier is due when it is: for its applicant, who tracks it, and for officers who may read it."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, TypeAlias

import structlog
from fastapi import APIRouter, Request, Response, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from starlette.responses import PlainTextResponse

from services.processing.api.deadline_text import deadline_text
from services.processing.api.deadline_views import DeadlineView, deadline_view
from services.processing.api.officers import READERS, Desk, DossierPath
from services.processing.api.tracking import Tickets, bearer_of_applicants
from services.processing.api.wording import as_problem, refusals_told
from services.processing.domain.cases import Case
from services.processing.domain.deadlines import ClockDiffers
from shared.auth import TokenVerifier, let_in, unauthorised
from shared.http.languages import preferred_language
from shared.http.media import wants_plain_text
from shared.http.problems import Problem
from shared.rulebook.calendar import CalendarYearMissing

log = structlog.get_logger()

_bearer_of_officers = HTTPBearer(auto_error=False, scheme_name="bearer", bearerFormat="JWT")
Credentials: TypeAlias = HTTPAuthorizationCredentials | None
TEXT = "text/plain; charset=utf-8"
HEADERS = {"Cache-Control": "no-store", "Vary": "Accept, Accept-Language"}


@dataclass(frozen=True)
class Doors:
    """Both ways to one dossier: an officer's token, and the applicant's of tracking."""

    desk: Desk
    tickets: Tickets

    async def read(self, request: Request, code: str, said: Credentials) -> tuple[Case, bool]:
        """Read a dossier for whoever may read or track it; answer also whether he is an officer.

        Raises Problem 401 or 403, and UnknownCase.
        """
        if said is None:
            raise unauthorised("token_missing")
        verifier: TokenVerifier = request.app.state.verifier
        try:
            caller = verifier.verify(said.credentials)
        except Problem as refused:
            if refused.code != "token_invalid":
                raise
            self.tickets.admit(said, code)
            return await self.desk.reading.for_applicant(code), False
        admitted = self.desk.admit(let_in(request, caller, READERS))
        return await self.desk.reading.for_officer(code, admitted.paths), True


def deadlines_router(desk: Desk, tickets: Tickets) -> APIRouter:
    """Serve `/v1/dossiers/{code}/deadline`."""
    router = APIRouter(prefix="/v1", tags=["officers", "applicants"])
    doors = Doors(desk, tickets)

    @router.get(
        "/dossiers/{code}/deadline",
        response_model=DeadlineView,
        responses={
            HTTPStatus.OK: {"content": {"text/plain": {"schema": {"type": "string"}}}},
            HTTPStatus.CONFLICT: {"description": "The calendar does not cover a year that it takes."},
            HTTPStatus.INTERNAL_SERVER_ERROR: {
                "description": "What the facts add up to is not the due moment in force: neither is shown."
            },
        },
        summary="Why it is due when it is, day by day, by both limits; as JSON, or as text to be printed.",
    )
    async def explain(
        request: Request,
        response: Response,
        code: DossierPath,
        officer: Annotated[Credentials, Security(_bearer_of_officers)],
        _applicant: Annotated[Credentials, Security(bearer_of_applicants)],
    ) -> DeadlineView | PlainTextResponse:
        with refusals_told():
            case, officers = await doors.read(request, code, officer)
        return _told(request, response, desk, case, officers=officers)

    return router


def _told(
    request: Request, response: Response, desk: Desk, case: Case, *, officers: bool
) -> DeadlineView | PlainTextResponse:
    try:
        deadline = desk.reading.deadline(case)
        times = desk.reading.step_times(case, desk.acting.clock.now())
    except CalendarYearMissing as missing:
        raise as_problem(missing) from missing
    except ClockDiffers as differs:
        log.error(  # noqa: TRY400 - for an operator, who runs `motcua verify clocks`
            "deadline_differs", dossier=differs.code, limit=differs.limit, stored=str(differs.stored)
        )
        raise Problem(HTTPStatus.INTERNAL_SERVER_ERROR, "deadline_differs") from differs
    view = deadline_view(case, desk.reading.rules_of(case), deadline, times, officers=officers)
    if not wants_plain_text(request.headers.get("accept")):
        response.headers.update(HEADERS)
        return view
    language = preferred_language(request.headers.get("accept-language"))
    text = deadline_text(view, deadline, language)
    return PlainTextResponse(text, headers={**HEADERS, "Content-Language": language}, media_type=TEXT)
