"""Bearer tokens are made here and believed in `shared/auth.py`: for development, the demo, tests, and tracking."""

from __future__ import annotations

import base64
import json
import secrets
import time
from pathlib import Path

from joserfc import jwt
from joserfc.jwk import KeySet

from shared.roles import Role

SYMMETRIC_ALGORITHM = "HS256"
"""Whoever can verify can sign as well: right where one party does both, or outside production."""


def issue_token(
    jwks_file: Path,
    *,
    subject: str,
    role: str,
    agency: str = "",
    seconds: int = 3600,
    issuer: str = "motcua",
    audience: str = "motcua",
) -> str:
    """Sign a token with the first shared-secret key of the set.

    Raises ValueError when the set has no such key or the role is unknown.
    """
    keys = KeySet.import_key_set(json.loads(jwks_file.read_text("utf-8"))).keys
    key = next((key for key in keys if key.key_type == "oct"), None)
    if key is None:
        raise ValueError(f"{jwks_file} holds no shared-secret key; production tokens come from the identity server")
    issued = int(time.time())
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "role": str(Role(role)),
        "agency": agency,
        "iat": issued,
        "exp": issued + seconds,
    }
    header = {"alg": SYMMETRIC_ALGORITHM, "typ": "JWT", "kid": key.kid}
    return jwt.encode(header, claims, key, algorithms=[SYMMETRIC_ALGORITHM])


def new_development_keys() -> str:
    """Make a JWK set with one random shared-secret key, as the text of a `jwks_file` outside production."""
    key = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    jwk = {"kty": "oct", "kid": "development", "alg": SYMMETRIC_ALGORITHM, "use": "sig", "k": key}
    return json.dumps({"keys": [jwk]})
