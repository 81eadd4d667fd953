"""Publish the next version of a rule set that was signed off: one transaction, one fact of the set's chain."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from services.intake.domain.sign_off import SignedOff, check_base, check_drawn, check_signer
from shared.clocks import LegalClock
from shared.contracts.facts import RulesPublished
from shared.contracts.topics import RULES
from shared.database import Connection
from shared.messaging.faults import Unready
from shared.messaging.journal import Draft, Journal, lock_chain
from shared.messaging.rules import RuleStore
from shared.rulebook.calendar import local
from shared.rulebook.loader import CALENDAR, CATALOGUE
from shared.rulebook.rule_files.catalogue_changes import Base
from shared.rulebook.rule_files.dispatch import Ground
from shared.rulebook.rule_files.drawing import Drawn, draw_calendar, draw_catalogue

Draw = Callable[[datetime, int], Drawn]
"""Draws the next version at a legal moment, after so many that were published. Raises RuleFileFaulty."""


@dataclass(frozen=True, slots=True)
class NewVersion:
    """A version that was published, and when it was (legal time)."""

    drawn: Drawn
    at: datetime


@dataclass(frozen=True)
class Publishing:
    """What publishing rules needs: intake's journal, the rules in force, legal time."""

    journal: Journal
    rules: RuleStore
    clock: LegalClock

    async def calendar(self, tx: Connection, signed: SignedOff) -> NewVersion:
        """Publish a dispatch. Raises Refused, RuleFileFaulty, Unready."""

        def draw(now: datetime, published: int) -> Drawn:
            ground = Ground(self.rules.current_calendar(), self.rules.current_agencies(), local(now).date())
            return draw_calendar(signed.text, ground, published)

        return await self._publish(tx, CALENDAR, signed, draw)

    async def catalogue(self, tx: Connection, signed: SignedOff) -> NewVersion:
        """Publish changes of the catalogue. Raises Refused, RuleFileFaulty, Unready."""

        def draw(now: datetime, published: int) -> Drawn:
            return draw_catalogue(signed.text, Base(self.rules.last_catalogue(), local(now).date()), published)

        return await self._publish(tx, CATALOGUE, signed, draw)

    async def _publish(self, tx: Connection, rule_set: str, signed: SignedOff, draw: Draw) -> NewVersion:
        """Under the lock of the set's chain: of two who publish at once one comes second, and is refused."""
        now = self.clock.now()
        check_signer(signed.agency, self.rules.current_agencies(), local(now).date())
        last = await lock_chain(tx, RULES.name, rule_set)
        seq, current = self.rules.published_last(rule_set)
        if seq != last:
            raise Unready(f"version {last} of {rule_set} is on its way")
        check_base(signed, current)
        drawn = draw(now, last)
        check_drawn(signed, drawn)
        fact = RulesPublished(
            rule_set=rule_set,
            version=drawn.version,
            content=drawn.content,
            based_on=drawn.based_on,
            signed_by=signed.officer,
            signed_agency=signed.agency,
        )
        await self.journal.append(tx, [Draft(RULES.name, rule_set, fact, now, partition_key=drawn.version)])
        return NewVersion(drawn, now)
