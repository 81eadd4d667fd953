"""What processing answers: shapes of JSON, and how cases become them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel, ConfigDict

from services.processing.domain.cases import Case
from services.processing.domain.duties import Duty, duties
from services.processing.handlers.acting import Performed
from services.processing.repository.reading import WorklistRow
from shared.rulebook.calendar import local
from shared.rulebook.catalogue import Catalogue


class View(BaseModel):
    """Every answer is frozen."""

    model_config = ConfigDict(frozen=True)


class OpenDuty(View):
    """An act that is owed, and by which office: `holder` alone where one is named, else anybody in it."""

    step_no: int
    action: str
    agency: str
    role: str
    holder: str | None
    taken: bool


class ActAnswer(View):
    """What an act left behind; `fact` is the type of the fact that it published."""

    code: str
    state: int
    version: int
    fact: str
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


class CaseView(View):
    """A dossier as officers see it: no people, they are intake's."""

    code: str
    state: int
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
    steps: list[StepView]
    asks: list[AskView]
    open_duties: list[OpenDuty]


class WorklistDuty(View):
    """What the caller may do; `agency` and `role` are the step's: for `assign` those of the officer to be named."""

    step_no: int
    move: str
    action: str
    agency: str
    role: str
    holder: str | None
    taken: bool


class WorklistItem(View):
    """One dossier that waits for the caller: `version` is what If-Match carries."""

    code: str
    state: int
    version: int
    procedure_code: str
    case_code: str
    promised_due: datetime
    statutory_due: datetime
    holder: str | None
    taken: bool
    duties: list[WorklistDuty]


class PublicStep(View):
    """A step as its applicant sees it: no officer, no agency's inner order."""

    step_no: int
    name_vi: str
    name_en: str
    status: str
    completed_at: datetime | None


class TrackingView(View):
    """A dossier as its applicant sees it."""

    code: str
    state: int
    procedure_vi: str
    procedure_en: str
    accepted_at: datetime
    promised_due: datetime
    reappointed_to: datetime | None
    finished_at: datetime | None
    handed_over_at: datetime | None
    corrected_at: datetime | None
    steps: list[PublicStep]


class TrackingToken(View):
    """A bearer token for one dossier, for `expires_in` seconds."""

    token: str
    expires_in: int


def act_answer(performed: Performed) -> ActAnswer:
    """Say what an act left behind."""
    case = performed.case
    return ActAnswer(
        code=case.code,
        state=case.state,
        version=case.version,
        fact=performed.fact_type,
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


def case_view(case: Case) -> CaseView:
    """Show a dossier to an officer."""
    known: dict[str, Any] = {name: _shown(getattr(case, name)) for name in CaseView.model_fields if hasattr(case, name)}
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
            opened_at=_shown(step.opened_at),
            completed_at=_shown(step.completed_at),
            earlier=[StayView(opened_at=local(stay.opened_at), left_at=local(stay.left_at)) for stay in step.earlier],
        )
        for step in case.steps
    ]
    asks = [AskView(**{name: _shown(getattr(ask, name)) for name in AskView.model_fields}) for ask in case.asks]
    return CaseView(**{**known, "steps": steps, "asks": asks}, open_duties=[open_duty(duty) for duty in duties(case)])


def worklist_item(row: WorklistRow) -> WorklistItem:
    """Show one line of a worklist."""
    owed = [WorklistDuty(**duty) for duty in row.duties]
    return WorklistItem(
        code=row.code,
        state=row.state,
        version=row.version,
        procedure_code=row.procedure_code,
        case_code=row.case_code,
        promised_due=local(row.promised_due),
        statutory_due=local(row.statutory_due),
        holder=owed[0].holder,
        taken=owed[0].taken,
        duties=owed,
    )


def tracking_view(case: Case, catalogue: Catalogue) -> TrackingView:
    """Show a dossier to its applicant, in the words of the catalogue that it was accepted under."""
    kind = catalogue.case(case.procedure_code, case.case_code)
    return TrackingView(
        code=case.code,
        state=case.state,
        procedure_vi=kind.name_vi,
        procedure_en=kind.name_en,
        accepted_at=case.accepted_at,
        promised_due=case.promised_due,
        reappointed_to=_shown(case.reappointed_to),
        finished_at=_shown(case.finished_at),
        handed_over_at=_shown(case.handed_over_at),
        corrected_at=_shown(case.corrected_at),
        steps=[
            PublicStep(
                step_no=step.no,
                name_vi=kind.step(step.no).name_vi,
                name_en=kind.step(step.no).name_en,
                status=step.status,
                completed_at=_shown(step.completed_at),
            )
            for step in case.steps
        ],
    )


def _shown(value: Any) -> Any:
    """Moments are shown in the legal zone, whichever zone the driver read them in."""
    return local(value) if isinstance(value, datetime) else value
