"""What officers and applicants may see."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import httpx2
import pytest

from services.processing.api.worklists import START
from services.processing.domain.worklists import END
from services.processing.repository.reading import WORKLIST
from shared.database import ENTER_SCOPE, Scope
from shared.http.paging import encode_cursor
from shared.messaging.requests import DROP, STORE, STORED
from tests.integration.processing.hall import COMMUNE, DISTRICT_DESK, Hall
from tests.waiting import until

SHORT, LAND = ("2.000528", "default"), ("1.012784", "default")
ANYBODY = ("H56.97.31", "specialist", ["anybody"], True, *START, END, None, None)
"""Whose worklist of ten thousand is read, from its beginning."""


async def test_a_dossier_is_open_to_whose_subtree_has_a_part_in_it_and_to_nobody_else(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case(*LAND))
    for role, agency in (("desk", COMMUNE), ("leader", "H56.97"), ("specialist", "H56.92.01"), ("auditor", "H56.90")):
        answer = await hall.http.get(f"/v1/dossiers/{code}", headers=hall.bearer(role, agency))
        assert (answer.status_code, answer.headers["etag"]) == (HTTPStatus.OK, '"1"')
    for role, agency in (("desk", "H56.97.30"), ("leader", "H56.97.04"), ("auditor", "H56.91")):
        answer = await hall.http.get(f"/v1/dossiers/{code}", headers=hall.bearer(role, agency))
        assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.NOT_FOUND, "dossier_unknown")
    unknown = await hall.http.get("/v1/dossiers/H56.97.21-200102-9999", headers=hall.bearer("auditor", "H56.90"))
    assert unknown.json()["code"] == "dossier_unknown"


async def test_an_agency_that_is_not_in_force_reads_nothing_and_acts_on_nothing(hall: Hall) -> None:
    """A dossier that it received, as its case says: only the day is against it."""
    agency, path = "H56.61", hall.agencies.get("H56.61").path
    code = await hall.accept(hall.catalogue.case(*LAND), received_by=agency, received_path=path)
    duty = (await hall.duties(code))[0]
    assert (duty["action"], duty["role"], duty["agency"]) == ("assign", "desk", agency)
    desk = hall.bearer("desk", agency)
    act = await hall.act(code, "assign", ("desk", agency), 1, {"officer": "anna", "agency": "H56.92.01"})
    unknown = await hall.act("H56.97.21-200102-9999", "assign", ("desk", agency), 1, {})
    read, listed = [await hall.http.get(url, headers=desk) for url in (f"/v1/dossiers/{code}", "/v1/worklist")]
    for answer in (act, unknown, read, listed):
        assert (answer.status_code, answer.json()["code"]) == (HTTPStatus.FORBIDDEN, "agency_not_allowed")
    assert await hall.facts_of(code) == []


async def test_a_worklist_pages_by_urgency_and_shows_only_what_the_caller_can_do(hall: Hall) -> None:
    kind = hall.catalogue.case(*LAND)
    codes = [await hall.accept(kind) for _ in range(5)]
    desk = hall.bearer("desk", COMMUNE)
    whole = await hall.worklist("desk", COMMUNE)
    assert [(item["promised_due"], item["code"]) for item in whole] == sorted(
        (item["promised_due"], item["code"]) for item in whole
    )
    assert set(codes) <= {item["code"] for item in whole}
    paged, cursor = [], {}
    while True:
        page = (await hall.http.get("/v1/worklist", params={"limit": 2, **cursor}, headers=desk)).json()
        paged += page["items"]
        if not page["next_cursor"]:
            break
        cursor = {"cursor": page["next_cursor"]}
    assert paged == whole
    item = next(item for item in whole if item["code"] == codes[0])
    assert (item["state"], item["version"], item["holder"], item["taken"]) == (2, 1, None, False)
    assert item["duties"] == [
        {
            "step_no": 2,
            "step_code": "survey",
            "move": "period",
            "action": "assign",
            "agency": "H56.92.01",
            "role": "specialist",
            "holder": None,
            "taken": False,
        }
    ]
    await hall.act(codes[0], "assign", ("desk", COMMUNE), 1, {"officer": "anna", "agency": "H56.92.01"})
    assert codes[0] not in {item["code"] for item in await hall.worklist("desk", COMMUNE)}
    assert codes[0] not in {item["code"] for item in await hall.worklist("specialist", "H56.92.01", "bob")}
    mine = await hall.worklist("specialist", "H56.92.01", "anna")
    assert [item["duties"][0]["action"] for item in mine if item["code"] == codes[0]] == ["forward"]
    forged = [encode_cursor(moment, "x") for moment in ("0001-01-01T00:00:00+07:00", "noon")]
    for cursor_sent in ("nonsense", "WzFd", *forged):
        wrong = await hall.http.get("/v1/worklist", params={"cursor": cursor_sent}, headers=desk)
        assert (wrong.status_code, wrong.json()["code"]) == (HTTPStatus.UNPROCESSABLE_ENTITY, "cursor_invalid")


def rows_of(node: dict[str, Any]) -> int:
    """How many rows of tables and indexes an explained plan touched."""
    touched = node["Actual Rows"] + node.get("Rows Removed by Filter", 0) if "Scan" in node["Node Type"] else 0
    return int(touched * node["Actual Loops"]) + sum(map(rows_of, node.get("Plans", [])))


async def rows_read(hall: Hall, path: str, query: str, *values: object, caller: str = "") -> int:
    """How many rows of tables and indexes the database touched for a query within the scope of a path and a caller."""
    async with hall.database.transaction():
        await hall.database.execute("set local search_path = processing")
        await hall.database.fetchval(ENTER_SCOPE, "processing_api", *Scope((path,), callers=(caller,)).settings)
        explained = await hall.database.fetchval(f"explain (analyze, format json) {query}", *values)
    return rows_of(json.loads(explained)[0]["Plan"])


async def test_a_worklist_of_one_among_ten_thousand_dossiers_is_one_indexed_read(hall: Hall) -> None:
    """Ten thousand open duties of other offices and of this one; the page is read without touching the rest."""
    code = await hall.accept(hall.catalogue.case(*LAND))
    fill = """
        with made as (
            insert into processing.cases
            select (jsonb_populate_record(c, jsonb_build_object(
                'code', 'bulk-' || n, 'parts', array['90.97.31.', '90.97.32.']
            ))).*
            from processing.cases c, generate_series(1, 10000) n where c.code = $1
            returning code, promised_due
        )
        insert into processing.duties (
            code, step_no, action, agency, role, move, step_agency, step_role, taken, promised_due
        )
        select code, 2, 'take', case when hashtext(code) % 2 = 0 then 'H56.97.31' else 'H56.97.32' end,
            'specialist', 'work', '', '', false, promised_due
        from made
    """
    await hall.database.execute(fill, code)
    try:
        await hall.database.execute("analyze processing.duties, processing.cases")
        headers = hall.bearer("specialist", "H56.97.31")
        page = (await hall.http.get("/v1/worklist", params={"limit": 50}, headers=headers)).json()
        assert len(page["items"]) == 50
        assert await rows_read(hall, "90.97.31.", WORKLIST, *ANYBODY, 51) <= 6 * 51, (
            "a duty, its case and its parts, and these once more for the line that is shown"
        )
        assert await rows_read(hall, "90.97.31.", WORKLIST, *ANYBODY, 10_000) > 4000
    finally:
        await hall.database.execute("delete from processing.duties where code like 'bulk-%'")
        await hall.database.execute("delete from processing.cases where code like 'bulk-%'")


@pytest.mark.parametrize(
    ("query", "more"),
    [(STORED, []), (STORE, [[200], ["{}"], [b"again"]]), (DROP, [])],
    ids=["stored", "store", "drop"],
)
async def test_one_key_among_ten_thousand_of_its_caller_is_one_indexed_read(
    hall: Hall, query: str, more: Sequence[object]
) -> None:
    caller = "anna/desk/H56.97.31"
    fill = """
        insert into processing.idempotency_keys (caller, key, request_hash, status, headers, body)
        select $1, 'bulk-' || n, '', 200, '{}', '' from generate_series(1, 10000) as n
    """
    await hall.database.execute(fill, caller)
    try:
        await hall.database.execute("analyze processing.idempotency_keys")
        assert await rows_read(hall, "", query, [caller], ["bulk-77"], *more, caller=caller) <= 3
    finally:
        await hall.database.execute("delete from processing.idempotency_keys where caller = $1", caller)


async def test_whoever_guesses_secrets_is_stopped_and_the_applicant_is_not(hall: Hall) -> None:
    code = await hall.accept(hall.catalogue.case(*SHORT))
    right = {"code": code, "secret": hall.secrets[code]}
    url = f"{hall.stack.urls['processing']}/v1/tracking"
    for address in ("127.0.0.8", "127.0.0.7"):
        transport = httpx2.AsyncHTTPTransport(local_address=address)
        async with httpx2.AsyncClient(transport=transport) as http:
            began = time.monotonic()
            for wrong in range(100):
                guess = await http.post(url, json={"code": code, "secret": f"guess {wrong}"})
                if guess.status_code != HTTPStatus.NOT_FOUND:
                    break
            # Ten at once, and one more with every six seconds that pass.
            assert 10 <= wrong <= 11 + (time.monotonic() - began) / 6
            assert (guess.status_code, guess.json()["code"]) == (429, "too_many_requests")
            assert 1 <= int(guess.headers["retry-after"]) <= 6

            async def stopped(http: httpx2.AsyncClient = http) -> bool:
                await http.post(url, json={"code": code, "secret": "guess"})
                return (await http.post(url, json=right)).status_code == HTTPStatus.TOO_MANY_REQUESTS

            await until(stopped, "the right secret is refused to whoever guesses")
    for _ in range(12):
        assert (await hall.http.post("/v1/tracking", json=right)).status_code == HTTPStatus.OK


async def test_the_secret_opens_one_dossier_for_a_short_time_and_a_wrong_one_looks_like_an_unknown_code(
    hall: Hall,
) -> None:
    code = await hall.accept(hall.catalogue.case(*SHORT))
    other = await hall.accept(hall.catalogue.case(*SHORT))
    answer = await hall.http.post("/v1/tracking", json={"code": code, "secret": hall.secrets[code]})
    assert answer.status_code == HTTPStatus.OK, answer.text
    assert answer.json()["expires_in"] == 900
    bearer = {"Authorization": f"Bearer {answer.json()['token']}"}
    wrong = await hall.http.post("/v1/tracking", json={"code": code, "secret": "wrong"})
    unknown = await hall.http.post("/v1/tracking", json={"code": "H56.97.21-200102-9999", "secret": "wrong"})
    assert wrong.status_code == unknown.status_code == HTTPStatus.NOT_FOUND
    assert {**wrong.json(), "trace_id": ""} == {**unknown.json(), "trace_id": ""}
    seen = (await hall.http.get(f"/v1/tracking/{code}", headers=bearer)).json()
    assert (seen["code"], seen["state"]) == (code, 2)
    assert [step["status"] for step in seen["steps"]] == ["done", "open", "waiting", "waiting", "waiting"]
    assert not {"holder", "agency", "officer"} & {name for step in seen["steps"] for name in step}
    assert (await hall.http.get(f"/v1/tracking/{other}", headers=bearer)).status_code == HTTPStatus.NOT_FOUND
    for headers, status in (
        ({}, HTTPStatus.UNAUTHORIZED),
        (hall.bearer("citizen", subject=code), HTTPStatus.UNAUTHORIZED),
        (hall.bearer("desk", DISTRICT_DESK), HTTPStatus.UNAUTHORIZED),
    ):
        assert (await hall.http.get(f"/v1/tracking/{code}", headers=headers)).status_code == status
    assert (await hall.http.get(f"/v1/dossiers/{code}", headers=bearer)).status_code == HTTPStatus.UNAUTHORIZED


async def test_quiet_is_for_services_and_operators(hall: Hall) -> None:
    assert set(await hall.quiet()) == {
        *("journaled", "applied", "held", "unsent", "parked", "gaps", "timers_due", "messages_waiting"),
    }
    answer = await hall.http.get("/internal/v1/quiet", headers=hall.bearer("desk", DISTRICT_DESK))
    assert answer.json()["code"] == "role_not_allowed"


async def test_the_service_says_what_it_is_and_documents_itself(hall: Hall) -> None:
    for path in ("/livez", "/readyz", "/version", "/docs", "/openapi.json"):
        assert (await hall.http.get(path)).status_code == HTTPStatus.OK
    assert "motcua_timers_due" in (await hall.http.get("/metrics")).text
