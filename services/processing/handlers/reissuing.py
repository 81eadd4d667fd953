"""Open dossiers follow the calendar version in force: each under its lock, once, whoever comes to it first."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from services.processing.domain.cases import Case
from services.processing.domain.reissuing import Applied, Checked, Fate, alarms_anew, check
from services.processing.domain.timers import Alarms
from services.processing.handlers.drafting import drafts_of
from services.processing.repository.reissuing import Behind, lock_behind, lock_behind_named, save_checked
from shared.database import Connection, Pool, transaction
from shared.messaging.journal import Journal
from shared.messaging.rules import RuleStore
from shared.observability import new_traceparent
from shared.rulebook.catalogue import Case as Kind

BATCH = 200
"""Dossiers that follow in one transaction."""


@dataclass(frozen=True)
class Reissuing:
    """Lets dossiers follow the calendar in force. `journal` is processing's own.

    Which version a dossier follows stands in its row: a process that lacks that version waits for it before it acts.
    """

    rules: RuleStore
    journal: Journal

    async def turn(self, pool: Pool) -> int:
        """Let one batch follow; answer how many there were, 0 once every dossier does or is somebody's just now."""
        older = self.rules.older_calendars()
        if not older:
            return 0
        async with transaction(pool) as tx:
            behind = await lock_behind(tx, older, BATCH)
            await self._settle(tx, behind)
        return len(behind)

    async def catch_up(self, tx: Connection, codes: Collection[str]) -> Counter[Fate]:
        """Let these dossiers follow before anything else is decided about them."""
        older = self.rules.older_calendars()
        return await self._settle(tx, await lock_behind_named(tx, codes, older)) if older else Counter()

    async def _settle(self, tx: Connection, behind: Sequence[Behind]) -> Counter[Fate]:
        calendar, at = self.rules.calendar_in_force()
        checked: list[Checked] = []
        alarms: dict[str, Alarms] = {}
        for each in behind:
            own, kind = calendar.of(each.case.received_by), self._kind_of(each.case)
            found = check(each.case, kind, Applied(own, at), each.unfired)
            checked.append(found)
            alarms[each.case.code] = alarms_anew(found, kind, own)
        if checked:
            await save_checked(tx, checked, alarms)
        trace = new_traceparent()
        drafts = [draft for each in checked for draft in drafts_of(each.after.code, each.facts, trace)]
        await self.journal.append(tx, drafts)
        return Counter(each.fate for each in checked)

    def _kind_of(self, case: Case) -> Kind:
        return case.kind(self.rules.catalogue(case.catalogue_version))
