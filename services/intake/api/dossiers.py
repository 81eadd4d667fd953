"""Dossiers at the desk: hand one in, read it again."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.intake.api.answers import AcceptedDossier, DossierOfIntake, PeopleOfDossier
from services.intake.api.bodies import FilingBody
from services.intake.api.refusals import as_problem, not_done_here
from services.intake.domain.acceptance import Refused
from services.intake.handlers.accepting import Desk, accept_at_desk
from services.intake.handlers.reading import ServicePurpose, read_for_officer, read_for_service
from shared.auth import OFFICERS, Principal, Role, path_of, require
from shared.database import Connection, Pool, transaction
from shared.http.bodies import DossierCodePath
from shared.http.idempotency import Answer, IdempotencyKey, answer_once, claim_of
from shared.http.problems import Problem
from shared.messaging.quiet import QuietFigures, quiet_figures
from shared.rulebook.calendar import CalendarYearMissing
from shared.sealing import KeyringReader


def dossier_router(pool: Pool, desk: Desk, keyring: KeyringReader) -> APIRouter:
    """Routes of the desks and of officers who read."""
    router = APIRouter(prefix="/v1/dossiers", tags=["dossiers"])

    @router.post(
        "", status_code=HTTPStatus.CREATED, response_model=AcceptedDossier, summary="Accept a dossier at the desk."
    )
    async def hand_in(
        request: Request,
        body: FilingBody,
        officer: Annotated[Principal, Depends(require(Role.DESK))],
        key: IdempotencyKey,
    ) -> Response:
        async def act(tx: Connection) -> Answer:
            try:
                code, acceptance = await accept_at_desk(tx, desk, officer, body.filing())
            except (Refused, CalendarYearMissing) as error:
                raise as_problem(error) from error
            location = {"Location": f"/v1/dossiers/{code}"}
            return Answer(HTTPStatus.CREATED, AcceptedDossier.of(code, acceptance), location)

        claim = claim_of(request, await request.body(), caller=officer.caller, key=key)
        return await answer_once(pool, claim, act)

    @router.get("/{code}", summary="Read a dossier with its papers and people; each read is audited.")
    async def read(
        code: DossierCodePath, officer: Annotated[Principal, Depends(require(*OFFICERS))], response: Response
    ) -> DossierOfIntake:
        path = path_of(officer, desk.rules.current_agencies(), desk.clock.now().date())
        async with transaction(pool) as tx:
            found = await read_for_officer(tx, keyring, code, officer=officer, path=path)
        if found is None:
            raise Problem(HTTPStatus.NOT_FOUND, "not_found")
        response.headers["Cache-Control"] = "no-store"
        catalogue = desk.rules.catalogue(found.dossier.catalogue_version)
        return DossierOfIntake.of(found.dossier, found.people, catalogue)

    @router.post(
        "/{code}/acts/{action}",
        status_code=HTTPStatus.CONFLICT,
        response_class=Response,
        dependencies=[Depends(require(Role.CITIZEN, Role.DESK, Role.SPECIALIST, Role.LEADER))],
        summary="No act of intake on a registered dossier is offered yet; the answer says so, or where it is done.",
    )
    async def act(code: DossierCodePath, action: str) -> Response:  # noqa: ARG001 - the same for every dossier
        raise not_done_here(action)

    return router


def internal_router(pool: Pool, keyring: KeyringReader) -> APIRouter:
    """Routes for other services and for operators."""
    router = APIRouter(prefix="/internal/v1", tags=["internal"])

    @router.get("/dossiers/{code}/people", summary="The people of a dossier, for a stated purpose; audited.")
    async def people(
        code: DossierCodePath,
        purpose: ServicePurpose,
        service: Annotated[Principal, Depends(require(Role.SERVICE))],
        response: Response,
    ) -> PeopleOfDossier:
        async with transaction(pool) as tx:
            found = await read_for_service(tx, keyring, code, service=service, purpose=purpose)
        if found is None:
            raise Problem(HTTPStatus.NOT_FOUND, "not_found")
        response.headers["Cache-Control"] = "no-store"
        return PeopleOfDossier(code=code, people=found.people, people_erased=found.people is None)

    @router.get(
        "/quiet",
        summary="What is journaled, applied and waiting, computed now.",
        dependencies=[Depends(require(Role.SERVICE, Role.OPERATOR))],
    )
    async def quiet() -> QuietFigures:
        async with transaction(pool) as tx:
            return await quiet_figures(tx)

    return router
