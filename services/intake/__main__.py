"""The intake process: takes dossiers in, keeps the people, publishes its facts and the rules."""

from __future__ import annotations

from services.intake.api.backdatings import backdatings_router
from services.intake.api.directory import directory_router
from services.intake.api.dossiers import dossier_router, internal_router, reading_router
from services.intake.api.refusals import TITLES
from services.intake.api.registrations import Reception, registration_router
from services.intake.api.rules import rules_router
from services.intake.handlers.accepting import Desk
from services.intake.handlers.following import SUBSCRIPTIONS
from services.intake.handlers.publishing import Publishing
from services.intake.settings import Settings
from shared.auth import admitted_by
from shared.database import CallersPool
from shared.messaging.consumer import Consumer
from shared.messaging.faults import Unready
from shared.messaging.figures import Gauges
from shared.messaging.journal import Journal
from shared.messaging.officers import OfficerStore
from shared.messaging.relay import Relay
from shared.messaging.rules import RuleStore
from shared.runtime import Parts, Resources, Service, Surface, run
from shared.sealing import KeyEncryptionKey, KeyringReader


async def build(resources: Resources[Settings]) -> Parts:
    """Put intake together; nothing is started yet.

    Rules are not waited for before the loops: on the very first start they are still in intake's own journal, and its
    relay publishes them. Until they are here, intake is not ready.
    """
    settings, pool = resources.settings, resources.pool
    kek = KeyEncryptionKey.read(settings.keyring.key_file)
    keyring = KeyringReader(pool, kek)
    journal, rules = Journal("intake"), RuleStore(settings.kafka)
    desk, callers = Desk(journal, rules, resources.clock, kek), CallersPool(pool, "intake")
    officers = OfficerStore(settings.kafka)

    async def rules_in_force() -> str | None:
        try:
            desk.rules_in_force(resources.clock.now())
        except Unready as error:
            return str(error)
        return None

    return Parts(
        surface=Surface(
            routers=(
                directory_router(desk),
                dossier_router(callers, desk),
                backdatings_router(callers, desk),
                reading_router(callers, desk, keyring),
                registration_router(Reception(callers, desk, keyring)),
                rules_router(pool, Publishing(journal, rules, resources.clock)),
                internal_router(pool, keyring),
            ),
            titles=TITLES,
            unavailable=(Unready,),
            admit=admitted_by(officers.register, lambda: resources.clock.now().date()),
        ),
        loops={"relay": Relay(pool, journal, settings.kafka), "gauges": Gauges(pool, resources.clock)},
        consumers={
            "facts": Consumer("intake", SUBSCRIPTIONS, pool, settings.kafka),
            "rules": rules,
            "officers": officers,
        },
        checks={"rules in force": rules_in_force},
    )


if __name__ == "__main__":
    run(Service("intake", Settings, build))
