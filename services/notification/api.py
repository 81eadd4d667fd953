"""What officers and operators ask: notices of a dossier, the summary, quiet."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel

from services.notification.domain.notices import NOTICES, Notice
from services.notification.handlers.reading import Reading
from services.notification.repository.figures import ToldNotice
from shared.auth import Principal, require
from shared.clocks import OFFICE_ZONE
from shared.messaging.quiet import QuietFigures
from shared.roles import OFFICERS, Role

DossierPath = Annotated[str, Path(max_length=40, pattern=r"^[A-Za-z0-9.-]+$", examples=["H56.97.21-200102-0001"])]
FACT_TYPES = {entry.template: kind for kind, entry in NOTICES.items() if isinstance(entry, Notice)}


class NoticeView(BaseModel):
    """One message, or a notice that has none yet. Moments are legal time; nothing tells who was told."""

    about: str
    fact_type: str
    template: str
    channel: str | None
    language: str | None
    state: str
    reason: str | None
    attempts: int
    asked_at: str
    changed_at: str


class NoticeList(BaseModel):
    """All notices of one dossier, oldest first."""

    code: str
    items: list[NoticeView]


class Summary(BaseModel):
    """Messages by what became of them. `handed_over` counts the delivered ones too; `waiting` is not at an end."""

    requested: int
    handed_over: int
    delivered: int
    unknown: int
    failed: int
    unreachable: int
    waiting: int


def notices_router(reading: Reading) -> APIRouter:
    """Serve `GET /v1/dossiers/{code}/notices`, `/v1/notices/summary` and `/internal/v1/quiet`."""
    router = APIRouter(tags=["notices"])

    @router.get("/v1/dossiers/{code}/notices", summary="What was told about a dossier, and whether it arrived.")
    async def list_notices(
        code: DossierPath, principal: Annotated[Principal, Depends(require(*OFFICERS))]
    ) -> NoticeList:
        return NoticeList(code=code, items=[_view(notice) for notice in await reading.notices(principal, code)])

    @router.get(
        "/v1/notices/summary",
        summary="Messages by what became of them.",
        dependencies=[Depends(require(Role.OPERATOR))],
    )
    async def summarise() -> Summary:
        return Summary(**await reading.summary())

    @router.get(
        "/internal/v1/quiet",
        tags=["process"],
        summary="Facts and messages that still wait.",
        dependencies=[Depends(require(Role.SERVICE, Role.OPERATOR))],
    )
    async def quiet() -> QuietFigures:
        return await reading.quiet()

    return router


def _view(notice: ToldNotice) -> NoticeView:
    return NoticeView(
        about=str(notice.fact_id),
        fact_type=FACT_TYPES.get(notice.template, ""),
        template=notice.template,
        channel=notice.channel,
        language=notice.language,
        state=notice.state,
        reason=notice.reason,
        attempts=notice.attempts,
        asked_at=notice.asked_at.astimezone(OFFICE_ZONE).isoformat(),
        changed_at=notice.changed_at.astimezone(OFFICE_ZONE).isoformat(),
    )
