"""What the applicant did at intake after acceptance: papers that arrived, a wish to withdraw."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from services.processing.domain.cases import Case
from services.processing.domain.clock import papers_arrived, restated
from services.processing.domain.workflow import Decision
from services.processing.handlers.acting import alarms_for, means_of
from services.processing.repository.acting import save_acts
from services.processing.repository.locking import lock_known
from shared.contracts.facts import PapersReceived
from shared.database import Connection
from shared.messaging.envelope import Received
from shared.messaging.rules import RuleStore


async def on_papers_received(rules: RuleStore, tx: Connection, wave: Sequence[Received]) -> None:
    """Note what is still missing of the supplements of a wave; with its last paper a pause is over (C6).

    Papers of before acceptance are intake's.
    """

    def arrived(case: Case, received: Received) -> Case:
        after = papers_arrived(case, received.fact_as(PapersReceived).missing, received.legal_time)
        means = means_of(rules, after)
        return case if after is case else restated(after, means.kind_of(after), *means.calendars)

    await _change(rules, tx, wave, arrived)


async def on_withdrawal_requested(rules: RuleStore, tx: Connection, wave: Sequence[Received]) -> None:
    """Note that applicants want their dossiers back: from now on an officer owes them an answer."""

    def requested(case: Case, received: Received) -> Case:
        return replace(case, withdrawal_requested_at=case.withdrawal_requested_at or received.legal_time)

    await _change(rules, tx, wave, requested)


async def _change(
    rules: RuleStore, tx: Connection, wave: Sequence[Received], change: Callable[[Case, Received], Case]
) -> None:
    """Change the cases that are known here; the officers' version stays, for what they saw is theirs to act on."""
    known = await lock_known(tx, [received.subject for received in wave], wave[0].legal_time)
    decisions, alarms = [], []
    for received in wave:
        locked = known.get(received.subject)
        if locked is None or (after := change(locked.case, received)) is locked.case:
            continue
        decision = Decision(locked.case, after, ())
        decisions.append(decision)
        alarms.append((received.subject, alarms_for(rules, decision, received.legal_time)))
    if decisions:
        await save_acts(tx, decisions, alarms)
