"""What officers and applicants may see."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass

from services.processing.domain.cases import Case
from services.processing.domain.refusals import UnknownCase
from services.processing.repository.reading import read_case, tracking_secret_hash
from shared.database import Pool, transaction
from shared.messaging.rules import RuleStore

NO_HASH = bytes(32)
"""Compared with when there is no such dossier, so that an unknown code takes as long as a wrong secret."""


@dataclass(frozen=True)
class Reading:
    """Reads dossiers for those who may see them."""

    pool: Pool
    rules: RuleStore

    async def for_officer(self, code: str, path: str) -> Case:
        """Read a dossier in which the subtree under a path has a part: its place, who decides, or a step's agency.

        Raises UnknownCase for every other dossier, known or not.
        """
        case = await self.for_applicant(code)
        if not case.concerns(path):
            raise UnknownCase
        return case

    async def for_applicant(self, code: str) -> Case:
        """Read the dossier of an applicant who has proved the secret. Raises UnknownCase."""
        async with transaction(self.pool) as tx:
            case = await read_case(tx, code)
        if case is None:
            raise UnknownCase
        return case

    async def check_secret(self, code: str, secret: str) -> None:
        """Compare a tracking secret in constant time. Raises UnknownCase for a wrong one as for an unknown code."""
        async with transaction(self.pool) as tx:
            known = await tracking_secret_hash(tx, code)
        given = hashlib.sha256(secret.encode()).digest()
        if not hmac.compare_digest(known or NO_HASH, given):
            raise UnknownCase
