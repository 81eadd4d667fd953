"""A leader approves that a filing counts from before its record; a desk's filings use approvals up (C14)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Self

from services.intake.domain.acceptance import AcceptedFiling, accept
from services.intake.domain.attempts import Rules
from services.intake.domain.backdating import Approval, ReceivedEarlier, backdated
from services.intake.domain.filing import Filing
from services.intake.repository.backdatings import lock_approvals, use_approvals
from shared.database import Connection


@dataclass(frozen=True, slots=True)
class Recorded:
    """Who records a filing, at which place, and when."""

    officer: str
    place: str
    at: datetime


@dataclass(slots=True)
class Approvals:
    """The approvals that filings of one transaction name, locked: each is for one dossier."""

    known: dict[str, Approval]
    used: dict[str, str] = field(default_factory=dict)

    @classmethod
    async def named(cls, tx: Connection, earlier: Sequence[tuple[str, ReceivedEarlier]]) -> Self:
        """Read those that are named, each with its place; where none is, nothing is asked of the database."""
        if not earlier:
            return cls({})
        return cls(await lock_approvals(tx, {said.approval for _, said in earlier}, {place for place, _ in earlier}))

    def accept(self, said: ReceivedEarlier, filing: Filing, rules: Rules, recorded: Recorded) -> AcceptedFiling:
        """Decide about a filing as of when it was received, by the rules in force then.

        That it reaches no further back than it may is known. Raises Refused, CalendarYearMissing.
        """
        approval, place = self.known.get(said.approval), recorded.place
        accepted = accept(filing, place, rules, said.received_at)
        filed = (place, filing.procedure_code, filing.case_code)
        found = backdated(said, approval, filed, recorded.officer, recorded.at)
        self.known[said.approval] = replace(self.known[said.approval], used_for="")
        return replace(accepted, acceptance=replace(accepted.acceptance, backdating=found))

    async def save(self, tx: Connection) -> None:
        """Write down which dossier each was used for, once the dossiers are there."""
        if self.used:
            await use_approvals(tx, self.used)
