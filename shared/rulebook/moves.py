"""Every move a dossier can make, as one data table: anything not in it is refused as `illegal_move`.

The table equals `law/moves.csv` and `law/conditions.csv`, row for row; a refusal names the code of the condition.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from enum import StrEnum
from typing import NamedTuple

from shared.contracts.facts import State
from shared.rulebook.conditions import CONDITIONS

__all__ = [
    "CONDITIONS",
    "MOVES",
    "TIMERS",
    "Clock",
    "Move",
    "Owner",
    "is_action",
    "moves_for",
]


class Owner(StrEnum):
    """The service that makes the move: one writer for each."""

    INTAKE = "intake"
    PROCESSING = "processing"


class Clock(StrEnum):
    """What the move does to the legal clock."""

    NONE = "none"
    STARTS = "starts"
    RUNS = "runs"
    PAUSES = "pauses"
    RESUMES = "resumes"
    RESTARTS = "restarts"
    ENDS = "ends"
    ENDED = "ended"
    UNCHANGED = "unchanged"


class Move(NamedTuple):
    """One row: `from_states` holds None for a dossier not yet registered; `to` is None where the state stays."""

    from_states: tuple[State | None, ...]
    action: str
    to: State | None
    owner: Owner
    roles: tuple[str, ...]
    clock: Clock
    conditions: tuple[str, ...]
    fact: str


_Row = tuple[str, str, str, str, str, str, str]
"""From, action, to, roles, clock, conditions, fact, as the table writes them: `-` not yet registered, `=` unchanged."""

_INTAKE: tuple[_Row, ...] = (
    (
        "-",
        "register_online",
        "1",
        "citizen|desk",
        "none",
        "procedure_in_force agency_receives online_offered",
        "registered",
    ),
    ("-", "accept_at_desk", "2", "desk", "starts", "procedure_in_force agency_receives papers_complete", "accepted"),
    ("-", "refuse_at_desk", "3", "desk", "none", "reason_listed", "refused"),
    ("1", "ask_papers", "1", "desk", "none", "papers_of_pinned_list", "papers_requested"),
    ("1", "submit_papers", "1", "citizen|desk", "none", "papers_were_asked", "papers_received"),
    ("1", "accept", "2", "desk", "starts", "papers_complete", "accepted"),
    ("1", "refuse", "3", "desk", "none", "reason_listed", "refused"),
    ("1", "withdraw", "7", "citizen|desk", "none", "", "registration_withdrawn"),
    ("5", "submit_papers", "=", "citizen|desk", "unchanged", "papers_were_asked", "papers_received"),
    ("2|4|5|6", "request_withdrawal", "=", "citizen|desk", "unchanged", "not_requested_before", "withdrawal_requested"),
)

_PROCESSING: tuple[_Row, ...] = (
    ("2", "assign", "4", "desk|leader", "runs", "officer_of_first_open_step", "assigned"),
    ("4", "take", "4", "specialist|leader", "runs", "step_open_here step_not_taken", "step_taken"),
    ("4", "forward", "4", "specialist|leader|desk", "runs", "holder_of_step step_is_work not_paused", "step_completed"),
    (
        "4",
        "return_step",
        "4",
        "specialist|leader|desk",
        "runs",
        "holder_of_step not_signed step_was_completed reason_listed",
        "step_returned",
    ),
    ("4", "recall", "4", "specialist|leader|desk", "runs", "previous_holder next_step_not_taken", "step_recalled"),
    ("4", "reassign", "4", "leader", "runs", "officer_of_same_agency", "reassigned"),
    ("4", "ask_agency", "4", "specialist|leader", "runs", "holder_of_step not_paused", "agency_asked"),
    ("4", "answer_agency", "4", "specialist|leader", "runs", "asked_agency", "agency_answered"),
    (
        "2|4",
        "request_supplement",
        "5",
        "specialist|desk",
        "pauses",
        "first_request papers_of_pinned_list not_signed not_paused",
        "supplement_requested",
    ),
    (
        "4",
        "propose_supplement",
        "4",
        "specialist",
        "runs",
        "not_first_request papers_of_pinned_list not_signed not_paused",
        "supplement_proposed",
    ),
    (
        "4",
        "approve_supplement",
        "5",
        "leader",
        "pauses",
        "supplement_proposed not_signed not_paused",
        "supplement_requested",
    ),
    ("4", "demand_payment", "6", "specialist|desk", "pauses", "not_signed not_paused", "payment_demanded"),
    ("4", "pause", "4", "specialist|leader", "pauses", "period_of_open_step not_paused", "clock_paused"),
    ("4", "resume", "4", "specialist|leader", "resumes", "paused_by_period", "clock_resumed"),
    ("4", "sign", "4", "leader", "runs", "step_is_sign not_paused", "result_signed"),
    ("4", "void_signature", "4", "leader", "runs", "signed reason_listed", "signature_voided"),
    ("4", "number", "4", "desk|specialist", "runs", "signed not_numbered", "result_numbered"),
    ("4", "finish", "9", "desk|specialist", "ends", "signed numbered only_hand_over_left not_paused", "result_ready"),
    ("2|4|5|6", "withdraw", "7", "desk", "ends", "withdrawal_requested no_step_completed", "withdrawn"),
    ("4|5|6", "stop", "8", "leader", "ends", "withdrawal_requested some_step_completed not_signed", "stopped"),
    (
        "5",
        "receive_supplement",
        "4",
        "desk",
        "resumes",
        "everything_arrived policy_resume came_from_4",
        "supplement_received",
    ),
    (
        "5",
        "receive_supplement",
        "2",
        "desk",
        "resumes",
        "everything_arrived policy_resume came_from_2",
        "supplement_received",
    ),
    ("5", "receive_supplement", "2", "desk", "restarts", "everything_arrived policy_restart", "supplement_received"),
    (
        "5",
        "refuse_after_limit",
        "3",
        "desk",
        "ends",
        "supplement_limit_passed not_everything_arrived_in_time",
        "refused_after_limit",
    ),
    ("6", "record_payment", "4", "desk", "resumes", "paid_in_full", "payment_recorded"),
    ("6", "stop_unpaid", "8", "leader", "ends", "payment_limit_passed not_paid", "stopped"),
    ("2|4|5|6", "send_apology", "=", "leader", "unchanged", "draft_open no_apology_before", "apologised"),
    ("9", "hand_over", "10", "desk", "ended", "receiver_named", "result_handed_over"),
    ("9", "reopen", "4", "leader", "runs", "reason_listed", "result_reopened"),
    ("10", "correct_result", "10", "leader", "ended", "reason_listed", "result_corrected"),
    ("2|4|5|6", "half_time", "=", "system", "unchanged", "due_timer", "half_time_reached"),
    ("2|4|5|6", "draft_apology", "=", "system", "unchanged", "due_timer", "apology_drafted"),
    ("2|4|5|6", "become_overdue", "=", "system", "unchanged", "due_timer", "became_overdue"),
    ("5", "supplement_limit", "=", "system", "unchanged", "due_timer", "supplement_limit_reached"),
    ("6", "payment_limit", "=", "system", "unchanged", "due_timer", "payment_limit_reached"),
    ("2|4|5|6", "reissue_deadline", "=", "system", "unchanged", "calendar_applied", "deadline_reissued"),
)


def _move(owner: Owner, row: _Row) -> Move:
    from_states, action, to, roles, clock, conditions, fact = row
    return Move(
        tuple(None if state == "-" else State(int(state)) for state in from_states.split("|")),
        action,
        None if to == "=" else State(int(to)),
        owner,
        tuple(roles.split("|")),
        Clock(clock),
        tuple(conditions.split()),
        f"dossier.{fact}",
    )


MOVES: tuple[Move, ...] = (
    *(_move(Owner.INTAKE, row) for row in _INTAKE),
    *(_move(Owner.PROCESSING, row) for row in _PROCESSING),
)

TIMERS = frozenset(move.action for move in MOVES if move.roles == ("system",))
"""Actions that only the legal clock makes."""

_BY_STATE_AND_ACTION: Mapping[tuple[State | None, str], list[Move]] = defaultdict(list)
for _each in MOVES:
    for _state in _each.from_states:
        _BY_STATE_AND_ACTION[_state, _each.action].append(_each)


def moves_for(state: State | None, action: str) -> tuple[Move, ...]:
    """The rows for an action in a state (None: not yet registered); empty where the action is an illegal move."""
    return tuple(_BY_STATE_AND_ACTION.get((state, action), ()))


def is_action(action: str) -> bool:
    """Whether any row of the table has that action."""
    return any(move.action == action for move in MOVES)
