"""Bad input to an act: a clear problem by its code, and nothing of the dossier, its history or its key is changed."""

from __future__ import annotations

import itertools
import json
from collections.abc import AsyncIterator
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx2
import pytest

from services.processing.domain.conditions import CONDITIONS
from shared.clocks import OFFICE_ZONE
from tests.integration.processing.hall import COMMUNE, DISTRICT_DESK, Hall

SHORT, LAND, LONG = ("2.000528", "default"), ("1.012784", "default"), ("1.001612", "default")
DESK = ("desk", DISTRICT_DESK)
ASSIGN = {"officer": "anna", "agency": "H56.97.04"}
NOT_REFUSING = {"policy_resume", "policy_restart", "came_from_2", "came_from_4", "not_paid"}
"""What only chooses the row of the table; and in state 6 nothing has been paid in full."""

STATE = """
select jsonb_build_object(
    'case', (select to_jsonb(c) from processing.cases c where c.code = $1),
    'steps', (select jsonb_agg(to_jsonb(s) order by s.step_no) from processing.steps s where s.code = $1),
    'duties', (select jsonb_agg(to_jsonb(d) order by d.step_no, d.action) from processing.duties d where d.code = $1),
    'asks', (select jsonb_agg(to_jsonb(a) order by a.ask_no) from processing.asks a where a.code = $1),
    'halts', (select jsonb_agg(to_jsonb(h) order by h.halt_no) from processing.halts h where h.code = $1),
    'proposal', (select to_jsonb(p) from processing.proposals p where p.code = $1),
    'timers', (select count(*) from processing.timers t where t.code = $1),
    'registers', (select jsonb_agg(to_jsonb(r) order by to_jsonb(r)::text) from processing.registers r),
    'cases', (select count(*) from processing.cases),
    'facts', (select count(*) from processing.journal),
    'keys', (select count(*) from processing.idempotency_keys)
)::text
"""
_keys = itertools.count(1)


async def state(hall: Hall, code: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(await hall.database.fetchval(STATE, code))
    return found


async def is_refused(hall: Hall, code: str, answer: httpx2.Response, expected: tuple[int, str], before: Any) -> None:
    assert (answer.status_code, answer.json()["code"]) == expected, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem = answer.json()
    assert problem["status"] == expected[0]
    assert problem["trace_id"] == answer.headers["trace-id"]
    assert problem["title"]
    assert await state(hall, code) == before


async def condition_refuses(hall: Hall, code: str, act: tuple[str, Any], officer: Any, *, at: int, by: str) -> str:
    """Try an act that fails in one condition; answers that condition's code."""
    before = await state(hall, code)
    answer = await hall.act(code, act[0], officer, at, act[1])
    await is_refused(hall, code, answer, (HTTPStatus.CONFLICT, by), before)
    return by


@pytest.fixture(scope="module")
async def fresh(hall: Hall) -> str:
    """A dossier that waits for its first officer."""
    await hall.tomorrow()
    return await hall.accept(hall.catalogue.case(*SHORT))


def good(hall: Hall) -> dict[str, str]:
    return {
        **hall.bearer(*DESK),
        "Idempotency-Key": f"refused-{next(_keys)}",
        "If-Match": '"1"',
        "Content-Type": "application/json",
    }


BODIES: dict[str, tuple[bytes, int, str]] = {
    "no JSON": (b'{"officer":', 400, "json_invalid"),
    "no text": (b"\xff\xfe", 400, "json_invalid"),
    "an array": (b"[]", 422, "input_invalid"),
    "unknown field": (json.dumps({**ASSIGN, "state": 9}).encode(), 422, "input_invalid"),
    "wrong type": (json.dumps({**ASSIGN, "officer": 7}).encode(), 422, "input_invalid"),
    "number as text": (json.dumps({**ASSIGN, "step_no": "2"}).encode(), 422, "input_invalid"),
    "number out of bounds": (json.dumps({**ASSIGN, "step_no": 0}).encode(), 422, "input_invalid"),
    "field missing": (json.dumps({"agency": "H56.97.04"}).encode(), 422, "input_invalid"),
    "a person's name": (json.dumps({**ASSIGN, "officer": "Nguyễn Văn A"}).encode(), 422, "input_invalid"),
    "no agency's code": (json.dumps({**ASSIGN, "agency": "nowhere"}).encode(), 422, "input_invalid"),
    "over 256 KiB": (json.dumps({**ASSIGN, "officer": "x" * 262_144}).encode(), 413, "body_too_large"),
}


@pytest.mark.parametrize("name", BODIES)
async def test_a_bad_body(hall: Hall, fresh: str, name: str) -> None:
    body, status, problem = BODIES[name]
    before = await state(hall, fresh)
    answer = await hall.http.post(f"/v1/dossiers/{fresh}/acts/assign", content=body, headers=good(hall))
    await is_refused(hall, fresh, answer, (status, problem), before)
    assert "Nguy" not in answer.text


HEADERS: dict[str, tuple[dict[str, str | None], int, str]] = {
    "key missing": ({"Idempotency-Key": None}, 400, "idempotency_key_missing"),
    "key too long": ({"Idempotency-Key": "k" * 201}, 400, "idempotency_key_invalid"),
    "version missing": ({"If-Match": None}, 428, "if_match_missing"),
    "version of no form": ({"If-Match": "1"}, 400, "if_match_invalid"),
    "any version": ({"If-Match": "*"}, 400, "if_match_invalid"),
    "version not yet": ({"If-Match": '"2"'}, 412, "version_stale"),
    "token missing": ({"Authorization": None}, 401, "token_missing"),
    "no token": ({"Authorization": "Bearer x"}, 401, "token_invalid"),
}


@pytest.mark.parametrize("name", HEADERS)
async def test_a_bad_header(hall: Hall, fresh: str, name: str) -> None:
    changes, status, problem = HEADERS[name]
    headers = {header: value for header, value in {**good(hall), **changes}.items() if value is not None}
    before = await state(hall, fresh)
    answer = await hall.http.post(f"/v1/dossiers/{fresh}/acts/assign", json=ASSIGN, headers=headers)
    await is_refused(hall, fresh, answer, (status, problem), before)


async def test_an_expired_and_a_forged_token(hall: Hall, fresh: str) -> None:
    token = hall.stack.token(*DESK, "officer")
    head, claims, signature = token.split(".")
    _, other_claims, _ = hall.stack.token("desk", COMMUNE, "officer").split(".")
    before = await state(hall, fresh)
    for sent, problem in (
        (hall.stack.token(*DESK, "officer", seconds=-60), "token_expired"),
        (f"{head}.{claims}.{signature[::-1]}", "token_invalid"),
        (f"{head}.{other_claims}.{signature}", "token_invalid"),
    ):
        answer = await hall.act(fresh, "assign", DESK, 1, ASSIGN, Authorization=f"Bearer {sent}")
        await is_refused(hall, fresh, answer, (HTTPStatus.UNAUTHORIZED, problem), before)


@pytest.mark.parametrize("role", ["citizen", "specialist", "auditor", "operator", "service"])
async def test_a_token_of_another_role(hall: Hall, fresh: str, role: str) -> None:
    before = await state(hall, fresh)
    answer = await hall.act(fresh, "assign", (role, DISTRICT_DESK), 1, ASSIGN)
    await is_refused(hall, fresh, answer, (HTTPStatus.FORBIDDEN, "role_not_allowed"), before)


@pytest.mark.parametrize("agency", ["H56.97", "H56.90", "H56.97.04", "H56.61", "H99.99"])
async def test_a_token_of_another_agency(hall: Hall, fresh: str, agency: str) -> None:
    before = await state(hall, fresh)
    answer = await hall.act(fresh, "assign", ("desk", agency), 1, ASSIGN)
    await is_refused(hall, fresh, answer, (HTTPStatus.FORBIDDEN, "agency_not_allowed"), before)


@pytest.mark.parametrize("agency", [COMMUNE, "H56.97.02", "H56.92.01"])
async def test_to_an_agency_without_a_part_a_dossier_is_as_unknown_as_one_that_is_not(
    hall: Hall, fresh: str, agency: str
) -> None:
    before = await state(hall, fresh)
    answer = await hall.act(fresh, "assign", ("desk", agency), 1, ASSIGN)
    await is_refused(hall, fresh, answer, (HTTPStatus.NOT_FOUND, "dossier_unknown"), before)
    nothing = await hall.act("H56.97.01-200102-9999", "assign", ("desk", agency), 1, ASSIGN)
    assert {**answer.json(), "trace_id": ""} == {**nothing.json(), "trace_id": ""}


@pytest.mark.parametrize(
    ("action", "status", "problem"),
    [
        ("fly", 404, "action_unknown"),
        ("accept_at_desk", 404, "action_unknown"),
        ("reissue_deadline", 403, "role_not_allowed"),
        ("receive_supplement", 409, "illegal_move"),
        ("recall", 409, "illegal_move"),
        ("finish", 409, "illegal_move"),
        ("hand_over", 409, "illegal_move"),
        ("half_time", 403, "role_not_allowed"),
        ("become_overdue", 403, "role_not_allowed"),
    ],
)
async def test_what_is_no_move_now(hall: Hall, fresh: str, action: str, status: int, problem: str) -> None:
    before = await state(hall, fresh)
    answer = await hall.act(fresh, action, DESK, 1)
    await is_refused(hall, fresh, answer, (status, problem), before)


async def test_a_key_that_was_used_for_another_body_and_a_version_that_was_overtaken(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case(*SHORT))
    key = {"Idempotency-Key": f"used-for-{code}"}
    assert (await hall.act(code, "assign", DESK, 1, ASSIGN, **key)).status_code == HTTPStatus.OK
    before = await state(hall, code)
    answer = await hall.act(code, "assign", DESK, 1, {**ASSIGN, "officer": "bob"}, **key)
    await is_refused(hall, code, answer, (HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused"), before)
    anna = ("specialist", "H56.97.04", "anna")
    answer = await hall.act(code, "forward", anna, 1)
    await is_refused(hall, code, answer, (HTTPStatus.PRECONDITION_FAILED, "version_stale"), before)
    assert answer.headers["etag"] == '"2"'


async def taking_and_forwarding(hall: Hall) -> AsyncIterator[str]:
    code = await hall.accept(hall.catalogue.case(*SHORT))
    elsewhere = {**ASSIGN, "agency": COMMUNE}
    yield await condition_refuses(hall, code, ("assign", elsewhere), DESK, at=1, by="officer_of_first_open_step")
    assert (await hall.act(code, "assign", DESK, 1, ASSIGN)).status_code == HTTPStatus.OK
    bob = ("specialist", "H56.97.04", "bob")
    yield await condition_refuses(hall, code, ("take", None), bob, at=2, by="step_not_taken")
    yield await condition_refuses(hall, code, ("forward", None), bob, at=2, by="holder_of_step")
    not_his = ("leader", "H56.97.04", "chief")
    yield await condition_refuses(hall, code, ("take", None), not_his, at=2, by="step_open_here")
    yield await condition_refuses(hall, code, ("sign", None), not_his, at=2, by="step_is_sign")


async def the_result(hall: Hall) -> AsyncIterator[str]:
    code = await hall.accept(hall.catalogue.case(*SHORT))
    duty, version = await hall.walk_until(code, "sign")
    leader, clerk = ("leader", duty["agency"]), ("desk", duty["agency"])
    yield await condition_refuses(hall, code, ("number", None), clerk, at=version, by="signed")
    taken = await hall.act(code, "take", leader, version)
    assert taken.status_code == HTTPStatus.OK, taken.text
    version = taken.json()["version"]
    yield await condition_refuses(hall, code, ("forward", None), leader, at=version, by="step_is_work")
    duty, version = await hall.walk_until(code, "number")
    version = (await hall.do(code, duty, version))["version"]
    yield await condition_refuses(hall, code, ("number", None), clerk, at=version, by="not_numbered")
    _, version = await hall.walk_until(code, "hand_over")
    yield await condition_refuses(
        hall, code, ("hand_over", {"receiver": "applicant"}), DESK, at=version, by="receiver_named"
    )


async def finishing(hall: Hall) -> AsyncIterator[str]:
    code = await hall.accept(hall.catalogue.case(*LONG))
    dossier = await hall.dossier(code)
    while "finish" not in {duty["action"] for duty in dossier["open_duties"]}:
        if dossier["state"] != 2:
            before = await state(hall, code)
            answer = await hall.act(code, "finish", DESK, dossier["version"])
            condition = answer.json()["code"]
            await is_refused(hall, code, answer, (HTTPStatus.CONFLICT, condition), before)
            yield condition
        await hall.do(code, dossier["open_duties"][0], dossier["version"])
        dossier = await hall.dossier(code)


async def an_apology(hall: Hall) -> AsyncIterator[str]:
    await hall.tomorrow()
    code, leader = await hall.accept(hall.catalogue.case(*LAND)), ("leader", "H56.92.01")
    why = {"reason": "workload"}
    yield await condition_refuses(hall, code, ("send_apology", why), leader, at=1, by="draft_open")
    while not [duty for duty in (await hall.dossier(code))["open_duties"] if duty["action"] == "send_apology"]:
        await hall.tomorrow()
    before = await state(hall, code)
    answer = await hall.act(code, "send_apology", leader, 1, {"reason": "because Nguyễn was ill"})
    await is_refused(hall, code, answer, (HTTPStatus.UNPROCESSABLE_ENTITY, "input_invalid"), before)
    sunday = {**why, "reappointed_to": "2020-12-06T09:00:00+07:00"}
    answer = await hall.act(code, "send_apology", leader, 1, sunday)
    await is_refused(hall, code, answer, (HTTPStatus.UNPROCESSABLE_ENTITY, "reappointed_to_invalid"), before)
    assert (await hall.act(code, "send_apology", leader, 1, why)).status_code == HTTPStatus.OK
    yield await condition_refuses(hall, code, ("send_apology", why), leader, at=2, by="no_apology_before")


async def sending_back(hall: Hall) -> AsyncIterator[str]:
    code = await hall.accept(hall.catalogue.case(*SHORT))
    anna, chief = ("specialist", "H56.97.04", "anna"), ("leader", "H56.97.04")
    assert (await hall.act(code, "assign", DESK, 1, ASSIGN)).status_code == HTTPStatus.OK
    elsewhere = {"officer": "bob", "agency": COMMUNE}
    yield await condition_refuses(hall, code, ("reassign", elsewhere), chief, at=2, by="officer_of_same_agency")
    assert (await hall.act(code, "forward", anna, 2)).status_code == HTTPStatus.OK
    bob = ("specialist", "H56.97.04", "bob")
    yield await condition_refuses(hall, code, ("recall", None), bob, at=3, by="previous_holder")
    assert (await hall.act(code, "take", chief, 3)).status_code == HTTPStatus.OK
    yield await condition_refuses(hall, code, ("recall", None), anna, at=4, by="next_step_not_taken")
    back = {"to_step": 1, "reason": "incomplete"}
    yield await condition_refuses(hall, code, ("return_step", back), chief, at=4, by="step_was_completed")
    yield await condition_refuses(hall, code, ("return_step", {"to_step": 2}), chief, at=4, by="reason_listed")
    before = await state(hall, code)
    answer = await hall.act(code, "return_step", chief, 4, {"to_step": 2, "reason": "because Nguyễn was ill"})
    await is_refused(hall, code, answer, (HTTPStatus.UNPROCESSABLE_ENTITY, "input_invalid"), before)
    _, version = await hall.walk_until(code, "number")
    back = {"to_step": 2, "reason": "incomplete"}
    yield await condition_refuses(hall, code, ("return_step", back), DESK, at=version, by="not_signed")


async def asking(hall: Hall) -> AsyncIterator[str]:
    code = await hall.accept(hall.catalogue.case(*SHORT))
    anna, other = ("specialist", "H56.97.04", "anna"), ("specialist", "H56.97.30", "carl")
    assert (await hall.act(code, "assign", DESK, 1, ASSIGN)).status_code == HTTPStatus.OK
    before = await state(hall, code)
    for agency in ("H56.97.04", "H56.61", "H99.99"):
        answer = await hall.act(code, "ask_agency", anna, 2, {"agency": agency})
        await is_refused(hall, code, answer, (HTTPStatus.UNPROCESSABLE_ENTITY, "asked_agency_invalid"), before)
    assert (await hall.act(code, "ask_agency", anna, 2, {"agency": "H56.97.30"})).status_code == HTTPStatus.OK
    before = await state(hall, code)
    answer = await hall.act(code, "ask_agency", anna, 3, {"agency": "H56.97.30"})
    await is_refused(hall, code, answer, (HTTPStatus.UNPROCESSABLE_ENTITY, "asked_agency_invalid"), before)
    answer = await hall.act(code, "answer_agency", anna, 3)
    await is_refused(hall, code, answer, (HTTPStatus.FORBIDDEN, "agency_not_allowed"), before)
    assert (await hall.act(code, "answer_agency", other, 3)).status_code == HTTPStatus.OK
    yield await condition_refuses(hall, code, ("answer_agency", None), other, at=4, by="asked_agency")


async def supplements(hall: Hall) -> AsyncIterator[str]:
    await hall.tomorrow()
    code, paper = await hall.accept(hall.catalogue.case(*SHORT)), {"papers": ["tk-khai-sinh"]}
    anna, chief = ("specialist", "H56.97.04", "anna"), ("leader", "H56.97.04")
    ask = "request_supplement"
    yield await condition_refuses(hall, code, (ask, {"papers": ["nowhere"]}), DESK, at=1, by="papers_of_pinned_list")
    assert (await hall.act(code, "assign", DESK, 1, ASSIGN)).status_code == HTTPStatus.OK
    yield await condition_refuses(hall, code, ("propose_supplement", paper), anna, at=2, by="not_first_request")
    yield await condition_refuses(hall, code, ("approve_supplement", None), chief, at=2, by="supplement_proposed")
    assert (await hall.act(code, ask, DESK, 2, paper)).status_code == HTTPStatus.OK
    receive, refuse = ("receive_supplement", None), ("refuse_after_limit", None)
    yield await condition_refuses(hall, code, receive, DESK, at=3, by="everything_arrived")
    yield await condition_refuses(hall, code, refuse, DESK, at=3, by="supplement_limit_passed")
    await hall.papers_arrive(code, paper["papers"])
    for _ in range(3):
        await hall.tomorrow()
    yield await condition_refuses(hall, code, refuse, DESK, at=3, by="not_everything_arrived_in_time")
    assert (await hall.act(code, "receive_supplement", DESK, 3)).status_code == HTTPStatus.OK
    yield await condition_refuses(hall, code, (ask, paper), DESK, at=4, by="first_request")


async def payments_and_periods(hall: Hall) -> AsyncIterator[str]:
    await hall.tomorrow()
    code = await hall.accept(hall.catalogue.case(*LAND))
    registry, head, desk = ("specialist", "H56.92.01", "anna"), ("leader", "H56.92.01"), ("desk", COMMUNE)
    body = {"officer": "anna", "agency": "H56.92.01"}
    assert (await hall.act(code, "assign", desk, 1, body)).status_code == HTTPStatus.OK
    yield await condition_refuses(hall, code, ("resume", None), registry, at=2, by="paused_by_period")
    posting = ("pause", {"period": "posting"})
    yield await condition_refuses(hall, code, posting, registry, at=2, by="period_of_open_step")
    assert (await hall.act(code, "pause", registry, 2, {"period": "survey"})).status_code == HTTPStatus.OK
    yield await condition_refuses(hall, code, ("forward", None), registry, at=3, by="not_paused")
    assert (await hall.act(code, "resume", registry, 3)).status_code == HTTPStatus.OK
    assert (await hall.act(code, "demand_payment", registry, 4, {"amount_vnd": 100})).status_code == HTTPStatus.OK
    yield await condition_refuses(hall, code, ("record_payment", {"amount_vnd": 99}), desk, at=5, by="paid_in_full")
    yield await condition_refuses(hall, code, ("stop_unpaid", None), head, at=5, by="payment_limit_passed")


async def withdrawals(hall: Hall) -> AsyncIterator[str]:
    code = await hall.accept(hall.catalogue.case(*SHORT))
    leader = ("leader", "H56.97.04")
    yield await condition_refuses(hall, code, ("withdraw", None), DESK, at=1, by="withdrawal_requested")
    assert (await hall.act(code, "assign", DESK, 1, ASSIGN)).status_code == HTTPStatus.OK
    await hall.asks_to_withdraw(code)
    yield await condition_refuses(hall, code, ("stop", None), leader, at=2, by="some_step_completed")
    assert (await hall.act(code, "forward", ("specialist", "H56.97.04", "anna"), 2)).status_code == HTTPStatus.OK
    yield await condition_refuses(hall, code, ("withdraw", None), DESK, at=3, by="no_step_completed")


TRIES = (
    *(taking_and_forwarding, sending_back, asking, the_result, finishing, an_apology, supplements),
    *(payments_and_periods, withdrawals),
)


async def test_each_condition_of_a_move_refuses_by_its_code(hall: Hall) -> None:
    refusing = [code for tries in TRIES async for code in tries(hall)]
    assert set(refusing) == CONDITIONS.keys() - NOT_REFUSING


@pytest.mark.parametrize(("language", "says"), [("vi", "trạng thái 2 (được tiếp nhận)"), ("en", "state 2 (accepted)")])
async def test_a_refusal_names_the_state_and_what_the_caller_can_do(
    hall: Hall, fresh: str, language: str, says: str
) -> None:
    answer = await hall.act(fresh, "finish", DESK, 1, **{"Accept-Language": language})
    assert (answer.json()["code"], answer.json()["state"], answer.json()["possible"]) == (
        *("illegal_move", 2),
        ["assign", "request_supplement"],
    )
    assert says in answer.json()["detail"]
    assert {"vi": "phân công", "en": "assign"}[language] in answer.json()["detail"]


async def test_an_apology_beyond_the_calendars_last_year_names_the_year_that_is_missing(hall: Hall) -> None:
    """Promised for the calendar's last day; the draft is opened by hand, for this hall's clock stays in 2020."""
    last = hall.calendar.content.last_year
    due = datetime(last, 12, 31, 17, tzinfo=OFFICE_ZONE)
    code = await hall.accept(hall.catalogue.case(*LAND), promised_due=due, statutory_due=due)
    await hall.database.execute("update processing.cases set draft_opened_at = accepted_at where code = $1", code)
    before, leader = await state(hall, code), ("leader", "H56.92.01")
    for wanted in ({}, {"reappointed_to": f"{last + 1}-01-03T09:00:00+07:00"}):
        answer = await hall.act(code, "send_apology", leader, 1, {"reason": "workload", **wanted})
        await is_refused(hall, code, answer, (HTTPStatus.CONFLICT, "calendar_year_missing"), before)
        assert str(last + 1) in answer.json()["detail"]


async def test_the_same_requests_without_the_fault_are_taken(hall: Hall, fresh: str) -> None:
    """Last in its file: nothing above was refused for another reason, and the state above does tell."""
    before = await state(hall, fresh)
    answer = await hall.http.post(f"/v1/dossiers/{fresh}/acts/assign", json=ASSIGN, headers=good(hall))
    assert answer.status_code == HTTPStatus.OK, answer.text
    after = await state(hall, fresh)
    assert {name for name in before if before[name] != after[name]} == {"case", "steps", "duties", "facts", "keys"}
