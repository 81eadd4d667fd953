"""What processing answers: shapes of JSON, and how cases become them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict

from services.processing.domain.cases import Case
from services.processing.domain.duties import Duty
from services.processing.domain.statuses import (
    DeliveryStatus,
    PaymentStatus,
    SynchronisationStatus,
    delivery_status,
    payment_status,
)
from services.processing.domain.worklists import Days, Urgency, urgency_of
from services.processing.handlers.acting import Performed
from services.processing.repository.reading import WorklistRow
from shared.rulebook.agencies import Agencies
from shared.rulebook.calendar import local
from shared.rulebook.limits import appointed


class View(BaseModel):
    """Every answer is frozen."""

    model_config = ConfigDict(frozen=True)


Shape = TypeVar("Shape", bound=View)


class OpenDuty(View):
    """An act that is owed, and by which office: `holder` alone where one is named, else anybody in it."""

    step_no: int
    action: str
    agency: str
    role: str
    holder: str | None
    taken: bool


class ActAnswer(View):
    """What an act left behind; `fact` is the type of the fact that it published.

    While the promised limit is paused (`paused_since`), its due moment is the one that was in force last.
    """

    code: str
    state: int
    version: int
    fact: str
    statutory_due: datetime
    promised_due: datetime
    appointed: bool
    paused_since: datetime | None
    result_number: str | None
    reappointed_to: datetime | None
    open_duties: list[OpenDuty]


class StayView(View):
    """An earlier stay at a step that was sent back and opened again; the time that it took stays used."""

    opened_at: datetime
    left_at: datetime


class StepView(View):
    """A step as officers see it."""

    step_no: int
    step_code: str
    move: str
    agency: str
    role: str
    parallel_group: str
    status: str
    holder: str | None
    taken: bool
    opened_at: datetime | None
    completed_at: datetime | None
    earlier: list[StayView]


class AskView(View):
    """A question to another agency, beside the flow."""

    no: int
    step_no: int
    agency: str
    asked_by: str
    asked_at: datetime
    answered_by: str | None
    answered_at: datetime | None


class HaltView(View):
    """A pause of the clock: who began and ended it, why, on what article, and until when."""

    no: int
    kind: str
    begins_at: datetime
    ends_at: datetime | None
    agency: str
    officer: str
    basis: str
    step_no: int
    limit_at: datetime | None
    papers: list[str]
    missing: list[str]
    amount_vnd: int | None
    ended_by: str


class ProposalView(View):
    """A further supplement that waits for a leader."""

    papers: list[str]
    agency: str
    officer: str
    proposed_at: datetime


class CaseView(View):
    """A dossier as officers see it: no people, they are intake's.

    Business, payment, delivery and synchronisation are four things: `state`, and the three statuses. While a limit is
    paused, its due moment is the one that was in force last.
    """

    code: str
    state: int
    payment_status: PaymentStatus
    delivery_status: DeliveryStatus
    synchronisation_status: SynchronisationStatus
    version: int
    procedure_code: str
    case_code: str
    area_code: str
    received_by: str
    competent_agency: str
    catalogue_version: str
    calendar_version: str
    agencies_version: str
    limit_kind: str
    filed_online: bool
    accepted_at: datetime
    statutory_due: datetime
    promised_due: datetime
    result_number: str | None
    finished_at: datetime | None
    handed_over_at: datetime | None
    draft_opened_at: datetime | None
    apologised_at: datetime | None
    reappointed_to: datetime | None
    finished_late_at: datetime | None
    corrected_at: datetime | None
    statutory_paused_since: datetime | None
    promised_paused_since: datetime | None
    withdrawal_requested_at: datetime | None
    closed_at: datetime | None
    steps: list[StepView]
    asks: list[AskView]
    halts: list[HaltView]
    proposal: ProposalView | None
    open_duties: list[OpenDuty]


class WorklistDuty(View):
    """What the caller may do; `agency` and `role` are the step's: for `assign` those of the officer to be named."""

    step_no: int
    step_code: str
    move: str
    action: str
    agency: str
    role: str
    holder: str | None
    taken: bool


class WorklistItem(View):
    """One dossier that waits for the caller: `version` is what If-Match carries; not `appointed`: nothing is due."""

    code: str
    state: int
    version: int
    procedure_code: str
    case_code: str
    promised_due: datetime
    statutory_due: datetime
    appointed: bool
    paused_since: datetime | None
    urgency: Urgency
    holder: str | None
    taken: bool
    duties: list[WorklistDuty]


def act_answer(performed: Performed) -> ActAnswer:
    """Say what an act left behind."""
    case = performed.case
    return ActAnswer(
        code=case.code,
        state=case.state,
        version=case.version,
        fact=performed.fact_type,
        statutory_due=local(case.statutory_due),
        promised_due=local(case.promised_due),
        appointed=appointed(case.promised_due),
        paused_since=shown(case.promised_paused_since),
        result_number=case.result_number,
        reappointed_to=case.reappointed_to,
        open_duties=[open_duty(duty) for duty in performed.owed],
    )


def open_duty(duty: Duty) -> OpenDuty:
    """Say what is owed and by whom."""
    return OpenDuty(
        step_no=duty.step_no,
        action=duty.action,
        agency=duty.agency,
        role=duty.role,
        holder=duty.holder,
        taken=duty.taken,
    )


def case_view(case: Case, owed: Iterable[Duty]) -> CaseView:
    """Show a dossier to an officer, with what is owed and by whom today; its steps name whom they were given to."""
    known: dict[str, Any] = {name: shown(getattr(case, name)) for name in CaseView.model_fields if hasattr(case, name)}
    apart: dict[str, Any] = {
        "halts": [as_view(HaltView, halt) for halt in case.halts],
        "proposal": None if case.proposal is None else as_view(ProposalView, case.proposal),
        "payment_status": payment_status(case),
        "delivery_status": delivery_status(case),
        "synchronisation_status": SynchronisationStatus.NOT_CONNECTED,
    }
    steps = [
        StepView(
            step_no=step.no,
            step_code=step.code,
            move=step.move,
            agency=step.agency,
            role=step.role,
            parallel_group=step.group,
            status=step.status,
            holder=step.holder,
            taken=step.taken,
            opened_at=shown(step.opened_at),
            completed_at=shown(step.completed_at),
            earlier=[StayView(opened_at=local(stay.opened_at), left_at=local(stay.left_at)) for stay in step.earlier],
        )
        for step in case.steps
    ]
    asks = [as_view(AskView, ask) for ask in case.asks]
    return CaseView(**{**known, **apart, "steps": steps, "asks": asks}, open_duties=[open_duty(duty) for duty in owed])


def worklist_item(row: WorklistRow, days: Days, agencies: Agencies) -> WorklistItem:
    """Show one line of a worklist; the agency of a step is the one that answers for it today."""
    today, promised_due = local(days.now).date(), local(row.promised_due)
    owed = [
        WorklistDuty(**{**duty, "agency": agencies.answering_code(duty["agency"], row.area_code, today)})
        for duty in row.duties
    ]
    return WorklistItem(
        code=row.code,
        state=row.state,
        version=row.version,
        procedure_code=row.procedure_code,
        case_code=row.case_code,
        promised_due=promised_due,
        statutory_due=local(row.statutory_due),
        appointed=appointed(promised_due),
        paused_since=shown(row.paused_since),
        urgency=urgency_of(row.clock, promised_due, days),
        holder=owed[0].holder,
        taken=owed[0].taken,
        duties=owed,
    )


def as_view(view: type[Shape], thing: object) -> Shape:
    """Show the fields of a thing that a view has."""
    return view(**{name: shown(getattr(thing, name)) for name in view.model_fields})


def shown(value: Any) -> Any:
    """Moments are shown in the legal zone, whichever zone the driver read them in."""
    return local(value) if isinstance(value, datetime) else value
