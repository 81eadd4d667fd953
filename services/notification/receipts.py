"""Where the SMS gateway, and whoever hears Zalo's webhooks, posts receipts."""

from __future__ import annotations

import hmac
from collections import defaultdict
from pathlib import Path
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel, Field

from services.notification.domain.messages import ReceiptStatus
from services.notification.handlers.outcomes import Outcomes
from shared.auth import unauthorised
from shared.http.bodies import Code, Moment, RequestBody

_bearer = HTTPBearer(auto_error=False, scheme_name="gateway")


class Receipt(RequestBody):
    """What became of one message, as the telco says; `at` is the gateway's machine time."""

    reference: Code
    status: ReceiptStatus
    at: Moment


class Receipts(RequestBody):
    """One batch."""

    receipts: Annotated[list[Receipt], Field(min_length=1, max_length=1000)]


class Applied(BaseModel):
    """How many messages the batch changed; the others were known already or are not ours."""

    changed: int


def receipts_router(outcomes: Outcomes, token_file: Path) -> APIRouter:
    """Serve `POST /v1/receipts/sms` and `…/zalo` for whoever holds the gateway's token.

    A receipt needs no idempotency key: its reference is one.
    """
    router = APIRouter(prefix="/v1", tags=["receipts"])
    token = token_file.read_bytes().strip()

    async def the_gateway(credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]) -> None:
        if credentials is None or not hmac.compare_digest(credentials.credentials.encode(), token):
            raise unauthorised("token_invalid" if credentials else "token_missing")

    @router.post(
        "/receipts/zalo",
        summary="The same of Zalo's messages.",
        dependencies=[Depends(the_gateway)],
    )
    @router.post(
        "/receipts/sms",
        summary="Delivery receipts, by the reference of the message; repeats do no harm.",
        dependencies=[Depends(the_gateway)],  # before the body: a stranger learns nothing of what a receipt looks like
    )
    async def take_receipts(body: Receipts) -> Applied:
        told: dict[UUID, list[ReceiptStatus]] = defaultdict(list)
        for receipt in body.receipts:
            if (reference := _reference(receipt.reference)) is not None:
                told[reference].append(receipt.status)
        return Applied(changed=await outcomes.after_receipts(told))

    return router


def _reference(text: str) -> UUID | None:
    try:
        return UUID(text)
    except ValueError:
        return None
