"""What was recorded of a dossier since it was accepted: every fact of its chain, for officers who may read it."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any, Self

from fastapi import APIRouter

from services.processing.api.officers import Desk, DossierPath, Reader
from services.processing.api.views import View
from services.processing.api.wording import refusals_told
from shared.messaging.history import Link
from shared.rulebook.calendar import local


class FactView(View):
    """One fact: `at` is its legal time, `said` what it says; `hash` (hex) covers it and every fact before it.

    Whoever holds published heads finds the last hash of that day among them.
    """

    seq: int
    type: str
    at: datetime
    recorded_at: datetime
    said: dict[str, Any]
    hash: str

    @classmethod
    def of(cls, link: Link) -> Self:
        """Show a fact."""
        return cls(
            seq=link.seq,
            type=link.type,
            at=local(link.legal_time),
            recorded_at=local(link.recorded_at),
            said=json.loads(link.body),
            hash=link.hash.hex(),
        )


class HistoryView(View):
    """The facts of a dossier that processing recorded, in their order; its acceptance is intake's."""

    code: str
    facts: list[FactView]


def history_router(desk: Desk) -> APIRouter:
    """Serve `/v1/dossiers/{code}/history`."""
    router = APIRouter(prefix="/v1", tags=["officers"])

    @router.get(
        "/dossiers/{code}/history",
        summary="Every fact recorded of one dossier since its acceptance, for those whose subtree has a part in it.",
    )
    async def read_history(caller: Reader, code: DossierPath) -> HistoryView:
        with refusals_told():
            links = await desk.reading.history(code, desk.admit(caller).paths)
        return HistoryView(code=code, facts=[FactView.of(link) for link in links])

    return router
