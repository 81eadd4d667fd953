"""The public board: every figure beside its formula, server-rendered, in two languages, without a script."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, NamedTuple

from fastapi import APIRouter, Query
from starlette.requests import Request
from starlette.responses import Response

from services.metrics.domain.figures import NoticeOutcome
from services.metrics.domain.formulas import FORMULAS, Formula
from services.metrics.domain.report import Figures, Report
from services.metrics.domain.wording import BOARD, short_place
from services.metrics.handlers.reporting import Reporting
from shared.http.bodies import Day
from shared.look.pages import Look

REFRESH_SECONDS = 5
WIDTH = 1000
"""Of the bar, in the units of its drawing."""

_LINES = {line.figure: line for line in FORMULAS}
_TONES = (
    ("received", "calm"),
    ("resolved_on_time", "good"),
    ("in_progress", "calm"),
    ("in_progress_overdue", "bad"),
    ("share_on_time", "good"),
    ("share_resolved_of_received", "calm"),
    ("resolved", "calm"),
    ("resolved_late", "bad"),
    ("in_progress_within_limit", "calm"),
    ("apologies_published", "none"),
    ("closed_without_result", "none"),
    ("carried_over", "none"),
    ("reopened", "none"),
    ("supplements_repeated", "bad"),
    ("backdated", "none"),
)
"""The figures of the board in its order, each with the tone of its card."""
_PARTS = (
    ("on_time", "good", "resolved_on_time"),
    ("late", "bad", "resolved_late"),
    ("closed", "none", "closed_without_result"),
    ("within", "calm", "in_progress_within_limit"),
    ("overdue", "warn", "in_progress_overdue"),
)
"""The parts of the bar: its word, its tone, its figure; together they are all dossiers of the period."""


class Card(NamedTuple):
    """One figure as the board shows it."""

    formula: Formula
    value: int | float | None
    is_share: bool
    tone: str


class Part(NamedTuple):
    """One part of the bar."""

    word: str
    tone: str
    number: int
    start: float
    width: float


def cards(figures: Figures) -> Iterator[Card]:
    """Give the board's figures; a tone of alarm only where there is something to be alarmed about."""
    for name, tone in _TONES:
        value = getattr(figures, name)
        shown = "none" if tone == "bad" and not value else tone
        yield Card(_LINES[name], value, name.startswith("share_"), shown)


def parts(figures: Figures) -> Iterator[Part]:
    """Split the bar; nothing where there are no dossiers."""
    whole = figures.carried_over + figures.received
    start = 0.0
    for word, tone, name in _PARTS if whole else ():
        number = getattr(figures, name)
        width = round(number * WIDTH / whole, 2)
        yield Part(word, tone, number, round(start, 2), width)
        start += width


def board_router(reporting: Reporting, agency: str, *, moves: bool) -> APIRouter:
    """Serve `/`; `moves` says that the figures change while one looks, so the page offers to refresh itself."""
    router = APIRouter(include_in_schema=False)
    look = Look("services.metrics")

    @router.get("/")
    async def board(
        request: Request,
        code: Annotated[str, Query(alias="agency", max_length=32)] = agency,
        first: Annotated[Day | None, Query(alias="from")] = None,
        last: Annotated[Day | None, Query(alias="to")] = None,
        refresh: Annotated[int, Query(ge=0, le=1)] = 1,
    ) -> Response:
        report = await reporting.district(code, first, last)
        return look.page(
            request,
            "board.html",
            BOARD,
            refresh_seconds=REFRESH_SECONDS if moves and refresh else 0,
            refresh_offered=moves,
            report=report,
            figures=list(cards(report)),
            parts=list(parts(report)),
            formulas=_LINES,
            short=short_place,
            outcomes=[outcome.value for outcome in NoticeOutcome],
            roots=await reporting.latest_roots(),
            **_addresses(request, report),
        )

    return router


def _addresses(request: Request, report: Report) -> dict[str, str]:
    still, moving = (request.url.include_query_params(refresh=number) for number in (0, 1))
    period = f"from={report.period.first.isoformat()}&to={report.period.last.isoformat()}"
    return {
        "address_still": f"/?{still.query}",
        "address_moving": f"/?{moving.query}",
        "address_json": f"/v1/reports/district?agency={report.agency.code}&{period}",
    }
