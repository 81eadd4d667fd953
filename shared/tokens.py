"""Bearer tokens and their shared-secret keys are made here and believed in `shared/auth.py`.

For development, the demo, tests, and the applicants' tracking: elsewhere an identity server signs.
"""

from __future__ import annotations

import base64
import json
import secrets
import time
from pathlib import Path
from typing import Any

from joserfc import jwt

from shared.jwks import SYMMETRIC_ALGORITHM, Keys, parse_keys
from shared.roles import Role

LONGEST_SECONDS = 24 * 3600
"""The longest life of a token, from `iat` to `exp`: a stolen one is good for no longer."""


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
    """Sign a token with the first shared-secret key of the set that is in force.

    Raises ValueError when the set has no such key, the role is unknown or nobody would believe so long a life.
    """
    if seconds > LONGEST_SECONDS:
        raise ValueError(f"a token lives {LONGEST_SECONDS} s at most")
    keys, issued = parse_keys(jwks_file.read_bytes(), symmetric=True), int(time.time())
    kid = signing_key(keys, issued)
    if kid is None:
        raise ValueError(f"{jwks_file} holds no shared-secret key; production tokens come from the identity server")
    claims = {
        "iss": issuer,
        "aud": audience,
        "sub": subject,
        "role": str(Role(role)),
        "agency": agency,
        "iat": issued,
        "exp": issued + seconds,
    }
    header = {"alg": SYMMETRIC_ALGORITHM, "typ": "JWT", "kid": kid}
    return jwt.encode(header, claims, keys[kid].key, algorithms=[SYMMETRIC_ALGORITHM])


def signing_key(keys: Keys, second: int) -> str | None:
    """Name the key that signs at this second of machine time: the first shared secret that holds; None without one."""
    found = (kid for kid, key in keys.items() if key.algorithm == SYMMETRIC_ALGORITHM and key.holds(second))
    return next(found, None)


def new_development_keys() -> str:
    """Make a JWK set with one random shared-secret key, as the text of a `jwks_file` outside production."""
    return json.dumps({"keys": [_new_key("development")]})


def rotated(content: bytes | None, *, kid: str, second: int, overlap_seconds: int) -> bytes:
    """Put a new shared-secret key in front, which signs from now on; the older ones verify until the overlap is over.

    Those whose end has come are left out: with an overlap of 0, all of them. None: there is no set yet. Raises
    UnusableKeys for what is no key set, ValueError for one with keys of an identity server, which alone rotates them.
    """
    older = [] if content is None else _shared_secrets(content)
    end = second + overlap_seconds
    ending = [key | {"exp": min(key.get("exp", end), end)} for key in older]
    return json.dumps({"keys": [_new_key(kid), *(key for key in ending if key["exp"] > second)]}).encode()


def _shared_secrets(content: bytes) -> list[dict[str, Any]]:
    if any(key.algorithm != SYMMETRIC_ALGORITHM for key in parse_keys(content, symmetric=True).values()):
        raise ValueError("the set holds keys of an identity server: rotate them there, and put its new set in place")
    keys: list[dict[str, Any]] = json.loads(content)["keys"]
    return keys


def _new_key(kid: str) -> dict[str, Any]:
    secret = base64.urlsafe_b64encode(secrets.token_bytes(32)).decode().rstrip("=")
    return {"kty": "oct", "kid": kid, "alg": SYMMETRIC_ALGORITHM, "use": "sig", "k": secret}
