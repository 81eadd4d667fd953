"""Public: the acts that officers do, and the reasons that each may give."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict

from services.processing.api.wording import ACTS
from services.processing.domain.reasons import REASONS


class Choice(BaseModel):
    """A code with its words."""

    model_config = ConfigDict(frozen=True)

    code: str
    name_vi: str
    name_en: str


class ActEntry(Choice):
    """An act; `reasons` is its closed list, empty where it gives none."""

    reasons: list[Choice]


class ActList(BaseModel):
    """Every act that this release offers to officers."""

    model_config = ConfigDict(frozen=True)

    items: list[ActEntry]


def directory_router() -> APIRouter:
    """Serve `/v1/acts`."""
    router = APIRouter(prefix="/v1", tags=["directory"])

    @router.get("/acts", summary="The acts that officers do, and the reasons that each may give.")
    async def acts() -> ActList:
        return _ACTS

    return router


def _entry(action: str) -> ActEntry:
    words = ACTS[action]
    reasons = [Choice(code=code, name_vi=each.vi, name_en=each.en) for code, each in REASONS.get(action, {}).items()]
    return ActEntry(code=action, name_vi=words.vi, name_en=words.en, reasons=reasons)


_ACTS = ActList(items=[_entry(action) for action in ACTS])
