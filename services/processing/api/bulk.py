"""Many acts in one request, one answer for each, as if each had come alone; those on one dossier in their order."""

from __future__ import annotations

import asyncio
import json
from collections import defaultdict
from collections.abc import Collection, Sequence
from http import HTTPStatus
from itertools import chain
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
    """Acts to be done; the same dossier may come again, on the version that the act before leaves."""

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

        async def do(place: int, listed: ListedAct) -> Response:
            said = SaidAct(listed.code, listed.action, listed.version, json.dumps(listed.body).encode())
            claim = claim_of(request, listed.model_dump_json().encode(), caller=admitted.caller, key=f"{key}/{place}")
            try:
                return await acts.do(said, admitted, claim)
            except RequestValidationError as error:
                return answer(request, from_validation(error, JSON))
            except Exception as error:  # noqa: BLE001 - what one act is answered ends no other
                return answer(request, problem_of(error))

        async def do_in_order(places: Sequence[int]) -> list[tuple[int, Response]]:
            return [(place, await do(place, body.acts[place])) for place in places]

        told = dict(chain.from_iterable(await asyncio.gather(*map(do_in_order, _places_by_dossier(body)))))
        answers = b",".join(_listed(told[place]) for place in range(len(told)))
        return Response(b'{"items":[' + answers + b"]}", HTTPStatus.OK, media_type=JSON)

    return router


def _places_by_dossier(body: ListedActs) -> Collection[Sequence[int]]:
    """Where in the list each dossier's acts stand."""
    places: dict[str, list[int]] = defaultdict(list)
    for place, listed in enumerate(body.acts):
        places[listed.code].append(place)
    return places.values()


def _listed(told: Response) -> bytes:
    """Say an answer as it stands in the list; its document is the single route's, byte for byte."""
    head = json.dumps({"status": told.status_code, "etag": told.headers.get("etag")}).encode()
    return head[:-1] + b',"answer":' + bytes(told.body) + b"}"
