"""What every service's application does with a request, over a small one of its own."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Annotated, Any

import asyncpg
import httpx2
import pytest
from fastapi import APIRouter, Depends
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from shared.auth import Principal, TokenVerifier, require
from shared.http.app import Surface, create_app
from shared.http.bodies import Line, RequestBody
from shared.http.etags import IfMatch, require_version
from shared.http.health import Health, MetricsSnapshot
from shared.http.languages import Words, preferred_language
from shared.http.paging import PageLimit, decode_cursor, encode_cursor
from shared.http.problems import TITLES, Problem
from shared.roles import Role
from shared.settings import TokenSettings
from shared.tokens import issue_token, new_development_keys

NAME = "Nguyễn Thử Nghiệm"
router = APIRouter()


class Inner(RequestBody):
    phone: Line


class Body(RequestBody):
    name: Line
    inner: Inner | None = None


@router.post("/things")
async def make(body: Body) -> dict[str, int]:
    return {"length": len(body.name)}


@router.get("/things")
async def find(limit: PageLimit = 50) -> dict[str, int]:
    return {"limit": limit}


@router.post("/things/{code}/acts")
async def act(code: str, seen: IfMatch) -> dict[str, str]:
    require_version(seen, 3)
    return {"code": code}


@router.get("/mine")
async def mine(officer: Annotated[Principal, Depends(require(Role.LEADER, Role.DESK))]) -> dict[str, str]:
    return {"agency": officer.agency}


@router.get("/broken/{how}")
async def broken(how: str) -> None:
    raise {"database": asyncpg.TooManyConnectionsError(NAME), "code": KeyError(NAME), "input": asyncpg.DataError(NAME)}[
        how
    ]


def in_flight() -> float | None:
    return REGISTRY.get_sample_value("motcua_http_requests_in_flight")


@router.get("/inside")
async def inside() -> float | None:
    return in_flight()


@pytest.fixture(scope="module")
def jwks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "jwks.json"
    path.write_text(new_development_keys())
    return path


@pytest.fixture
def health() -> Health:
    return Health()


@pytest.fixture
async def http(jwks: Path, health: Health) -> AsyncIterator[httpx2.AsyncClient]:
    verifier = TokenVerifier(TokenSettings(jwks_file=jwks), symmetric=True)
    surface = Surface(routers=[router], titles={"own": Words("Riêng", "Own")})
    app = create_app(service="trial", version="9", surface=surface, verifier=verifier, health=health)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://trial") as client:
        yield client


def problem(answer: httpx2.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    found: dict[str, Any] = answer.json()
    assert {"type", "title", "status", "code", "trace_id"} <= found.keys()
    assert found["status"] == answer.status_code
    assert NAME not in answer.text
    return found


async def test_a_request_is_in_flight_until_it_is_answered(http: httpx2.AsyncClient) -> None:
    assert (await http.get("/inside")).json() == 1
    assert in_flight() == 0


async def test_a_fault_is_pointed_at_and_never_shown(http: httpx2.AsyncClient) -> None:
    sent = {"name": "", "inner": {"phone": 5, NAME: NAME}, NAME: 1}
    found = problem(await http.post("/things", json=sent))
    assert (found["status"], found["code"]) == (422, "input_invalid")
    faults = {(error["pointer"], error["code"]) for error in found["errors"]}
    assert faults == {
        ("/name", "string_too_short"),
        ("/inner/phone", "string_type"),
        ("/inner", "unknown_field"),
        ("", "unknown_field"),
    }


@pytest.mark.parametrize(
    ("content", "status", "code"),
    [
        (b'{"name": ', 400, "json_invalid"),
        (b"", 422, "input_invalid"),
        (b"[]", 422, "input_invalid"),
        (b'"x"', 422, "input_invalid"),
        (b'{"name": "\\ud800"}', 422, "input_invalid"),
        (b'{"name": "a\\u0000b"}', 422, "input_invalid"),
        (b'{"name": "a\\nb"}', 422, "input_invalid"),
        (b"[" * 50_000, 422, "json_too_deep"),
        (b"[" * 21 + b"]" * 21, 422, "json_too_deep"),
        (b"[" * 20 + b"]" * 20, 422, "input_invalid"),
        (b'{"name": "%s"}' % (b"x" * 262_144), 413, "body_too_large"),
    ],
)
async def test_bodies_that_are_refused(http: httpx2.AsyncClient, content: bytes, status: int, code: str) -> None:
    answer = await http.post("/things", content=content, headers={"Content-Type": "application/json"})
    assert (answer.status_code, problem(answer)["code"]) == (status, code)


@pytest.mark.parametrize("length", ["0" * 4400 + "12", "9" * 4400])
async def test_a_length_of_thousands_of_digits_is_no_fault_of_ours(http: httpx2.AsyncClient, length: str) -> None:
    headers = {"Content-Type": "application/json", "Content-Length": length}
    answer = await http.post("/things", content=b'{"name":"x"}', headers=headers)
    assert answer.status_code == (200 if length.startswith("0") else 413)


async def test_a_body_just_within_the_limit_is_read(http: httpx2.AsyncClient) -> None:
    content = b'{"name": "x"}'.ljust(262_144)
    answer = await http.post("/things", content=content, headers={"Content-Type": "application/json"})
    assert answer.json() == {"length": 1}


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [("GET", "/nowhere", 404, "not_found"), ("DELETE", "/things", 405, "method_not_allowed")],
)
async def test_what_the_framework_refuses_is_a_problem_too(
    http: httpx2.AsyncClient, method: str, path: str, status: int, code: str
) -> None:
    answer = await http.request(method, path)
    assert (answer.status_code, problem(answer)["code"]) == (status, code)


async def test_a_broken_dependency_is_503_and_our_own_fault_500(http: httpx2.AsyncClient) -> None:
    with capture_logs() as logs:
        down = await http.get("/broken/database")
        faults = [await http.get(f"/broken/{how}") for how in ("code", "input")]
    assert (down.status_code, problem(down)["code"]) == (503, "temporarily_unavailable")
    assert down.headers["retry-after"] == "1"
    for ours in faults:
        assert (ours.status_code, problem(ours)["code"]) == (500, "internal_error")
    told = [line["event"] for line in logs if line["event"] != "request"]
    assert told == ["temporarily_unavailable", "request_failed", "request_failed"]


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "vi"),
        ("", "vi"),
        ("en", "en"),
        ("en-GB,en;q=0.9", "en"),
        ("vi;q=0.5, en;q=0.6", "en"),
        ("en;q=0, vi;q=0", "vi"),
        ("fr, de", "vi"),
        ("en;q=nonsense", "vi"),
        ("*", "vi"),
    ],
)
def test_the_language_is_the_callers_vietnamese_unless_english_is_preferred(header: str | None, language: str) -> None:
    assert preferred_language(header) == language


async def test_titles_of_all_codes_are_served(http: httpx2.AsyncClient) -> None:
    for code, words in {**TITLES, "own": Words("Riêng", "Own")}.items():
        answer = await http.get(f"/problems/{code}", headers={"Accept-Language": "en"})
        assert answer.json()["title"] == words.en
        assert words.vi
        assert words.vi != words.en
    assert (await http.get("/problems/else")).status_code == 404


async def test_versions_in_if_match(http: httpx2.AsyncClient) -> None:
    def headers(value: str | None) -> dict[str, str]:
        return {} if value is None else {"If-Match": value}

    seen = {
        value: (await http.post("/things/x/acts", headers=headers(value))).status_code
        for value in (None, '"3"', '"2"', "3", 'W/"3"', "*", '"3", "4"', '"x"')
    }
    assert seen == {None: 428, '"3"': 200, '"2"': 412, "3": 400, 'W/"3"': 400, "*": 400, '"3", "4"': 400, '"x"': 400}
    stale = await http.post("/things/x/acts", headers=headers('"2"'))
    assert (problem(stale)["code"], stale.headers["etag"]) == ("version_stale", '"3"')


@pytest.mark.parametrize("limit", ["0", "201", "x", "-1"])
async def test_page_sizes_have_bounds(http: httpx2.AsyncClient, limit: str) -> None:
    assert (await http.get("/things", params={"limit": limit})).status_code == 422


def test_a_cursor_comes_back_as_it_was_and_nothing_else_does() -> None:
    cursor = encode_cursor("2020-01-02T07:00:00Z", "H56.97.21-200102-0001", 5)
    assert decode_cursor(cursor, str, str, int) == ("2020-01-02T07:00:00Z", "H56.97.21-200102-0001", 5)
    for other in ("", "%%%", cursor[:-2], encode_cursor("x"), encode_cursor(1, 2, 3), "é", "bnVsbA"):
        with pytest.raises(Problem, match="cursor_invalid"):
            decode_cursor(other, str, str, int)
    for unprintable in ("\0", "a\0", "\ud800"):
        with pytest.raises(Problem, match="cursor_invalid"):
            decode_cursor(encode_cursor(unprintable), str)


async def test_roles(http: httpx2.AsyncClient, jwks: Path) -> None:
    async def ask(role: str) -> httpx2.Response:
        token = issue_token(jwks, subject="s", role=role, agency="H56")
        return await http.get("/mine", headers={"Authorization": f"Bearer {token}"})

    assert (await ask("leader")).json() == {"agency": "H56"}
    refused = await ask("auditor")
    assert (refused.status_code, problem(refused)["code"]) == (403, "role_not_allowed")


async def test_alive_and_ready_are_two_questions(http: httpx2.AsyncClient, health: Health) -> None:
    assert (await http.get("/livez")).status_code == (await http.get("/readyz")).status_code == 200

    async def away() -> str | None:
        return "the database is away"

    async def raising() -> str | None:
        raise OSError("call 0912345678")

    health.checks |= {"database": away, "other": raising}
    ready = await http.get("/readyz")
    assert (ready.status_code, (await http.get("/livez")).status_code) == (503, 200)
    assert ready.json()["reasons"] == {"database": "the database is away", "other": "OSError: call [redacted]"}
    health.pulses["loop"] = away
    assert (await http.get("/livez")).status_code == 503
    health.checks.clear()
    assert (await http.get("/readyz")).status_code == 200
    health.stopping = True
    assert (await http.get("/readyz")).json()["reasons"] == {"process": "stopping"}


async def test_metrics_name_routes_and_never_what_was_asked(http: httpx2.AsyncClient) -> None:
    await http.post("/things/038195012345/acts")
    await http.get("/038195012345")
    await http.request("038195012345", "/things")
    text = (await http.get("/metrics")).text
    assert 'route="/things/{code}/acts"' in text
    assert "038195012345" not in text


def test_a_stale_snapshot_is_taken_anew() -> None:
    snapshot = MetricsSnapshot()
    assert float(snapshot.text().rsplit(b" ", 1)[1]) < 1


async def test_the_documentation_needs_no_other_host(http: httpx2.AsyncClient) -> None:
    page = (await http.get("/docs")).text
    assert "http://" not in page
    assert "https://" not in page
    for asset in ("swagger-ui-bundle.js", "swagger-ui.css"):
        assert asset in page
        assert (await http.get(f"/docs/assets/{asset}")).status_code == 200
    assert "/things" in json.loads((await http.get("/openapi.json")).text)["paths"]
    assert (await http.get("/version")).json() == {"service": "trial", "version": "9"}


async def test_the_callers_trace_goes_on(http: httpx2.AsyncClient) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    answer = await http.get("/nowhere", headers={"traceparent": f"00-{trace}-00f067aa0ba902b7-01"})
    assert answer.headers["trace-id"] == problem(answer)["trace_id"] == trace


async def test_a_body_that_does_not_say_its_length_is_counted(http: httpx2.AsyncClient) -> None:
    async def pieces(count: int) -> AsyncIterator[bytes]:
        yield b'{"name": "x"}'
        for _ in range(count):
            yield b" " * 4096

    headers = {"Content-Type": "application/json"}
    assert (await http.post("/things", content=pieces(60), headers=headers)).status_code == 200
    answer = await http.post("/things", content=pieces(70), headers=headers)
    assert (answer.status_code, problem(answer)["code"]) == (413, "body_too_large")


@pytest.mark.parametrize(
    "media_type", ["", "application/x-www-form-urlencoded", "text/plain;charset=utf-8", "text/json"]
)
async def test_a_body_that_is_not_said_to_be_json_is_told_so(http: httpx2.AsyncClient, media_type: str) -> None:
    answer = await http.post("/things", content=b'{"name": "a"}', headers={"Content-Type": media_type})
    assert (answer.status_code, answer.json()["code"]) == (415, "media_type_unsupported")
    assert "application/json" in answer.json()["detail"]
