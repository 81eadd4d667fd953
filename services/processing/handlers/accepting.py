"""Accepted dossiers become cases, a whole wave at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from services.processing.domain.opening import Opened, Rules, open_case
from services.processing.handlers.hearing import on_papers_received, on_withdrawal_requested
from services.processing.repository.opening import insert_cases
from shared.contracts import facts, topics
from shared.contracts.facts import DossierAccepted
from shared.database import Connection
from shared.messaging.batch import Handler, Subscription
from shared.messaging.envelope import Received
from shared.messaging.rules import RuleStore


async def on_accepted(rules: RuleStore, tx: Connection, wave: Sequence[Received]) -> None:
    """Open the cases of a wave with the rule versions that each fact names. Raises Unready while one is missing."""
    await insert_cases(tx, [_opened(rules, received) for received in wave])


def _opened(rules: RuleStore, received: Received) -> Opened:
    accepted = received.fact_as(DossierAccepted)
    pinned = Rules(
        rules.catalogue(accepted.catalogue_version),
        rules.calendar(accepted.calendar_version),
        rules.agencies(accepted.agencies_version),
    )
    return open_case(received.subject, accepted, received.legal_time, pinned)


_NOT_ACCEPTED = "intake decides until a dossier is accepted"
IGNORED: Mapping[str, str] = {
    facts.DossierRegistered.TYPE: _NOT_ACCEPTED,
    facts.DossierRefused.TYPE: _NOT_ACCEPTED,
    facts.PapersRequested.TYPE: _NOT_ACCEPTED,
    facts.RegistrationWithdrawn.TYPE: _NOT_ACCEPTED,
}
"""Fact type → why processing leaves it alone."""


def subscriptions(rules: RuleStore) -> tuple[Subscription, ...]:
    """List which fact goes to which function."""
    handlers: dict[str, Handler] = {
        facts.DossierAccepted.TYPE: partial(on_accepted, rules),
        facts.PapersReceived.TYPE: partial(on_papers_received, rules),
        facts.WithdrawalRequested.TYPE: partial(on_withdrawal_requested, rules),
    }
    return (Subscription(topics.LIFECYCLE.name, handlers, IGNORED, own="processing"),)
