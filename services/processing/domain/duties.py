"""What a dossier waits for, and which office owes it: derived from the case alone, shown as worklists."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from services.processing.domain.cases import Case, Step
from shared.contracts.facts import State
from shared.rulebook.catalogue import StepMove
from shared.rulebook.seats import OfficerRole

WORK = frozenset({StepMove.WORK, StepMove.PERIOD})
"""Steps that `forward` completes."""

RUNNING = frozenset(
    {State.ACCEPTED, State.PROCESSING, State.WAITING_FOR_PAPERS, State.WAITING_FOR_PAYMENT},
)
"""States in which an apology may be due."""

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


def _duties(case: Case) -> Iterator[Duty]:
    if case.state is State.ACCEPTED:
        first = next(case.open_steps())
        yield _duty(first, "assign", case.received_by, OfficerRole.DESK)
    elif case.state is State.PROCESSING:
        yield from _processing(case)
        yield from _answers(case)
    elif case.state is State.READY:
        yield _duty(case.steps[-1], "hand_over", case.steps[-1].agency, OfficerRole.DESK)
    if case.draft_is_open and case.state in RUNNING:
        leader = OfficerRole.LEADER
        yield Duty(NO_STEP, "send_apology", case.competent_agency, leader, "", case.competent_agency, leader)


def _processing(case: Case) -> Iterator[Duty]:
    signature = case.signature
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
