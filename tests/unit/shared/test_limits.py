"""The arithmetic of the edge: how deep a body is, how often a client may come, and who the client is."""

from __future__ import annotations

import contextlib
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest
from fastapi import APIRouter, Depends
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from shared.auth import TokenVerifier, require
from shared.http.app import Surface, create_app
from shared.http.limits import is_deeper
from shared.http.problems import Problem
from shared.http.rates import SLOTS, Rate, address_of
from shared.roles import Role
from shared.settings import LimitSettings, TokenSettings
from shared.tokens import issue_token, new_development_keys

LEAVES = st.none() | st.integers() | st.text(alphabet='[]{}"\\aé', max_size=8)
VALUES = st.recursive(LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3))


def depth_of(value: Any) -> int:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if inner is None else 1 + max(map(depth_of, inner), default=0)


@given(VALUES, st.integers(0, 6), st.booleans())
def test_a_body_is_as_deep_as_its_value(value: Any, depth: int, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode()
    assert is_deeper(body, depth) == (depth_of(value) > depth)


@pytest.mark.parametrize(
    "body", [b"[" * 21 + b'"\\' + b'"\\' * 100_000, b"[]" * 100_000, b"[" * 21 + b'"' * 200_001, b'{"' + b"[" * 250_000]
)
def test_what_is_no_json_is_looked_at_once(body: bytes) -> None:
    """A look at each letter of the rest for each letter would not end."""
    is_deeper(body, 20)


class Clock:
    now = 1000.0

    def __call__(self) -> float:
        return self.now


def let_through(rate: Rate, client: str, times: int) -> int:
    taken = 0
    for _ in range(times):
        try:
            rate.take(client)
        except Problem:
            continue
        taken += 1
    return taken


def test_a_client_may_spend_his_amount_at_once_and_then_as_it_comes_back() -> None:
    clock = Clock()
    rate = Rate("guesses", 10, 60, clock)
    assert let_through(rate, "somebody", 50) == 10
    assert let_through(rate, "another", 50) == 10
    with pytest.raises(Problem) as refused:
        rate.take("somebody")
    assert (refused.value.status, refused.value.headers) == (429, {"Retry-After": "6"})
    clock.now += 6
    assert let_through(rate, "somebody", 50) == 1
    clock.now += 3600
    assert let_through(rate, "somebody", 50) == 10


def test_only_what_ends_in_the_error_is_counted() -> None:
    rate = Rate("guesses", 2, 60, Clock())
    for error in (None, KeyError, None, OSError):
        with contextlib.suppress(KeyError, OSError), rate.counting("somebody", KeyError):
            if error is not None:
                raise error
    assert let_through(rate, "somebody", 5) == 1


def test_no_number_of_clients_makes_the_table_larger() -> None:
    rate = Rate("address_requests", 5, 1)
    for number in range(2 * SLOTS):
        let_through(rate, str(number), 1)
    assert len(rate._due) == SLOTS


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::9", "2001:db8:1:2::/64"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("whoever:he:is", "whoever:he:is"),
    ],
)
def test_whoever_has_a_network_is_one_client(host: str, address: str) -> None:
    assert address_of({"client": (host, 1)}) == address


router = APIRouter()


@router.get("/mine", dependencies=[Depends(require(Role.OPERATOR))])
async def mine() -> None: ...


def counted(limit: str) -> float:
    return REGISTRY.get_sample_value("motcua_http_refused_total", {"limit": limit}) or 0.0


async def test_a_token_that_is_believed_is_a_client_of_its_own(tmp_path: Path) -> None:
    keys = tmp_path / "jwks"
    keys.write_text(new_development_keys())
    verifier = TokenVerifier(TokenSettings(jwks_file=keys), symmetric=True)
    limits = LimitSettings(token_requests=2, address_requests=1)
    app = create_app(service="trial", version="9", surface=Surface([router]), verifier=verifier, limits=limits)
    tokens = [issue_token(keys, subject=f"s{number}", role="operator") for number in range(20)]
    before = {limit: counted(limit) for limit in ("address_requests", "token_requests")}
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://trial") as http:

        async def asked(token: str, times: int = 1) -> list[httpx2.Response]:
            headers = {"Authorization": f"Bearer {token}"}
            return [await http.get("/mine", headers=headers) for _ in range(times)]

        fresh = [answer.status_code for token in tokens for answer in await asked(token)]
        assert fresh == [200] * 20, "a token that is new costs its address nothing"
        forged = [answer for number in range(30) for answer in await asked(f"forged.{number}")]
        known = await asked(tokens[0], 40)
        for answers, status, at_once, limit in (
            (forged, 401, 2, "address_requests"),
            (known, 200, 3, "token_requests"),
        ):
            assert [answer.status_code for answer in answers[:at_once]] == [status] * at_once
            refused = next(answer for answer in answers if answer.status_code == 429)
            assert (refused.json()["code"], refused.headers["retry-after"]) == ("too_many_requests", "1")
            assert counted(limit) - before[limit] == sum(answer.status_code == 429 for answer in answers)
        for probe in ("/livez", "/readyz", "/metrics"):
            assert (await http.get(probe)).status_code == 200


async def test_clients_without_an_address_are_one_whose_requests_end_too(tmp_path: Path) -> None:
    keys = tmp_path / "jwks"
    keys.write_text(new_development_keys())
    verifier, limits = TokenVerifier(TokenSettings(jwks_file=keys), symmetric=True), LimitSettings(client_requests=1)
    app = create_app(service="trial", version="9", surface=Surface(), verifier=verifier, limits=limits)
    nobody: Any = None
    transport = httpx2.ASGITransport(app=app, client=nobody)
    async with httpx2.AsyncClient(transport=transport, base_url="http://trial") as http:
        assert [(await http.get("/version")).status_code for _ in range(3)] == [200] * 3


def test_limits_leave_room_for_each_other() -> None:
    with pytest.raises(ValueError, match="fewer than connections"):
        LimitSettings(connections=10, requests=10)
    with pytest.raises(ValueError, match="must hold one request"):
        LimitSettings(body_bytes=8 * 1024 * 1024)
