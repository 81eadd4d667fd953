"""Officers' acts: lock the cases, let the clock make its moves first, decide, save, tell; each for itself."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case
from services.processing.domain.changing import Means
from services.processing.domain.duties import Duty, owed_on
from services.processing.domain.refusals import Refusal, UnknownCase
from services.processing.domain.timers import Alarms, alarms_of, fire
from services.processing.domain.workflow import Decision, decide
from services.processing.handlers.drafting import drafts_of
from services.processing.handlers.reissuing import Reissuing
from services.processing.repository.acting import draw_numbers, save_acts
from services.processing.repository.clockwork import save_fired
from services.processing.repository.locking import Locked, lock_named
from shared.clocks import LegalClock
from shared.database import Connection
from shared.group_commit import Busy
from shared.messaging.journal import Draft, Journal
from shared.messaging.rules import RuleStore
from shared.rulebook.calendar import CalendarYearMissing
from shared.rulebook.officers import NOBODY_SAID, Register


@dataclass(frozen=True, slots=True)
class Wanted:
    """An act that an officer wants on the version of a dossier that he saw; these paths are his agency's.

    A dossier in which his subtree has no part is as unknown to him as it is to a reader.
    """

    code: str
    act: Act
    officer: Officer
    paths: tuple[str, ...]
    seen_version: int
    trace_parent: str


@dataclass(frozen=True, slots=True)
class Performed:
    """An act that took effect: the case after it, the type of its fact, and what is owed now."""

    case: Case
    fact_type: str
    owed: tuple[Duty, ...]


@dataclass(frozen=True, slots=True)
class _Judged:
    """An act that may be done: what the clock had to do first, and what the act itself changes."""

    wanted: Wanted
    locked: Locked
    fired: Decision | None
    decision: Decision

    @property
    def gives_number(self) -> bool:
        return self.wanted.act.action == "number"

    @property
    def drafts(self) -> list[Draft]:
        facts = (*(self.fired.facts if self.fired is not None else ()), *self.decision.facts)
        return drafts_of(self.wanted.code, facts, self.wanted.trace_parent)


Outcome = Performed | Refusal | CalendarYearMissing | Busy


@dataclass(frozen=True)
class Acting:
    """Performs acts. `journal` is processing's own; everything happens in the caller's transaction."""

    rules: RuleStore
    journal: Journal
    clock: LegalClock
    officers: Callable[[], Register] = lambda: NOBODY_SAID

    async def perform(self, tx: Connection, wanted: Sequence[Wanted]) -> list[Outcome]:
        """Perform acts, each on another dossier; where the outcome is an error, nothing was changed there.

        Of several, one whose dossier somebody else holds is `Busy`; for a single one it waits.

        A timer that is due and has not fired yet comes first: the law's clock is never overtaken by an act.
        """
        found, now = await self._lock(tx, [each.code for each in wanted])
        missing = UnknownCase if len(wanted) == 1 else Busy
        judged = [self._judge(each, found[each.code], now) if each.code in found else missing() for each in wanted]
        good = await self._number(tx, [each for each in judged if isinstance(each, _Judged)], now)
        owed = iter(await self._save(tx, good, now) if good else ())
        performed = iter([self._performed(each, next(owed), now) for each in good])
        return [next(performed) if isinstance(each, _Judged) else each for each in judged]

    async def _lock(self, tx: Connection, codes: Sequence[str]) -> tuple[Mapping[str, Locked], datetime]:
        """Lock the cases. One that follows an older calendar than the one in force follows it first."""
        found, now = await lock_named(tx, codes, self.clock.now)
        older = self.rules.older_calendars()
        if behind := [code for code, locked in found.items() if locked.case.calendar_followed in older]:
            await Reissuing(self.rules, self.journal).catch_up(tx, behind)
            found, now = await lock_named(tx, list(found), self.clock.now)
        return found, now

    def _judge(self, wanted: Wanted, locked: Locked, now: datetime) -> _Judged | Refusal | CalendarYearMissing:
        """Say whether one act may be done."""
        if not locked.case.concerns(wanted.paths):
            return UnknownCase()
        fired = fire(locked.case, locked.due_timers, now) if locked.due_timers else None
        try:
            decision = self._decide(wanted, locked.case if fired is None else fired.after, now, number=0)
        except (Refusal, CalendarYearMissing) as refused:
            return refused
        return _Judged(wanted, locked, fired, decision)

    def _decide(self, wanted: Wanted, case: Case, now: datetime, number: int) -> Decision:
        """Decide one act on the case; which number it gives decides nothing."""
        means = means_of(self.rules, case, number, self.officers())
        return decide(case, wanted.act, wanted.officer, now, seen_version=wanted.seen_version, means=means)

    async def _number(self, tx: Connection, judged: Sequence[_Judged], now: datetime) -> list[_Judged]:
        """Draw numbers of registers for the acts that give one and may be done, and decide these with them."""
        drawing = Counter(each.wanted.officer.agency for each in judged if each.gives_number)
        if not drawing:
            return list(judged)
        numbers = await draw_numbers(tx, drawing, now.year)

        def numbered(each: _Judged) -> _Judged:
            number = next(numbers[each.wanted.officer.agency])
            return replace(each, decision=self._decide(each.wanted, each.decision.before, now, number))

        return [numbered(each) if each.gives_number else each for each in judged]

    def _performed(self, judged: _Judged, owed: tuple[Duty, ...], now: datetime) -> Performed:
        case, fact = judged.decision.after, judged.decision.facts[-1].fact
        return Performed(case, fact.TYPE, owed_on(case, owed, self.rules.current_agencies(), now.date()))

    async def _save(self, tx: Connection, judged: Sequence[_Judged], now: datetime) -> list[tuple[Duty, ...]]:
        if fired := [(each.locked, each.fired) for each in judged if each.fired is not None]:
            await save_fired(tx, fired)
        alarms = [(each.wanted.code, alarms_for(self.rules, each.decision, now)) for each in judged]
        owed = await save_acts(tx, [each.decision for each in judged], alarms)
        await self.journal.append(tx, [draft for each in judged for draft in each.drafts])
        return owed


def means_of(rules: RuleStore, case: Case, number: int | None = None, officers: Register = NOBODY_SAID) -> Means:
    """Find the rules that a dossier goes by; calendars as its place keeps them, agencies as they are in force."""
    versions = case.calendar_followed, case.calendar_version, case.statutory_version
    followed, promised_by, statutory_by = (rules.calendar(version).of(case.received_by) for version in versions)
    agencies, catalogue = rules.current_agencies(), rules.catalogue(case.catalogue_version)
    if promised_by is followed is statutory_by:
        return Means(followed, agencies, catalogue, number, officers=officers)
    return Means(followed, agencies, catalogue, number, promised_by, statutory_by, officers)


def alarms_for(rules: RuleStore, decision: Decision, now: datetime) -> Alarms:
    """Say what a decision does to the timers of its dossier."""
    return alarms_of(decision.before, decision.after, means_of(rules, decision.after), now)
