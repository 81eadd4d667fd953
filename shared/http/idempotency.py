"""The same request twice has one effect and one answer (draft-ietf-httpapi-idempotency-key-header).

The key is claimed in the transaction of the effect, so an answer is stored exactly when its effect is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Annotated

from fastapi import Depends, Header
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from shared.database import Connection, Pool, transaction
from shared.http.problems import Problem
from shared.messaging.requests import KeyReused, RequestInFlight, StoredAnswer, claim_request, store_answer

_KEY = re.compile(r"[!-~]{1,200}", re.ASCII)


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


async def answer_once(
    request: Request, pool: Pool, *, caller: str, key: str, act: Callable[[Connection], Awaitable[Answer]]
) -> Response:
    """Run `act` in one transaction with the claim of the key, or send the stored answer again.

    A refusal (Problem) rolls everything back, the claim too: a repeat is judged anew. Raises Problem 422 when the key
    came with another request before, 409 when its twin is still running after 2 s.
    """
    digest = await request_digest(request)
    try:
        async with transaction(pool) as tx:
            stored = await claim_request(tx, caller, key, digest)
            if stored is not None:
                return Response(stored.body, stored.status, {**stored.headers, "Idempotency-Replayed": "true"})
            answer = await act(tx)
            headers = {**answer.headers, "Content-Type": "application/json"}
            stored = StoredAnswer(answer.status, headers, answer.body.model_dump_json().encode())
            await store_answer(tx, caller, key, stored)
    except KeyReused as error:
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused") from error
    except RequestInFlight as error:
        raise Problem(HTTPStatus.CONFLICT, "request_in_flight", headers={"Retry-After": "1"}) from error
    return Response(stored.body, stored.status, dict(stored.headers))


async def request_digest(request: Request) -> bytes:
    """Hash what makes a request this one: method, path and body (SHA-256)."""
    digest = hashlib.sha256(f"{request.method} {request.url.path}\n".encode())
    digest.update(await request.body())
    return digest.digest()
