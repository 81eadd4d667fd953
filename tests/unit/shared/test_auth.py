"""Who calls: what a good token says, what a set's keys may do, and how long one is remembered."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from shared.auth import Principal, TokenVerifier, paths_of
from shared.http.problems import Problem
from shared.jwks import UnusableKeys
from shared.roles import Role
from shared.rulebook.loader import load_seed, parse_agencies
from shared.settings import TokenSettings
from shared.tokens import issue_token, new_development_keys
from tests.unit.shared.issuer import NOW, SECOND, Issuer, public, refusal


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("keys"))


def test_production_takes_no_key_that_can_sign(issuer: Issuer, tmp_path: Path) -> None:
    for keys in ([issuer.oct.as_dict()], [public(issuer.ec), issuer.rsa.as_dict(private=True)]):
        path = tmp_path / "jwks.json"
        path.write_text(json.dumps({"keys": keys}))
        with pytest.raises(UnusableKeys, match="refuses keys that can sign"):
            TokenVerifier(TokenSettings(jwks_file=path))


@pytest.mark.parametrize("role", ["desk", "specialist", "leader", "auditor"])
def test_an_officer_is_named_by_an_identifier_and_by_no_free_text(issuer: Issuer, role: str) -> None:
    assert refusal(issuer.verifier(), issuer.rs(role=role, sub="Nguyễn Văn A")) == "token_invalid"
    named = issuer.rs(role=role, sub="anna.b:1@H56_97-x".ljust(64, "x"))
    assert issuer.verifier().verify(named).role == role


def test_an_expired_token_is_told_apart(issuer: Issuer) -> None:
    assert refusal(issuer.verifier(), issuer.rs(iat=SECOND - 600, exp=SECOND - 30)) == "token_expired"


def test_a_remembered_token_expires_too(issuer: Issuer) -> None:
    now = NOW
    verifier = TokenVerifier(issuer.settings, symmetric=True, now=lambda: now)
    token = issuer.rs()
    assert verifier.verify(token) is verifier.verify(token)
    now = NOW + timedelta(seconds=89)
    assert verifier.verify(token).role is Role.DESK
    now = NOW + timedelta(seconds=90)
    assert refusal(verifier, token) == "token_expired"


def test_the_developers_token_is_believed_outside_production_only(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(new_development_keys())
    token = issue_token(path, subject="me", role="leader", agency="H56.97.02")
    settings = TokenSettings(jwks_file=path)
    assert TokenVerifier(settings, symmetric=True).verify(token).agency == "H56.97.02"
    with pytest.raises(UnusableKeys, match="development"):
        TokenVerifier(settings)
    for asked, refused in (({"role": "king"}, "king"), ({"role": "leader", "seconds": 86401}, "86400 s at most")):
        with pytest.raises(ValueError, match=refused):
            issue_token(path, subject="me", **asked)


def test_the_paths_of_an_agency_in_force_are_its_own_and_those_of_whom_it_took_over_from() -> None:
    agencies = parse_agencies("agencies-1", load_seed().agencies)
    commune = Principal("me", Role.DESK, "H56.97.21")
    assert paths_of(commune, agencies, date(2025, 6, 30)) == ("90.97.21.",)
    merged = replace(commune, agency="H56.97.45")
    assert paths_of(merged, agencies, date(2025, 1, 1)) == ("90.97.45.", "90.97.28.", "90.97.29.")
    heir = replace(commune, agency="H56.61")
    former = ("90.97.21.", "90.97.30.", "90.97.31.", "90.97.39.", "90.97.45.", "90.97.28.", "90.97.29.")
    of_areas = [
        f"90.97.{office}@{area}"
        for office in ("", "01.", "02.", "03.", "04.", "05.", "06.")
        for area in ("16093", "16117", "16120", "16123", "16132", "16156")
    ]
    found = paths_of(heir, agencies, date(2025, 7, 1))
    assert found[: len(former) + 1] == ("90.61.", *former)
    assert sorted(found[len(former) + 1 :]) == sorted(of_areas), "of the district what was its areas' alone"
    for caller, day in (
        (commune, date(2025, 7, 1)),
        (replace(commune, agency="H56.61"), date(2025, 6, 30)),
        (replace(commune, agency="H99"), date(2020, 1, 2)),
        (replace(commune, agency=""), date(2020, 1, 2)),
    ):
        with pytest.raises(Problem) as refused:
            paths_of(caller, agencies, day)
        assert (refused.value.status, refused.value.code) == (403, "agency_not_allowed")


def test_roles_without_an_agency(issuer: Issuer) -> None:
    assert issuer.verifier().verify(issuer.rs(role="service", agency="")) == Principal("officer", Role.SERVICE, "")
