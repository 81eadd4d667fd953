"""Keys come and go while tokens are judged: what changes with the file, when, and what a broken file changes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from joserfc.jwk import ECKey, OctKey, RSAKey
from prometheus_client import REGISTRY
from structlog.testing import capture_logs
from structlog.typing import EventDict

from shared.auth import TokenVerifier
from shared.http.problems import Problem
from shared.jwks import LOOK_AT_ONCE_SECONDS, LOOK_SECONDS, UnusableKeys, parse_keys
from shared.settings import TokenSettings
from shared.tokens import new_development_keys, rotated
from tests.unit.shared.issuer import NOW, SECOND, Issuer, b64, es256, public, refusal

ES = {"alg": "ES256", "typ": "JWT"}


@dataclass
class Watch:
    """A verifier over an issuer's file, under clocks that the test moves."""

    issuer: Issuer
    seconds: float = 0

    def __post_init__(self) -> None:
        self.verifier = TokenVerifier(
            self.issuer.settings,
            now=lambda: NOW + timedelta(seconds=self.seconds),
            monotonic=lambda: self.seconds,
        )

    def believes(self, token: str) -> bool:
        try:
            return bool(self.verifier.verify(token))
        except Problem:
            return False

    def told(self, logs: list[EventDict]) -> list[EventDict]:
        """What was logged of this file: a look at the gauge makes every verifier of the process look at its own."""
        return [line for line in logs if line["file"] == str(self.issuer.path)]

    @property
    def stale(self) -> float | None:
        return REGISTRY.get_sample_value("motcua_token_keys_stale", {"audience": "motcua"})


@pytest.fixture(scope="module")
def issuer(tmp_path_factory: pytest.TempPathFactory) -> Issuer:
    return Issuer(tmp_path_factory.mktemp("keys"))


def ec_key(kid: str) -> ECKey:
    return ECKey.generate_key("P-256", {"kid": kid})


def signed(issuer: Issuer, key: ECKey, **claims: Any) -> str:
    return issuer.of(ES | {"kid": key.kid}, es256(key), **claims)


@pytest.fixture
def old() -> ECKey:
    return ec_key("old")


@pytest.fixture
def new() -> ECKey:
    return ec_key("new")


@pytest.fixture
def watch(issuer: Issuer, old: ECKey) -> Watch:
    issuer.publish(public(old))
    return Watch(issuer)


def test_a_rotation_from_old_over_both_to_new(watch: Watch, old: ECKey, new: ECKey) -> None:
    before, after = signed(watch.issuer, old), signed(watch.issuer, new)
    assert (watch.believes(before), watch.believes(after)) == (True, False)
    watch.issuer.publish(public(new), public(old))
    watch.seconds += LOOK_SECONDS
    assert (watch.believes(before), watch.believes(after)) == (True, True)
    watch.issuer.publish(public(new))
    assert watch.believes(before), "remembered, and the file was looked at just now"
    watch.seconds += LOOK_SECONDS
    assert (watch.believes(before), watch.believes(after)) == (False, True)


def test_a_key_put_back_under_its_name_by_another_verifies_nothing_of_the_first(watch: Watch, old: ECKey) -> None:
    token, other = signed(watch.issuer, old), ec_key("old")
    assert watch.believes(token)
    watch.issuer.publish(public(other))
    watch.seconds += LOOK_SECONDS
    assert not watch.believes(token)
    assert watch.believes(signed(watch.issuer, other))


def test_a_token_of_an_unknown_key_has_the_file_looked_at_once_a_second_however_many_come(
    watch: Watch, old: ECKey, new: ECKey
) -> None:
    token = signed(watch.issuer, new)
    watch.seconds += LOOK_AT_ONCE_SECONDS
    watch.issuer.publish(public(old), public(new))
    assert watch.believes(token), "nobody asked for an unknown key within the last second"
    newer = ec_key("newer")
    watch.issuer.publish(public(newer))
    token = signed(watch.issuer, newer)
    for _ in range(1000):
        assert not watch.believes(token)
    watch.seconds += LOOK_AT_ONCE_SECONDS
    assert watch.believes(token)


@pytest.mark.parametrize(
    "content", ["", "{", "[]", '{"keys": []}', '{"keys": {}}', '{"keys": [5]}', '{"keys": [{"kty": "EC"}]}', "[" * 9999]
)
def test_a_broken_set_changes_nothing_and_is_told(watch: Watch, old: ECKey, new: ECKey, content: str) -> None:
    token = signed(watch.issuer, old)
    watch.issuer.path.write_text(content)
    with capture_logs() as logs:
        for _ in range(3):
            watch.seconds += LOOK_SECONDS
            assert watch.stale == 1
            assert watch.believes(token)
    assert [line["event"] for line in watch.told(logs)] == ["token_keys_refused"]
    watch.issuer.publish(public(new))
    with capture_logs() as logs:
        watch.seconds += LOOK_SECONDS
        assert watch.stale == 0
    assert [(line["event"], line["kids"]) for line in watch.told(logs)] == [("token_keys_changed", ["new"])]
    assert not watch.believes(token)


def test_a_set_that_is_away_changes_nothing_and_is_told(watch: Watch, old: ECKey) -> None:
    token, aside = signed(watch.issuer, old), watch.issuer.path.with_name("aside")
    watch.issuer.path.rename(aside)
    watch.seconds += LOOK_SECONDS
    assert (watch.believes(token), watch.stale) == (True, 1)
    aside.rename(watch.issuer.path)
    watch.seconds += LOOK_SECONDS
    assert (watch.believes(token), watch.stale) == (True, 0)


def test_production_takes_no_new_set_with_a_key_that_can_sign(watch: Watch, old: ECKey) -> None:
    token = signed(watch.issuer, old)
    watch.issuer.path.write_text(new_development_keys())
    watch.seconds += LOOK_SECONDS
    assert (watch.believes(token), watch.stale) == (True, 1)


def test_a_set_behind_a_link_that_is_turned_is_followed(tmp_path: Path, issuer: Issuer, old: ECKey, new: ECKey) -> None:
    """As secrets are mounted into containers: the link of a folder is renamed over."""
    for key in (old, new):
        (tmp_path / str(key.kid)).mkdir()
        (tmp_path / str(key.kid) / "jwks.json").write_text(json.dumps({"keys": [public(key)]}))
    current = tmp_path / "current"
    current.symlink_to("old")
    seconds = 0.0
    settings = TokenSettings(jwks_file=current / "jwks.json")
    verifier = TokenVerifier(settings, now=lambda: NOW, monotonic=lambda: seconds)
    assert verifier.verify(signed(issuer, old)).subject == "officer"
    (tmp_path / "turned").symlink_to("new")
    (tmp_path / "turned").rename(current)
    seconds = LOOK_SECONDS
    assert verifier.verify(signed(issuer, new)).subject == "officer"
    assert refusal(verifier, signed(issuer, old)) == "token_invalid"


def test_a_remembered_token_does_not_outlive_the_end_of_its_key(watch: Watch, old: ECKey) -> None:
    watch.issuer.publish(public(old) | {"exp": SECOND + 20})
    watch.seconds = LOOK_SECONDS
    token = signed(watch.issuer, old)
    assert watch.believes(token)
    watch.seconds = 19
    assert watch.believes(token)
    watch.seconds = 20
    assert not watch.believes(token)
    assert not watch.believes(signed(watch.issuer, old, jti="another"))


def key_faults() -> dict[str, tuple[list[dict[str, Any]], str]]:
    good, short = public(ec_key("k")), dict(OctKey.generate_key(128, {"kid": "k"}).as_dict())
    small = {"kty": "RSA", "kid": "k", "n": b64(b"\xc5" * 128), "e": "AQAB"}
    return {
        "no kid": ([{name: value for name, value in good.items() if name != "kid"}], "has no kid"),
        "kid is empty": ([good | {"kid": ""}], "has no kid"),
        "kid is a number": ([good | {"kid": 5}], "has no kid"),
        "one name twice": ([good, public(ec_key("k"))], "two keys are named 'k'"),
        "an RSA key of 1024 bits": ([small], "has 1024 bits, RS256 asks for 2048"),
        "a secret of 128 bits": ([short], "has 128 bits, HS256 asks for 256"),
        "a point off the curve": ([good | {"y": good["x"]}], "cannot be read"),
        "no coordinate": ([{name: value for name, value in good.items() if name != "y"}], "cannot be read"),
        "a coordinate of another length": ([good | {"x": good["x"][:-3]}], "has 240 bits, ES256 asks for 256"),
        "no base64": ([good | {"x": "=" * 43}], "cannot be read"),
        "exp is text": ([good | {"exp": "tomorrow"}], "no whole second"),
        "exp is true": ([good | {"exp": True}], "no whole second"),
        "only other keys": (
            [good | {"use": "enc"}, good | {"alg": "ES384"}, good | {"crv": "P-384"}],
            "no key of the set",
        ),
    }


FAULTS = key_faults()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_set_that_cannot_be_used_says_which_key_and_why(fault: str) -> None:
    keys, told = FAULTS[fault]
    with pytest.raises(UnusableKeys, match=told) as refused:
        parse_keys(json.dumps({"keys": keys}).encode(), symmetric=True)
    secret = keys[0].get("k") or keys[0].get("x")
    assert secret is None or secret not in str(refused.value)


def test_keys_of_another_use_or_algorithm_are_passed_over() -> None:
    """An identity server publishes its keys of encryption, and those for others, in the same set."""
    good = public(ec_key("ours"))
    others: list[dict[str, Any]] = [
        good | {"use": "enc", "kid": "a"},
        good | {"alg": "ES384", "kid": "b"},
        {"kty": "OKP", "crv": "Ed25519", "x": "AA", "kid": "c"},
        {"kty": "AKP", "alg": "ML-DSA-44", "pub": "AA"},
        public(RSAKey.generate_key(2048, {"kid": "d", "alg": "RSA-OAEP"})),
    ]
    found = parse_keys(json.dumps({"keys": [*others, good]}).encode(), symmetric=False)
    assert {kid: key.algorithm for kid, key in found.items()} == {"ours": "ES256"}


def test_a_rotated_set_signs_with_its_new_key_and_ends_the_old_one_after_the_overlap(tmp_path: Path) -> None:
    path, second = tmp_path / "jwks.json", SECOND

    def turn(overlap_seconds: int) -> list[tuple[str, int | None]]:
        nonlocal second
        second += 100
        kid = f"key-{second}"
        path.write_bytes(rotated(path.read_bytes(), kid=kid, second=second, overlap_seconds=overlap_seconds))
        return [(kid, key.until) for kid, key in parse_keys(path.read_bytes(), symmetric=True).items()]

    path.write_text(new_development_keys())
    assert turn(150) == [(f"key-{SECOND + 100}", None), ("development", SECOND + 250)]
    assert turn(600) == [
        (f"key-{SECOND + 200}", None),
        (f"key-{SECOND + 100}", SECOND + 800),
        ("development", SECOND + 250),
    ]
    assert turn(600) == [
        (f"key-{SECOND + 300}", None),
        (f"key-{SECOND + 200}", SECOND + 900),
        (f"key-{SECOND + 100}", SECOND + 800),
    ]
    assert turn(0) == [(f"key-{SECOND + 400}", None)]


def test_only_sets_of_shared_secrets_are_rotated_here(issuer: Issuer) -> None:
    for content in (json.dumps({"keys": [public(issuer.rsa)]}), json.dumps({"keys": []}), "{"):
        with pytest.raises(ValueError, match=r"identity server|no key of the set|no JWK set"):
            rotated(content.encode(), kid="new", second=SECOND, overlap_seconds=0)
