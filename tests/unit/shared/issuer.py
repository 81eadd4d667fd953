"""An identity server that signs whatever it is told to, by hand: a library would refuse to make most forged tokens."""

from __future__ import annotations

import base64
import hmac
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, utils
from joserfc.jwk import ECKey, OctKey, RSAKey

from shared.auth import TokenVerifier
from shared.http.problems import Problem
from shared.settings import TokenSettings

NOW = datetime(2026, 11, 24, tzinfo=UTC)
SECOND = int(NOW.timestamp())
CLAIMS = {
    "iss": "motcua",
    "aud": "motcua",
    "sub": "officer",
    "role": "desk",
    "agency": "H56.97.21",
    "iat": SECOND,
    "exp": SECOND + 60,
}

Sign = Callable[[bytes], bytes]


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode().rstrip("=")


def part(value: Any) -> str:
    """One part of a token; text is taken as it is, so that it may be no JSON or hold a name twice."""
    return b64((value if isinstance(value, str) else json.dumps(value)).encode())


def compact(header: Any, claims: Any, sign: Sign) -> str:
    signed = f"{part(header)}.{part(claims)}"
    return f"{signed}.{b64(sign(signed.encode()))}"


def mac(secret: bytes, digest: str = "sha256") -> Sign:
    return lambda signed: hmac.digest(secret, signed, digest)


def rs256(key: RSAKey) -> Sign:
    assert key.private_key is not None
    return lambda signed: key.private_key.sign(signed, padding.PKCS1v15(), hashes.SHA256())


def es256(key: ECKey) -> Sign:
    assert key.private_key is not None

    def sign(signed: bytes) -> bytes:
        r, s = utils.decode_dss_signature(key.private_key.sign(signed, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")

    return sign


def public(key: RSAKey | ECKey) -> dict[str, Any]:
    return dict(key.as_dict(private=False))


class Issuer:
    """One key of each kind, and the file of their set."""

    def __init__(self, folder: Path) -> None:
        self.rsa = RSAKey.generate_key(2048, {"kid": "rsa", "alg": "RS256", "use": "sig"})
        self.ec = ECKey.generate_key("P-256", {"kid": "ec", "alg": "ES256", "use": "sig"})
        self.oct = OctKey.generate_key(256, {"kid": "oct", "alg": "HS256", "use": "sig"})
        self.stranger = RSAKey.generate_key(2048, {"kid": "rsa", "alg": "RS256"})
        self.path = folder / "jwks.json"
        self.publish(public(self.rsa), public(self.ec), dict(self.oct.as_dict()))
        self.settings = TokenSettings(jwks_file=self.path)

    def publish(self, *keys: dict[str, Any]) -> None:
        """Replace the set as one should: written beside it, then renamed."""
        draft = self.path.with_suffix(".new")
        draft.write_text(json.dumps({"keys": keys}))
        draft.replace(self.path)

    def verifier(self, *, symmetric: bool = True, now: datetime = NOW) -> TokenVerifier:
        return TokenVerifier(self.settings, symmetric=symmetric, now=lambda: now)

    def rs(self, header: dict[str, Any] | None = None, /, **claims: Any) -> str:
        """A token that only these names of header and claims tell from a good one; None leaves a name out."""
        return self.of({"alg": "RS256", "kid": "rsa", "typ": "JWT"} | (header or {}), rs256(self.rsa), **claims)

    def of(self, header: dict[str, Any], sign: Sign, **claims: Any) -> str:
        names = {name: value for name, value in header.items() if value is not None}
        told = {name: value for name, value in (CLAIMS | claims).items() if value is not None}
        return compact(names, told, sign)


def refusal(verifier: TokenVerifier, token: str) -> str:
    with pytest.raises(Problem) as refused:
        verifier.verify(token)
    assert refused.value.status == 401
    return refused.value.code
