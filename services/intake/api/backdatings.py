"""A leader lets a filing count from before its record, once, on evidence (C14)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Self
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response
from uuid_utils.compat import uuid7

from services.intake.api.answers import AnswerBody
from services.intake.api.bodies import ApprovalBody
from services.intake.api.refusals import as_problem
from services.intake.domain.backdating import Approval, approve
from services.intake.domain.refusals import Refused
from services.intake.handlers.accepting import Desk
from services.intake.repository.backdatings import add_approval
from shared.auth import Principal, paths_of, require
from shared.contracts.facts import Evidence
from shared.database import CallersPool, Connection, Scope
from shared.http.idempotency import Answer, Asked, IdempotencyKey, answer_each_once, claim_of
from shared.roles import Role
from shared.rulebook.calendar import CalendarYearMissing, local


class ApprovedBackdating(AnswerBody):
    """An approval: the desk of the place names its id with the filing, once."""

    id: UUID
    place: str
    procedure_code: str
    case_code: str
    received_at: datetime
    evidence: Evidence
    evidence_no: str
    approved_by: str
    approving_agency: str
    approved_at: datetime

    @classmethod
    def of(cls, approval: Approval) -> Self:
        """Show what was approved."""
        return cls(**{name: getattr(approval, name) for name in cls.model_fields})


def backdatings_router(pool: CallersPool, desk: Desk) -> APIRouter:
    """Serve `POST /v1/backdatings`."""
    router = APIRouter(prefix="/v1/backdatings", tags=["dossiers"])

    @router.post(
        "",
        status_code=HTTPStatus.CREATED,
        response_model=ApprovedBackdating,
        summary="Approve that a filing counts from an earlier moment: at most three working days back, on evidence.",
    )
    async def approve_backdating(
        request: Request,
        body: ApprovalBody,
        leader: Annotated[Principal, Depends(require(Role.LEADER))],
        key: IdempotencyKey,
    ) -> Response:
        claim = claim_of(request, await request.body(), caller=leader.caller, key=key)
        wanted = _wanted(body, leader, desk.clock.now())
        paths = paths_of(leader, desk.rules.current_agencies(), wanted.approved_at.date())
        settle = partial(_settle, desk, paths)
        async with pool.transaction(Scope(paths, callers=(leader.caller,))) as tx:
            [outcome] = await answer_each_once(tx, [Asked(claim, wanted)], partial(settle, tx))
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return router


def _wanted(body: ApprovalBody, leader: Principal, now: datetime) -> Approval:
    return Approval(
        id=str(uuid7()),
        place=body.place,
        place_path="",
        procedure_code=body.procedure_code,
        case_code=body.case_code,
        received_at=body.received_at.replace(microsecond=0),
        evidence=body.evidence,
        evidence_no=body.evidence_no,
        approved_by=leader.subject,
        approving_agency=leader.agency,
        approved_at=local(now),
    )


async def _settle(
    desk: Desk, paths: tuple[str, ...], tx: Connection, wanted: Sequence[Approval]
) -> list[Answer | Exception]:
    return [await _told(desk, paths, tx, each) for each in wanted]


async def _told(desk: Desk, paths: tuple[str, ...], tx: Connection, wanted: Approval) -> Answer | Exception:
    rules = desk.rules
    try:
        calendar = rules.current_calendar().of(wanted.place)
        approved = approve(wanted, paths, rules.current_agencies(), calendar)
    except (Refused, CalendarYearMissing) as refused:
        return as_problem(refused)
    await add_approval(tx, approved)
    return Answer(HTTPStatus.CREATED, ApprovedBackdating.of(approved))
