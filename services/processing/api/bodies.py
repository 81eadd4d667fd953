"""What each act's body may hold: closed, without any free text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias

from pydantic import Field, StringConstraints

from services.processing.domain.acts import Act
from services.processing.domain.reasons import (
    ApologyReason,
    CorrectionReason,
    ReopeningReason,
    ReturnReason,
    VoidingReason,
)
from shared.contracts.facts import Handover, Period, Receiver
from shared.http.bodies import Code, Moment, RequestBody, read_body
from shared.roles import OFFICER_NAME

AgencyCode: TypeAlias = Annotated[str, StringConstraints(max_length=32, pattern=r"^[A-Z0-9]+(\.[0-9]+)*$")]
Amount: TypeAlias = Annotated[int, Field(ge=1, le=1_000_000_000_000)]
OfficerName: TypeAlias = Annotated[str, StringConstraints(pattern=OFFICER_NAME)]


class StepBody(RequestBody):
    """An act on one step. `step_no` matters only where the caller's agency has several open steps."""

    step_no: Annotated[int, Field(ge=1, le=99)] | None = None


class OpeningBody(StepBody):
    """An act that opens the next step: `other_communes` names who does the steps that leave their commune open."""

    other_communes: Annotated[tuple[AgencyCode, ...], Field(max_length=9)] = ()


class AssignBody(StepBody):
    """Name an officer for an open step of his agency."""

    officer: OfficerName
    agency: AgencyCode


class HandOverBody(StepBody):
    """Who takes the result, and how."""

    receiver: Receiver | None = None
    handover: Handover | None = None


class AskBody(StepBody):
    """Which agency is asked."""

    agency: AgencyCode


class ReturnBody(StepBody):
    """The completed step to go back to, and why."""

    to_step: Annotated[int, Field(ge=1, le=99)] | None = None
    reason: ReturnReason | None = None


class VoidingBody(RequestBody):
    """Why the signature is voided."""

    reason: VoidingReason | None = None


class ReopeningBody(RequestBody):
    """Why the dossier is reopened."""

    reason: ReopeningReason | None = None


class CorrectionBody(RequestBody):
    """Why the result is corrected."""

    reason: CorrectionReason | None = None


class ApologyBody(RequestBody):
    """Why the dossier will be late; the new moment is computed unless it is given."""

    reason: ApologyReason
    reappointed_to: Moment | None = None


class PapersBody(RequestBody):
    """The papers that are asked for: codes of the list that the dossier was accepted under, each once."""

    papers: Annotated[tuple[Code, ...], Field(max_length=99)] = ()


class DemandBody(RequestBody):
    """What the applicant has to pay, in đồng."""

    amount_vnd: Amount


class PaymentBody(RequestBody):
    """What was paid, in đồng."""

    amount_vnd: Amount | None = None


class PeriodBody(StepBody):
    """The excluded period that begins."""

    period: Period | None = None


class NothingBody(RequestBody):
    """An act that says nothing beside its name."""


BODIES: Mapping[str, type[RequestBody]] = {
    "assign": AssignBody,
    "take": StepBody,
    "forward": OpeningBody,
    "sign": OpeningBody,
    "number": OpeningBody,
    "finish": StepBody,
    "hand_over": HandOverBody,
    "send_apology": ApologyBody,
    "return_step": ReturnBody,
    "recall": StepBody,
    "reassign": AssignBody,
    "ask_agency": AskBody,
    "answer_agency": StepBody,
    "void_signature": VoidingBody,
    "reopen": ReopeningBody,
    "correct_result": CorrectionBody,
    "request_supplement": PapersBody,
    "propose_supplement": PapersBody,
    "approve_supplement": NothingBody,
    "receive_supplement": NothingBody,
    "refuse_after_limit": NothingBody,
    "demand_payment": DemandBody,
    "record_payment": PaymentBody,
    "stop_unpaid": NothingBody,
    "pause": PeriodBody,
    "resume": StepBody,
    "withdraw": NothingBody,
    "stop": NothingBody,
}
"""Action → what its body may hold."""


def read_act(action: str, body: bytes) -> Act:
    """Read an act; an empty body is an empty object. Raises RequestValidationError."""
    said = read_body(BODIES[action], body)
    return Act(action, **{name: getattr(said, name) for name in type(said).model_fields})
