"""The same request twice has one effect and one answer (draft-ietf-httpapi-idempotency-key-header).

The key is claimed in the transaction of the effect, so an answer is stored exactly when its effect is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar

from fastapi import Depends, Header
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from shared.database import Connection
from shared.http.problems import Problem
from shared.messaging.requests import (
    Claim,
    Earlier,
    KeyReused,
    RequestInFlight,
    StoredAnswer,
    claim_requests,
    drop_claims,
    store_answers,
)

_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)

Item = TypeVar("Item")


@dataclass(frozen=True)
class Answer:
    """What a route answers, to be stored under the key and sent again as it was."""

    status: int
    body: BaseModel
    headers: Mapping[str, str] = field(default_factory=dict)


async def idempotency_key(idempotency_key: Annotated[str | None, Header()] = None) -> str:
    """Hash Idempotency-Key; raises Problem 400 when it is missing or not 1 to 200 visible ASCII characters.

    Only the hash is kept: whatever a client writes into its keys, people's names too, stands nowhere in clear.
    """
    if idempotency_key is None:
        raise Problem(
            HTTPStatus.BAD_REQUEST, "idempotency_key_missing", "Send an Idempotency-Key that no other request had."
        )
    if not _KEY.fullmatch(idempotency_key):
        raise Problem(HTTPStatus.BAD_REQUEST, "idempotency_key_invalid", "A key has 1 to 200 visible ASCII characters.")
    return hashlib.sha256(idempotency_key.encode()).hexdigest()


IdempotencyKey = Annotated[str, Depends(idempotency_key)]
"""A route's parameter: required on every POST that publishes a fact."""


def claim_of(request: Request, body: bytes, *, caller: str, key: str) -> Claim:
    """Say which request this is: method, path and body (SHA-256) under the caller's key."""
    digest = hashlib.sha256(f"{request.method} {request.scope['path']}\n".encode())
    digest.update(body)
    return Claim(caller, key, digest.digest())


@dataclass(frozen=True, slots=True)
class Asked(Generic[Item]):
    """What a request asks for, under its idempotency key."""

    claim: Claim
    item: Item

    @property
    def name(self) -> tuple[str, str]:
        """The key of its caller: two requests under one key are never settled together."""
        return self.claim.caller, self.claim.key


def callers_of(asked: Sequence[Asked[Any]]) -> tuple[str, ...]:
    """Name those who ask, each once: a transaction sees the stored answers of whom its scope names."""
    return tuple(dict.fromkeys(each.claim.caller for each in asked))


async def answer_each_once(
    tx: Connection,
    asked: Sequence[Asked[Item]],
    act: Callable[[Sequence[Item]], Awaitable[Sequence[Answer | Exception]]],
) -> list[Response | Exception]:
    """Run `act` for what is asked for the first time, in the caller's transaction; for the rest find its stored answer.

    `act` answers in the order of its items; where it answers an exception, nothing of that item was done, and its key
    is free again: a repeat is judged anew. A key that came with another request before is Problem 422.
    Raises Problem 409 when a key's twin is still running after 2 s: the transaction is lost then.
    """
    try:
        earlier = await claim_requests(tx, [each.claim for each in asked])
    except RequestInFlight as error:
        raise _refusal(error) from error
    fresh = {each.claim: each.item for each in asked if each.claim not in earlier}
    outcomes = dict(zip(fresh, await act(list(fresh.values())) if fresh else (), strict=True))
    answers = {claim: _stored(answer) for claim, answer in outcomes.items() if isinstance(answer, Answer)}
    await store_answers(tx, answers)
    await drop_claims(tx, outcomes.keys() - answers.keys())
    told: dict[Claim, Response | Exception] = {claim: _again(found) for claim, found in earlier.items()}
    told |= {claim: outcome for claim, outcome in outcomes.items() if isinstance(outcome, Exception)}
    told |= {claim: _response(answer) for claim, answer in answers.items()}
    return [told[each.claim] for each in asked]


def _stored(answer: Answer) -> StoredAnswer:
    headers = {**answer.headers, "Content-Type": "application/json"}
    return StoredAnswer(answer.status, headers, answer.body.model_dump_json().encode())


def _response(stored: StoredAnswer, **headers: str) -> Response:
    return Response(stored.body, stored.status, {**stored.headers, **headers})


def _again(earlier: Earlier) -> Response | Problem:
    if isinstance(earlier, StoredAnswer):
        return _response(earlier, **{"Idempotency-Replayed": "true"})
    return _refusal(earlier)


def _refusal(error: KeyReused | RequestInFlight) -> Problem:
    if isinstance(error, KeyReused):
        return Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused")
    return Problem(HTTPStatus.CONFLICT, "request_in_flight", headers={"Retry-After": "1"})
