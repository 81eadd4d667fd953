"""New versions of the rules: a file, planned before, that a leader of the province signs off."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, Field, StringConstraints

from services.intake.api.refusals import as_problem
from services.intake.domain.refusals import Refused
from services.intake.domain.sign_off import SignedOff
from services.intake.handlers.publishing import NewVersion, Publishing
from shared.auth import Principal, require
from shared.database import Connection, Pool, transaction
from shared.http.bodies import Code, RequestBody
from shared.http.idempotency import Answer, Asked, IdempotencyKey, answer_each_once, claim_of
from shared.http.problems import FieldError, Problem
from shared.http.sentences import in_both
from shared.roles import Role
from shared.rulebook.rule_files.faults import LineFault, RuleFileFaulty

Leader: TypeAlias = Annotated[Principal, Depends(require(Role.LEADER))]
RuleFile = Annotated[str, StringConstraints(min_length=1, max_length=200_000)]
Publish: TypeAlias = Callable[[Connection, SignedOff], Awaitable[NewVersion]]


class SignedFile(RequestBody):
    """A file that changes the rules, with what was planned of it: version in force, version that it makes."""

    based_on: Code = Field(examples=["calendar-1-db81b797c6d9"])
    version: Code = Field(description="Id of the version that the plan foretold.", examples=["calendar-2-0123456789ab"])
    file: RuleFile = Field(
        description="The file as it was planned with `motcua calendar plan` or `motcua catalogue plan`."
    )


class PublishedVersion(BaseModel):
    """A version of the rules that was published, and by whom it was signed off."""

    rule_set: str
    version: str
    based_on: str
    signed_by: str
    published_at: str


def rules_router(pool: Pool, publishing: Publishing) -> APIRouter:
    """Serve `POST /v1/rules/…`."""
    router = APIRouter(prefix="/v1/rules", tags=["rules"])

    @router.post(
        "/calendar",
        status_code=HTTPStatus.CREATED,
        response_model=PublishedVersion,
        summary="Publish a dispatch as the next calendar; a leader of the province signs it off.",
    )
    async def calendar(request: Request, body: SignedFile, caller: Leader, key: IdempotencyKey) -> Response:
        asked = Asked(claim_of(request, await request.body(), caller=caller.caller, key=key), _signed(body, caller))
        return await _once(pool, asked, publishing.calendar)

    @router.post(
        "/catalogue",
        status_code=HTTPStatus.CREATED,
        response_model=PublishedVersion,
        summary="Publish changes as the next catalogue; open dossiers keep the version that they were taken in under.",
    )
    async def catalogue(request: Request, body: SignedFile, caller: Leader, key: IdempotencyKey) -> Response:
        asked = Asked(claim_of(request, await request.body(), caller=caller.caller, key=key), _signed(body, caller))
        return await _once(pool, asked, publishing.catalogue)

    return router


def _signed(body: SignedFile, caller: Principal) -> SignedOff:
    return SignedOff(body.file, body.based_on, body.version, caller.subject, caller.agency)


async def _once(pool: Pool, asked: Asked[SignedOff], publish: Publish) -> Response:
    async with transaction(pool) as tx:
        [outcome] = await answer_each_once(tx, [asked], partial(_settle, tx, publish))
    if isinstance(outcome, Exception):
        raise outcome
    return outcome


async def _settle(tx: Connection, publish: Publish, signed: Sequence[SignedOff]) -> list[Answer | Exception]:
    return [await _told(tx, publish, each) for each in signed]


async def _told(tx: Connection, publish: Publish, signed: SignedOff) -> Answer | Exception:
    try:
        found = await publish(tx, signed)
    except Refused as refused:
        return as_problem(refused)
    except RuleFileFaulty as faulty:
        errors = [_fault(fault) for fault in faulty.faults]
        return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "rule_file_faulty", "The plan says what to mend.", errors)
    said = PublishedVersion(
        rule_set=found.drawn.rule_set,
        version=found.drawn.version,
        based_on=found.drawn.based_on,
        signed_by=signed.officer,
        published_at=found.at.isoformat(),
    )
    return Answer(HTTPStatus.CREATED, said)


def _fault(fault: LineFault) -> FieldError:
    """Name a faulty line; its words would show what was sent."""
    return FieldError("/file", fault.code, in_both("Line {line} cannot be used.", {"line": fault.line}))
