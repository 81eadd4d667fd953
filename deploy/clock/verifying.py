"""Every stored clock held against the facts that it follows from: dossier by dossier, in portions."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import dropwhile

from services.processing.domain.cases import Case
from services.processing.domain.opening import Rules
from services.processing.domain.refolding import Difference, Heard, History, differences
from services.processing.domain.reissuing import Applied
from services.processing.repository.verifying import count_cases, known, read_portion
from shared.contracts.facts import FACTS, DossierAccepted, DossierFact, PapersReceived
from shared.contracts.topics import LIFECYCLE
from shared.database import Connection, Pool
from shared.messaging.faults import Unready
from shared.messaging.history import Recorded, applied, recorded, subjects_of
from shared.messaging.rules import RuleStore

PORTION = 500
"""Dossiers that are read at once: as many as are ever in memory."""
INTAKE = "intake"
OF_INTAKE = (DossierAccepted.TYPE, PapersReceived.TYPE)
OF_PROCESSING = tuple(kind for kind, model in FACTS.items() if issubclass(model, DossierFact) and kind not in OF_INTAKE)


@dataclass(frozen=True)
class ClockVerifier:
    """Reads processing's cases and both journals; what intake has told and processing has not applied is left out."""

    processing: Pool
    intake: Pool
    rules: RuleStore
    portion: int = PORTION

    async def count(self) -> int:
        """Count the dossiers that there are to look at."""
        async with _snapshot(self.processing) as tx:
            return await count_cases(tx)

    async def portions(self) -> AsyncIterator[tuple[int, list[Difference]]]:
        """Yield how many dossiers were looked at since the last time, and where they differ."""
        after = ""
        while cases := await self._cases(after):
            after = cases[-1][0].code
            yield len(cases), [each for stored, history in cases for each in self._differences(stored, history)]
        async for missing in self._without_a_case():
            yield 0, missing

    async def _cases(self, after: str) -> list[tuple[Case, History | None]]:
        async with _snapshot(self.processing) as tx:
            cases = await read_portion(tx, after, self.portion)
            codes = [case.code for case in cases]
            heard = await applied(tx, LIFECYCLE.name, INTAKE, codes)
            told = await recorded(tx, LIFECYCLE.name, codes, OF_PROCESSING)
        async with _snapshot(self.intake) as tx:
            filed = await recorded(tx, LIFECYCLE.name, codes, OF_INTAKE)
        return [(case, _history(filed[case.code], told[case.code], heard.get(case.code, 0))) for case in cases]

    def _differences(self, stored: Case, history: History | None) -> Sequence[Difference]:
        if history is None:
            return [Difference(stored.code, "case", "accepted", "no fact says so")]
        accepted = history.accepted
        try:
            rules = Rules(
                self.rules.catalogue(accepted.catalogue_version),
                self.rules.calendar(accepted.calendar_version).of(accepted.received_by),
                self.rules.agencies(accepted.agencies_version),
            )
            known_since = dropwhile(lambda each: each[0].version != accepted.calendar_version, self.rules.published())
            since = tuple(Applied(calendar.of(accepted.received_by), at) for calendar, at in known_since)
            return differences(stored, history, rules, since)
        except (LookupError, ValueError, Unready) as error:
            return [Difference(stored.code, "case", "accepted", f"its facts add up to nothing: {error}")]

    async def _without_a_case(self) -> AsyncIterator[list[Difference]]:
        """Yield the dossiers whose acceptance was applied, and which are not there."""
        after = ""
        while True:
            async with _snapshot(self.intake) as tx:
                accepted = await subjects_of(tx, LIFECYCLE.name, DossierAccepted.TYPE, after, self.portion)
            if not accepted:
                return
            after = max(accepted)
            async with _snapshot(self.processing) as tx:
                heard = await applied(tx, LIFECYCLE.name, INTAKE, list(accepted))
                there = await known(tx, list(accepted))
            yield [
                Difference(code, "case", "none", "accepted")
                for code, seq in accepted.items()
                if code not in there and heard.get(code, 0) >= seq
            ]


@asynccontextmanager
async def _snapshot(pool: Pool) -> AsyncIterator[Connection]:
    async with pool.acquire() as connection, connection.transaction(isolation="repeatable_read", readonly=True):
        yield connection


def _history(filed: Sequence[Recorded], told: Sequence[Recorded], heard: int) -> History | None:
    """Put together what was told of a dossier; None where nobody said that it was accepted."""
    begins = next((each for each in filed if isinstance(each.fact, DossierAccepted) and each.seq <= heard), None)
    if begins is None or not isinstance(begins.fact, DossierAccepted):
        return None
    papers = tuple(_heard(each) for each in filed if begins.seq < each.seq <= heard)
    return History(begins.subject, begins.fact, begins.legal_time, papers, tuple(map(_heard, told)))


def _heard(each: Recorded) -> Heard:
    if not isinstance(each.fact, DossierFact):
        raise TypeError(f"{each.fact.TYPE} is no fact of a dossier")
    return Heard(each.fact, each.legal_time)
