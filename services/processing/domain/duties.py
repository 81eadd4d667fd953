"""What a dossier waits for, and which office owes it: derived from the case alone, shown as worklists."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from services.processing.domain.cases import Case, Step
from services.processing.domain.halts import Halt
from shared.contracts.facts import State
from shared.rulebook.agencies import Agencies
from shared.rulebook.catalogue import StepMove
from shared.rulebook.pauses import PauseKind
from shared.rulebook.seats import OfficerRole

WORK = frozenset({StepMove.WORK, StepMove.PERIOD})
"""Steps that `forward` completes."""

RUNNING = frozenset(
    {State.ACCEPTED, State.PROCESSING, State.WAITING_FOR_PAPERS, State.WAITING_FOR_PAYMENT},
)
"""States in which an apology may be due."""

WAITING_FOR: Mapping[State, PauseKind] = {
    State.WAITING_FOR_PAPERS: PauseKind.SUPPLEMENT,
    State.WAITING_FOR_PAYMENT: PauseKind.PAYMENT,
}
"""State → what the applicant has to bring."""

NO_STEP = 0
"""Step number of a duty that belongs to the whole dossier."""


@dataclass(frozen=True, slots=True)
class Duty:
    """An act that an office (agency and role) owes; `step_agency` and `step_role` are those of the step it is about.

    A duty with a holder is his alone; without one it is anybody's in the office.
    """

    step_no: int
    action: str
    agency: str
    role: OfficerRole
    move: str
    step_agency: str
    step_role: OfficerRole
    holder: str | None = None
    taken: bool = False


def duties(case: Case) -> tuple[Duty, ...]:
    """Everything that is owed now, in the order of the steps."""
    return tuple(_duties(case))


def owed_on(case: Case, owed: Iterable[Duty], agencies: Agencies, day: date) -> tuple[Duty, ...]:
    """Say who owes these duties on a day: whoever answers for the agency that each was left to (ADR 78)."""

    def whose(agency: str) -> str:
        return agencies.answering_code(agency, case.area_code, day)

    return tuple(replace(duty, agency=whose(duty.agency), step_agency=whose(duty.step_agency)) for duty in owed)


def _duties(case: Case) -> Iterator[Duty]:
    if case.state is State.ACCEPTED:
        first = next(case.open_steps())
        yield _duty(first, "assign", case.received_by, OfficerRole.DESK)
    elif case.state is State.PROCESSING:
        yield from _processing(case) if case.open_period is None else _paused(case, case.open_period)
        yield from _answers(case)
    elif case.state is State.READY:
        yield _duty(case.steps[-1], "hand_over", case.steps[-1].agency, OfficerRole.DESK)
    elif case.state in WAITING_FOR:
        yield from _waiting(case)
    if case.state in RUNNING:
        yield from _of_the_whole(case)


def _of_the_whole(case: Case) -> Iterator[Duty]:
    if case.draft_is_open:
        yield _whole("send_apology", case.competent_agency, OfficerRole.LEADER)
    if case.withdrawal_requested_at is not None:
        if not case.some_step_completed:
            yield _whole("withdraw", case.received_by, OfficerRole.DESK)
        elif case.signature is None and case.state is not State.ACCEPTED:
            yield _whole("stop", case.competent_agency, OfficerRole.LEADER)


def _waiting(case: Case) -> Iterator[Duty]:
    """Owe what the applicant may bring to the desk; after his limit it is decided what becomes of it (C13)."""
    halt = case.last_halt(WAITING_FOR[case.state])
    if halt is None:
        return
    if case.state is State.WAITING_FOR_PAYMENT:
        yield _whole("record_payment", case.received_by, OfficerRole.DESK)
        if halt.limit_reached:
            yield _whole("stop_unpaid", case.competent_agency, OfficerRole.LEADER)
    elif not halt.is_open:
        yield _whole("receive_supplement", case.received_by, OfficerRole.DESK)
    elif halt.limit_reached:
        yield _whole("refuse_after_limit", case.received_by, OfficerRole.DESK)


def _paused(case: Case, period: Halt) -> Iterator[Duty]:
    step = case.step(period.step_no)
    if step is not None:
        yield Duty(
            step.no, "resume", period.agency, step.role, step.move, step.agency, step.role, step.holder, step.taken
        )


def _processing(case: Case) -> Iterator[Duty]:
    signature = case.signature
    if case.proposal is not None and signature is None:
        yield _whole("approve_supplement", case.proposal.agency, OfficerRole.LEADER)
    if signature is not None and case.result_number is None and case.step_of(StepMove.NUMBER) is None:
        # No step numbers: the clerk of the agency that signed does, beside whatever else is open.
        yield _duty(signature, "number", signature.agency, OfficerRole.DESK)
    for step in case.open_steps():
        if step.move in WORK:
            yield _work(step)
        elif step.move is StepMove.SIGN:
            yield _duty(step, "sign", step.agency, OfficerRole.LEADER)
        elif step.move is StepMove.NUMBER:
            yield _duty(step, "number", step.agency, OfficerRole.DESK)
        elif case.result_number is not None:
            yield _duty(step, "finish", step.agency, OfficerRole.DESK)


def _answers(case: Case) -> Iterator[Duty]:
    for ask in case.asks:
        asking = case.step(ask.step_no)
        if ask.answered_at is None and asking is not None:
            yield _duty(asking, "answer_agency", ask.agency, OfficerRole.SPECIALIST)


def _work(step: Step) -> Duty:
    """Desks do not take steps: a desk's step is the counter's until somebody is named for it."""
    free = step.holder is None and step.role is not OfficerRole.DESK
    return Duty(
        step_no=step.no,
        action="take" if free else "forward",
        agency=step.agency,
        role=step.role,
        move=step.move,
        step_agency=step.agency,
        step_role=step.role,
        holder=step.holder,
        taken=step.taken,
    )


def _duty(step: Step, action: str, agency: str, role: OfficerRole) -> Duty:
    return Duty(step.no, action, agency, role, step.move, step.agency, step.role)


def _whole(action: str, agency: str, role: OfficerRole) -> Duty:
    """Owe an act that is about no step."""
    return Duty(NO_STEP, action, agency, role, "", agency, role)
