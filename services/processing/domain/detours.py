"""Acts off the straight way: a dossier is sent back, taken back, given to another officer; others are asked."""

from __future__ import annotations

from dataclasses import replace

from services.processing.domain.cases import Ask, Case, Step
from services.processing.domain.changing import Means, about, acted, named_officer, step_of
from services.processing.domain.progress import replaced, send_back
from services.processing.domain.refusals import ActInvalid, ConditionNotMet
from services.processing.domain.situations import Situation
from shared.contracts import facts
from shared.rulebook.agencies import Agency
from shared.rulebook.moves import Move
from shared.rulebook.seats import OfficerRole


def return_step(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    """Send the dossier back to who completed that step; a desk's step is its whole desk's again."""
    step, to = step_of(seen), _target(seen)
    holder = None if to.role is OfficerRole.DESK else to.holder
    case = acted(seen.case, move, steps=send_back(seen.case.steps, to, holder, seen.now))
    return case, facts.StepReturned(
        **about(seen, case, step, seen.officer.subject),
        to_step=to.no,
        to_agency=seen.whose(to.agency),
        to_officer=holder or "",
        reason=str(seen.act.reason),
    )


def _target(seen: Situation) -> Step:
    step = seen.case.step(seen.act.to_step)
    if step is None:
        raise ConditionNotMet("step_was_completed", "No step of that number was completed.")
    return step


def recall(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    """Take back the step that the caller has just completed, which is in his hands again."""
    step, officer = step_of(seen), seen.officer.subject
    steps = send_back(seen.case.steps, step, officer, seen.now)
    taken = tuple(replace(each, taken=True) if each.no == step.no else each for each in steps)
    case = acted(seen.case, move, steps=taken)
    return case, facts.StepRecalled(**about(seen, case, step, officer))


def reassign(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    """Give an open step to another officer; it goes on with the time that it has used."""
    before = step_of(seen)
    named = named_officer(seen, before, means)
    step = replace(before, holder=named, taken=False)
    case = acted(seen.case, move, steps=replaced(seen.case.steps, step))
    return case, facts.DossierReassigned(
        **about(seen, case, step, named),
        previous_officer=before.holder or "",
        reassigned_by=seen.officer.subject,
    )


def ask_agency(seen: Situation, move: Move, means: Means) -> tuple[Case, facts.DossierFact]:
    """Ask another agency beside the flow: the step stays its holder's, and its time runs on."""
    step, case = step_of(seen), seen.case
    asked = _asked_agency(seen, step, means)
    ask = Ask(len(case.asks) + 1, step.no, asked.code, asked.path, seen.officer.subject, seen.now)
    after = acted(case, move, asks=(*case.asks, ask))
    return after, facts.AgencyAsked(**about(seen, after, step, seen.officer.subject), asked_agency=asked.code)


def _asked_agency(seen: Situation, step: Step, means: Means) -> Agency:
    code = seen.act.agency or ""
    if code == seen.answering(step.agency) or not means.agencies.in_force(code, seen.now.date()):
        raise ActInvalid("asked_agency_invalid", "No other agency of that code is in force.")
    if seen.open_ask(code) is not None:
        raise ActInvalid("asked_agency_invalid", "That agency was asked and has not answered yet.")
    return means.agencies.get(code)


def answer_agency(seen: Situation, move: Move, _means: Means) -> tuple[Case, facts.DossierFact]:
    """Answer for the agency that was asked; what it says are papers, which are intake's."""
    ask = seen.open_ask(seen.officer.agency)
    step = seen.case.step(ask.step_no) if ask is not None else None
    if ask is None or step is None:
        raise ConditionNotMet("asked_agency", "Your agency was not asked.")
    answered = replace(ask, answered_by=seen.officer.subject, answered_at=seen.now)
    asks = tuple(answered if each is ask else each for each in seen.case.asks)
    case = acted(seen.case, move, asks=asks)
    return case, facts.AgencyAnswered(
        **about(seen, case, step, seen.officer.subject), asked_agency=ask.agency, asked_at=ask.asked_at
    )
