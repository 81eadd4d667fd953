"""Where an act takes place: the agencies that may do it, and the step that it is about. One row for each action."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from services.processing.domain.cases import Case, Step
from services.processing.domain.conditions import holder_of_step, previous_holder, step_not_taken, step_open_here
from services.processing.domain.duties import WORK
from services.processing.domain.refusals import NotAllowed
from services.processing.domain.situations import Condition, Situation
from services.processing.domain.standing import is_a_period
from shared.rulebook.catalogue import StepMove
from shared.rulebook.seats import OfficerRole


class Site(NamedTuple):
    """The agencies of an act, the steps that it could be about, and which of them it prefers."""

    agencies: Callable[[Situation], Iterable[str]]
    steps: Callable[[Situation], Iterable[Step]]
    prefers: Condition = lambda _seen: True


def _agencies_of_open_steps(seen: Situation) -> Iterable[str]:
    """Answer the agency of the step that the act names, if it is open; else of all that are."""
    steps = list(seen.case.open_steps())
    return [step.agency for step in steps if step.no == seen.act.step_no] or [step.agency for step in steps]


def _desk_or_step(seen: Situation) -> Iterable[str]:
    """Let a desk act where the dossier was received, the others where a step is open."""
    return (seen.case.received_by,) if seen.officer.role == OfficerRole.DESK else _agencies_of_open_steps(seen)


def _open_here(seen: Situation) -> Iterable[Step]:
    return (step for step in seen.case.open_steps() if seen.is_ours(step.agency))


def _open_at_named_agency(seen: Situation) -> Iterable[Step]:
    return (step for step in seen.case.open_steps() if seen.answering(step.agency) == seen.act.agency)


def _numbering(seen: Situation) -> Iterable[Step]:
    return (step for step in (seen.case.numbering_step,) if step is not None)


def _numbering_agency(seen: Situation) -> Iterable[str]:
    return (step.agency for step in _numbering(seen))


def _last(seen: Situation) -> Iterable[Step]:
    return seen.case.steps[-1:]


def _agency_of_last(seen: Situation) -> Iterable[str]:
    return (seen.case.steps[-1].agency,)


def _competent(seen: Situation) -> Iterable[str]:
    return (seen.case.competent_agency,)


def _reception(seen: Situation) -> Iterable[str]:
    return (seen.case.received_by,)


def _competent_or_step(seen: Situation) -> Iterable[str]:
    return (seen.case.competent_agency, *_agencies_of_open_steps(seen))


def _proposing(seen: Situation) -> Iterable[str]:
    """Name who may approve a proposal: the leader of who proposed it, or of who decides."""
    proposal = seen.case.proposal
    return (seen.case.competent_agency, *((proposal.agency,) if proposal is not None else ()))


def _pausing(seen: Situation) -> Iterable[str]:
    """Name who ends a period: who began it, and whoever has an open step."""
    period = seen.case.open_period
    return (*((period.agency,) if period is not None else ()), *_agencies_of_open_steps(seen))


def _no_step(_seen: Situation) -> Iterable[Step]:
    return ()


def _worked(case: Case) -> list[Step]:
    return [step for step in reversed(case.steps) if step.is_done and step.move in WORK]


def _agencies_that_worked(seen: Situation) -> Iterable[str]:
    """Name whose step may be taken back; before any is complete those whose turn it is, who are told just that."""
    return [step.agency for step in _worked(seen.case)] or _agencies_of_open_steps(seen)


def _worked_here(seen: Situation) -> Iterable[Step]:
    return (step for step in _worked(seen.case) if seen.is_ours(step.agency))


def _signing(seen: Situation) -> list[Step]:
    return [step for step in seen.case.steps if step.move is StepMove.SIGN]


def _signing_agency(seen: Situation) -> Iterable[str]:
    return (step.agency for step in _signing(seen))


def _deciding(seen: Situation) -> Iterable[str]:
    """Name who answers for the result: the agency that decides, and the one whose leader signed."""
    return (seen.case.competent_agency, *_signing_agency(seen))


def _asked(seen: Situation) -> Iterable[str]:
    return (ask.agency for ask in seen.case.asks)


def _takeable(seen: Situation) -> bool:
    return step_open_here(seen) and step_not_taken(seen)


def _is_signature(seen: Situation) -> bool:
    return seen.step is not None and seen.step.move is StepMove.SIGN


SITES: Mapping[str, Site] = {
    "assign": Site(_desk_or_step, _open_at_named_agency),
    "take": Site(_agencies_of_open_steps, _open_here, _takeable),
    "forward": Site(_agencies_of_open_steps, _open_here, holder_of_step),
    "sign": Site(_agencies_of_open_steps, _open_here, _is_signature),
    "number": Site(_numbering_agency, _numbering),
    "finish": Site(_agency_of_last, _last),
    "hand_over": Site(_agency_of_last, _last),
    "send_apology": Site(_competent, _no_step),
    "return_step": Site(_agencies_of_open_steps, _open_here, holder_of_step),
    "recall": Site(_agencies_that_worked, _worked_here, previous_holder),
    "reassign": Site(_agencies_of_open_steps, _open_here),
    "ask_agency": Site(_agencies_of_open_steps, _open_here, holder_of_step),
    "answer_agency": Site(_asked, _no_step),
    "void_signature": Site(_signing_agency, _signing),
    "reopen": Site(_deciding, _no_step),
    "correct_result": Site(_deciding, _no_step),
    "request_supplement": Site(_desk_or_step, _no_step),
    "propose_supplement": Site(_agencies_of_open_steps, _no_step),
    "approve_supplement": Site(_proposing, _no_step),
    "receive_supplement": Site(_reception, _no_step),
    "refuse_after_limit": Site(_reception, _no_step),
    "demand_payment": Site(_desk_or_step, _no_step),
    "record_payment": Site(_reception, _no_step),
    "stop_unpaid": Site(_competent_or_step, _no_step),
    "pause": Site(_agencies_of_open_steps, _open_here, is_a_period),
    "resume": Site(_pausing, _no_step),
    "withdraw": Site(_reception, _no_step),
    "stop": Site(_competent_or_step, _no_step),
}


def situate(seen: Situation) -> Situation:
    """Find the step of an act. Raises NotAllowed unless the officer's own agency answers for one of the act's."""
    site = SITES[seen.act.action]
    if not any(map(seen.is_ours, site.agencies(seen))):
        raise NotAllowed("agency_not_allowed", "Nothing here waits for your agency.")
    possible = [replace(seen, step=step) for step in site.steps(seen) if seen.act.step_no in (None, step.no)]
    return next((one for one in possible if site.prefers(one)), possible[0] if possible else seen)
