"""The metrics process: counts facts, exports figures, answers with the report and the board."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import REGISTRY

from services.metrics.api import history_router, quiet_router, report_router
from services.metrics.exporter import DomainFigures
from services.metrics.handlers import counting
from services.metrics.handlers.reporting import Reporting
from services.metrics.pages import board_router
from services.metrics.settings import Settings
from shared.database import transaction
from shared.http.languages import Words
from shared.look.pages import look_router
from shared.messaging.consumer import Consumer
from shared.messaging.rules import RuleStore
from shared.runtime import Parts, Resources, Service, Surface, run

TITLES: Mapping[str, Words] = {
    "agency_unknown": Words("Không có cơ quan này", "No such agency"),
    "period_reversed": Words("Kỳ báo cáo không hợp lệ", "The period is not valid"),
}


async def build(resources: Resources[Settings]) -> Parts:
    """Put the service together; nothing is started yet."""
    settings, pool, clock = resources.settings, resources.pool, resources.clock
    rules = RuleStore(settings.kafka)
    reporting = Reporting(pool, rules, clock)
    domain_figures = DomainFigures(pool, clock)
    REGISTRY.register(domain_figures)
    consumer = Consumer("metrics", counting.subscriptions(rules), pool, settings.kafka)

    async def keep_places() -> None:
        async with transaction(pool) as tx:
            await counting.keep_places(tx, rules.current_agencies())

    return Parts(
        surface=Surface(
            routers=(
                look_router(),
                board_router(reporting, settings.board.agency, moves=settings.clock.scenario_file is not None),
                report_router(reporting),
                history_router(pool),
                quiet_router(pool),
            ),
            titles=TITLES,
        ),
        prepare=(rules.load, keep_places),
        loops={"domain figures": domain_figures},
        consumers={"facts": consumer, "rules": rules},
    )


if __name__ == "__main__":
    run(Service("metrics", Settings, build))
