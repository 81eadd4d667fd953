"""Who calls: bearer tokens (JWT, RFC 7519) with a role and an agency.

A token is believed by the rules of RFC 8725: its key decides the algorithm (RS256, ES256; HS256 only where whoever
verifies may sign as well), and nothing in its header brings or names a key but `kid`. Expiry is machine time.
"""

from __future__ import annotations

import json
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from datetime import date, datetime
from http import HTTPStatus
from typing import Annotated, Any, TypeAlias

from fastapi import Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jws import JWSRegistry
from joserfc.util import to_bytes, urlsafe_b64decode
from prometheus_client import Gauge

from shared.clocks import machine_now
from shared.http.problems import Problem
from shared.jwks import KeyFile, Keys, PinnedKey
from shared.roles import OFFICER_NAME, OFFICERS, Role
from shared.rulebook.agencies import Agencies
from shared.rulebook.identifiers import AGENCY
from shared.rulebook.officers import Register, Seat
from shared.settings import TokenSettings
from shared.tokens import LONGEST_SECONDS

CACHED_TOKENS = 10_000
TOKEN_BYTES = 4096
LEEWAY_SECONDS = 30
"""By so much the clocks of the identity server and of this machine may differ."""
TOKEN_TYPES = frozenset({"jwt", "at+jwt"})
"""Values of `typ` (RFC 7519, 5.1; RFC 9068, 2.1), in any case of letters."""
HEADER_NAMES = frozenset({"alg", "kid", "typ", "x5t", "x5t#S256"})
"""What may stand in a header. The two thumbprints are passed over; whatever else may stand there (a key, an address of
one, `crit`, `b64`, `cty`) is refused."""
SUBJECT, AGENCY_CODE = re.compile(OFFICER_NAME), re.compile(AGENCY, re.ASCII)

STALE = Gauge(
    "motcua_token_keys_stale",
    "1 while the file of the key set cannot be used; the set read before is in force",
    ["audience"],
)


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


@dataclass(frozen=True)
class _Verified:
    """Who showed a token, and the second from which on it must be judged again."""

    principal: Principal
    until: int


class TokenVerifier:
    """Believes tokens that one of the set's keys signed; remembers those that it verified while token and key hold.

    `symmetric`: HS256 is believed too, the algorithm of whoever signs and verifies with one key. Raises UnusableKeys or
    OSError when the file of the keys cannot be used to begin with.
    """

    def __init__(
        self,
        settings: TokenSettings,
        *,
        symmetric: bool = False,
        now: Callable[[], datetime] = machine_now,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = KeyFile(settings.jwks_file, symmetric=symmetric, monotonic=monotonic)
        self._now = now
        self._claims = jwt.JWTClaimsRegistry(
            now=self._second,
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": settings.issuer},
            aud={"essential": True, "value": settings.audience},
            iat={"essential": True},
            exp={"essential": True},
            sub={"essential": True},
        )
        self._keys = self._file.keys()
        self._verified: OrderedDict[str, _Verified] = OrderedDict()
        STALE.labels(settings.audience).set_function(self._stale)

    def _second(self) -> int:
        return int(self._now().timestamp())

    def _stale(self) -> float:
        self._judge_by(self._file.keys())
        return float(bool(self._file.fault))

    def verify(self, token: str) -> Principal:
        """Return who calls; raises Problem 401 `token_expired` or `token_invalid`."""
        self._judge_by(self._file.keys())
        known = self._verified.get(token)
        if known is None or known.until <= self._second():
            self._verified.pop(token, None)
            known = self._verified[token] = self._believe(token)
            if len(self._verified) > CACHED_TOKENS:
                self._verified.popitem(last=False)
        return known.principal

    def remembered(self, token: str) -> str | None:
        """Name the caller of a token that was verified before; None for every other: no signature is looked at."""
        known = self._verified.get(token)
        return known.principal.caller if known is not None else None

    def _judge_by(self, keys: Keys) -> None:
        """Take these keys; where they are others than before, what those verified is forgotten."""
        if keys is not self._keys:
            self._keys = keys
            self._verified.clear()

    def _believe(self, token: str) -> _Verified:
        if len(token) > TOKEN_BYTES:
            raise unauthorised("token_invalid")
        try:
            key = self._key_of(_header(token))
            registry = JWSRegistry(algorithms=[key.algorithm])
            claims = jwt.decode(token, key.key, registry=registry, decoder_cls=_OfOneMeaning).claims
            self._claims.validate(claims)
            principal, until = _principal(claims), _end(claims)
        except ExpiredTokenError as error:
            raise unauthorised("token_expired") from error
        except (JoseError, ValueError, TypeError, KeyError, RecursionError) as error:
            raise unauthorised("token_invalid") from error
        return _Verified(principal, until if key.until is None else min(until, key.until))

    def _key_of(self, header: dict[str, Any]) -> PinnedKey:
        kid = header["kid"]
        if kid not in self._keys:
            self._judge_by(self._file.keys_at_once())
        key = self._keys[kid]
        if not key.holds(self._second()):
            raise ValueError("the key's end has come")
        return key


class _OfOneMeaning(json.JSONDecoder):
    """JSON in which no name stands twice (RFC 7515, 4; RFC 7519, 4): readers differ in which one they take."""

    def __init__(self) -> None:
        super().__init__(object_pairs_hook=_once)


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a name stands twice")
    return found


def _header(token: str) -> dict[str, Any]:
    """Read the header, by which the key is found. Raises ValueError or RecursionError."""
    header = json.loads(urlsafe_b64decode(to_bytes(token.partition(".")[0])), cls=_OfOneMeaning)
    if not isinstance(header, dict) or header.keys() - HEADER_NAMES:
        raise ValueError("a header of another kind of token")
    if str(header.get("typ")).lower() not in TOKEN_TYPES:
        raise ValueError("another type of token")
    return header


def _end(claims: dict[str, Any]) -> int:
    """Find the second from which on a token is no longer believed. Raises ValueError for what lives too long."""
    issued, expires = claims["iat"], claims["exp"]
    if not all(type(claims.get(name, 0)) is int for name in ("iat", "exp", "nbf")):
        raise ValueError("a moment that is no whole second")
    if expires - issued > LONGEST_SECONDS:
        raise ValueError("a life that is too long")
    return int(expires) + LEEWAY_SECONDS


def _principal(claims: dict[str, Any]) -> Principal:
    """Read who it is. Raises KeyError, ValueError or TypeError for what is missing or of another form."""
    subject, role, agency = claims["sub"], Role(claims["role"]), claims.get("agency", "")
    if not SUBJECT.fullmatch(subject):
        raise ValueError("a subject that is no identifier")
    if not could_come_from(role, agency):
        raise ValueError("no agency, or none that could be")
    return Principal(subject, role, agency)


def could_come_from(role: Role, agency: str) -> bool:
    """Tell whether a token of this role may name that agency: an officer's names one, and none what is no code."""
    return AGENCY_CODE.fullmatch(agency) is not None or (agency == "" and role not in OFFICERS)


def unauthorised(code: str) -> Problem:
    """Make the refusal of whoever has not proved who calls: 401 `token_missing`, `token_invalid` or `token_expired`."""
    challenge = "Bearer" if code == "token_missing" else 'Bearer error="invalid_token"'
    return Problem(HTTPStatus.UNAUTHORIZED, code, headers={"WWW-Authenticate": challenge})


def paths_of(caller: Principal, agencies: Agencies, day: date) -> tuple[str, ...]:
    """Find the paths of the caller's agency and of those whose work came to it: whose dossiers he may see (ADR 78).

    What was left to it in some areas alone is a path with the area; the first path is its own agency's.
    Raises Problem 403 unless the agency is in force on that (legal) day.
    """
    if not agencies.in_force(caller.agency, day):
        raise Problem(HTTPStatus.FORBIDDEN, "agency_not_allowed")
    agency = agencies.get(caller.agency)
    return (agency.path, *agencies.inheritance(agency, day).paths)


Admission: TypeAlias = Callable[[Principal], None]
"""Raises Problem 403 for an officer whose token is good, and who may do nothing all the same."""


def everybody(_caller: Principal) -> None:
    """Let every officer in: of a service that knows of no register."""


def admitted_by(register: Callable[[], Register], today: Callable[[], date]) -> Admission:
    """Let in whom the register of his unit shuts out on no such (legal) day: 403 `officer_revoked`, `seat_not_held`."""

    def admit(caller: Principal) -> None:
        shut = register().shuts_out(Seat(caller.agency, caller.subject, caller.role), today())
        if shut is not None:
            raise Problem(HTTPStatus.FORBIDDEN, shut)

    return admit


def let_in(request: Request, caller: Principal, roles: Collection[Role]) -> Principal:
    """Return a verified caller of one of these roles; officers are judged by `app.state.admit`. Raises Problem 403."""
    if caller.role not in roles:
        raise Problem(HTTPStatus.FORBIDDEN, "role_not_allowed")
    if caller.role in OFFICERS:
        request.app.state.admit(caller)
    return caller


_bearer = HTTPBearer(auto_error=False, scheme_name="bearer", bearerFormat="JWT")


def require(*roles: Role) -> Callable[..., Awaitable[Principal]]:
    """Make a FastAPI dependency that lets only these roles in.

    The verifier is `app.state.verifier`. Raises Problem 401 (`token_missing`, `token_invalid`, `token_expired`) or 403
    (`role_not_allowed`, and of officers what `let_in` says).
    """
    allowed = frozenset(roles)

    async def caller(
        request: Request, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
    ) -> Principal:
        if credentials is None:
            raise unauthorised("token_missing")
        verifier: TokenVerifier = request.app.state.verifier
        return let_in(request, verifier.verify(credentials.credentials), allowed)

    return caller
