"""Dossiers at the desk: hand one in, read it again."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from functools import partial
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from services.intake.api.answers import AcceptedDossier, DossierOfIntake, PeopleOfDossier, SeeRegistration
from services.intake.api.bodies import FilingBody
from services.intake.api.refusals import as_problem
from services.intake.handlers.accepting import Accepted, Desk, HandedIn, Outcome, accept_at_desk
from services.intake.handlers.reading import ServicePurpose, read_for_officer, read_for_service
from services.intake.repository.registrations import read_registration
from shared.auth import Principal, paths_of, require
from shared.database import CallersPool, Connection, Pool, Scope, autocommit, transaction
from shared.group_commit import GroupCommit
from shared.http.bodies import DossierCodePath
from shared.http.idempotency import Answer, Asked, IdempotencyKey, answer_each_once, callers_of, claim_of
from shared.http.openapi import header
from shared.http.problems import Problem
from shared.messaging.quiet import QuietFigures, quiet_figures
from shared.observability import current_traceparent
from shared.roles import OFFICERS, Role
from shared.sealing import KeyringReader


def dossier_router(pool: CallersPool, desk: Desk) -> APIRouter:
    """Routes of the desks."""
    router = APIRouter(prefix="/v1/dossiers", tags=["dossiers"])
    filings: GroupCommit[Asked[HandedIn], Response] = GroupCommit(
        partial(_begin, pool, desk), partial(settle_filings, desk), needs=lambda asked: (asked.name,)
    )

    @router.post(
        "",
        status_code=HTTPStatus.CREATED,
        response_model=AcceptedDossier,
        responses={HTTPStatus.CREATED: header("Location")},
        summary="Accept a dossier at the desk.",
    )
    async def hand_in(
        request: Request,
        body: FilingBody,
        officer: Annotated[Principal, Depends(require(Role.DESK))],
        key: IdempotencyKey,
    ) -> Response:
        claim = claim_of(request, await request.body(), caller=officer.caller, key=key)
        earlier = None if body.backdating is None else body.backdating.earlier()
        return await filings(Asked(claim, HandedIn(officer, body.filing(), current_traceparent(), earlier)))

    return router


def reading_router(pool: CallersPool, desk: Desk, keyring: KeyringReader) -> APIRouter:
    """Routes of whoever reads a dossier."""
    router = APIRouter(prefix="/v1/dossiers", tags=["dossiers"])

    @router.get(
        "/{code}",
        response_model=DossierOfIntake,
        responses={
            HTTPStatus.SEE_OTHER: {"model": SeeRegistration, "description": "It is read there.", **header("Location")}
        },
        summary="Read an accepted dossier with its papers and people; each read is audited.",
    )
    async def read(
        code: DossierCodePath,
        caller: Annotated[Principal, Depends(require(Role.CITIZEN, *OFFICERS))],
        response: Response,
    ) -> DossierOfIntake | Response:
        if caller.role is Role.CITIZEN:
            return _registration_of(code)
        paths = paths_of(caller, desk.rules.current_agencies(), desk.clock.now().date())
        async with pool.transaction(Scope(paths)) as tx:
            found = await read_for_officer(tx, keyring, code, officer=caller, paths=paths)
            registered = found is None and await read_registration(tx, code, paths, None) is not None
        if registered:
            return _registration_of(code)
        if found is None:
            raise Problem(HTTPStatus.NOT_FOUND, "not_found")
        response.headers["Cache-Control"] = "no-store"
        catalogue = desk.rules.catalogue(found.dossier.catalogue_version)
        return DossierOfIntake.of(found.dossier, found.people, catalogue)

    return router


def _registration_of(code: str) -> Response:
    """Send a reader to where dossiers stand that are not accepted, and all that a citizen registered himself."""
    there = SeeRegistration(location=f"/v1/registrations/{code}")
    headers = {"Location": there.location, "Cache-Control": "no-store"}
    return Response(there.model_dump_json(), HTTPStatus.SEE_OTHER, headers, media_type="application/json")


def _begin(pool: CallersPool, desk: Desk, asked: Sequence[Asked[HandedIn]]) -> AbstractAsyncContextManager[Connection]:
    """Open a transaction that may write what these places receive, and see what their officers were answered before.

    A place that is not in force may write nothing.
    """
    agencies, today = desk.rules.current_agencies(), desk.clock.now().date()
    places = dict.fromkeys(each.item.officer.agency for each in asked)
    paths = (agencies.get(place).path for place in places if agencies.in_force(place, today))
    return pool.transaction(Scope(tuple(paths), callers=callers_of(asked)))


async def settle_filings(desk: Desk, tx: Connection, asked: Sequence[Asked[HandedIn]]) -> list[Response | Exception]:
    """Accept filings, each under another key; one answer each, a refusal as its Problem."""

    async def accept(fresh: Sequence[HandedIn]) -> list[Answer | Exception]:
        return [_told(outcome) for outcome in await accept_at_desk(tx, desk, fresh)]

    return await answer_each_once(tx, asked, accept)


def _told(outcome: Outcome) -> Answer | Exception:
    if isinstance(outcome, Accepted):
        code = str(outcome.code)
        return Answer(
            HTTPStatus.CREATED, AcceptedDossier.of(code, outcome.acceptance), {"Location": f"/v1/dossiers/{code}"}
        )
    return as_problem(outcome)


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
        async with autocommit(pool) as database:
            return await quiet_figures(database)

    return router
