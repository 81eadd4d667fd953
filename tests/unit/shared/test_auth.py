"""Every form of token that must not be believed, and the one that must."""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc import jwt
from joserfc.jwk import ECKey, OctKey, RSAKey

from shared.auth import Principal, TokenVerifier, paths_of
from shared.http.problems import Problem
from shared.roles import Role
from shared.rulebook.loader import load_seed, parse_agencies
from shared.settings import TokenSettings
from shared.tokens import issue_token, new_development_keys

NOW = datetime(2026, 11, 24, tzinfo=UTC)
CLAIMS = {
    "iss": "motcua",
    "aud": "motcua",
    "sub": "officer",
    "role": "desk",
    "agency": "H56.97.21",
    "exp": int(NOW.timestamp()) + 60,
}


class Issuer:
    """An identity server with one key of each kind."""

    def __init__(self, folder: Path) -> None:
        self.rsa = RSAKey.generate_key(2048, {"kid": "rsa", "alg": "RS256", "use": "sig"})
        self.ec = ECKey.generate_key("P-256", {"kid": "ec", "alg": "ES256", "use": "sig"})
        self.oct = OctKey.generate_key(256, {"kid": "oct", "alg": "HS256", "use": "sig"})
        keys = [self.rsa.as_dict(private=False), self.ec.as_dict(private=False), self.oct.as_dict()]
        self.path = folder / "jwks.json"
        self.path.write_text(json.dumps({"keys": keys}))
        self.settings = TokenSettings(jwks_file=self.path)

    def verifier(self, *, symmetric: bool = True, now: datetime = NOW) -> TokenVerifier:
        return TokenVerifier(self.settings, symmetric=symmetric, now=lambda: now)

    def sign(self, algorithm: str, key: Any, kid: str, **claims: Any) -> str:
        header = {"alg": algorithm, "kid": kid, "typ": "JWT"}
        return jwt.encode(header, CLAIMS | claims, key, algorithms=[algorithm])


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("keys"))


def refusal(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(Problem) as refused:
        verifier.verify(token)
    assert refused.value.status == 401
    return refused.value.code


@pytest.mark.parametrize(("algorithm", "kid"), [("RS256", "rsa"), ("ES256", "ec"), ("HS256", "oct")])
def test_a_good_token_of_each_algorithm(issuer: Issuer, algorithm: str, kid: str) -> None:
    token = issuer.sign(algorithm, getattr(issuer, kid), kid)
    assert issuer.verifier().verify(token) == Principal("officer", Role.DESK, "H56.97.21")


def test_production_does_not_believe_symmetrics(issuer: Issuer) -> None:
    verifier = issuer.verifier(symmetric=False)
    assert refusal(verifier, issuer.sign("HS256", issuer.oct, "oct")) == "token_invalid"
    assert verifier.verify(issuer.sign("RS256", issuer.rsa, "rsa")).role is Role.DESK


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "someone"},
        {"aud": "something"},
        {"aud": ["a", "b"]},
        {"iss": None},
        {"aud": None},
        {"exp": None},
        {"sub": None},
        {"role": "king"},
        {"role": None},
        {"role": ["desk"]},
        {"agency": ""},
        {"agency": 5},
        {"exp": "tomorrow"},
        {"nbf": int(NOW.timestamp()) + 3600},
    ],
    ids=str,
)
def test_a_claim_that_is_wrong_or_missing(issuer: Issuer, claims: dict[str, Any]) -> None:
    assert refusal(issuer.verifier(), issuer.sign("RS256", issuer.rsa, "rsa", **claims)) == "token_invalid"


@pytest.mark.parametrize("subject", ["Nguyễn Văn A", "anna b", "", "anna\n", "a" * 65, "0977 012 345"])
@pytest.mark.parametrize("role", ["desk", "specialist", "leader", "auditor"])
def test_an_officer_is_named_by_an_identifier_and_by_no_free_text(issuer: Issuer, role: str, subject: str) -> None:
    token = issuer.sign("RS256", issuer.rsa, "rsa", role=role, sub=subject)
    assert refusal(issuer.verifier(), token) == "token_invalid"
    named = issuer.sign("RS256", issuer.rsa, "rsa", role=role, sub="anna.b:1@H56_97-x"[:64])
    assert issuer.verifier().verify(named).role == role


def test_an_expired_token_is_told_apart(issuer: Issuer) -> None:
    token = issuer.sign("RS256", issuer.rsa, "rsa", exp=int(NOW.timestamp()) - 60)
    assert refusal(issuer.verifier(), token) == "token_expired"


def test_a_remembered_token_expires_too(issuer: Issuer) -> None:
    now = NOW
    verifier = TokenVerifier(issuer.settings, now=lambda: now)
    token = issuer.sign("RS256", issuer.rsa, "rsa")
    assert verifier.verify(token) == verifier.verify(token)
    now = NOW + timedelta(seconds=66)
    assert refusal(verifier, token) == "token_expired"


def _part(value: dict[str, Any]) -> str:
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


def test_forged_tokens(issuer: Issuer) -> None:
    good = issuer.sign("RS256", issuer.rsa, "rsa")
    head, claims, signature = good.split(".")
    stranger = RSAKey.generate_key(2048, {"kid": "rsa"})
    confused = f"{_part({'alg': 'HS256', 'kid': 'rsa', 'typ': 'JWT'})}.{claims}"
    mac = base64.urlsafe_b64encode(hmac.digest(issuer.rsa.as_pem(private=False), confused.encode(), "sha256"))
    own_key = _part({"alg": "RS256", "jwk": stranger.as_dict(private=False)})
    forged = {
        "no algorithm": f"{_part({'alg': 'none', 'typ': 'JWT'})}.{claims}.",
        "no algorithm with signature": f"{_part({'alg': 'none', 'kid': 'rsa'})}.{claims}.{signature}",
        "another's key": issuer.sign("RS256", stranger, "rsa"),
        "public key as secret": f"{confused}.{mac.decode().rstrip('=')}",
        "unknown key": issuer.sign("RS256", stranger, "nobody"),
        "other claims": f"{head}.{_part(CLAIMS | {'role': 'leader'})}.{signature}",
        "no signature": f"{head}.{claims}.",
        "own key in the header": f"{own_key}.{claims}.{signature}",
        "critical header": f"{_part({'alg': 'RS256', 'kid': 'rsa', 'crit': ['x'], 'x': 1})}.{claims}.{signature}",
        "not a token": "a.b.c",
        "empty": "",
        "huge": good + "A" * 5000,
    }
    verifier = issuer.verifier()
    assert {name: refusal(verifier, token) for name, token in forged.items()} == dict.fromkeys(forged, "token_invalid")
    assert verifier.verify(good).subject == "officer"


def test_the_developers_token_is_believed_outside_production_only(tmp_path: Path) -> None:
    path = tmp_path / "jwks.json"
    path.write_text(new_development_keys())
    token = issue_token(path, subject="me", role="leader", agency="H56.97.02")
    settings = TokenSettings(jwks_file=path)
    assert TokenVerifier(settings, symmetric=True).verify(token).agency == "H56.97.02"
    assert refusal(TokenVerifier(settings), token) == "token_invalid"
    with pytest.raises(ValueError, match="king"):
        issue_token(path, subject="me", role="king")


def test_the_paths_of_an_agency_in_force_are_its_own_and_those_of_whom_it_took_over_from() -> None:
    agencies = parse_agencies("agencies-1", load_seed().agencies)
    commune = Principal("me", Role.DESK, "H56.97.21")
    assert paths_of(commune, agencies, date(2025, 6, 30)) == ("90.97.21.",)
    merged = replace(commune, agency="H56.97.45")
    assert paths_of(merged, agencies, date(2025, 1, 1)) == ("90.97.45.", "90.97.28.", "90.97.29.")
    heir = replace(commune, agency="H56.61")
    former = ("90.97.21.", "90.97.30.", "90.97.31.", "90.97.39.", "90.97.45.", "90.97.28.", "90.97.29.")
    assert paths_of(heir, agencies, date(2025, 7, 1)) == ("90.61.", *former)
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
    token = issuer.sign("RS256", issuer.rsa, "rsa", role="service", agency="")
    assert issuer.verifier().verify(token) == Principal("officer", Role.SERVICE, "")
