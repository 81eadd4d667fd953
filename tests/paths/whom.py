"""Who could do what: of a row of the law's table, whether it may be its turn, and the officers who may do it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from shared.contracts.facts import State
from tests.integration.together.situations import Row

Officer = tuple[str, str]
"""A role, and its agency."""
Seen = Mapping[str, Any]
LIMITED = frozenset({"refuse_after_limit", "stop_unpaid"})
"""What waits for the applicant's own limit."""


def whom(row: Row, seen: Seen) -> Sequence[Officer]:
    """Those who owe it; else those whose step it is about; else those who decide, or received it."""
    owed = [(duty["role"], duty["agency"]) for duty in seen["open_duties"] if duty["action"] == row.action]
    by_step = [(role, agency) for role, agency in WHOSE.get(row.action, _nobody)(seen) if role in row.roles and agency]
    anybody = [(role, seen["received_by" if role == "desk" else "competent_agency"]) for role in row.roles]
    return owed or by_step or anybody


def _nobody(_seen: Seen) -> Iterable[Officer]:
    return ()


def _at_the_step(seen: Seen) -> Iterable[Officer]:
    return [(step["role"], step["agency"]) for step in seen["steps"] if step["status"] == "open"]


def _asking_for_papers(seen: Seen) -> Iterable[Officer]:
    return [("desk", seen["received_by"])] if seen["state"] == State.ACCEPTED else _at_the_step(seen)


def _leading_the_step(seen: Seen) -> Iterable[Officer]:
    return [("leader", agency) for _, agency in _at_the_step(seen)]


def _before_the_step(seen: Seen) -> Iterable[Officer]:
    done = [step for step in seen["steps"] if step["status"] == "done" and step["move"] in {"work", "period"}]
    return [(step["role"], step["agency"]) for step in done[-1:]]


def _signing(seen: Seen) -> Iterable[Officer]:
    return [("leader", step["agency"]) for step in seen["steps"] if step["move"] == "sign"]


def _asked(seen: Seen) -> Iterable[Officer]:
    return [(role, ask["agency"]) for ask in seen["asks"] for role in ("specialist", "leader")]


WHOSE: Mapping[str, Callable[[Seen], Iterable[Officer]]] = {
    **dict.fromkeys(("take", "forward", "sign", "return_step", "ask_agency", "pause", "resume"), _at_the_step),
    **dict.fromkeys(("propose_supplement", "demand_payment"), _at_the_step),
    "request_supplement": _asking_for_papers,
    "reassign": _leading_the_step,
    "recall": _before_the_step,
    "answer_agency": _asked,
    **dict.fromkeys(("void_signature", "reopen", "correct_result"), _signing),
}
"""Action → those at whose step it is done."""


def may_be_next(row: Row, seen: Seen) -> bool:
    """Tell from what is shown of a dossier whether a row of its state could be its turn; mostly that is right."""
    return MAY_BE_NEXT.get(row.action, _always)(seen)


def _always(_seen: Seen) -> bool:
    return True


def _open_moves(seen: Seen) -> set[str]:
    return {step["move"] for step in seen["steps"] if step["status"] == "open"}


def _was_worked(seen: Seen) -> bool:
    return bool(_before_the_step(seen))


def _is_signed(seen: Seen) -> bool:
    return any(step["move"] == "sign" and step["status"] == "done" for step in seen["steps"])


def _last_halt(seen: Seen) -> Mapping[str, Any]:
    return dict(seen["halts"][-1]) if seen["halts"] else {"kind": "", "missing": [], "ends_at": ""}


def _was_supplemented(seen: Seen) -> bool:
    return any(halt["kind"] == "supplement" for halt in seen["halts"])


MAY_BE_NEXT: Mapping[str, Callable[[Seen], bool]] = {
    "request_withdrawal": lambda seen: seen["withdrawal_requested_at"] is None and not _is_signed(seen),
    "request_supplement": lambda seen: not _is_signed(seen) and not _was_supplemented(seen),
    "propose_supplement": lambda seen: not _is_signed(seen) and _was_supplemented(seen),
    "approve_supplement": lambda seen: seen["proposal"] is not None,
    "receive_supplement": lambda seen: not _last_halt(seen)["missing"],
    "refuse_after_limit": lambda seen: bool(_last_halt(seen)["missing"]),
    "demand_payment": lambda seen: not _is_signed(seen),
    "pause": lambda seen: "period" in _open_moves(seen) and _last_halt(seen)["ends_at"] is not None,
    "resume": lambda seen: _last_halt(seen)["ends_at"] is None,
    "sign": lambda seen: "sign" in _open_moves(seen),
    "void_signature": _is_signed,
    "number": lambda seen: _is_signed(seen) and seen["result_number"] is None,
    "finish": lambda seen: seen["result_number"] is not None and _open_moves(seen) == {"hand_over"},
    "return_step": lambda seen: _was_worked(seen) and not _is_signed(seen),
    "recall": _was_worked,
    "answer_agency": lambda seen: any(ask["answered_at"] is None for ask in seen["asks"]),
    "withdraw": lambda seen: seen["withdrawal_requested_at"] is not None and not _was_worked(seen),
    "stop": lambda seen: seen["withdrawal_requested_at"] is not None and _was_worked(seen) and not _is_signed(seen),
    "send_apology": lambda seen: seen["draft_opened_at"] is not None and seen["apologised_at"] is None,
}
