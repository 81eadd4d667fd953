"""The register of officers in memory: an act asks the database nothing about its officer."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.processing.domain.acts import Officer
from services.processing.domain.register import Entry, EntryKind, Register, Said
from services.processing.repository.officers import add_entry, entries_after
from shared.database import Connection, Pool, autocommit


class Officers:
    """What leaders have said, as far as this process has read it: `refresh` looks for more."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.register = Register()

    async def refresh(self) -> None:
        """Read what was said since: once before the process serves anybody, and then every second."""
        async with autocommit(self._pool) as database:
            fresh = await entries_after(database, self.register.last_no)
        if fresh:
            self.register = self.register.grown(entry for entry in fresh if entry.no > self.register.last_no)

    async def add(self, tx: Connection, leader: Officer, path: str, said: Said, now: datetime) -> Entry:
        """Add what a leader says of his own agency, which has this path. Raises UnknownEntry."""
        if said.withdraws is not None:
            withdrawn = self.register.standing(leader.agency, said.withdraws).said
            said = replace(withdrawn, kind=EntryKind.WITHDRAWAL, role="", deputy="", withdraws=said.withdraws)
        return await add_entry(tx, (leader.agency, path), said, at=now, by=leader.subject)
