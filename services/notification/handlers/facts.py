"""What notification does with facts: remember who may look, how to reach people, and what they are to be told."""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from services.notification.domain.notices import NOTICES, NoNotice, Notice
from services.notification.repository import requests
from services.notification.repository.requests import Asked, Contact, Dossier
from shared.contracts import facts, topics
from shared.database import Connection
from shared.messaging.batch import Handler, Subscription
from shared.messaging.envelope import Received
from shared.messaging.rules import RuleStore

CONTACT_WAIT = timedelta(seconds=60)
"""How long a notice waits for its contact, which travels on a topic of its own, before it is shown as unreachable;
machine time. A contact that comes later still makes its messages: nobody else tells the tracking code."""


BEGINNINGS = (facts.DossierRegistered.TYPE, facts.DossierRefused.TYPE, facts.DossierAccepted.TYPE)
"""Facts that say who may see a dossier; each names its paths, and the later one counts."""
REISSUED = (facts.DeadlineReissued.TYPE, facts.LimitReissued.TYPE)
"""Facts of what another calendar has moved."""


class Requests:
    """Handlers of the consumer. `woken` tells the delivery loop that there is work."""

    def __init__(self, rules: RuleStore, machine_now: Callable[[], datetime], woken: asyncio.Event) -> None:
        self._rules = rules
        self._machine_now = machine_now
        self._woken = woken

    def subscriptions(self) -> tuple[Subscription, ...]:
        """List which fact goes to which function."""
        told: dict[str, Handler] = {kind: self.on_told for kind, entry in NOTICES.items() if isinstance(entry, Notice)}
        return (
            Subscription(
                topics.LIFECYCLE.name,
                handlers=told | dict.fromkeys(BEGINNINGS, self.on_begun) | dict.fromkeys(REISSUED, self.on_reissued),
                ignored={kind: entry.reason for kind, entry in NOTICES.items() if isinstance(entry, NoNotice)},
            ),
            Subscription(topics.CONTACTS.name, handlers={facts.ContactStated.TYPE: self.on_contact}, compacted=True),
        )

    async def on_begun(self, tx: Connection, wave: Sequence[Received]) -> None:
        """Remember by which paths the dossier may be seen, before its acceptance its place's alone; then tell."""
        await requests.save_dossiers(tx, [_dossier(received) for received in wave])
        await self.on_told(tx, wave)

    async def on_told(self, tx: Connection, wave: Sequence[Received]) -> None:
        """Ask for the notice of each fact. Raises Unready while the catalogue that it names is missing."""
        asked = [_asked(received, self._rules) for received in wave if _is_told(received)]
        await requests.ask(tx, asked, self._machine_now() + CONTACT_WAIT)
        self._woken.set()

    async def on_reissued(self, tx: Connection, wave: Sequence[Received]) -> None:
        """Tell another date or limit once the calendar that it goes by is here. Raises Unready."""
        for version in {received.fact_as(facts.DossierFact).calendar_version for received in wave}:
            self._rules.calendar(version)
        await self.on_told(tx, wave)

    async def on_contact(self, tx: Connection, wave: Sequence[Received]) -> None:
        """Remember how to reach the applicants, still sealed."""
        await requests.save_contacts(tx, [_contact(received) for received in wave])
        self._woken.set()


def _dossier(received: Received) -> Dossier:
    match fact := received.fact_as(facts.DossierFact):
        case facts.DossierAccepted():
            return Dossier(received.subject, fact.received_path, fact.competent_path, fact.area_code)
        case facts.DossierRegistered():
            return Dossier(received.subject, fact.received_path, fact.received_path, fact.area_code)
        case facts.DossierRefused():
            return Dossier(received.subject, fact.received_path, fact.received_path)
        case _:
            raise TypeError(f"{received.type} begins no dossier")


def _is_told(received: Received) -> bool:
    notice = NOTICES[received.type]
    return isinstance(notice, Notice) and notice.concerns(received.fact_as(facts.Fact))


def _asked(received: Received, rules: RuleStore) -> Asked:
    notice = NOTICES[received.type]
    if not isinstance(notice, Notice):
        raise TypeError(f"{received.type} has no notice")
    return Asked(
        fact_id=received.id,
        code=received.subject,
        template=notice.template,
        parameters=notice.parameters(received.fact_as(facts.DossierFact), rules.catalogue),
        trace_parent=received.trace_parent,
        asked_at=received.legal_time,
    )


def _contact(received: Received) -> Contact:
    stated = received.fact_as(facts.ContactStated)
    sealed = base64.b64decode(stated.sealed, validate=True)
    return Contact(received.subject, stated.language, tuple(dict.fromkeys(stated.channels)), sealed)
