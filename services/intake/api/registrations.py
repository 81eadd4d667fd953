"""Dossiers registered online or refused at the desk, and every act that is their place's or applicant's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Depends, Request, Response

from services.intake.api.bodies import ACT_BODIES, RefusalBody, RegistrationBody, read_act
from services.intake.api.refusals import as_problem, refusals_told
from services.intake.api.registered import ActOnRegistration, FiledDossier, RegistrationOfIntake, WaitingItem
from services.intake.domain.refusals import NotAllowed, Refused
from services.intake.domain.registration import check_action
from services.intake.handlers.accepting import Desk
from services.intake.handlers.deciding import Wanted, perform
from services.intake.handlers.filing import FiledUnder, ToFile, applicant_index, refuse_at_desk, register_online
from services.intake.handlers.reading import (
    OpenRegistration,
    read_registration_for_applicant,
    read_registration_for_officer,
)
from services.intake.repository.registrations import waiting_registrations
from shared.auth import Principal, paths_of, require
from shared.database import CallersPool, Connection, Scope
from shared.http.bodies import DossierCodePath
from shared.http.etags import IfMatch, etag
from shared.http.idempotency import Answer, Asked, IdempotencyKey, answer_each_once, claim_of
from shared.http.openapi import header
from shared.http.paging import Page, PageCursor, PageLimit, decode_moment, encode_cursor
from shared.http.problems import Problem
from shared.messaging.requests import Claim
from shared.observability import current_traceparent
from shared.roles import OFFICERS, Role
from shared.rulebook.calendar import CalendarYearMissing
from shared.sealing import KeyringReader

Filing: TypeAlias = Annotated[Principal, Depends(require(Role.CITIZEN, Role.DESK))]
Clerk: TypeAlias = Annotated[Principal, Depends(require(Role.DESK))]
Actor: TypeAlias = Annotated[Principal, Depends(require(Role.CITIZEN, Role.DESK, Role.SPECIALIST, Role.LEADER))]
Reader: TypeAlias = Annotated[Principal, Depends(require(Role.CITIZEN, *OFFICERS))]
Officer: TypeAlias = Annotated[Principal, Depends(require(*OFFICERS))]

Deed: TypeAlias = Callable[[Connection], Awaitable[Answer]]
"""What a request does in its transaction. Raises Refused, CalendarYearMissing: nothing was written then."""

START = (datetime(1, 1, 1, tzinfo=UTC), "")
MADE: dict[int | str, dict[str, Any]] = {HTTPStatus.CREATED: header("Location", "ETag")}
_BODY_SCHEMA = {
    "requestBody": {
        "content": {
            "application/json": {
                "schema": {"anyOf": [body.model_json_schema() for body in dict.fromkeys(ACT_BODIES.values())]}
            }
        }
    }
}


@dataclass(frozen=True)
class Reception:
    """Everything that the routes of registrations use."""

    pool: CallersPool
    desk: Desk
    keyring: KeyringReader

    def paths_of(self, caller: Principal) -> tuple[str, ...]:
        """Find the paths of an officer's agency; a citizen has none. Raises Problem 403 unless it is in force today."""
        if caller.role is Role.CITIZEN:
            return ()
        return paths_of(caller, self.desk.rules.current_agencies(), self.desk.clock.now().date())

    def scope_of(self, caller: Principal) -> Scope:
        """Say what a caller's transaction may see: what his subtree receives, or what he registered himself.

        And what he was answered before.
        """
        own = applicant_index(self.desk.kek, caller)
        applicant = "" if own is None else own.hex()
        return Scope(self.paths_of(caller), callers=(caller.caller,), applicant=applicant)

    async def open(self, caller: Principal, code: str) -> OpenRegistration:
        """Read a registration as this caller may. Raises Problem 404, 403."""
        own = applicant_index(self.desk.kek, caller)
        async with self.pool.transaction(self.scope_of(caller)) as tx:
            if own is not None:
                found = await read_registration_for_applicant(tx, code, own)
            else:
                paths = self.paths_of(caller)
                found = await read_registration_for_officer(tx, self.keyring, code, officer=caller, paths=paths)
        if found is None:
            raise Problem(HTTPStatus.NOT_FOUND, "dossier_unknown", "No such dossier is open to you.")
        return found

    async def once(self, caller: Principal, claim: Claim, deed: Deed) -> Response:
        """Do what is asked, in one transaction with the answer that is stored under its key. Raises Problem."""

        async def settle(tx: Connection, deeds: Sequence[Deed]) -> list[Answer | Exception]:
            return [await _told(tx, each) for each in deeds]

        async with self.pool.transaction(self.scope_of(caller)) as tx:
            [outcome] = await answer_each_once(tx, [Asked(claim, deed)], partial(settle, tx))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


async def _told(tx: Connection, deed: Deed) -> Answer | Exception:
    try:
        return await deed(tx)
    except (Refused, CalendarYearMissing) as refused:
        return as_problem(refused)


def registration_router(reception: Reception) -> APIRouter:
    """Serve `/v1/registrations`, `/v1/refusals` and `/v1/dossiers/{code}/acts/{action}`."""
    router = APIRouter(prefix="/v1", tags=["registrations"])
    _add_filing(router, reception)
    _add_acts(router, reception)
    _add_reading(router, reception)
    return router


def _add_filing(router: APIRouter, reception: Reception) -> None:
    @router.post(
        "/registrations",
        status_code=HTTPStatus.CREATED,
        response_model=FiledDossier,
        responses=MADE,
        summary="Register a dossier online: it has its number, and no limit runs before it is accepted.",
    )
    async def register(request: Request, body: RegistrationBody, caller: Filing, key: IdempotencyKey) -> Response:
        with refusals_told():
            if caller.role is Role.DESK and body.received_by != caller.agency:
                raise NotAllowed("agency_not_allowed", detail="A desk registers at its own place.")
        claim = claim_of(request, await request.body(), caller=caller.caller, key=key)
        wanted = ToFile(caller, body.received_by, body.filing(), current_traceparent())

        async def deed(tx: Connection) -> Answer:
            return _made(await register_online(tx, reception.desk, wanted))

        return await reception.once(caller, claim, deed)

    @router.post(
        "/refusals",
        status_code=HTTPStatus.CREATED,
        response_model=FiledDossier,
        responses=MADE,
        summary="Refuse a dossier at the desk, for a reason of the closed list (Mẫu 03).",
    )
    async def refuse(request: Request, body: RefusalBody, caller: Clerk, key: IdempotencyKey) -> Response:
        claim = claim_of(request, await request.body(), caller=caller.caller, key=key)
        wanted = ToFile(caller, caller.agency, body.filing(), current_traceparent(), body.reason)

        async def deed(tx: Connection) -> Answer:
            return _made(await refuse_at_desk(tx, reception.desk, wanted))

        return await reception.once(caller, claim, deed)


def _made(found: FiledUnder) -> Answer:
    headers = {"Location": f"/v1/registrations/{found.code}", "ETag": etag(1)}
    return Answer(HTTPStatus.CREATED, FiledDossier.of(found), headers)


def _add_acts(router: APIRouter, reception: Reception) -> None:
    @router.post(
        "/dossiers/{code}/acts/{action}",
        response_model=ActOnRegistration,
        openapi_extra=_BODY_SCHEMA,
        summary="An act at the place of reception: decided by the table of moves, one transaction, one fact.",
    )
    async def act(
        request: Request, *, caller: Actor, code: DossierCodePath, action: str, key: IdempotencyKey, version: IfMatch
    ) -> Response:
        with refusals_told():
            check_action(action, caller.role)
        body = await request.body()
        paths = reception.paths_of(caller)
        wanted = Wanted(code, read_act(action, body), caller, paths, version, current_traceparent())
        claim = claim_of(request, body, caller=caller.caller, key=key)

        async def deed(tx: Connection) -> Answer:
            performed = await perform(tx, reception.desk, wanted)
            headers = {"ETag": etag(performed.decision.after.version)}
            return Answer(HTTPStatus.OK, ActOnRegistration.of(performed), headers)

        return await reception.once(caller, claim, deed)


def _add_reading(router: APIRouter, reception: Reception) -> None:
    @router.get("/registrations", summary="Registrations that wait at the caller's place of reception, oldest first.")
    async def waiting(caller: Officer, limit: PageLimit = 50, cursor: PageCursor = None) -> Page[WaitingItem]:
        paths = reception.paths_of(caller)
        async with reception.pool.transaction(Scope(paths)) as tx:
            rows = await waiting_registrations(tx, paths, decode_moment(cursor, START), limit + 1)
        page = rows[:limit]
        more = encode_cursor(page[-1].filed_at.isoformat(), page[-1].code) if len(rows) > limit else None
        rules = reception.desk.rules
        return Page(
            items=[WaitingItem.of(row, rules.catalogue(row.catalogue_version)) for row in page], next_cursor=more
        )

    @router.get(
        "/registrations/{code}",
        responses={HTTPStatus.OK: header("ETag")},
        summary="One registration: for its place and those above it with its people, audited; for who registered it.",
    )
    async def read(code: DossierCodePath, caller: Reader, response: Response) -> RegistrationOfIntake:
        found = await reception.open(caller, code)
        response.headers["Cache-Control"] = "no-store"
        response.headers["ETag"] = etag(found.registration.version)
        catalogue = reception.desk.rules.catalogue(found.registration.catalogue_version)
        return RegistrationOfIntake.of(found, catalogue)
