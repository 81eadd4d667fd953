"""Many acts in one request, one answer for each: as if each had come alone, one after the other."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias

from fastapi import APIRouter, Request
from fastapi.exceptions import RequestValidationError
from pydantic import Field, StringConstraints, WithJsonSchema
from starlette.responses import Response

from services.processing.api.acts import Acts, SaidAct
from services.processing.api.officers import Actor, Desk
from services.processing.api.views import ActAnswer, View
from shared.http.bodies import RequestBody
from shared.http.idempotency import IdempotencyKey, claim_of
from shared.http.openapi import REF
from shared.http.problems import answer, from_validation
from shared.http.requests import problem_of

JSON = "application/json"
MOST_ACTS = 50
"""Of one request: what a page of a worklist holds."""

DossierCode: TypeAlias = Annotated[str, StringConstraints(max_length=64, pattern=r"^[A-Za-z0-9.-]+$")]
ProblemSaid: TypeAlias = Annotated[dict[str, Any], WithJsonSchema({"$ref": f"{REF}Problem"})]


class ListedAct(RequestBody):
    """One act of a list: what `POST /v1/dossiers/{code}/acts/{action}` says in its path, If-Match and body."""

    code: DossierCode
    action: Annotated[str, StringConstraints(min_length=1, max_length=64)]
    version: Annotated[int, Field(strict=True, ge=0, lt=10**18)]
    body: dict[str, Any] = Field(default_factory=dict)


class ListedActs(RequestBody):
    """Acts to be done one after the other; the same dossier may come again."""

    acts: Annotated[list[ListedAct], Field(min_length=1, max_length=MOST_ACTS)]


class ListedAnswer(View):
    """What the same act alone would have been answered: status, ETag, and its document or its problem."""

    status: int
    etag: str | None
    answer: ActAnswer | ProblemSaid


class ListedAnswers(View):
    """One answer for each act, in the order in which they were asked for."""

    items: list[ListedAnswer]


def bulk_router(desk: Desk, acts: Acts) -> APIRouter:
    """Serve `POST /v1/acts`."""
    router = APIRouter(prefix="/v1", tags=["officers"])

    @router.post(
        "/acts",
        response_model=ListedAnswers,
        summary="Many acts, each judged, done and answered by itself; a repeat under the same key goes on.",
    )
    async def act_on_many(request: Request, body: ListedActs, *, caller: Actor, key: IdempotencyKey) -> Response:
        admitted = desk.admit(caller)
        answers = []
        for place, listed in enumerate(body.acts):
            said = SaidAct(listed.code, listed.action, listed.version, json.dumps(listed.body).encode())
            claim = claim_of(request, listed.model_dump_json().encode(), caller=admitted.caller, key=f"{key}/{place}")
            try:
                told = await acts.do(said, admitted, claim)
            except RequestValidationError as error:
                told = answer(request, from_validation(error, JSON))
            except Exception as error:  # noqa: BLE001 - what one act is answered ends no other
                told = answer(request, problem_of(error))
            answers.append({"status": told.status_code, "etag": told.headers.get("etag"), "answer": _document(told)})
        return Response(json.dumps({"items": answers}, ensure_ascii=False), HTTPStatus.OK, media_type=JSON)

    return router


def _document(told: Response) -> Any:
    return json.loads(bytes(told.body))
