"""What each act changes in a case, and the fact that says so: one function for each action."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from services.processing.domain.apologies import reappointment
from services.processing.domain.cases import Case, Step
from services.processing.domain.conditions import Situation
from services.processing.domain.progress import NamedCommunes, complete, replaced, send_back
from services.processing.domain.refusals import ConditionNotMet
from shared.contracts import facts
from shared.contracts.facts import State
from shared.rulebook.agencies import Agencies
from shared.rulebook.calendar import Calendar
from shared.rulebook.catalogue import StepMove
from shared.rulebook.moves import Move
from shared.rulebook.seats import OfficerRole


@dataclass(frozen=True, slots=True)
class Means:
    """What an act draws on beside the case: the rules that it was accepted under, and the register's next number.

    `next_number` is the next free number of the caller's agency in this year, drawn for the act `number` only.
    """

    calendar: Calendar
    agencies: Agencies
    next_number: int | None = None


@dataclass(frozen=True, slots=True)
class Drafted:
    """A fact that is about to be journaled, with its legal time."""

    fact: facts.DossierFact
    legal_time: datetime


Effect = Callable[[Situation, Move, Means], tuple[Case, facts.DossierFact]]


def result_number(number: int, year: int, agency: str) -> str:
    """Write a number of the agency's register of results, such as `12/2020/H56.97.04`."""
    return f"{number}/{year}/{agency}"


def _acted(case: Case, move: Move, **changes: Any) -> Case:
    state = case.state if move.to is None else move.to
    return replace(case, state=state, version=case.version + 1, **changes)


def _completed(seen: Situation, step: Step, means: Means) -> tuple[Step, ...]:
    named = NamedCommunes(seen.act.other_communes, means.agencies, seen.now.date())
    return complete(seen.case.steps, step, seen.officer.subject, seen.now, named)


def _step(seen: Situation) -> Step:
    """Return the step of the act; a caller who names one that does not wait for him is refused."""
    if seen.step is None:
        raise ConditionNotMet("step_open_here", "The step named does not wait for this act.")
    return seen.step


def _about(case: Case, step: Step, officer: str) -> dict[str, Any]:
    return {
        "catalogue_version": case.catalogue_version,
        "calendar_version": case.calendar_version,
        "state": case.state,
        "step_no": step.no,
        "agency": step.agency,
        "officer": officer,
    }


def _assign(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    step = replace(_step(seen), holder=seen.act.officer)
    case = _acted(seen.case, move, steps=replaced(seen.case.steps, step))
    return case, facts.DossierAssigned(**_about(case, step, seen.act.officer or ""))


def _take(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    step = replace(_step(seen), holder=seen.officer.subject, taken=True)
    case = _acted(seen.case, move, steps=replaced(seen.case.steps, step))
    return case, facts.StepTaken(**_about(case, step, seen.officer.subject))


def _forward(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    step = _step(seen)
    case = _acted(seen.case, move, steps=_completed(seen, step, means))
    return case, facts.StepCompleted(**_about(case, step, seen.officer.subject))


def _sign(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    step = _step(seen)
    case = _acted(seen.case, move, steps=_completed(seen, step, means))
    return case, facts.ResultSigned(**_about(case, step, seen.officer.subject))


def _number(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    """Give the number: by its own step, which that completes, or beside the flow where no step numbers."""
    step = _step(seen)
    if means.next_number is None:
        raise ValueError("a number is drawn before the act `number` is decided")
    given = result_number(means.next_number, seen.now.year, seen.officer.agency)
    steps = _completed(seen, step, means) if step.move is StepMove.NUMBER else seen.case.steps
    case = _acted(seen.case, move, steps=steps, result_number=given)
    return case, facts.ResultNumbered(**_about(case, step, seen.officer.subject), result_number=given)


def _finish(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    case = _acted(seen.case, move, finished_at=seen.now)
    return case, facts.ResultReady(**_about(case, _step(seen), seen.officer.subject))


def _hand_over(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    step = _step(seen)
    case = _acted(seen.case, move, steps=_completed(seen, step, means), handed_over_at=seen.now)
    about = _about(case, step, seen.officer.subject)
    return case, facts.ResultHandedOver(**about, receiver=seen.act.receiver, handover=seen.act.handover)


def _send_apology(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    wanted = seen.act.reappointed_to
    moment = reappointment(means.calendar, seen.case.promised_due, seen.now, wanted)
    case = _acted(seen.case, move, apologised_at=seen.now, reappointed_to=moment)
    return case, facts.DossierApologised(
        catalogue_version=case.catalogue_version,
        calendar_version=case.calendar_version,
        state=State(case.state),
        agency=case.competent_agency,
        officer=seen.officer.subject,
        reason=str(seen.act.reason),
        reappointed_to=moment,
    )


def _return_step(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    """Send the dossier back to who completed that step; a desk's step is its whole desk's again."""
    step, to = _step(seen), _target(seen)
    holder = None if to.role is OfficerRole.DESK else to.holder
    case = _acted(seen.case, move, steps=send_back(seen.case.steps, to, holder, seen.now))
    return case, facts.StepReturned(
        **_about(case, step, seen.officer.subject),
        to_step=to.no,
        to_agency=to.agency,
        to_officer=holder or "",
        reason=str(seen.act.reason),
    )


def _target(seen: Situation) -> Step:
    step = seen.case.step(seen.act.to_step)
    if step is None:
        raise ConditionNotMet("step_was_completed", "No step of that number was completed.")
    return step


def _recall(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    step, officer = _step(seen), seen.officer.subject
    steps = send_back(seen.case.steps, step, officer, seen.now)
    taken = tuple(replace(each, taken=True) if each.no == step.no else each for each in steps)
    case = _acted(seen.case, move, steps=taken)
    return case, facts.StepRecalled(**_about(case, step, officer))


def _reassign(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    before = _step(seen)
    step = replace(before, holder=seen.act.officer, taken=False)
    case = _acted(seen.case, move, steps=replaced(seen.case.steps, step))
    about = _about(case, step, seen.act.officer or "")
    return case, facts.DossierReassigned(
        **about, previous_officer=before.holder or "", reassigned_by=seen.officer.subject
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
    "return_step": _return_step,
    "recall": _recall,
    "reassign": _reassign,
}
"""Action → what it does. Its keys are the officers' acts of this release."""
