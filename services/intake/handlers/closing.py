"""Follow processing only so far as to know which dossiers are closed: no papers are taken for them any more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.intake.repository import dossiers
from shared.contracts import facts
from shared.contracts.topics import LIFECYCLE
from shared.database import Connection
from shared.messaging.batch import Handler, Subscription
from shared.messaging.envelope import Received


async def close(tx: Connection, received: Sequence[Received]) -> None:
    """Note that processing is done with these dossiers."""
    await dossiers.close_dossiers(tx, [fact.subject for fact in received], [fact.legal_time for fact in received])


async def reopen(tx: Connection, received: Sequence[Received]) -> None:
    """Note that processing has taken these dossiers up again."""
    await dossiers.reopen_dossiers(tx, [fact.subject for fact in received])


HANDLERS: Mapping[str, Handler] = {
    facts.ResultReady.TYPE: close,
    facts.ResultHandedOver.TYPE: close,
    facts.ResultReopened.TYPE: reopen,
}
"""Fact type → what intake does about it."""

_STILL_OPEN = "the dossier stays open for papers"
IGNORED: Mapping[str, str] = {
    facts.DossierAssigned.TYPE: _STILL_OPEN,
    facts.StepTaken.TYPE: _STILL_OPEN,
    facts.StepCompleted.TYPE: _STILL_OPEN,
    facts.ResultSigned.TYPE: _STILL_OPEN,
    facts.ResultNumbered.TYPE: _STILL_OPEN,
    facts.DossierApologised.TYPE: _STILL_OPEN,
    facts.StepReturned.TYPE: _STILL_OPEN,
    facts.StepRecalled.TYPE: _STILL_OPEN,
    facts.DossierReassigned.TYPE: _STILL_OPEN,
    facts.AgencyAsked.TYPE: _STILL_OPEN,
    facts.AgencyAnswered.TYPE: _STILL_OPEN,
    facts.SignatureVoided.TYPE: _STILL_OPEN,
    facts.ResultCorrected.TYPE: "the dossier stays closed",
    facts.HalfTimeReached.TYPE: _STILL_OPEN,
    facts.ApologyDrafted.TYPE: _STILL_OPEN,
    facts.BecameOverdue.TYPE: _STILL_OPEN,
}
"""Fact type → why intake leaves it alone."""

SUBSCRIPTIONS = (Subscription(LIFECYCLE.name, HANDLERS, IGNORED, own="intake"),)
