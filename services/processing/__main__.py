"""The processing process: opens cases, decides acts, fires timers, answers officers and applicants."""

from __future__ import annotations

from services.processing.api.acts import Acts
from services.processing.api.bulk import bulk_router
from services.processing.api.deadlines import deadlines_router
from services.processing.api.directory import directory_router
from services.processing.api.history import history_router
from services.processing.api.internal import internal_router
from services.processing.api.officers import Desk, officers_router
from services.processing.api.register import register_router
from services.processing.api.tracking import Tickets, tracking_router
from services.processing.api.wording import TITLES
from services.processing.api.worklists import worklist_router
from services.processing.handlers.accepting import subscriptions
from services.processing.handlers.acting import Acting
from services.processing.handlers.officers import Officers
from services.processing.handlers.reading import Reading
from services.processing.handlers.reissuing import Reissuing
from services.processing.loops import Rereading, Timers, read_due
from services.processing.settings import Settings
from shared.auth import admitted_by
from shared.database import CallersPool
from shared.http.app import Surface
from shared.http.rates import Rate
from shared.messaging.consumer import Consumer
from shared.messaging.faults import Unready
from shared.messaging.figures import Gauges
from shared.messaging.journal import Journal
from shared.messaging.relay import Relay
from shared.messaging.rules import RuleStore
from shared.runtime import Parts, Resources, Service, run

NAME = "processing"


async def build(resources: Resources[Settings]) -> Parts:
    """Put the service together; nothing is started yet."""
    settings, pool, clock = resources.settings, resources.pool, resources.clock
    rules, journal = RuleStore(settings.kafka), Journal(NAME)
    callers = CallersPool(pool, NAME)
    reading = Reading(callers, rules)
    timers = Timers(pool, journal, clock, Reissuing(rules, journal))
    tickets = Tickets.with_keys(
        settings.tracking_keys, issuer=settings.tokens.issuer, seconds=settings.tracking.token_seconds
    )
    officers = Officers(pool, journal)
    desk = Desk(callers, Acting(rules, journal, clock, officers.register), reading)
    acts = Acts(callers, desk.acting)
    return Parts(
        surface=Surface(
            routers=(
                officers_router(desk, acts),
                bulk_router(desk, acts),
                worklist_router(desk),
                register_router(desk, officers),
                deadlines_router(desk, tickets),
                history_router(desk),
                tracking_router(reading, tickets, Rate("guesses", settings.limits.guesses, seconds=60)),
                directory_router(),
                internal_router(pool, clock, timers.woken),
            ),
            titles=TITLES,
            unavailable=(Unready,),
            verifiers=(tickets.verifier,),
            admit=admitted_by(officers.register, lambda: clock.now().date()),
        ),
        prepare=(rules.load, officers.refresh),
        loops={
            "rules": rules,
            "relay": Relay(pool, journal, settings.kafka),
            "gauges": Gauges(pool, clock, (read_due,)),
        },
        consumers={
            "facts": Consumer(NAME, subscriptions(rules), pool, settings.kafka),
            "timers": timers,
            "officers": Rereading(officers),
        },
    )


if __name__ == "__main__":
    run(Service(NAME, Settings, build))
