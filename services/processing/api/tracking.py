"""Tracking: the applicant shows the dossier's code and secret once, and gets a short-lived token for this dossier."""

from __future__ import annotations

from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Request, Security
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import StringConstraints

from services.processing.api.officers import DossierPath
from services.processing.api.public_views import TrackingToken, TrackingView, tracking_view
from services.processing.api.wording import refusals_told
from services.processing.domain.refusals import UnknownCase
from services.processing.handlers.reading import Reading
from shared.auth import Principal, TokenVerifier, unauthorised
from shared.http.bodies import Code, RequestBody
from shared.http.rates import Rate, address_of
from shared.roles import Role
from shared.settings import TokenSettings
from shared.tokens import issue_token

AUDIENCE = "motcua-tracking"
"""Another audience than officers' tokens have: neither opens the other's doors."""

_bearer = HTTPBearer(auto_error=False, scheme_name="tracking", bearerFormat="JWT")


class TrackingRequest(RequestBody):
    """The code and the secret from the slip: in a body, for a URL is logged."""

    code: Code
    secret: Annotated[str, StringConstraints(min_length=1, max_length=100)]


@dataclass(frozen=True)
class Tickets:
    """Signs and verifies applicants' tokens with a key that is processing's alone."""

    keys: Path
    issuer: str
    seconds: int
    verifier: TokenVerifier

    @classmethod
    def with_keys(cls, keys: Path, *, issuer: str, seconds: int) -> Tickets:
        """Take the key from a JWK set. The signer is the verifier: a shared-secret key is right here."""
        tokens = TokenSettings(jwks_file=keys, issuer=issuer, audience=AUDIENCE)
        return cls(keys, issuer, seconds, TokenVerifier(tokens, symmetric=True))

    def issue(self, code: str) -> TrackingToken:
        """Sign a token for one dossier."""
        token = issue_token(
            self.keys, subject=code, role=Role.CITIZEN, seconds=self.seconds, issuer=self.issuer, audience=AUDIENCE
        )
        return TrackingToken(token=token, expires_in=self.seconds)

    def verify(self, credentials: HTTPAuthorizationCredentials | None) -> Principal:
        """Read a token. Raises Problem 401."""
        if credentials is None:
            raise unauthorised("token_missing")
        return self.verifier.verify(credentials.credentials)


def tracking_router(reading: Reading, tickets: Tickets, guesses: Rate) -> APIRouter:
    """Serve `/v1/tracking`; `guesses` are the wrong secrets of one address."""
    router = APIRouter(prefix="/v1/tracking", tags=["applicants"])

    @router.post(
        "",
        responses={HTTPStatus.NOT_FOUND: {"description": "No such dossier, or not its secret."}},
        summary="Exchange code and secret for a token. A wrong secret looks like an unknown code.",
    )
    async def exchange(request: Request, said: TrackingRequest) -> TrackingToken:
        with refusals_told(), guesses.counting(address_of(request.scope), UnknownCase):
            await reading.check_secret(said.code, said.secret)
        return tickets.issue(said.code)

    @router.get("/{code}", summary="Where the dossier is and when it will be ready.")
    async def track(
        code: DossierPath, credentials: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)]
    ) -> TrackingView:
        caller = tickets.verify(credentials)
        with refusals_told():
            if caller.subject != code or caller.role is not Role.CITIZEN:
                raise UnknownCase
            case = await reading.for_applicant(code)
        return tracking_view(case, reading.rules.catalogue(case.catalogue_version))

    return router
