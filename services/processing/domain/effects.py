"""What each act changes in a case, and the fact that says so: one function for each action."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from services.processing.domain import closing, detours, pausing, redress
from services.processing.domain.apologies import reappointment
from services.processing.domain.cases import Case, Step
from services.processing.domain.changing import Effect, Means, about, acted, named_officer, step_of
from services.processing.domain.progress import NamedCommunes, complete, replaced
from services.processing.domain.situations import Situation
from shared.contracts import facts
from shared.contracts.facts import State
from shared.rulebook.catalogue import StepMove
from shared.rulebook.moves import Move


def result_number(number: int, year: int, agency: str) -> str:
    """Write a number of the agency's register of results, such as `12/2020/H56.97.04`."""
    return f"{number}/{year}/{agency}"


def _completed(seen: Situation, step: Step, means: Means) -> tuple[Step, ...]:
    named = NamedCommunes(seen.act.other_communes, means.agencies, seen.now.date())
    return complete(seen.case.steps, step, seen.officer.subject, seen.now, named)


def _assign(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    named = named_officer(seen, step_of(seen), means)
    step = replace(step_of(seen), holder=named)
    case = acted(seen.case, move, steps=replaced(seen.case.steps, step))
    return case, facts.DossierAssigned(**about(seen, case, step, named))


def _take(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    step = replace(step_of(seen), holder=seen.officer.subject, taken=True)
    case = acted(seen.case, move, steps=replaced(seen.case.steps, step))
    return case, facts.StepTaken(**about(seen, case, step, seen.officer.subject))


def _forward(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    step = step_of(seen)
    case = acted(seen.case, move, steps=_completed(seen, step, means))
    return case, facts.StepCompleted(**about(seen, case, step, seen.officer.subject))


def _sign(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    step = step_of(seen)
    case = acted(seen.case, move, steps=_completed(seen, step, means))
    return case, facts.ResultSigned(**about(seen, case, step, seen.officer.subject))


def _number(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    """Give the number: by its own step, which that completes, or beside the flow where no step numbers."""
    step = step_of(seen)
    if means.next_number is None:
        raise ValueError("a number is drawn before the act `number` is decided")
    given = result_number(means.next_number, seen.now.year, seen.officer.agency)
    steps = _completed(seen, step, means) if step.move is StepMove.NUMBER else seen.case.steps
    case = acted(seen.case, move, steps=steps, result_number=given)
    return case, facts.ResultNumbered(**about(seen, case, step, seen.officer.subject), result_number=given)


def _finish(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    case = acted(seen.case, move, finished_at=seen.now)
    return case, facts.ResultReady(**about(seen, case, step_of(seen), seen.officer.subject))


def _hand_over(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    step = step_of(seen)
    case = acted(seen.case, move, steps=_completed(seen, step, means), handed_over_at=seen.now)
    said = about(seen, case, step, seen.officer.subject)
    return case, facts.ResultHandedOver(**said, receiver=seen.act.receiver, handover=seen.act.handover)


def _send_apology(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    wanted = seen.act.reappointed_to
    moment = reappointment(means.calendar, seen.case.promised_due, seen.now, wanted)
    case = acted(seen.case, move, apologised_at=seen.now, reappointed_to=moment)
    return case, facts.DossierApologised(
        catalogue_version=case.catalogue_version,
        calendar_version=case.calendar_version,
        state=State(case.state),
        agency=seen.officer.agency,
        officer=seen.officer.subject,
        reason=str(seen.act.reason),
        reappointed_to=moment,
    )


EFFECTS: Mapping[str, Effect] = {
    "assign": _assign,
    "take": _take,
    "forward": _forward,
    "sign": _sign,
    "number": _number,
    "finish": _finish,
    "hand_over": _hand_over,
    "send_apology": _send_apology,
    "return_step": detours.return_step,
    "recall": detours.recall,
    "reassign": detours.reassign,
    "ask_agency": detours.ask_agency,
    "answer_agency": detours.answer_agency,
    "void_signature": redress.void_signature,
    "reopen": redress.reopen,
    "correct_result": redress.correct_result,
    "request_supplement": pausing.request_supplement,
    "propose_supplement": pausing.propose_supplement,
    "approve_supplement": pausing.approve_supplement,
    "receive_supplement": pausing.receive_supplement,
    "refuse_after_limit": closing.refuse_after_limit,
    "demand_payment": pausing.demand_payment,
    "record_payment": pausing.record_payment,
    "stop_unpaid": closing.stop_unpaid,
    "pause": pausing.pause,
    "resume": pausing.resume,
    "withdraw": closing.withdraw,
    "stop": closing.stop,
}
"""Action → what it does. Its keys are the officers' acts of this release."""
