"""One act of an officer: lock the case, let the clock make its moves first, decide, save, tell."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from services.processing.domain.acts import Act, Officer
from services.processing.domain.cases import Case
from services.processing.domain.duties import Duty
from services.processing.domain.effects import Drafted, Means
from services.processing.domain.refusals import UnknownCase
from services.processing.domain.timers import fire
from services.processing.domain.workflow import decide
from services.processing.repository.acting import Locked, draw_number, lock_case, save_act
from services.processing.repository.clockwork import save_fired
from shared.clocks import LegalClock
from shared.contracts.topics import LIFECYCLE
from shared.database import Connection
from shared.messaging.journal import Draft, Journal
from shared.messaging.rules import RuleStore
from shared.observability import current_traceparent


@dataclass(frozen=True, slots=True)
class Performed:
    """An act that took effect: the case after it, the type of its fact, and what is owed now."""

    case: Case
    fact_type: str
    owed: tuple[Duty, ...]


@dataclass(frozen=True)
class Acting:
    """Performs acts. `journal` is processing's own; everything happens in the caller's transaction."""

    rules: RuleStore
    journal: Journal
    clock: LegalClock

    async def perform(
        self, tx: Connection, code: str, act: Act, officer: Officer, *, path: str, seen_version: int
    ) -> Performed:
        """Perform one act on what an officer saw whose agency has this path. Raises Refusal: nothing was changed then.

        A dossier in which his subtree has no part is as unknown to him as it is to a reader.

        A timer that is due and has not fired yet comes first: the law's clock is never overtaken by an act.
        """
        found = await lock_case(tx, code, path, self.clock.now)
        if found is None:
            raise UnknownCase
        locked, now = found
        case = locked.case
        drafted: tuple[Drafted, ...] = ()
        if locked.due_timers:
            case, drafted = await _let_the_clock_move(tx, locked, now=now)
        number = await draw_number(tx, officer.agency, now.year) if act.action == "number" else None
        means = Means(self.rules.calendar(case.calendar_version), self.rules.agencies(case.agencies_version), number)
        decision = decide(case, act, officer, now, seen_version=seen_version, means=means)
        owed = await save_act(tx, decision)
        await self.journal.append(tx, drafts_of(code, (*drafted, *decision.facts), current_traceparent()))
        return Performed(decision.after, decision.facts[-1].fact.TYPE, owed)


async def _let_the_clock_move(tx: Connection, locked: Locked, *, now: datetime) -> tuple[Case, tuple[Drafted, ...]]:
    fired = fire(locked.case, locked.due_timers, now)
    await save_fired(tx, [(locked, fired)])
    return fired.after, fired.facts


def drafts_of(code: str, drafted: tuple[Drafted, ...], trace_parent: str) -> list[Draft]:
    """Address facts of one dossier to the lifecycle."""
    return [Draft(LIFECYCLE.name, code, each.fact, each.legal_time, trace_parent=trace_parent) for each in drafted]
