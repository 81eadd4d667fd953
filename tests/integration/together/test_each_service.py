"""What every service owes whoever runs it: its state, its documentation, its logs, a polite end, a strict start."""

from __future__ import annotations

import asyncio
import json
import os
import re
import secrets
import signal
import sys
from asyncio.subprocess import PIPE
from http import HTTPStatus
from pathlib import Path
from typing import Any

import httpx2
import pytest

from deploy.local.services import SERVICES
from deploy.local.stack import Stack
from tests.clients import plain_client
from tests.integration.intake.counter import COMMUNE, TELLING, Counter
from tests.waiting import until

ROOT = Path(__file__).parents[3]
SECRETS_OF: dict[str, set[str]] = {
    "intake": {"MOTCUA_KEYRING__KEY_FILE"},
    "processing": set(),
    "notification": {"MOTCUA_KEYRING__KEY_FILE", "MOTCUA_SMS__TOKEN_FILE", "MOTCUA_RECEIPTS__TOKEN_FILE"},
    "metrics": set(),
}


def said(stack: Stack, service: str) -> list[dict[str, Any]]:
    """Every line of a service's log: each one is JSON."""
    return [json.loads(line) for line in (stack.folder.logs / f"{service}.log").read_text("utf-8").splitlines()]


def traceparent() -> tuple[str, str]:
    trace_id = secrets.token_hex(16)
    return trace_id, f"00-{trace_id}-{secrets.token_hex(8)}-01"


@pytest.fixture(params=SERVICES)
def service(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def http(stack: Stack, service: str) -> Any:
    async with plain_client(base_url=stack.urls[service]) as client:
        yield client


async def test_it_says_how_it_is_and_what_it_is(http: httpx2.AsyncClient, service: str) -> None:
    for path in ("/livez", "/readyz"):
        answer = await http.get(path)
        assert (answer.status_code, answer.json()) == (HTTPStatus.OK, {"status": "ok", "reasons": {}})
    version = (await http.get("/version")).json()
    assert version["service"] == service
    assert re.fullmatch(r"\d+\.\d+\.\d+.*", version["version"])


async def test_its_metrics_are_a_snapshot_that_is_kept_young(http: httpx2.AsyncClient, service: str) -> None:
    async def young() -> bool:
        metrics = (await http.get("/metrics")).text
        assert "# TYPE motcua_unsent" in metrics or service == "metrics"
        return float(metrics.split("motcua_metrics_snapshot_age_seconds ")[-1]) <= 5

    await until(young)


async def test_its_documentation_needs_no_other_host(http: httpx2.AsyncClient) -> None:
    page = (await http.get("/docs")).text
    linked = re.findall(r'(?:src|href)="([^"]+)"', page)
    assert {link for link in linked if not link.startswith(("/", "data:"))} == set()
    for link in (link for link in linked if link.startswith("/")):
        assert (await http.get(link)).status_code == HTTPStatus.OK
    described = (await http.get("/openapi.json")).json()
    assert "/internal/v1/quiet" in described["paths"]
    assert "https://" not in page


async def test_its_figures_of_quiet_are_for_operators_and_services_only(
    http: httpx2.AsyncClient, stack: Stack, service: str
) -> None:
    async def status(**headers: str) -> int:
        return (await http.get("/internal/v1/quiet", headers=headers)).status_code

    assert await status() == HTTPStatus.UNAUTHORIZED
    for role, agency, expected in (
        ("desk", COMMUNE, HTTPStatus.FORBIDDEN),
        ("operator", "", HTTPStatus.OK),
        ("service", "", HTTPStatus.OK),
    ):
        assert await status(Authorization=f"Bearer {stack.token(role, agency)}") == expected
    expired = stack.token("operator", "", seconds=-60)
    assert await status(Authorization=f"Bearer {expired}") == HTTPStatus.UNAUTHORIZED


async def test_its_log_is_json_and_names_the_callers_trace_where_something_went_wrong(
    http: httpx2.AsyncClient, stack: Stack, service: str
) -> None:
    trace_id, parent = traceparent()
    answer = await http.get("/problems/nobodys", params={"asked": "for"}, headers={"traceparent": parent})
    assert answer.headers["trace-id"] == trace_id

    async def lines() -> list[dict[str, Any]]:
        return [line for line in said(stack, service) if line.get("trace_id") == trace_id]

    (line,) = await until(lines)
    assert (line["event"], line["service"], line["route"], line["status"]) == (
        *("request", service, "/problems/{code}", HTTPStatus.NOT_FOUND),
    )
    assert {"timestamp", "level", "version", "span_id", "duration_ms"} <= line.keys()
    assert "nobodys" not in json.dumps(line)


async def test_it_ends_politely_and_is_started_again(stack: Stack, service: str) -> None:
    before = len(said(stack, service))
    pid = stack.pid(service)
    os.kill(pid, signal.SIGTERM)

    async def another() -> bool:
        return stack.pid(service) != pid

    await until(another)
    await stack.wait_ready(service)
    events = [line["event"] for line in said(stack, service)[before:]]
    assert events.index("ending") < events.index("ended") < events.index("started")
    assert "process_failed" not in events


async def test_it_does_not_start_without_its_settings_and_names_each(service: str) -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"services.{service}"),
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        stdout=PIPE,
        stderr=PIPE,
    )
    _, errors = await process.communicate()
    assert process.returncode == 78
    for name in {"MOTCUA_DATABASE__PASSWORD_FILE", "MOTCUA_TOKENS__JWKS_FILE"} | SECRETS_OF[service]:
        assert name in errors.decode(), errors.decode()


async def told(counter: Counter, code: str) -> None:
    """Wait until whoever handed this in has been told on both channels."""
    query = "select count(*) = 2 from notification.journal where subject = $1 and type like '%handed_over%'"

    async def is_told() -> bool:
        return bool(await counter.database.fetchval(query, code))

    await until(is_told, f"the applicant of {code} is told")


async def test_one_trace_leads_from_the_desks_request_to_the_message(counter: Counter) -> None:
    trace_id, parent = traceparent()
    headers = counter.bearer() | {"traceparent": parent}
    code = (await counter.hand_in(await counter.filing(), headers=headers)).json()["code"]
    await told(counter, code)
    rows = await counter.database.fetch(
        "select 'intake' as of, trace_parent from intake.journal where subject = $1 "
        "union all select 'notification', trace_parent from notification.journal where subject = $1",
        code,
    )
    assert {row["of"] for row in rows} == {"intake", "notification"}
    assert {row["trace_parent"][3:35] for row in rows} == {trace_id}


async def test_weakness_8_no_log_of_any_part_holds_whoever_was_told(counter: Counter, stack: Stack) -> None:
    code = (await counter.hand_in(await counter.filing())).json()["code"]
    await told(counter, code)
    logs = {path.name: path.read_bytes() for path in stack.folder.logs.iterdir()}
    assert logs.keys() >= {f"{service}.log" for service in SERVICES}
    assert all(logs[f"{service}.log"] for service in SERVICES)
    assert [(name, text) for name, log in logs.items() for text in TELLING if text.encode() in log] == []
