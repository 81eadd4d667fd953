"""The move table and its conditions against the law's files, in both directions."""

from __future__ import annotations

import csv
from importlib.resources import files

from shared.contracts.facts import State
from shared.rulebook.moves import (
    CONDITIONS,
    MOVES,
    TIMERS,
    Move,
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


def test_lookup_by_state_and_action() -> None:
    assert [move.to for move in moves_for(None, "accept_at_desk")] == [State.ACCEPTED]
    assert [move.to for move in moves_for(State.PROCESSING, "finish")] == [State.READY]
    assert len(moves_for(State.WAITING_FOR_PAPERS, "receive_supplement")) == 3
    assert moves_for(State.HANDED_OVER, "finish") == ()
    assert is_action("finish")
    assert not is_action("vanish")
    assert {"half_time", "draft_apology", "become_overdue"} <= TIMERS <= {move.action for move in MOVES}
