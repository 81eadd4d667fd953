"""Every action of the law's table that processing owns is asked for over HTTP."""

from __future__ import annotations

from http import HTTPStatus

from shared.rulebook.moves import MOVES, Owner
from tests.integration.processing.hall import DISTRICT_DESK, Hall

SHORT = ("2.000528", "default")


async def answers(hall: Hall, owner: Owner) -> dict[str, tuple[int, str]]:
    """What a fresh dossier's desk is told about each action of an owner; nothing is done."""
    code = await hall.accept(hall.catalogue.case(*SHORT))
    told = {}
    for action in {move.action for move in MOVES if move.owner is owner}:
        body = {"officer": "anna", "agency": "H56.97.30"} if action in {"assign", "reassign"} else None
        if action == "ask_agency":
            body = {"agency": "H56.97.30"}
        if action == "send_apology":
            body = {"reason": "workload"}
        if action == "demand_payment":
            body = {"amount_vnd": 5}
        answer = await hall.act(code, action, ("desk", DISTRICT_DESK), 1, body)
        told[action] = (answer.status_code, answer.json()["code"])
    assert await hall.facts_of(code) == []
    return told


async def test_every_action_of_processing_is_offered(hall: Hall) -> None:
    told = await answers(hall, Owner.PROCESSING)
    assert {action: code for action, (_, code) in told.items()} == {
        "assign": "officer_of_first_open_step",
        **dict.fromkeys(("finish", "forward", "number", "hand_over", "return_step", "recall"), "illegal_move"),
        **dict.fromkeys(("take", "sign", "send_apology", "reassign", "ask_agency"), "role_not_allowed"),
        **dict.fromkeys(("answer_agency", "void_signature", "reopen", "correct_result"), "role_not_allowed"),
        "request_supplement": "papers_of_pinned_list",
        "withdraw": "withdrawal_requested",
        **dict.fromkeys(
            ("receive_supplement", "refuse_after_limit", "demand_payment", "record_payment"), "illegal_move"
        ),
        **dict.fromkeys(("propose_supplement", "approve_supplement", "pause", "resume"), "role_not_allowed"),
        **dict.fromkeys(("stop", "stop_unpaid", "supplement_limit", "payment_limit"), "role_not_allowed"),
        **dict.fromkeys(("half_time", "draft_apology", "become_overdue", "reissue_deadline"), "role_not_allowed"),
    }


async def test_an_action_of_intake_is_said_to_be_intakes(hall: Hall) -> None:
    told = await answers(hall, Owner.INTAKE)
    assert told.pop("withdraw") == (HTTPStatus.CONFLICT, "withdrawal_requested"), "both services' act, in other states"
    assert set(told.values()) == {(HTTPStatus.NOT_FOUND, "action_unknown")}
