"""The register of officers: leaders say who sits, is away or is revoked in their own unit, by date."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from functools import partial
from http import HTTPStatus
from typing import Annotated, Literal, Self, TypeAlias

from fastapi import APIRouter, Depends, Query, Request
from pydantic import Field, model_validator
from starlette.responses import Response

from services.processing.api.acts import Admitted
from services.processing.api.bodies import AgencyCode, OfficerName
from services.processing.api.officers import Desk, Reader
from services.processing.api.views import View
from services.processing.api.wording import as_problem, refusals_told
from services.processing.domain.refusals import NotAllowed, UnknownEntry
from services.processing.handlers.officers import Officers
from shared.auth import Principal, require
from shared.contracts.officers import EntryKind
from shared.database import Connection, Scope
from shared.http.bodies import Day, RequestBody
from shared.http.idempotency import Answer, Asked, IdempotencyKey, answer_each_once, claim_of
from shared.http.paging import Page, PageCursor, PageLimit, decode_cursor, encode_cursor
from shared.roles import Role
from shared.rulebook.calendar import local
from shared.rulebook.officers import Entry, Said

Leader: TypeAlias = Annotated[Principal, Depends(require(Role.LEADER))]
Unit: TypeAlias = Annotated[
    AgencyCode | None, Query(description="A unit below the caller's; his own if none is named.")
]
OnDay: TypeAlias = Annotated[Day | None, Query(description="Only what stands of this day; else everything, in order.")]
SeatRole: TypeAlias = Literal[Role.DESK, Role.SPECIALIST, Role.LEADER, Role.AUDITOR]
Number: TypeAlias = Annotated[int, Field(strict=True, ge=1, lt=2**63)]


class _Dated(RequestBody):
    officer: OfficerName
    first_day: Day
    last_day: Day | None = None

    @model_validator(mode="after")
    def _days_in_order(self) -> Self:
        if self.last_day is not None and self.last_day < self.first_day:
            raise ValueError("The last day is before the first.")
        return self


class SeatBody(_Dated):
    """An officer sits in the unit, in a role."""

    kind: Literal[EntryKind.SEAT]
    role: SeatRole


class AbsenceBody(_Dated):
    """An officer is away; his deputy, of the same role, sees and does what he holds."""

    kind: Literal[EntryKind.ABSENCE]
    role: SeatRole
    last_day: Day
    deputy: OfficerName | None = None

    @model_validator(mode="after")
    def _somebody_else(self) -> Self:
        if self.deputy == self.officer:
            raise ValueError("Nobody is his own deputy.")
        return self


class RevocationBody(_Dated):
    """An officer's token is refused in the unit."""

    kind: Literal[EntryKind.REVOCATION]


class WithdrawalBody(RequestBody):
    """What an entry said is taken back."""

    kind: Literal[EntryKind.WITHDRAWAL]
    entry: Number


EntryBody: TypeAlias = Annotated[SeatBody | AbsenceBody | RevocationBody | WithdrawalBody, Field(discriminator="kind")]


class EntryView(View):
    """An entry of the register."""

    no: int
    kind: EntryKind
    agency: str
    officer: str
    role: str
    deputy: str
    first_day: date
    last_day: date | None
    withdraws: int | None
    recorded_at: datetime
    recorded_by: str

    @classmethod
    def of(cls, entry: Entry) -> Self:
        """Show an entry."""
        said = entry.said
        return cls(
            **{name: getattr(said, name) for name in cls.model_fields if hasattr(said, name)},
            no=entry.no,
            agency=entry.agency,
            recorded_at=local(entry.recorded_at),
            recorded_by=entry.recorded_by,
        )


def register_router(desk: Desk, officers: Officers) -> APIRouter:
    """Serve `/v1/officers`."""
    router = APIRouter(prefix="/v1", tags=["officers"])

    @router.get("/officers", summary="What was said of the officers of a unit, in order.")
    async def list_entries(
        caller: Reader, unit: Unit = None, on: OnDay = None, *, limit: PageLimit = 50, cursor: PageCursor = None
    ) -> Page[EntryView]:
        admitted = desk.admit(caller)
        agency = unit or caller.agency
        with refusals_told():
            if not desk.is_below(agency, admitted.paths):
                raise NotAllowed("agency_not_allowed", "The unit is none of yours.")
        after = 0 if cursor is None else int(decode_cursor(cursor, int)[0])
        left = [entry for entry in officers.register().of(agency, on) if entry.no > after]
        more = encode_cursor(left[limit - 1].no) if len(left) > limit else None
        return Page(items=[EntryView.of(entry) for entry in left[:limit]], next_cursor=more)

    @router.post(
        "/officers",
        status_code=HTTPStatus.CREATED,
        response_model=EntryView,
        responses={HTTPStatus.NOT_FOUND: {"description": "No such entry of the unit stands."}},
        summary="A leader says who sits in his unit, who is away with which deputy, who is revoked, or takes it back.",
    )
    async def add(request: Request, body: EntryBody, caller: Leader, key: IdempotencyKey) -> Response:
        admitted = desk.admit(caller)
        asked = Asked(claim_of(request, await request.body(), caller=caller.caller, key=key), _said(body))
        await officers.refresh()
        async with desk.pool.transaction(Scope(admitted.paths, callers=(caller.caller,))) as tx:
            now = desk.acting.clock.now()
            [outcome] = await answer_each_once(tx, [asked], partial(_add, officers, tx, admitted, now))
        await officers.refresh()
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return router


def _said(body: SeatBody | AbsenceBody | RevocationBody | WithdrawalBody) -> Said:
    if isinstance(body, WithdrawalBody):
        return Said(EntryKind.WITHDRAWAL, "", date.min, withdraws=body.entry)
    named = body.model_dump(exclude_none=True)
    return Said(**named)


async def _add(
    officers: Officers, tx: Connection, admitted: Admitted, now: datetime, asked: Sequence[Said]
) -> list[Answer | Exception]:
    try:
        made = [await officers.add(tx, admitted.officer, admitted.paths[0], said, now) for said in asked]
    except UnknownEntry as refused:
        return [as_problem(refused)]
    return [Answer(HTTPStatus.CREATED, EntryView.of(entry)) for entry in made]
