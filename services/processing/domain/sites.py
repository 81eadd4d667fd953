"""Where an act takes place: the agencies that may do it, and the step that it is about. One row for each action."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import NamedTuple

from services.processing.domain.acts import Act, Officer
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

    agencies: Callable[[Case, Officer, Act], Iterable[str]]
    steps: Callable[[Case, Officer, Act], Iterable[Step]]
    prefers: Condition = lambda _seen: True


def _agencies_of_open_steps(case: Case, _officer: Officer, act: Act) -> Iterable[str]:
    """Answer the agency of the step that the act names, if it is open; else of all that are."""
    steps = list(case.open_steps())
    return [step.agency for step in steps if step.no == act.step_no] or [step.agency for step in steps]


def _desk_or_step(case: Case, officer: Officer, act: Act) -> Iterable[str]:
    """Let a desk act where the dossier was received, the others where a step is open."""
    return (case.received_by,) if officer.role == OfficerRole.DESK else _agencies_of_open_steps(case, officer, act)


def _open_here(case: Case, officer: Officer, _act: Act) -> Iterable[Step]:
    return (step for step in case.open_steps() if step.agency == officer.agency)


def _open_at_named_agency(case: Case, _officer: Officer, act: Act) -> Iterable[Step]:
    return (step for step in case.open_steps() if step.agency == act.agency)


def _numbering(case: Case, _officer: Officer, _act: Act) -> Iterable[Step]:
    return (step for step in (case.numbering_step,) if step is not None)


def _numbering_agency(case: Case, _officer: Officer, _act: Act) -> Iterable[str]:
    return (step.agency for step in (case.numbering_step,) if step is not None)


def _last(case: Case, _officer: Officer, _act: Act) -> Iterable[Step]:
    return case.steps[-1:]


def _agency_of_last(case: Case, _officer: Officer, _act: Act) -> Iterable[str]:
    return (case.steps[-1].agency,)


def _competent(case: Case, _officer: Officer, _act: Act) -> Iterable[str]:
    return (case.competent_agency,)


def _reception(case: Case, _officer: Officer, _act: Act) -> Iterable[str]:
    return (case.received_by,)


def _competent_or_step(case: Case, officer: Officer, act: Act) -> Iterable[str]:
    return (case.competent_agency, *_agencies_of_open_steps(case, officer, act))


def _proposing(case: Case, _officer: Officer, _act: Act) -> Iterable[str]:
    """Name who may approve a proposal: the leader of who proposed it, or of who decides."""
    return (case.competent_agency, *((case.proposal.agency,) if case.proposal is not None else ()))


def _pausing(case: Case, officer: Officer, act: Act) -> Iterable[str]:
    """Name who ends a period: who began it, and whoever has an open step."""
    period = case.open_period
    return (*((period.agency,) if period is not None else ()), *_agencies_of_open_steps(case, officer, act))


def _no_step(_case: Case, _officer: Officer, _act: Act) -> Iterable[Step]:
    return ()


def _worked(case: Case) -> list[Step]:
    return [step for step in reversed(case.steps) if step.is_done and step.move in WORK]


def _agencies_that_worked(case: Case, officer: Officer, act: Act) -> Iterable[str]:
    """Name whose step may be taken back; before any is complete those whose turn it is, who are told just that."""
    return [step.agency for step in _worked(case)] or _agencies_of_open_steps(case, officer, act)


def _worked_here(case: Case, officer: Officer, _act: Act) -> Iterable[Step]:
    return (step for step in _worked(case) if step.agency == officer.agency)


def _signing_agency(case: Case, _officer: Officer, _act: Act) -> Iterable[str]:
    return (step.agency for step in _signing(case))


def _signing_step(case: Case, _officer: Officer, _act: Act) -> Iterable[Step]:
    return _signing(case)


def _signing(case: Case) -> list[Step]:
    return [step for step in case.steps if step.move is StepMove.SIGN]


def _deciding(case: Case, _officer: Officer, _act: Act) -> Iterable[str]:
    """Name who answers for the result: the agency that decides, and the one whose leader signed."""
    return (case.competent_agency, *(step.agency for step in _signing(case)))


def _asked(case: Case, _officer: Officer, _act: Act) -> Iterable[str]:
    return (ask.agency for ask in case.asks)


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
    "void_signature": Site(_signing_agency, _signing_step),
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
    """Find the step of an act. Raises NotAllowed unless the officer's own agency is one of the act's."""
    site = SITES[seen.act.action]
    if seen.officer.agency not in site.agencies(seen.case, seen.officer, seen.act):
        raise NotAllowed("agency_not_allowed", "Nothing here waits for your agency.")
    possible = [
        replace(seen, step=step)
        for step in site.steps(seen.case, seen.officer, seen.act)
        if seen.act.step_no in (None, step.no)
    ]
    return next((one for one in possible if site.prefers(one)), possible[0] if possible else seen)
