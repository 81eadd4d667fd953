"""What officers and applicants may see."""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from datetime import date, datetime

from services.processing.domain.cases import Case
from services.processing.domain.deadlines import Deadline, deadline_of
from services.processing.domain.duties import Duty, duties, owed_on
from services.processing.domain.refusals import UnknownCase
from services.processing.domain.step_times import StepTimes, step_times
from services.processing.handlers.acting import means_of
from services.processing.repository.reading import read_case, tracking_secret_hash
from shared.contracts.topics import LIFECYCLE
from shared.database import CallersPool, Connection, Scope
from shared.messaging.history import Link, read_chain
from shared.messaging.rules import RuleStore
from shared.rulebook.agencies import Agencies
from shared.rulebook.catalogue import Case as Kind

NO_HASH = bytes(32)
"""Compared with when there is no such dossier, so that an unknown code takes as long as a wrong secret."""


@dataclass(frozen=True)
class Reading:
    """Reads dossiers for those who may see them."""

    pool: CallersPool
    rules: RuleStore

    async def for_officer(self, code: str, paths: tuple[str, ...]) -> Case:
        """Read a dossier in which a subtree under these paths has a part: its place, who decides, or a step's agency.

        Raises UnknownCase for every other dossier, known or not.
        """
        async with self.pool.transaction(Scope(paths)) as tx:
            return await _concerning(tx, code, paths)

    async def history(self, code: str, paths: tuple[str, ...]) -> list[Link]:
        """Read all facts that processing recorded of a dossier, for whoever may read it. Raises UnknownCase."""
        async with self.pool.transaction(Scope(paths)) as tx:
            await _concerning(tx, code, paths)
            return await read_chain(tx, LIFECYCLE.name, code)

    async def for_applicant(self, code: str) -> Case:
        """Read the dossier of an applicant who has proved the secret. Raises UnknownCase."""
        async with self.pool.transaction(Scope(dossier=code)) as tx:
            return await _known(tx, code)

    def owed(self, case: Case, today: date) -> tuple[Duty, ...]:
        """Say what a dossier waits for, and who owes it today."""
        return owed_on(case, duties(case), self.rules.current_agencies(), today)

    def deadline(self, case: Case) -> Deadline:
        """Explain both due moments, by the calendar of the case before any that was published since.

        Raises ClockDiffers where the explanation would not add up to them, and CalendarYearMissing.
        """
        newest_first = [each.of(case.received_by) for each in reversed(self.rules.calendars())]
        return deadline_of(case, means_of(self.rules, case).kind_of(case), newest_first)

    def step_times(self, case: Case, now: datetime) -> StepTimes:
        """Reckon the clocks of a dossier's steps by the calendar that it follows. Raises CalendarYearMissing."""
        kind, _ = self.rules_of(case)
        return step_times(case, kind, self.rules.calendar(case.calendar_followed), now)

    def rules_of(self, case: Case) -> tuple[Kind, Agencies]:
        """Find the case of the catalogue that a dossier was accepted under, and the agencies in force."""
        means = means_of(self.rules, case)
        return means.kind_of(case), means.agencies

    async def check_secret(self, code: str, secret: str) -> None:
        """Compare a tracking secret in constant time. Raises UnknownCase for a wrong one as for an unknown code."""
        async with self.pool.transaction(Scope(dossier=code)) as tx:
            known = await tracking_secret_hash(tx, code)
        given = hashlib.sha256(secret.encode()).digest()
        if not hmac.compare_digest(known or NO_HASH, given):
            raise UnknownCase


async def _concerning(tx: Connection, code: str, paths: tuple[str, ...]) -> Case:
    case = await _known(tx, code)
    if not case.concerns(paths):
        raise UnknownCase
    return case


async def _known(tx: Connection, code: str) -> Case:
    case = await read_case(tx, code)
    if case is None:
        raise UnknownCase
    return case
