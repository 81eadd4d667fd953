"""Officers: their worklist, one dossier, and every act."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, TypeAlias

from fastapi import APIRouter, Depends, Path, Request
from starlette.responses import Response

from services.processing.api.acts import Acts, SaidAct, officer_of
from services.processing.api.bodies import BODIES
from services.processing.api.views import ActAnswer, CaseView, WorklistItem, case_view, worklist_item
from services.processing.api.wording import refusals_told
from services.processing.domain.acts import Officer
from services.processing.handlers.acting import Acting
from services.processing.handlers.reading import Reading
from services.processing.repository.reading import worklist
from shared.auth import Principal, paths_of, require
from shared.database import CallersPool, Connection, Scope
from shared.http.etags import IfMatch, etag
from shared.http.idempotency import IdempotencyKey, claim_of
from shared.http.openapi import header
from shared.http.paging import Page, PageCursor, PageLimit, decode_cursor, encode_cursor
from shared.http.problems import Problem
from shared.roles import Role

Actor: TypeAlias = Annotated[Principal, Depends(require(Role.DESK, Role.SPECIALIST, Role.LEADER))]
READERS = (Role.DESK, Role.SPECIALIST, Role.LEADER, Role.AUDITOR)
Reader: TypeAlias = Annotated[Principal, Depends(require(*READERS))]
DossierPath: TypeAlias = Annotated[str, Path(max_length=64, pattern=r"^[A-Za-z0-9.-]+$")]

START = (datetime(1, 1, 1, tzinfo=UTC), "")

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

    def paths_of(self, caller: Principal) -> tuple[str, ...]:
        """Find the paths of the caller's agency. Raises Problem 403 unless it is in force today, by legal time."""
        return paths_of(caller, self.acting.rules.current_agencies(), self.acting.clock.now().date())


def officers_router(desk: Desk, acts: Acts) -> APIRouter:
    """Serve `/v1/worklist`, `/v1/dossiers/{code}` and `/v1/dossiers/{code}/acts/{action}`."""
    router = APIRouter(prefix="/v1", tags=["officers"])

    @router.get("/worklist", summary="What waits for the caller's office, most urgent first.")
    async def list_work(caller: Reader, limit: PageLimit = 50, cursor: PageCursor = None) -> Page[WorklistItem]:
        async with desk.pool.transaction(Scope(desk.paths_of(caller))) as tx:
            return await read_worklist(tx, officer_of(caller), limit, cursor)

    @router.get(
        "/dossiers/{code}",
        responses={HTTPStatus.OK: header("ETag")},
        summary="One dossier, for those whose subtree has a part in it.",
    )
    async def read_dossier(response: Response, caller: Reader, code: DossierPath) -> CaseView:
        with refusals_told():
            case = await desk.reading.for_officer(code, desk.paths_of(caller))
        response.headers["ETag"] = etag(case.version)
        return case_view(case)

    @router.post(
        "/dossiers/{code}/acts/{action}",
        summary="One act: decided by the table of moves, one transaction, one fact.",
        response_model=ActAnswer,
        openapi_extra=_BODY_SCHEMA,
    )
    async def act(
        request: Request, *, caller: Actor, code: DossierPath, action: str, key: IdempotencyKey, version: IfMatch
    ) -> Response:
        paths, body = desk.paths_of(caller), await request.body()
        claim = claim_of(request, body, caller=caller.caller, key=key)
        return await acts.do(SaidAct(code, action, version, body), caller, paths, claim)

    return router


async def read_worklist(tx: Connection, officer: Officer, limit: int, cursor: str | None) -> Page[WorklistItem]:
    """Read one page: by promised due moment, then by code. Raises Problem 422 `cursor_invalid`."""
    rows = await worklist(tx, officer, _after(cursor), limit + 1)
    page = rows[:limit]
    more = encode_cursor(page[-1].promised_due.isoformat(), page[-1].code) if len(rows) > limit else None
    return Page(items=[worklist_item(row) for row in page], next_cursor=more)


def _after(cursor: str | None) -> tuple[datetime, str]:
    if cursor is None:
        return START
    text, code = decode_cursor(cursor, str, str)
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC), str(code)
    except (ValueError, OverflowError) as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "cursor_invalid") from error
