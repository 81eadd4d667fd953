"""The conditions of processing's moves: one predicate for each code."""

from __future__ import annotations

from collections.abc import Mapping

from services.processing.domain.duties import WORK
from services.processing.domain.progress import previous_group, together
from services.processing.domain.reasons import REASONS
from services.processing.domain.situations import Condition, Situation
from services.processing.domain.standing import CLOCK_CONDITIONS, is_a_period
from shared.rulebook.catalogue import StepMove
from shared.rulebook.seats import OfficerRole


def officer_of_first_open_step(seen: Situation) -> bool:
    """Tell whether an officer is named and his agency has a first open step."""
    act = seen.act
    return act.officer is not None and any(seen.answering(step.agency) == act.agency for step in seen.case.open_steps())


def step_open_here(seen: Situation) -> bool:
    """Tell whether the step is open, belongs to the caller's agency, and its role is the caller's."""
    step = seen.step
    return step is not None and step.is_open and step.role == seen.officer.role and seen.is_ours(step.agency)


def step_not_taken(seen: Situation) -> bool:
    """Tell whether nobody holds the step; who is only assigned to it may still take it himself."""
    step = seen.step
    return step is not None and (step.holder is None or (step.holder in seen.officer.names and not step.taken))


def holder_of_step(seen: Situation) -> bool:
    """Tell whether the caller holds the step or is assigned to it.

    A desk's step that names nobody is held by its whole desk.
    """
    step = seen.step
    if step is None or not step.is_open or not seen.is_ours(step.agency):
        return False
    if step.holder is None:
        return step.role is OfficerRole.DESK and seen.officer.role == OfficerRole.DESK
    return step.holder in seen.officer.names


def step_is_work(seen: Situation) -> bool:
    """Tell whether the step is completed by `forward`."""
    return seen.step is not None and seen.step.move in WORK


def step_is_sign(seen: Situation) -> bool:
    """Tell whether the open step is the signature and every step before it is complete."""
    step = seen.step
    if step is None or not step.is_open or step.move is not StepMove.SIGN:
        return False
    return all(earlier.is_done for earlier in seen.case.steps if earlier.no < step.no)


def signed(seen: Situation) -> bool:
    """Tell whether a valid signature stands."""
    return seen.case.signature is not None


def numbered(seen: Situation) -> bool:
    """Tell whether the result has a number."""
    return seen.case.result_number is not None


def not_numbered(seen: Situation) -> bool:
    """Tell whether the result has no number."""
    return seen.case.result_number is None


def only_hand_over_left(seen: Situation) -> bool:
    """Tell whether every step but the last is complete."""
    return seen.case.only_hand_over_left


def draft_open(seen: Situation) -> bool:
    """Tell whether a draft of an apology was opened and not discarded; if it was sent is `no_apology_before`."""
    return seen.case.draft_opened_at is not None and seen.case.finished_at is None


def no_apology_before(seen: Situation) -> bool:
    """Tell whether the dossier was not re-appointed before: once, and only once (C12)."""
    return seen.case.apologised_at is None


def receiver_named(seen: Situation) -> bool:
    """Tell whether it is given who receives the result and how."""
    return seen.act.receiver is not None and seen.act.handover is not None


def not_signed(seen: Situation) -> bool:
    """Tell whether no valid signature stands."""
    return seen.case.signature is None


def reason_listed(seen: Situation) -> bool:
    """Tell whether a reason of the action's closed list is given."""
    return seen.act.reason in REASONS[seen.act.action]


def step_was_completed(seen: Situation) -> bool:
    """Tell whether the step to go back to was completed by an officer's work: acceptance is nobody's to do again."""
    step = seen.case.step(seen.act.to_step)
    return step is not None and step.is_done and step.move in WORK


def previous_holder(seen: Situation) -> bool:
    """Tell whether the caller completed the step before those that are open, by `forward`.

    A signature is taken back by `void_signature` alone, which says why.
    """
    step = seen.step
    if step is None or step.move not in WORK or step not in previous_group(seen.case.steps):
        return False
    return step.holder in seen.officer.names


def next_step_not_taken(seen: Situation) -> bool:
    """Tell whether the steps that followed are open, all of a parallel group, and nobody has taken one."""
    first = next(seen.case.open_steps(), None)
    return first is not None and all(
        step.is_open and not step.taken for step in seen.case.steps if together(step, first)
    )


def officer_of_same_agency(seen: Situation) -> bool:
    """Tell whether an officer is named for an open step of his own agency."""
    step, act = seen.step, seen.act
    return act.officer is not None and step is not None and seen.answering(step.agency) == act.agency


def asked_agency(seen: Situation) -> bool:
    """Tell whether the caller's agency was asked and has not answered."""
    return seen.open_ask(seen.officer.agency) is not None


CONDITIONS: Mapping[str, Condition] = {
    "officer_of_first_open_step": officer_of_first_open_step,
    "step_open_here": step_open_here,
    "step_not_taken": step_not_taken,
    "holder_of_step": holder_of_step,
    "step_is_work": step_is_work,
    "step_is_sign": step_is_sign,
    "signed": signed,
    "numbered": numbered,
    "not_numbered": not_numbered,
    "only_hand_over_left": only_hand_over_left,
    "draft_open": draft_open,
    "no_apology_before": no_apology_before,
    "receiver_named": receiver_named,
    "not_signed": not_signed,
    "reason_listed": reason_listed,
    "step_was_completed": step_was_completed,
    "previous_holder": previous_holder,
    "next_step_not_taken": next_step_not_taken,
    "officer_of_same_agency": officer_of_same_agency,
    "asked_agency": asked_agency,
    **CLOCK_CONDITIONS,
}
"""Code of the law's table → predicate, for every condition that an officer's act of this release has."""


def _can_still_be_said(_seen: Situation) -> bool:
    return True


def _some_step_was_completed(seen: Situation) -> bool:
    return any(step.is_done and step.move in WORK for step in seen.case.steps)


SAID_BY_THE_ACT = (
    *("officer_of_first_open_step", "officer_of_same_agency", "reason_listed", "receiver_named"),
    *("papers_of_pinned_list", "paid_in_full"),
)
BEFORE_ANYTHING_IS_SAID: Mapping[str, Condition] = {
    **CONDITIONS,
    **dict.fromkeys(SAID_BY_THE_ACT, _can_still_be_said),
    "period_of_open_step": is_a_period,
    "step_was_completed": _some_step_was_completed,
}
"""The same for whoever asks what is possible: what the act itself says is still his to say."""
