"""What processing is told from outside."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from shared.jwks import SYMMETRIC_ALGORITHM, parse_keys
from shared.settings import ENV_PREFIX, Piece, Profile, SecretFile, ServiceSettings


def _can_sign(path: Path) -> Path:
    keys = parse_keys(path.read_bytes(), symmetric=True)
    if not any(key.algorithm == SYMMETRIC_ALGORITHM for key in keys.values()):
        raise ValueError("the set holds no shared-secret key to sign with")
    return path


class TrackingSettings(Piece):
    """The key of applicants' tokens: this service alone signs and verifies with it (a JWK set with one `oct` key)."""

    jwks_file: Annotated[SecretFile, AfterValidator(_can_sign)] | None = None
    token_seconds: Annotated[int, Field(ge=60, le=3600)] = 900


class Settings(ServiceSettings):
    """The settings of processing (`MOTCUA_…`)."""

    tracking: TrackingSettings = TrackingSettings()

    @model_validator(mode="after")
    def _production_has_its_own_key(self) -> Self:
        if self.profile is Profile.PRODUCTION and self.tracking.jwks_file is None:
            raise ValueError(f"{ENV_PREFIX}TRACKING__JWKS_FILE: is not set")
        return self

    @property
    def tracking_keys(self) -> Path:
        """The key set of applicants' tokens; development may use the one of all tokens, under another audience."""
        return self.tracking.jwks_file or self.tokens.jwks_file
