"""The register of officers over HTTP: who writes it, and what it changes for whom, by date."""

from __future__ import annotations

import itertools
from datetime import date
from http import HTTPStatus
from typing import Any

import asyncpg
import httpx2
import pytest

from tests.integration.processing.hall import COMMUNE, Hall
from tests.waiting import until

LAND = ("1.012784", "default")
BRANCH, BRANCH_PATH = "H56.92.01", "90.92.01."
HEAD = ("leader", BRANCH, "head")
_keys = itertools.count(1)


async def say(hall: Hall, leader: tuple[str, ...], said: dict[str, Any], key: str = "") -> httpx2.Response:
    headers = {"Idempotency-Key": key or f"register-{next(_keys)}", **hall.bearer(*leader)}
    return await hall.http.post("/v1/officers", json=said, headers=headers)


async def entered(hall: Hall, kind: str, officer: str, first: date, **more: Any) -> int:
    answer = await say(hall, HEAD, {"kind": kind, "officer": officer, "first_day": str(first), **more})
    assert answer.status_code == HTTPStatus.CREATED, answer.text
    return int(answer.json()["no"])


async def assigned(hall: Hall, officer: str) -> str:
    code = await hall.accept(hall.catalogue.case(*LAND))
    answer = await hall.act(code, "assign", ("desk", COMMUNE), 1, {"officer": officer, "agency": BRANCH})
    assert answer.status_code == HTTPStatus.OK, answer.text
    return code


async def listed(hall: Hall, subject: str) -> set[str]:
    return {item["code"] for item in await hall.worklist("specialist", BRANCH, subject)}


async def how_received(hall: Hall, officer: tuple[str, ...], code: str) -> set[tuple[int, str]]:
    """What an officer is answered wherever he may ask, as status and code of the problem."""
    headers = hall.bearer(*officer)
    read = [
        await hall.http.get(url, headers=headers)
        for url in ("/v1/worklist", "/v1/officers", f"/v1/dossiers/{code}", f"/v1/dossiers/{code}/deadline")
    ]
    acted = await hall.act(code, "forward", officer, 1)
    many = await hall.http.post(
        "/v1/acts",
        json={"acts": [{"code": code, "action": "forward", "version": 1}]},
        headers={**headers, "Idempotency-Key": f"register-{next(_keys)}"},
    )
    return {(answer.status_code, answer.json().get("code", "")) for answer in (*read, acted, many)}


async def test_a_deputy_sees_and_does_what_the_absent_holds_on_the_days_of_absence(hall: Hall) -> None:
    today = hall.now().date()
    first, second = [await assigned(hall, "away") for _ in range(2)]
    assert not {first, second} & await listed(hall, "deputy")
    days = {"first_day": str(today), "last_day": str(today), "role": "specialist", "deputy": "deputy"}
    await entered(hall, "absence", "away", today, **days)
    assert {first, second} <= await listed(hall, "deputy")
    assert not {first, second} & await listed(hall, "nobody")
    refused = await hall.act(first, "forward", ("specialist", BRANCH, "nobody"), 2, {"step_no": 2})
    assert (refused.status_code, refused.json()["code"]) == (HTTPStatus.CONFLICT, "holder_of_step")
    done = await hall.act(first, "forward", ("specialist", BRANCH, "deputy"), 2, {"step_no": 2})
    assert done.status_code == HTTPStatus.OK, done.text
    assert (await hall.dossier(first))["steps"][1]["holder"] == "deputy"
    await hall.tomorrow()
    assert second not in await listed(hall, "deputy")
    late = await hall.act(second, "forward", ("specialist", BRANCH, "deputy"), 2, {"step_no": 2})
    assert (late.status_code, late.json()["code"]) == (HTTPStatus.CONFLICT, "holder_of_step")


async def test_a_revoked_officers_token_is_refused_from_that_day_until_it_is_taken_back(hall: Hall) -> None:
    code = await assigned(hall, "gone")
    gone = ("specialist", BRANCH, "gone")
    tomorrow = hall.calendar.next_working_day(hall.now().date())
    no = await entered(hall, "revocation", "gone", tomorrow)
    assert (HTTPStatus.OK, "") in await how_received(hall, gone, code)
    await hall.tomorrow()
    assert await how_received(hall, gone, code) == {(HTTPStatus.FORBIDDEN, "officer_revoked")}
    elsewhere = await hall.http.get("/v1/worklist", headers=hall.bearer("specialist", "H56.97.03", "gone"))
    assert elsewhere.status_code == HTTPStatus.OK
    withdrawn = await say(hall, HEAD, {"kind": "withdrawal", "entry": no})
    assert (withdrawn.status_code, withdrawn.json()["withdraws"]) == (HTTPStatus.CREATED, no)
    assert (HTTPStatus.OK, "") in await how_received(hall, gone, code)
    again = await say(hall, HEAD, {"kind": "withdrawal", "entry": no})
    assert (again.status_code, again.json()["code"]) == (HTTPStatus.NOT_FOUND, "entry_unknown")


async def test_nothing_is_assigned_to_a_revoked_officer(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case(*LAND))
    await entered(hall, "revocation", "gone.named", hall.now().date())
    named = {"officer": "gone.named", "agency": BRANCH}
    refused = await hall.act(code, "assign", ("desk", COMMUNE), 1, named)
    assert (refused.status_code, refused.json()["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "named_officer_revoked")
    assert "assign" in refused.json()["possible"]
    done = await hall.act(code, "assign", ("desk", COMMUNE), 1, {**named, "officer": "stays"})
    assert done.status_code == HTTPStatus.OK, done.text
    again = await hall.act(code, "reassign", ("leader", BRANCH), 2, {**named, "step_no": 2})
    assert again.json()["code"] == "named_officer_revoked"


async def test_an_officer_with_a_seat_sits_in_that_seat_alone(hall: Hall) -> None:
    await entered(hall, "seat", "seated", hall.now().date(), role="specialist")
    for role, status in (("specialist", HTTPStatus.OK), ("desk", HTTPStatus.FORBIDDEN)):
        answer = await hall.http.get("/v1/worklist", headers=hall.bearer(role, BRANCH, "seated"))
        assert answer.status_code == status
    assert answer.json()["code"] == "seat_not_held"


async def test_what_another_process_wrote_counts_here_too(hall: Hall) -> None:
    """A row of another replica's: this process reads it by itself."""
    revoke = """
        insert into processing.officer_entries (
            kind, agency, agency_path, officer, role, deputy, first_day, recorded_at, recorded_by
        )
        values ('revocation', $1, $2, 'gone.elsewhere', '', '', $3, $4, 'head')
    """
    await hall.database.execute(revoke, BRANCH, BRANCH_PATH, hall.now().date(), hall.now())

    async def refused() -> bool:
        headers = hall.bearer("specialist", BRANCH, "gone.elsewhere")
        return (await hall.http.get("/v1/worklist", headers=headers)).status_code == HTTPStatus.FORBIDDEN

    await until(refused, "the register is reread")


async def test_only_a_units_leader_writes_and_whoever_is_above_reads(hall: Hall) -> None:
    today = str(hall.now().date())
    said = {"kind": "seat", "officer": "written", "role": "specialist", "first_day": today}
    for officer in (("desk", BRANCH), ("specialist", BRANCH), ("auditor", BRANCH)):
        answer = await say(hall, officer, said)
        assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.FORBIDDEN, "role_not_allowed")
    key = f"once-{next(_keys)}"
    answers = [await say(hall, HEAD, said, key) for _ in range(2)]
    assert answers[0].json() == answers[1].json()
    entry = answers[0].json()
    assert (entry["agency"], entry["recorded_by"]) == (BRANCH, "head")
    foreign = await say(hall, ("leader", "H56.92"), {"kind": "withdrawal", "entry": entry["no"]})
    assert foreign.json()["code"] == "entry_unknown"
    for officer, unit, status in (
        (("auditor", "H56.90"), BRANCH, HTTPStatus.OK),
        (("leader", "H56.92"), BRANCH, HTTPStatus.OK),
        (("desk", BRANCH), BRANCH, HTTPStatus.OK),
        (("leader", "H56.97"), BRANCH, HTTPStatus.FORBIDDEN),
        (("leader", BRANCH), "H56.92", HTTPStatus.FORBIDDEN),
    ):
        pages: list[dict[str, Any]] = []
        more: dict[str, str] = {}
        while True:
            params = {"unit": unit, "limit": "1", **more}
            answer = await hall.http.get("/v1/officers", params=params, headers=hall.bearer(*officer))
            assert answer.status_code == status, (officer, unit, answer.text)
            pages += answer.json().get("items", [])
            if not answer.json().get("next_cursor"):
                break
            more = {"cursor": answer.json()["next_cursor"]}
        assert (entry in pages) == (status == HTTPStatus.OK)
    on = await hall.http.get("/v1/officers", params={"on": "2019-12-31"}, headers=hall.bearer(*HEAD))
    assert entry not in on.json()["items"]


@pytest.mark.parametrize(
    "said",
    [
        {"kind": "seat", "officer": "x", "first_day": "2020-01-02"},
        {"kind": "seat", "officer": "x", "role": "citizen", "first_day": "2020-01-02"},
        {"kind": "absence", "officer": "x", "role": "desk", "first_day": "2020-01-02"},
        {
            "kind": "absence",
            "officer": "x",
            "role": "desk",
            "deputy": "x",
            "first_day": "2020-01-02",
            "last_day": "2020-01-02",
        },
        {"kind": "revocation", "officer": "Nguyễn", "first_day": "2020-01-02"},
        {"kind": "revocation", "officer": "x", "first_day": "2020-01-03", "last_day": "2020-01-02"},
        {"kind": "holiday", "officer": "x", "first_day": "2020-01-02"},
        {"kind": "withdrawal", "entry": 0},
    ],
)
async def test_what_no_entry_can_say_is_refused(hall: Hall, said: dict[str, Any]) -> None:
    answer = await say(hall, HEAD, said)
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "input_invalid")
    assert "Nguy" not in answer.text


async def test_nobody_changes_what_was_said(hall: Hall) -> None:
    await entered(hall, "revocation", "said", hall.now().date())
    service = await asyncpg.connect(hall.stack.dsn("processing"))
    try:
        for statement in (
            "update processing.officer_entries set officer = 'x'",
            "delete from processing.officer_entries",
        ):
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await service.execute(statement)
    finally:
        await service.close()
