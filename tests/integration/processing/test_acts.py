"""Officers' acts over HTTP on the real database and broker."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Iterable
from http import HTTPStatus
from typing import Any

import pytest

from shared.contracts.facts import State
from shared.rulebook.agencies import Agency
from shared.rulebook.catalogue import Case
from shared.rulebook.loader import load_seed, parse_catalogue
from tests.integration.processing.hall import COMMUNE, DISTRICT_DESK, Hall

WEIGHTED = [case for case in parse_catalogue("seed", load_seed().catalogue).cases if case.year_2020_weight]
SHORT, LAND = ("2.000528", "default"), ("1.012784", "default")

TURNS = 7
"""Other agencies that are tried at each step: over the steps of any case every agency of the year has its turn."""


async def refused_elsewhere(
    hall: Hall, code: str, duty: dict[str, Any], version: int, agencies: Iterable[Agency]
) -> set[str]:
    """The act is refused to the same role of other agencies, and the dossier unknown to who has no part in it."""
    body = {"officer": "x", "agency": "H56.97.04"} if duty["action"] == "assign" else {"step_no": duty["step_no"]}
    seen = await hall.dossier(code)
    parts = {seen["received_by"], seen["competent_agency"], *(step["agency"] for step in seen["steps"])} - {""}
    paths = [hall.agencies.get(part).path for part in parts]
    others = [agency for agency in agencies if agency.code != duty["agency"]]
    answers = await asyncio.gather(
        *(hall.act(code, duty["action"], (duty["role"], other.code), version, body) for other in others)
    )
    for other, answer in zip(others, answers, strict=True):
        sees = any(path.startswith(other.path) for path in paths)
        expected = (HTTPStatus.FORBIDDEN, "agency_not_allowed") if sees else (HTTPStatus.NOT_FOUND, "dossier_unknown")
        assert (answer.status_code, answer.json()["code"]) == expected, other.code
    return {other.code for other in others}


@pytest.mark.parametrize("kind", WEIGHTED, ids=lambda kind: f"{kind.procedure_code}-{kind.case_code}")
async def test_each_weighted_case_is_walked_and_at_every_step_another_agency_is_refused(hall: Hall, kind: Case) -> None:
    code = await hall.accept(kind)
    duties, version, acts = await hall.duties(code), 1, []
    year = [agency for agency in hall.agencies.agencies if agency.in_force(hall.now().date())]
    turns, refused, acting = itertools.cycle(year), set[str](), set[str]()
    while duties:
        acting.add(duties[0]["agency"])
        refused |= await refused_elsewhere(hall, code, duties[0], version, itertools.islice(turns, TURNS))
        answer = await hall.do(code, duties[0], version)
        acts.append(duties[0]["action"])
        duties, version = answer["open_duties"], answer["version"]
    assert len(year) == 38
    assert {agency.code for agency in year} - acting <= refused
    seen = await hall.dossier(code)
    assert seen["state"] == State.HANDED_OVER
    assert {step["status"] for step in seen["steps"]} == {"done"}
    assert seen["result_number"].split("/")[1] == "2020"
    assert seen["finished_at"] == seen["handed_over_at"] == hall.now().isoformat()
    told = [name for name, _ in await hall.facts_of(code)]
    expected = {
        "assign": "assigned",
        "take": "step_taken",
        "forward": "step_completed",
        "sign": "result_signed",
        "number": "result_numbered",
        "finish": "result_ready",
        "hand_over": "result_handed_over",
    }
    assert told == [expected[action] for action in acts]
    assert await hall.database.fetchval("select count(*) from processing.timers where code = $1", code) == 0
    assert await hall.database.fetchval("select count(*) from processing.duties where code = $1", code) == 0


async def test_numbers_of_one_agency_and_year_have_no_gap_even_after_refusals(hall: Hall) -> None:
    numbers = []
    for _ in range(3):
        code = await hall.accept(hall.catalogue.case(*SHORT))
        duty, version = await hall.walk_until(code, "sign")
        early = await hall.act(code, "number", ("desk", duty["agency"]), version)
        assert early.json()["code"] == "signed"
        duty, version = await hall.walk_until(code, "number")
        numbers.append((await hall.do(code, duty, version))["result_number"])
    first = int(numbers[0].split("/")[0])
    assert numbers == [f"{first + place}/2020/H56.97" for place in range(3)]


async def test_a_stale_and_a_missing_version_change_nothing(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case(*SHORT))
    duty, version = await hall.walk_until(code, "forward")
    officer = (duty["role"], duty["agency"])
    stale = await hall.act(code, "forward", officer, version - 1)
    assert (stale.status_code, stale.json()["code"]) == (HTTPStatus.PRECONDITION_FAILED, "version_stale")
    assert stale.headers["etag"] == f'"{version}"'
    missing = await hall.act(code, "forward", officer, None)
    assert (missing.status_code, missing.json()["code"]) == (HTTPStatus.PRECONDITION_REQUIRED, "if_match_missing")
    assert (await hall.dossier(code))["version"] == version


async def test_of_two_officers_at_once_one_wins_and_the_other_is_told(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case(*LAND))
    duty, version = await hall.walk_until(code, "sign")
    keys = "select count(*) from processing.idempotency_keys"
    kept = await hall.database.fetchval(keys)
    answers = await asyncio.gather(
        *(hall.act(code, "sign", ("leader", duty["agency"], f"leader-{place}"), version) for place in range(8))
    )
    assert await hall.database.fetchval(keys) == kept + 1
    assert (await hall.dossier(code))["version"] == version + 1
    assert sorted(answer.status_code for answer in answers) == [HTTPStatus.OK] + [HTTPStatus.PRECONDITION_FAILED] * 7
    assert [name for name, _ in await hall.facts_of(code)].count("result_signed") == 1


async def test_a_repeated_request_has_one_effect_and_one_answer(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case(*LAND))
    body = {"officer": "specialist.H56.92.01", "agency": "H56.92.01"}
    same = {"Idempotency-Key": f"assign-{code}"}
    answers = await asyncio.gather(*(hall.act(code, "assign", ("desk", COMMUNE), 1, body, **same) for _ in range(20)))
    assert {answer.status_code for answer in answers} == {HTTPStatus.OK}
    assert len({answer.content for answer in answers}) == 1
    assert [name for name, _ in await hall.facts_of(code)] == ["assigned"]
    other = await hall.act(code, "assign", ("desk", COMMUNE), 1, {**body, "officer": "another"}, **same)
    assert (other.status_code, other.json()["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "idempotency_key_reused")


@pytest.mark.parametrize(
    ("action", "status", "code"),
    [
        ("fly", 404, "action_unknown"),
        ("accept_at_desk", 404, "action_unknown"),
        ("recall", 409, "illegal_move"),
        ("reissue_deadline", 403, "role_not_allowed"),
        ("receive_supplement", 409, "illegal_move"),
        ("hand_over", 409, "illegal_move"),
        ("finish", 409, "illegal_move"),
        ("take", 403, "role_not_allowed"),
        ("become_overdue", 403, "role_not_allowed"),
    ],
)
async def test_what_is_no_move_now_is_refused_by_its_code(hall: Hall, action: str, status: int, code: str) -> None:
    dossier = await hall.accept(hall.catalogue.case(*SHORT))
    answer = await hall.act(dossier, action, ("desk", DISTRICT_DESK), 1)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await hall.facts_of(dossier) == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({"officer": "Nguyễn Văn A", "agency": "H56.97.04"}, "/officer"),
        ({"officer": "x", "agency": "H56.97.04", "note": "Nguyễn Văn A"}, ""),
        ({"officer": 7, "agency": "H56.97.04"}, "/officer"),
        ({"agency": "H56.97.04"}, "/officer"),
    ],
)
async def test_a_body_that_does_not_fit_is_refused_without_echo(hall: Hall, body: Any, pointer: str) -> None:
    code = await hall.accept(hall.catalogue.case(*SHORT))
    answer = await hall.act(code, "assign", ("desk", DISTRICT_DESK), 1, body)
    assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "input_invalid")
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert "Nguy" not in answer.text
    assert await hall.facts_of(code) == []


async def test_conditions_refuse_by_their_code_over_http(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case(*SHORT))
    desk = ("desk", DISTRICT_DESK)
    wrong = await hall.act(code, "assign", desk, 1, {"officer": "x", "agency": "H56.97.21"})
    assert (wrong.status_code, wrong.json()["code"]) == (HTTPStatus.CONFLICT, "officer_of_first_open_step")
    _, version = await hall.walk_until(code, "hand_over")
    silent = await hall.act(code, "hand_over", desk, version)
    assert (silent.status_code, silent.json()["code"]) == (HTTPStatus.CONFLICT, "receiver_named")
    vague = await hall.act(code, "hand_over", desk, version, {"receiver": "neighbour", "handover": "desk"})
    assert vague.status_code == HTTPStatus.UNPROCESSABLE_ENTITY


async def test_without_a_key_or_a_token_or_a_dossier_nothing_is_done(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case(*SHORT))
    path = f"/v1/dossiers/{code}/acts/assign"
    body = {"officer": "x", "agency": "H56.97.04"}
    keyless = await hall.http.post(path, json=body, headers={**hall.bearer("desk", DISTRICT_DESK), "If-Match": '"1"'})
    assert keyless.json()["code"] == "idempotency_key_missing"
    nobody = await hall.http.post(path, json=body, headers={"Idempotency-Key": "x", "If-Match": '"1"'})
    assert nobody.json()["code"] == "token_missing"
    unknown = await hall.act("H56.97.01-200102-9999", "assign", ("desk", DISTRICT_DESK), 1, body)
    assert (unknown.status_code, unknown.json()["code"]) == (HTTPStatus.NOT_FOUND, "dossier_unknown")
