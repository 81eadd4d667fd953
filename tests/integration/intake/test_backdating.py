"""A dossier that was received before it is recorded (C14): on evidence, by a leader's word, used once."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import asyncpg
import httpx2
import pytest

from tests.integration.intake.counter import COMMUNE, DISTRICT_DESK, OTHER_COMMUNE, Counter

BIRTH, DEATH = "1.001193", "1.000656"
DISTRICT = "H56.97"
UNPROCESSABLE = HTTPStatus.UNPROCESSABLE_ENTITY


def earlier(counter: Counter, **ago: int) -> datetime:
    return counter.now() - timedelta(**(ago or {"minutes": 10}))


def said(moment: datetime, **changes: Any) -> dict[str, Any]:
    return {
        "place": COMMUNE,
        "procedure_code": BIRTH,
        "received_at": moment.isoformat(),
        "evidence": "incident_record",
        "evidence_no": "12/BB-2020",
    } | changes


async def approved(counter: Counter, moment: datetime, **changes: Any) -> str:
    answer = await counter.approve(said(moment, **changes), counter.bearer("leader", DISTRICT))
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    return str(answer.json()["id"])


async def filing(counter: Counter, moment: datetime, approval: str, procedure: str = BIRTH) -> dict[str, Any]:
    return await counter.filing(procedure) | {"backdating": {"received_at": moment.isoformat(), "approval": approval}}


def told(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


async def test_a_filing_counts_from_when_it_was_received_and_says_so(counter: Counter) -> None:
    moment = earlier(counter)
    approval = await approved(counter, moment)
    answer = await counter.hand_in(await filing(counter, moment, approval))
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    accepted = answer.json()
    flag = {
        "recorded_at": counter.now().isoformat(),
        "evidence": "incident_record",
        "approved_by": f"leader@{DISTRICT}",
        "approving_agency": DISTRICT,
    }
    assert accepted["accepted_at"] == moment.isoformat()
    assert accepted["backdating"] == flag
    assert accepted["code"].startswith(f"{COMMUNE}-{counter.now():%y%m%d}-"), "no block was reserved for another day"
    [(kind, body)] = await counter.facts_of(accepted["code"])
    assert (kind, body["backdating"]) == ("accepted", flag)
    legal = await counter.database.fetchval(
        "select min(legal_time) from intake.journal where subject = $1", accepted["code"]
    )
    assert legal == moment
    used_for = await counter.database.fetchval("select used_for from intake.backdatings where id = $1", approval)
    assert used_for == accepted["code"]


async def test_a_filing_of_now_is_not_flagged(counter: Counter) -> None:
    accepted = (await counter.hand_in(await counter.filing())).json()
    [(_, body)] = await counter.facts_of(accepted["code"])
    assert accepted["backdating"] is None
    assert body["backdating"] is None


async def test_an_approval_is_used_once_whoever_comes_at_the_same_time(counter: Counter) -> None:
    moment = earlier(counter)
    body = await filing(counter, moment, await approved(counter, moment))
    answers = await asyncio.gather(*(counter.hand_in(body, key=f"once-{uuid4()}") for _ in range(6)))
    assert sorted(answer.status_code for answer in answers) == [HTTPStatus.CREATED, *([UNPROCESSABLE] * 5)]
    assert {told(answer) for answer in answers if answer.status_code != HTTPStatus.CREATED} == {
        (UNPROCESSABLE, "backdating_used")
    }


async def test_a_repeated_request_has_its_first_answer(counter: Counter) -> None:
    moment, key = earlier(counter), f"again-{uuid4()}"
    body = await filing(counter, moment, await approved(counter, moment))
    first, again = [await counter.hand_in(body, key=key) for _ in range(2)]
    assert (first.status_code, first.json()) == (again.status_code, again.json())
    assert first.status_code == HTTPStatus.CREATED


async def test_what_is_not_approved_as_it_is_named_is_refused_with_reason_and_remedy(counter: Counter) -> None:
    moment = earlier(counter)
    approval = await approved(counter, moment)
    other_place = await approved(counter, moment, place=OTHER_COMMUNE)
    own = await counter.approve(said(moment), counter.bearer("leader", COMMUNE, "twofold"))
    wrong = [
        (await filing(counter, moment, str(uuid4())), "", "/backdating/approval"),
        (await filing(counter, moment, other_place), "", "/backdating/approval"),
        (await filing(counter, earlier(counter, minutes=20), approval), "", "/backdating/received_at"),
        (await filing(counter, moment, approval, DEATH), "", "/procedure_code"),
        (await filing(counter, moment, own.json()["id"]), "twofold", "/backdating/approval"),
    ]
    before = await counter.counts()
    for body, officer, pointer in wrong:
        answer = await counter.hand_in(body, headers=counter.bearer("desk", COMMUNE, officer))
        assert told(answer) == (UNPROCESSABLE, "backdating_not_approved"), answer.text
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
        assert "lãnh đạo phê duyệt" in answer.json()["title"]
    assert await counter.counts() == before


@pytest.mark.parametrize(
    ("ago", "code"),
    [
        ({"minutes": 0}, "backdating_not_earlier"),
        ({"minutes": -1}, "backdating_not_earlier"),
        ({"days": 30}, "backdating_too_far"),
    ],
)
async def test_how_far_back_it_may_reach_is_told_to_the_desk_and_to_the_leader(
    counter: Counter, ago: dict[str, int], code: str
) -> None:
    moment = counter.now() - timedelta(**ago)
    before = await counter.counts()
    of_desk = await counter.hand_in(await filing(counter, moment, str(uuid4())))
    of_leader = await counter.approve(said(moment), counter.bearer("leader"))
    assert told(of_desk) == told(of_leader) == (UNPROCESSABLE, code)
    assert await counter.counts() == before


@pytest.mark.parametrize("moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00"])
async def test_a_moment_at_the_edge_of_all_years_is_refused_like_any_other(counter: Counter, moment: str) -> None:
    answer = await counter.approve(said(counter.now()) | {"received_at": moment}, counter.bearer("leader"))
    assert answer.status_code == UNPROCESSABLE


async def test_leaders_approve_for_their_own_places_and_nobody_else_approves(counter: Counter) -> None:
    moment = earlier(counter)
    for agency in (OTHER_COMMUNE, DISTRICT_DESK):
        answer = await counter.approve(said(moment), counter.bearer("leader", agency))
        assert told(answer) == (HTTPStatus.FORBIDDEN, "agency_not_allowed")
    unknown = await counter.approve(said(moment, place="H99.99"), counter.bearer("leader", DISTRICT))
    assert told(unknown) == (HTTPStatus.FORBIDDEN, "agency_not_allowed")
    for role in ("desk", "specialist", "auditor"):
        assert told(await counter.approve(said(moment), counter.bearer(role))) == (
            HTTPStatus.FORBIDDEN,
            "role_not_allowed",
        )


@pytest.mark.parametrize(
    "change",
    ["update {} set received_at = received_at - interval '1 day'", "update {} set used_for = null", "delete from {}"],
)
async def test_not_even_intake_changes_an_approval(counter: Counter, change: str) -> None:
    moment = earlier(counter)
    approval = await approved(counter, moment)
    await counter.hand_in(await filing(counter, moment, approval))
    with pytest.raises(asyncpg.RestrictViolationError):
        await counter.database.execute(f"{change.format('intake.backdatings')} where id = $1", approval)
