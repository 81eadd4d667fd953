"""The register of officers in memory: an act asks the database nothing about its officer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.processing.domain.acts import Officer
from services.processing.domain.refusals import UnknownEntry
from services.processing.repository.officers import add_entry, entries_after
from shared.contracts.officers import EntryKind, OfficerEntered
from shared.contracts.topics import OFFICERS
from shared.database import Connection, Pool, autocommit
from shared.messaging.journal import Draft, Journal
from shared.rulebook.officers import Entry, Register, Said


class Officers:
    """What leaders have said, as far as this process has read it: `refresh` looks for more."""

    def __init__(self, pool: Pool, journal: Journal) -> None:
        self._pool, self._journal = pool, journal
        self._register = Register()

    def register(self) -> Register:
        """Return the register as it was read last."""
        return self._register

    async def refresh(self) -> None:
        """Read what was said since: once before the process serves anybody, and then every second."""
        async with autocommit(self._pool) as database:
            fresh = await entries_after(database, self._register.last_no)
        if fresh:
            self._register = self._register.grown(entry for entry in fresh if entry.no > self._register.last_no)

    async def add(self, tx: Connection, leader: Officer, path: str, said: Said, now: datetime) -> Entry:
        """Add what a leader says of his own agency, which has this path, and tell it. Raises UnknownEntry."""
        if said.withdraws is not None:
            standing = self._register.standing(leader.agency, said.withdraws)
            if standing is None:
                raise UnknownEntry
            said = replace(standing.said, kind=EntryKind.WITHDRAWAL, role="", deputy="", withdraws=said.withdraws)
        entry = await add_entry(tx, (leader.agency, path), said, at=now, by=leader.subject)
        await self._journal.append(tx, [_told(entry)])
        return entry


def _told(entry: Entry) -> Draft:
    said = entry.said
    fact = OfficerEntered(
        no=entry.no,
        kind=said.kind,
        agency=entry.agency,
        officer=said.officer,
        role=said.role,
        deputy=said.deputy,
        first_day=said.first_day,
        last_day=said.last_day,
        withdraws=said.withdraws,
        recorded_by=entry.recorded_by,
    )
    return Draft(OFFICERS.name, entry.agency, fact, entry.recorded_at)
