"""Who calls: bearer tokens (JWT, RFC 7519) with a role and an agency.

Algorithms are pinned: RS256 and ES256, and HS256 only where whoever verifies may sign as well. Expiry is machine time.
"""

from __future__ import annotations

import json
import re
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

from shared.clocks import machine_now
from shared.http.problems import Problem
from shared.roles import OFFICER_NAME, OFFICERS, Role
from shared.rulebook.agencies import Agencies
from shared.settings import TokenSettings
from shared.tokens import SYMMETRIC_ALGORITHM

PUBLIC_KEY_ALGORITHMS = ("RS256", "ES256")
CACHED_TOKENS = 10_000
TOKEN_BYTES = 4096
LEEWAY_SECONDS = 5


@dataclass(frozen=True)
class Principal:
    """A verified caller. `agency` is the agency's code, empty for those who belong to none."""

    subject: str
    role: Role
    agency: str

    @property
    def caller(self) -> str:
        """Name the caller for idempotency keys: the same subject in another role or agency is another caller."""
        return f"{self.subject}/{self.role}/{self.agency}"


class TokenVerifier:
    """Believes tokens that one of the set's keys signed; remembers those that it verified until they expire.

    `symmetric`: HS256 is believed too, the algorithm of whoever signs and verifies with one key.
    """

    def __init__(
        self,
        settings: TokenSettings,
        *,
        symmetric: bool = False,
        now: Callable[[], datetime] = machine_now,
    ) -> None:
        self._keys = KeySet.import_key_set(json.loads(settings.jwks_file.read_text("utf-8")))
        self._algorithms = [*PUBLIC_KEY_ALGORITHMS, *([SYMMETRIC_ALGORITHM] if symmetric else [])]
        self._now = now
        self._claims = jwt.JWTClaimsRegistry(
            now=self._seconds,
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._verified: OrderedDict[str, tuple[Principal, int]] = OrderedDict()

    def _seconds(self) -> int:
        return int(self._now().timestamp())

    def verify(self, token: str) -> Principal:
        """Return who calls; raises Problem 401 `token_expired` or `token_invalid`."""
        known = self._verified.get(token)
        if known is not None:
            principal, expires = known
            if expires + LEEWAY_SECONDS < self._seconds():
                del self._verified[token]
                raise _unauthorised("token_expired")
            return principal
        claims = self._believed_claims(token)
        principal = _principal(claims)
        self._verified[token] = principal, int(claims["exp"])
        if len(self._verified) > CACHED_TOKENS:
            self._verified.popitem(last=False)
        return principal

    def _believed_claims(self, token: str) -> dict[str, Any]:
        if len(token) > TOKEN_BYTES:
            raise _unauthorised("token_invalid")
        try:
            registry = JWSRegistry(algorithms=self._algorithms)
            claims = jwt.decode(token, self._keys, algorithms=self._algorithms, registry=registry).claims
            self._claims.validate(claims)
        except ExpiredTokenError as error:
            raise _unauthorised("token_expired") from error
        except (JoseError, ValueError, TypeError, KeyError) as error:
            raise _unauthorised("token_invalid") from error
        return claims


def _principal(claims: dict[str, Any]) -> Principal:
    subject, role, agency = (claims.get(name, "") for name in ("sub", "role", "agency"))
    if not all(isinstance(value, str) for value in (subject, role, agency)) or role not in set(Role):
        raise _unauthorised("token_invalid")
    if Role(role) in OFFICERS and not (agency and re.fullmatch(OFFICER_NAME, subject)):
        raise _unauthorised("token_invalid")
    return Principal(subject, Role(role), agency)


def _unauthorised(code: str) -> Problem:
    challenge = "Bearer" if code == "token_missing" else 'Bearer error="invalid_token"'
    return Problem(HTTPStatus.UNAUTHORIZED, code, headers={"WWW-Authenticate": challenge})


def role_not_allowed() -> Problem:
    """Make the refusal of a role: 403."""
    return Problem(HTTPStatus.FORBIDDEN, "role_not_allowed")


def paths_of(caller: Principal, agencies: Agencies, day: date) -> tuple[str, ...]:
    """Find the paths of the caller's agency and of those whose work it took over: whose dossiers he may see.

    Raises Problem 403 unless the agency is in force on that (legal) day.
    """
    if not agencies.in_force(caller.agency, day):
        raise Problem(HTTPStatus.FORBIDDEN, "agency_not_allowed")
    agency = agencies.get(caller.agency)
    return (agency.path, *(former.path for former in agencies.predecessors(agency, day)))


_bearer = HTTPBearer(auto_error=False, scheme_name="bearer", bearerFormat="JWT")


def require(*roles: Role) -> Callable[..., Awaitable[Principal]]:
    """Make a FastAPI dependency that lets only these roles in.

    The verifier is `app.state.verifier`. Raises Problem 401 (`token_missing`, `token_invalid`, `token_expired`) or 403
    (`role_not_allowed`).
    """
    allowed = frozenset(roles)

    async def caller(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
    ) -> Principal:
        if credentials is None:
            raise _unauthorised("token_missing")
        verifier: TokenVerifier = request.app.state.verifier
        principal = verifier.verify(credentials.credentials)
        if principal.role not in allowed:
            raise role_not_allowed()
        return principal

    return caller
