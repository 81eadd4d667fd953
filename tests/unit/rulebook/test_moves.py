"""The move table and its conditions against the law's files, in both directions."""

from __future__ import annotations

import csv
from importlib.resources import files

from shared.contracts.facts import State
from shared.rulebook.moves import (
    AVAILABLE,
    AVAILABLE_AT_INTAKE,
    CONDITIONS,
    MOVES,
    TIMERS,
    Move,
    Owner,
    is_action,
    moves_for,
)


def rows(name: str) -> list[dict[str, str]]:
    text = (files("shared.rulebook") / "law" / name).read_text("utf-8")
    return list(csv.DictReader(text.splitlines()))


def as_row(move: Move) -> dict[str, str]:
    return {
        "from": "|".join("-" if state is None else str(int(state)) for state in move.from_states),
        "action": move.action,
        "to": "=" if move.to is None else str(int(move.to)),
        "owner": move.owner,
        "roles": "|".join(move.roles),
        "clock": move.clock,
        "conditions": ";".join(move.conditions),
        "fact": move.fact,
    }


def test_moves_equal_the_file_row_for_row() -> None:
    ours, theirs = [as_row(move) for move in MOVES], rows("moves.csv")
    assert [row for row in theirs if row not in ours] == []
    assert [row for row in ours if row not in theirs] == []
    assert ours == theirs


def test_conditions_equal_the_file_row_for_row() -> None:
    theirs = {row["code"]: row["meaning"] for row in rows("conditions.csv")}
    assert theirs == CONDITIONS
    assert {code for move in MOVES for code in move.conditions} == set(CONDITIONS)


def test_actions_of_this_release_and_those_that_answer_not_yet_available() -> None:
    assert {
        "accept",
        "accept_at_desk",
        "ask_papers",
        "refuse",
        "refuse_at_desk",
        "register_online",
        "request_withdrawal",
        "submit_papers",
        "withdraw",
    } == AVAILABLE_AT_INTAKE
    assert {move.action for move in MOVES if move.owner is Owner.INTAKE} >= AVAILABLE_AT_INTAKE
    assert {move.action for move in MOVES if move.owner is Owner.PROCESSING} >= AVAILABLE
    assert {
        "assign",
        "take",
        "forward",
        "sign",
        "number",
        "finish",
        "hand_over",
        "send_apology",
        "return_step",
        "recall",
        "reassign",
        "ask_agency",
        "answer_agency",
        "void_signature",
        "reopen",
        "correct_result",
        "request_supplement",
        "propose_supplement",
        "approve_supplement",
        "receive_supplement",
        "refuse_after_limit",
        "demand_payment",
        "record_payment",
        "stop_unpaid",
        "pause",
        "resume",
        "withdraw",
        "stop",
        "half_time",
        "draft_apology",
        "become_overdue",
        "supplement_limit",
        "payment_limit",
        "reissue_deadline",
    } == AVAILABLE
    assert {move.action for move in MOVES} - AVAILABLE - AVAILABLE_AT_INTAKE == set()


def test_lookup_by_state_and_action() -> None:
    assert [move.to for move in moves_for(None, "accept_at_desk")] == [State.ACCEPTED]
    assert [move.to for move in moves_for(State.PROCESSING, "finish")] == [State.READY]
    assert len(moves_for(State.WAITING_FOR_PAPERS, "receive_supplement")) == 3
    assert moves_for(State.HANDED_OVER, "finish") == ()
    assert is_action("finish")
    assert not is_action("vanish")
    assert {"half_time", "draft_apology", "become_overdue"} <= TIMERS <= {move.action for move in MOVES}
