"""Every action of the law's table is asked for at intake over HTTP; processing's own are walked beside processing."""

from __future__ import annotations

import httpx2
import pytest

from shared.rulebook.moves import AVAILABLE, MOVES, Owner
from tests.integration.intake.counter import COMMUNE, Counter

NOT_YET = {
    *("register_online", "refuse_at_desk", "ask_papers", "submit_papers"),
    *("accept", "refuse", "withdraw", "request_withdrawal"),
}


async def ask(counter: Counter, action: str, role: str = "desk") -> httpx2.Response:
    url = f"/v1/dossiers/{COMMUNE}-200102-9998/acts/{action}"
    return await counter.http.post(url, headers=counter.bearer(role))


async def test_every_action_of_intake_is_offered_or_not_yet_available(counter: Counter) -> None:
    before = await counter.counts()
    told = {move.action: await ask(counter, move.action) for move in MOVES if move.owner is Owner.INTAKE}
    assert {action for action, answer in told.items() if answer.json()["code"] == "not_yet_available"} == NOT_YET
    assert {told[action].status_code for action in NOT_YET} == {409}
    assert told.keys() - NOT_YET == {"accept_at_desk"}
    assert (await counter.hand_in(await counter.filing())).status_code == 201
    assert (await counter.counts())["dossiers"] == before["dossiers"] + 1


async def test_an_action_of_processing_is_not_yet_available_or_said_to_be_processings(counter: Counter) -> None:
    for action in {move.action for move in MOVES if move.owner is Owner.PROCESSING}:
        answer = await ask(counter, action)
        expected = (404, "action_unknown") if action in AVAILABLE else (409, "not_yet_available")
        assert (answer.status_code, answer.json()["code"]) == expected
        assert ("processing's" in answer.json()["detail"]) == (action in AVAILABLE)


@pytest.mark.parametrize(
    ("action", "role", "expected"),
    [
        ("fly", "desk", (404, "action_unknown", "There is no such act")),
        ("accept_at_desk", "desk", (404, "action_unknown", "There is no such act")),
        ("submit_papers", "citizen", (409, "not_yet_available", "The act is not yet available")),
        ("submit_papers", "auditor", (403, "role_not_allowed", "This role may not do that")),
    ],
)
async def test_what_is_no_act_of_intake_is_refused_by_its_code(
    counter: Counter, action: str, role: str, expected: tuple[int, str, str]
) -> None:
    url = f"/v1/dossiers/{COMMUNE}-200102-9998/acts/{action}"
    answer = await counter.http.post(url, headers=counter.bearer(role) | {"Accept-Language": "en"})
    assert (answer.status_code, answer.json()["code"], answer.json()["title"]) == expected


async def test_accepting_is_told_where_it_is_done(counter: Counter) -> None:
    assert "POST /v1/dossiers" in (await ask(counter, "accept_at_desk")).json()["detail"]
    assert (await counter.http.post(f"/v1/dossiers/{COMMUNE}-200102-9998/acts/accept")).json()[
        "code"
    ] == "token_missing"
