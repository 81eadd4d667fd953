"""Follow processing as far as intake's own acts go by it: the state that it told last, and the papers it asks for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.intake.repository.following import Told, follow_dossiers
from shared.contracts import facts
from shared.contracts.topics import LIFECYCLE
from shared.database import Connection
from shared.messaging.batch import Handler, Subscription
from shared.messaging.envelope import Received


async def follow(tx: Connection, received: Sequence[Received]) -> None:
    """Note the states that processing has brought these dossiers into."""
    await follow_dossiers(tx, [_told(fact) for fact in received])


def _told(received: Received) -> Told:
    match received.fact:
        case facts.SupplementRequested(state=state, papers=papers):
            return Told(received.subject, state, received.legal_time, papers)
        case facts.StepFact(state=state) | facts.OfficersFact(state=state) | facts.ResultReopened(state=state):
            return Told(received.subject, state, received.legal_time)
        case _:
            raise TypeError(f"{received.type} tells no state")


HANDLERS: Mapping[str, Handler] = dict.fromkeys(
    (
        facts.DossierAssigned.TYPE,
        facts.SupplementRequested.TYPE,
        facts.SupplementReceived.TYPE,
        facts.RefusedAfterLimit.TYPE,
        facts.PaymentDemanded.TYPE,
        facts.PaymentRecorded.TYPE,
        facts.DossierWithdrawn.TYPE,
        facts.DossierStopped.TYPE,
        facts.ResultReady.TYPE,
        facts.ResultHandedOver.TYPE,
        facts.ResultReopened.TYPE,
    ),
    follow,
)
"""Fact type → what intake does about it: those of moves that change the state."""

_THE_STATE_STAYS = "the dossier's state stays"
IGNORED: Mapping[str, str] = dict.fromkeys(
    (
        facts.StepTaken.TYPE,
        facts.StepCompleted.TYPE,
        facts.ResultSigned.TYPE,
        facts.ResultNumbered.TYPE,
        facts.DossierApologised.TYPE,
        facts.StepReturned.TYPE,
        facts.StepRecalled.TYPE,
        facts.DossierReassigned.TYPE,
        facts.AgencyAsked.TYPE,
        facts.AgencyAnswered.TYPE,
        facts.SignatureVoided.TYPE,
        facts.ResultCorrected.TYPE,
        facts.SupplementProposed.TYPE,
        facts.ClockPaused.TYPE,
        facts.ClockResumed.TYPE,
        facts.DeadlineReissued.TYPE,
        facts.LimitReissued.TYPE,
        facts.HalfTimeReached.TYPE,
        facts.ApologyDrafted.TYPE,
        facts.BecameOverdue.TYPE,
        facts.SupplementLimitReached.TYPE,
        facts.PaymentLimitReached.TYPE,
    ),
    _THE_STATE_STAYS,
)
"""Fact type → why intake leaves it alone."""

SUBSCRIPTIONS = (Subscription(LIFECYCLE.name, HANDLERS, IGNORED, own="intake"),)
