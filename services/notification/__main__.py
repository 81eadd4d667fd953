"""The notification process: consumes facts and contacts, sends messages, takes receipts, tells the outcomes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from services.notification.api import notices_router
from services.notification.channels.mail import MailServer
from services.notification.channels.sms import SmsGateway
from services.notification.channels.texts import load_wording
from services.notification.channels.zalo import Zalo
from services.notification.delivery import Delivery, read_waiting
from services.notification.handlers.facts import Requests
from services.notification.handlers.outcomes import Outcomes
from services.notification.handlers.reading import Reading
from services.notification.handlers.sending import CALLS_AT_ONCE, Sender, Sending
from services.notification.receipts import receipts_router
from services.notification.settings import Settings
from shared.auth import admitted_by
from shared.clocks import machine_now
from shared.contracts.facts import Channel
from shared.http.languages import Words
from shared.messaging.consumer import Consumer
from shared.messaging.faults import Unready
from shared.messaging.figures import Gauges
from shared.messaging.journal import Journal
from shared.messaging.officers import OfficerStore
from shared.messaging.relay import Relay
from shared.messaging.rules import RuleStore
from shared.runtime import Parts, Resources, Service, Surface, run
from shared.sealing import KeyEncryptionKey, KeyringReader

NAME = "notification"
TITLES: Mapping[str, Words] = {"dossier_unknown": Words("Không có hồ sơ này", "No such dossier")}


async def build(resources: Resources[Settings]) -> Parts:
    """Put the service together; nothing is started yet."""
    settings, pool = resources.settings, resources.pool
    journal, rules, woken = Journal(NAME), RuleStore(settings.kafka), asyncio.Event()
    officers = OfficerStore(settings.kafka)
    outcomes, reading = Outcomes(pool, journal, resources.clock), Reading(pool, rules, resources.clock)
    senders = channels(settings)
    sending = Sending(
        outcomes,
        KeyringReader(pool, KeyEncryptionKey.read(settings.keyring.key_file)),
        senders,
        load_wording(),
        tracking_page=settings.notices.tracking_page,
        lease=settings.notices.lease,
        call=settings.call,
    )
    subscriptions = Requests(rules, machine_now, woken).subscriptions()
    return Parts(
        surface=Surface(
            routers=(notices_router(reading), receipts_router(outcomes, settings.receipts.token_file)),
            titles=TITLES,
            unavailable=(Unready,),
            admit=admitted_by(officers.register, lambda: resources.clock.now().date()),
        ),
        prepare=(rules.load, officers.load),
        loops={
            "rules": rules,
            "officers": officers,
            "relay": Relay(pool, journal, settings.kafka),
            "gauges": Gauges(pool, resources.clock, (read_waiting,)),
        },
        consumers={
            "facts": Consumer(NAME, subscriptions, pool, settings.kafka),
            "delivery": Delivery(sending, woken),
        },
        closing=tuple(sender.close for sender in senders.values()),
    )


def channels(settings: Settings) -> dict[Channel, Sender]:
    """Open no connection yet; name who sends on which channel."""
    sms, mail, zalo = settings.sms, settings.mail, settings.zalo
    senders: dict[Channel, Sender] = {
        Channel.SMS: SmsGateway(
            sms.url, sms.token_file, timeout_seconds=sms.timeout_seconds, connections=CALLS_AT_ONCE[Channel.SMS]
        ),
        Channel.EMAIL: MailServer(
            mail.host,
            mail.port,
            sender=mail.sender,
            timeout_seconds=mail.timeout_seconds,
            connections=CALLS_AT_ONCE[Channel.EMAIL],
        ),
    }
    if zalo.token_file is not None:
        senders[Channel.ZALO] = Zalo(
            zalo.url,
            zalo.token_file,
            zalo.templates,
            timeout_seconds=zalo.timeout_seconds,
            connections=CALLS_AT_ONCE[Channel.ZALO],
        )
    return senders


if __name__ == "__main__":
    run(Service(NAME, Settings, build))
