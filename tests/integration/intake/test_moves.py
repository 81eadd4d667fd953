"""Every action of the law's table is asked for at intake over HTTP; processing's own are walked beside processing."""

from __future__ import annotations

import httpx2
import pytest

from shared.rulebook.moves import MOVES, Owner
from tests.integration.intake.counter import COMMUNE, Counter

BEGIN = {"accept_at_desk", "register_online", "refuse_at_desk"}
NO_DOSSIER = f"{COMMUNE}-200102-9998"


async def ask(counter: Counter, action: str, role: str = "desk") -> httpx2.Response:
    return await counter.act(NO_DOSSIER, action, counter.bearer(role, "" if role == "citizen" else COMMUNE))


async def test_every_action_of_intake_is_offered(counter: Counter) -> None:
    before = await counter.counts()
    told = {move.action: await ask(counter, move.action) for move in MOVES if move.owner is Owner.INTAKE}
    for action in told.keys() - BEGIN:
        assert (told[action].status_code, told[action].json()["code"]) == (404, "dossier_unknown")
    for action in BEGIN:
        assert (told[action].status_code, told[action].json()["code"]) == (404, "action_unknown")
        assert "POST /v1/registrations" in told[action].json()["detail"]
    assert await counter.counts() == before


async def test_an_action_of_processing_is_said_to_be_processings(counter: Counter) -> None:
    ours = {move.action for move in MOVES if move.owner is Owner.INTAKE}
    for action in {move.action for move in MOVES if move.owner is Owner.PROCESSING} - ours:
        answer = await ask(counter, action)
        assert (answer.status_code, answer.json()["code"]) == (404, "action_unknown")
        assert "(processing)" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("action", "role", "expected"),
    [
        ("fly", "desk", (404, "action_unknown", "There is no such act")),
        ("submit_papers", "citizen", (404, "dossier_unknown", "No such dossier")),
        ("submit_papers", "auditor", (403, "role_not_allowed", "This role may not do that")),
        ("accept", "leader", (403, "role_not_allowed", "This role may not do that")),
    ],
)
async def test_what_is_no_act_of_intake_is_refused_by_its_code(
    counter: Counter, action: str, role: str, expected: tuple[int, str, str]
) -> None:
    bearer = counter.bearer(role, "" if role == "citizen" else COMMUNE) | {"Accept-Language": "en"}
    answer = await counter.act(NO_DOSSIER, action, bearer)
    assert (answer.status_code, answer.json()["code"], answer.json()["title"]) == expected


async def test_whoever_shows_no_token_is_asked_for_one(counter: Counter) -> None:
    answer = await counter.act(NO_DOSSIER, "accept", {})
    assert (answer.status_code, answer.json()["code"]) == (401, "token_missing")
