"""Many acts in one request: each is judged, done and answered as if it had come alone."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import httpx2
import pytest

from tests.integration.processing.hall import COMMUNE, DISTRICT_DESK, Hall

LAND = ("1.012784", "default")
SPECIALIST = ("specialist", "H56.92.01")
_keys = itertools.count(1)

Item = Mapping[str, Any]


def assigned(code: str, version: int = 1) -> Item:
    body = {"officer": "specialist.H56.92.01", "agency": "H56.92.01"}
    return {"code": code, "action": "assign", "version": version, "body": body}


async def bulk(hall: Hall, acts: Sequence[Item], officer: tuple[str, str], key: str = "") -> httpx2.Response:
    headers = {"Idempotency-Key": key or f"bulk-{next(_keys)}", **hall.bearer(*officer)}
    return await hall.http.post("/v1/acts", json={"acts": acts}, headers=headers)


async def items_of(hall: Hall, acts: Sequence[Item], officer: tuple[str, str], key: str = "") -> list[dict[str, Any]]:
    answer = await bulk(hall, acts, officer, key)
    assert answer.status_code == HTTPStatus.OK, answer.text
    items: list[dict[str, Any]] = answer.json()["items"]
    assert len(items) == len(acts)
    return items


async def lands(hall: Hall, number: int) -> list[str]:
    return [await hall.accept(hall.catalogue.case(*LAND)) for _ in range(number)]


async def test_each_dossier_has_its_answer_in_the_order_asked_and_only_what_was_done_changed(hall: Hall) -> None:
    good, stale, refused, wrong, last = await lands(hall, 5)
    acts = [
        assigned(good),
        assigned(stale, version=7),
        {"code": refused, "action": "sign", "version": 1},
        assigned(wrong) | {"body": {"officer": "Nguyễn Văn A", "agency": "H56.92.01"}},
        assigned("H56.97.21-200102-9999"),
        {"code": last, "action": "fly", "version": 1},
        assigned(last),
    ]
    items = await items_of(hall, acts, ("desk", COMMUNE))
    told = [(item["status"], item["answer"].get("code")) for item in items]
    assert told == [
        (HTTPStatus.OK, good),
        (HTTPStatus.PRECONDITION_FAILED, "version_stale"),
        (HTTPStatus.FORBIDDEN, "role_not_allowed"),
        (HTTPStatus.UNPROCESSABLE_ENTITY, "input_invalid"),
        (HTTPStatus.NOT_FOUND, "dossier_unknown"),
        (HTTPStatus.NOT_FOUND, "action_unknown"),
        (HTTPStatus.OK, last),
    ]
    assert [item["etag"] for item in items] == ['"2"', '"1"', None, None, None, None, '"2"']
    assert items[0]["answer"]["fact"] == "vn.motcua.dossier.assigned.v1"
    assert [error["pointer"] for error in items[3]["answer"]["errors"]] == ["/officer"]
    assert "Nguy" not in str(items)
    for code in (good, last):
        assert [name for name, _ in await hall.facts_of(code)] == ["assigned"]
    for code in (stale, refused, wrong):
        assert await hall.facts_of(code) == []


async def test_an_item_is_answered_as_the_same_act_alone(hall: Hall) -> None:
    first, second = await lands(hall, 2)
    desk = ("desk", COMMUNE)
    for act in (assigned(second) | {"body": {"officer": "x", "agency": "H56.97.21"}}, assigned(second)):
        alone = await hall.act(first, act["action"], desk, act["version"], act["body"])
        [item] = await items_of(hall, [act], desk)
        assert (item["status"], item["etag"]) == (alone.status_code, alone.headers.get("etag"))
        apart = dict.fromkeys(("code", "trace_id")) if alone.status_code == HTTPStatus.OK else {"trace_id": None}
        assert item["answer"] | apart == alone.json() | apart


async def test_two_acts_on_one_dossier_are_done_in_the_order_asked(hall: Hall) -> None:
    [code] = await lands(hall, 1)
    await items_of(hall, [assigned(code)], ("desk", COMMUNE))
    steps = [{"code": code, "action": action, "version": version} for version, action in ((2, "take"), (3, "forward"))]
    items = await items_of(hall, steps, SPECIALIST)
    assert [(item["status"], item["etag"]) for item in items] == [(HTTPStatus.OK, '"3"'), (HTTPStatus.OK, '"4"')]


async def test_a_repeat_is_answered_as_before_and_another_act_under_its_place_is_refused(hall: Hall) -> None:
    codes = await lands(hall, 3)
    acts, desk, key = [assigned(code) for code in codes], ("desk", COMMUNE), f"same-{codes[0]}"
    first = await items_of(hall, acts, desk, key)
    assert await items_of(hall, acts, desk, key) == first
    assert {item["status"] for item in first} == {HTTPStatus.OK}
    turned = await items_of(hall, [acts[1], acts[0], acts[2]], desk, key)
    assert [item["answer"].get("code") for item in turned] == ["idempotency_key_reused"] * 2 + [codes[2]]
    for code in codes:
        assert [name for name, _ in await hall.facts_of(code)] == ["assigned"]


async def test_a_request_that_is_given_up_in_the_middle_is_finished_by_its_repeat(hall: Hall) -> None:
    codes = await lands(hall, 3)
    acts, desk, key = [assigned(code) for code in codes], ("desk", COMMUNE), f"broken-{codes[0]}"
    async with hall.held(codes[1]):
        sent = asyncio.create_task(bulk(hall, acts, desk, key))
        await hall.is_assigned(codes[0])
        sent.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sent
    items = await items_of(hall, acts, desk, key)
    assert [(item["status"], item["answer"]["code"]) for item in items] == [(HTTPStatus.OK, code) for code in codes]
    for code in codes:
        assert [name for name, _ in await hall.facts_of(code)] == ["assigned"]


async def test_a_list_in_which_processing_is_killed_is_finished_by_its_repeat(hall: Hall) -> None:
    codes = await lands(hall, 30)
    acts, desk, key = [assigned(code) for code in codes], ("desk", COMMUNE), f"killed-{codes[0]}"
    async with hall.held(codes[1]):
        sent = asyncio.create_task(bulk(hall, acts, desk, key))
        await hall.is_assigned(codes[0])
        await hall.stack.kill("processing")
        with pytest.raises(httpx2.TransportError):
            await sent
    await hall.stack.wait_ready("processing")
    items = await items_of(hall, acts, desk, key)
    assert [(item["status"], item["answer"]["code"]) for item in items] == [(HTTPStatus.OK, code) for code in codes]
    for code in codes:
        assert [name for name, _ in await hall.facts_of(code)] == ["assigned"]


async def test_a_dossier_that_somebody_holds_is_answered_so_and_the_others_are_done(hall: Hall) -> None:
    mine, his, last = await lands(hall, 3)
    acts, desk, key = [assigned(code) for code in (mine, his, last)], ("desk", COMMUNE), f"held-{mine}"
    async with hall.held(his):
        items = await items_of(hall, acts, desk, key)
    assert [item["status"] for item in items] == [HTTPStatus.OK, HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.OK]
    assert items[1]["answer"]["code"] == "temporarily_unavailable"
    again = await items_of(hall, acts, desk, key)
    assert [again[0], again[2]] == [items[0], items[2]]
    assert again[1]["status"] == HTTPStatus.OK


async def test_what_is_no_list_of_acts_is_refused_whole(hall: Hall) -> None:
    [code] = await lands(hall, 1)
    desk = ("desk", COMMUNE)
    for acts, pointer in (
        ([], "/acts"),
        ([assigned(code)] * 51, "/acts"),
        ([assigned(code) | {"version": "1"}], "/acts/0/version"),
        ([assigned(code) | {"note": "x"}], "/acts/0"),
        ([assigned("Nguyễn")], "/acts/0/code"),
        ([assigned(code) | {"body": []}], "/acts/0/body"),
    ):
        answer = await bulk(hall, acts, desk)
        assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "input_invalid")
        assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    large = await bulk(hall, [assigned(code) | {"body": {"officer": "x" * 300_000}}], desk)
    assert large.status_code == HTTPStatus.REQUEST_ENTITY_TOO_LARGE
    keyless = await hall.http.post("/v1/acts", json={"acts": [assigned(code)]}, headers=hall.bearer(*desk))
    assert keyless.json()["code"] == "idempotency_key_missing"
    auditor = await bulk(hall, [assigned(code)], ("auditor", DISTRICT_DESK))
    assert (auditor.status_code, auditor.json()["code"]) == (HTTPStatus.FORBIDDEN, "role_not_allowed")
    assert await hall.facts_of(code) == []
