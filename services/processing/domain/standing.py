"""The conditions of moves that stop the clock, let it go on or end it: one predicate for each code."""

from __future__ import annotations

from collections.abc import Mapping

from services.processing.domain.halts import Halt
from services.processing.domain.situations import Condition, Situation
from shared.contracts.facts import State
from shared.rulebook.catalogue import StepMove, SupplementPolicy
from shared.rulebook.pauses import EXCLUDED_PERIODS, PauseKind


def _supplement(seen: Situation) -> Halt | None:
    return seen.case.last_halt(PauseKind.SUPPLEMENT)


def _payment(seen: Situation) -> Halt | None:
    return seen.case.last_halt(PauseKind.PAYMENT)


def _limit_passed(seen: Situation, halt: Halt | None) -> bool:
    return halt is not None and halt.limit_at is not None and seen.now > halt.limit_at


def not_paused(seen: Situation) -> bool:
    """Tell whether no excluded period is open."""
    return seen.case.open_period is None


def paused_by_period(seen: Situation) -> bool:
    """Tell whether an excluded period is open."""
    return seen.case.open_period is not None


def period_of_open_step(seen: Situation) -> bool:
    """Tell whether the open step is an excluded period, and the one that is named."""
    return is_a_period(seen) and seen.step is not None and seen.step.period == seen.act.period


def is_a_period(seen: Situation) -> bool:
    """Tell whether the open step is an excluded period that a pause begins: money is demanded, not waited for so."""
    step = seen.step
    return step is not None and step.is_open and step.move is StepMove.PERIOD and step.period in EXCLUDED_PERIODS


def first_request(seen: Situation) -> bool:
    """Tell whether no supplement has been asked for since acceptance."""
    return seen.case.supplements == 0


def not_first_request(seen: Situation) -> bool:
    """Tell whether a supplement has been asked for since acceptance."""
    return seen.case.supplements > 0


def papers_of_pinned_list(seen: Situation) -> bool:
    """Tell whether papers are named, each once, and all of them stand in the list that the case was accepted under."""
    papers = seen.act.papers
    return bool(papers) and len(set(papers)) == len(papers) and seen.pinned_papers.issuperset(papers)


def supplement_proposed(seen: Situation) -> bool:
    """Tell whether a proposal of a further supplement is waiting."""
    return seen.case.proposal is not None


def everything_arrived(seen: Situation) -> bool:
    """Tell whether every paper asked for has arrived at intake."""
    halt = _supplement(seen)
    return halt is not None and not halt.is_open


def not_everything_arrived_in_time(seen: Situation) -> bool:
    """Tell whether not every paper asked for had arrived within the supplement's limit (C13)."""
    halt = _supplement(seen)
    return halt is not None and (halt.ends_at is None or (halt.limit_at is not None and halt.ends_at > halt.limit_at))


def policy_resume(seen: Situation) -> bool:
    """Tell whether the clock goes on after a supplement (C7)."""
    return seen.policy is SupplementPolicy.RESUME


def policy_restart(seen: Situation) -> bool:
    """Tell whether the whole limit runs again after a supplement (C8)."""
    return seen.policy is SupplementPolicy.RESTART


def came_when_accepted(seen: Situation) -> bool:
    """Tell whether papers were asked for before anybody had been assigned."""
    return (halt := _supplement(seen)) is not None and halt.came_from is State.ACCEPTED


def came_while_processed(seen: Situation) -> bool:
    """Tell whether papers were asked for while the dossier was being processed."""
    return (halt := _supplement(seen)) is not None and halt.came_from is State.PROCESSING


def supplement_limit_passed(seen: Situation) -> bool:
    """Tell whether the supplement's own limit has passed: exactly at it is in time (C13)."""
    return _limit_passed(seen, _supplement(seen))


def payment_limit_passed(seen: Situation) -> bool:
    """Tell whether the payment's limit has passed (C13)."""
    return _limit_passed(seen, _payment(seen))


def paid_in_full(seen: Situation) -> bool:
    """Tell whether what is said to have been paid is all that was demanded."""
    halt, paid = _payment(seen), seen.act.amount_vnd
    return halt is not None and halt.amount_vnd is not None and paid is not None and paid >= halt.amount_vnd


def not_paid(seen: Situation) -> bool:
    """Tell whether the amount demanded has not been paid in full."""
    return (halt := _payment(seen)) is not None and halt.is_open


def withdrawal_requested(seen: Situation) -> bool:
    """Tell whether the applicant's request to withdraw has arrived from intake."""
    return seen.case.withdrawal_requested_at is not None


def no_step_completed(seen: Situation) -> bool:
    """Tell whether no step after acceptance is complete."""
    return not seen.case.some_step_completed


def some_step_completed(seen: Situation) -> bool:
    """Tell whether a step after acceptance is complete."""
    return seen.case.some_step_completed


CLOCK_CONDITIONS: Mapping[str, Condition] = {
    "not_paused": not_paused,
    "paused_by_period": paused_by_period,
    "period_of_open_step": period_of_open_step,
    "first_request": first_request,
    "not_first_request": not_first_request,
    "papers_of_pinned_list": papers_of_pinned_list,
    "supplement_proposed": supplement_proposed,
    "everything_arrived": everything_arrived,
    "not_everything_arrived_in_time": not_everything_arrived_in_time,
    "policy_resume": policy_resume,
    "policy_restart": policy_restart,
    "came_from_2": came_when_accepted,
    "came_from_4": came_while_processed,
    "supplement_limit_passed": supplement_limit_passed,
    "payment_limit_passed": payment_limit_passed,
    "paid_in_full": paid_in_full,
    "not_paid": not_paid,
    "withdrawal_requested": withdrawal_requested,
    "no_step_completed": no_step_completed,
    "some_step_completed": some_step_completed,
}
"""Code of the law's table → predicate."""
